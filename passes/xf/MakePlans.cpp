//===- MakePlans.cpp - One function per entry point and token range -------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_MAKEPLANS
#include "passes/Passes.h.inc"

/// Upper ends of token ranges: `first`, then `factor` times as many each, and
/// `last` at the end.
static SmallVector<int64_t> ranges(int64_t first, int64_t factor,
                                   int64_t last) {
  SmallVector<int64_t> result;
  for (int64_t end = first; end < last; end *= factor)
    result.push_back(end);
  result.push_back(last);
  return result;
}

namespace {
struct MakePlans : impl::MakePlansBase<MakePlans> {
  using MakePlansBase::MakePlansBase;

  // The smallest token tile of a matmul, and steps at which a larger one pays.
  static constexpr int64_t kFirstDecode = 8, kDecodeFactor = 4;
  static constexpr int64_t kFirstPrefill = 64, kPrefillFactor = 8;

  void runOnOperation() override {
    if (failed(checkOptions()))
      return signalPassFailure();
    auto forward = getOperation().lookupSymbol<func::FuncOp>("forward");
    if (!forward) {
      getOperation().emitError("has no function @forward");
      return signalPassFailure();
    }
    for (int64_t tokens : ranges(kFirstDecode, kDecodeFactor, maxSeqs))
      addPlan(forward, "decode", tokens);
    for (int64_t tokens : ranges(kFirstPrefill, kPrefillFactor, maxTokens))
      addPlan(forward, "prefill", tokens);
    forward.erase();
  }

  LogicalResult checkOptions() {
    std::pair<StringRef, int64_t> options[] = {{"max-tokens", maxTokens},
                                               {"max-seqs", maxSeqs},
                                               {"max-rows", maxRows},
                                               {"max-context", maxContext}};
    for (auto [name, value] : options)
      if (value <= 0)
        return getOperation().emitError("expects '")
               << name << "' to be positive, but got " << value;
    return success();
  }

  void addPlan(func::FuncOp forward, StringRef entry, int64_t tokens) {
    func::FuncOp plan = forward.clone();
    Builder builder(&getContext());
    plan.setName((entry + "_" + Twine(tokens)).str());
    plan->setAttr("xf.entry", builder.getStringAttr(entry));
    auto bound = [&](StringRef name, int64_t value) {
      return builder.getNamedAttr(name, builder.getI64IntegerAttr(value));
    };
    plan->setAttr("xf.bounds",
                  builder.getDictionaryAttr(
                      {bound("tokens", tokens),
                       bound("seqs", std::min<int64_t>(maxSeqs, tokens)),
                       bound("rows", std::min<int64_t>(maxRows, tokens)),
                       bound("context", maxContext)}));
    forward->getBlock()->getOperations().insert(forward->getIterator(), plan);
  }
};
} // namespace
} // namespace tilewright
