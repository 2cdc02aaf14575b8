//===- HoistWeights.cpp - Weight expressions to the top -------------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_HOISTWEIGHTS
#include "passes/Passes.h.inc"

namespace {
struct HoistWeights : impl::HoistWeightsBase<HoistWeights> {
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    Block &entry = getOperation().front();
    SmallVector<Operation *> weights;
    for (Operation &op : entry)
      if (op.getNumResults() && xf::isWeightExpression(op.getResult(0)))
        weights.push_back(&op);
    // In order, so that each still follows its operands.
    Operation *last = nullptr;
    for (Operation *op : weights) {
      if (last)
        op->moveAfter(last);
      else
        op->moveBefore(&entry, entry.begin());
      last = op;
    }
  }
};
} // namespace
} // namespace tilewright
