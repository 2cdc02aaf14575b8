//===- PairGateColumns.cpp - Gate and up next to each other ---------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_PAIRGATECOLUMNS
#include "passes/Passes.h.inc"

/// Preconditions:
/// 1. the gates come straight from a matmul with no other user;
/// 2. its weight is a weight expression;
/// 3. the pairs divide into groups of the distance.
static LogicalResult pairColumns(xf::GatedActivationOp gated, int64_t distance,
                                 PatternRewriter &rewriter) {
  auto matmul = gated.getInput().getDefiningOp<xf::MatmulOp>();
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

  rewriter.setInsertionPoint(matmul);
  auto grouped =
      xf::RegroupRowsOp::create(rewriter, matmul.getLoc(), matmul.getWeight(),
                                columns, columns, from, distance);
  rewriter.modifyOpInPlace(matmul,
                           [&] { matmul.getWeightMutable().set(grouped); });
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
