//===- FormGatedActivations.cpp - Activation times partner ----------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_FORMGATEDACTIVATIONS
#include "passes/Passes.h.inc"

/// Preconditions:
/// 1. one factor is an activation with no other user;
/// 2. its operand and the other factor are the halves of one split, in this
///    order, along the last dimension.
static LogicalResult formGate(xf::MulOp mul, PatternRewriter &rewriter) {
  Value other = mul.getRhs();
  auto activation = mul.getLhs().getDefiningOp<xf::ActivationOp>();
  if (!activation) {
    activation = mul.getRhs().getDefiningOp<xf::ActivationOp>();
    other = mul.getLhs();
  }
  if (!activation || !activation->hasOneUse())
    return rewriter.notifyMatchFailure(mul,
                                       "no factor is an activation of its own");
  auto split = activation.getInput().getDefiningOp<xf::SplitOp>();
  if (!split || split.getPieces().size() != 2)
    return rewriter.notifyMatchFailure(mul, "the activation is not on a half");
  auto input = cast<RankedTensorType>(split.getInput().getType());
  if (static_cast<int64_t>(split.getDim()) != input.getRank() - 1 ||
      activation.getInput() != split.getPieces()[0] ||
      other != split.getPieces()[1])
    return rewriter.notifyMatchFailure(
        mul, "the factors are not a gate and its partner");

  auto gated = xf::GatedActivationOp::create(
      rewriter, rewriter.getFusedLoc({activation.getLoc(), mul.getLoc()}),
      split.getInput(), activation.getKind(), split.getSizes()[0]);
  rewriter.replaceOp(mul, gated.getResult());
  return success();
}

namespace {
struct FormGatedActivations
    : impl::FormGatedActivationsBase<FormGatedActivations> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(formGate);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace tilewright
