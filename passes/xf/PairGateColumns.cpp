//===- PairGateColumns.cpp - Gate and up next to each other ---------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_PAIRGATECOLUMNS
#include "passes/Passes.h.inc"

/// Preconditions:
/// 1. the gates come straight from a matmul, or from one and its bias, each
/// with
///    no other user;
/// 2. weight and bias are weight expressions;
/// 3. the pairs divide into groups of the distance.
static LogicalResult pairColumns(xf::GatedActivationOp gated, int64_t distance,
                                 PatternRewriter &rewriter) {
  auto bias = gated.getInput().getDefiningOp<xf::AddOp>();
  if (bias && (!bias->hasOneUse() || !bias.isRowBroadcast() ||
               !xf::isWeightExpression(bias.getRhs())))
    return rewriter.notifyMatchFailure(gated, "what is added is no bias");
  Value product = bias ? bias.getLhs() : gated.getInput();
  auto matmul = product.getDefiningOp<xf::MatmulOp>();
  int64_t from = gated.getPairDistance();
  if (from == distance)
    return rewriter.notifyMatchFailure(gated,
                                       "pairs are at this distance already");
  if (!matmul || !matmul->hasOneUse() ||
      !xf::isWeightExpression(matmul.getWeight()))
    return rewriter.notifyMatchFailure(
        gated, "no matmul of its own with a weight known at load");
  int64_t columns = gated.getInput().getType().getShape().back();
  if (columns % (2 * distance) != 0)
    return rewriter.notifyMatchFailure(
        gated, "the distance does not divide the pairs");

  auto regroup = [&](OpOperand &operand) {
    Operation *user = operand.getOwner();
    rewriter.setInsertionPoint(user);
    auto grouped =
        xf::RegroupRowsOp::create(rewriter, user->getLoc(), operand.get(),
                                  columns, columns, from, distance);
    rewriter.modifyOpInPlace(user, [&] { operand.set(grouped); });
  };
  regroup(matmul.getWeightMutable());
  if (bias)
    regroup(bias.getRhsMutable());
  rewriter.modifyOpInPlace(gated, [&] { gated.setPairDistance(distance); });
  return success();
}

namespace {
struct PairGateColumns : impl::PairGateColumnsBase<PairGateColumns> {
  using PairGateColumnsBase::PairGateColumnsBase;
  void runOnOperation() override {
    SmallVector<xf::GatedActivationOp> gates;
    getOperation().walk(
        [&](xf::GatedActivationOp gated) { gates.push_back(gated); });
    PatternRewriter rewriter(&getContext());
    for (xf::GatedActivationOp gated : gates)
      (void)pairColumns(gated, distance, rewriter);
  }
};
} // namespace
} // namespace tilewright
