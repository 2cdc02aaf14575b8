//===- PairRopeColumns.cpp - Rotated halves next to each other ------------===//
// Runs before matmuls are merged: there, each chain from weight to rope is
// still a straight line.
//===----------------------------------------------------------------------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_PAIRROPECOLUMNS
#include "passes/Passes.h.inc"

namespace {
/// What lies between a matmul and the rope of its result.
struct RopeChain {
  xf::MatmulOp matmul;
  /// Operands that have one number per column and must be regrouped with it.
  SmallVector<OpOperand *> columns;
};
} // namespace

/// Walks up from `rope` to the matmul. Preconditions, each an early return:
/// 1. every op on the way keeps columns apart, or reduces over a whole head;
/// 2. every value on the way has one user;
/// 3. the per-column operands, and the matmul's weight, are weight expressions;
/// 4. each has a number, or a row, for every column of one or more whole heads.
static FailureOr<RopeChain> findChain(xf::RopeOp rope,
                                      PatternRewriter &rewriter) {
  RopeChain chain;
  int64_t headDim = rope.getInput().getType().getShape().back();
  Value value = rope.getInput();
  while (true) {
    Operation *op = value.getDefiningOp();
    if (!op || !value.hasOneUse())
      return rewriter.notifyMatchFailure(rope,
                                         "a value on the way has another user");
    if (auto matmul = dyn_cast<xf::MatmulOp>(op)) {
      if (!xf::isWeightExpression(matmul.getWeight()))
        return rewriter.notifyMatchFailure(rope,
                                           "the weight is not known at load");
      if (matmul.getWeight().getType().getDimSize(0) % headDim != 0)
        return rewriter.notifyMatchFailure(
            rope, "a row of the product is no whole number of heads");
      chain.matmul = matmul;
      return chain;
    }
    if (isa<xf::AddOp, xf::MulOp, xf::RmsNormOp>(op)) {
      OpOperand &column = op->getOpOperand(1);
      auto columnType = cast<RankedTensorType>(column.get().getType());
      if (columnType.getRank() != 1 || !xf::isWeightExpression(column.get()))
        return rewriter.notifyMatchFailure(
            rope, "an operand on the way is not a row of weights");
      if (columnType.getDimSize(0) % headDim != 0)
        return rewriter.notifyMatchFailure(
            rope, "an operand on the way has numbers for a part of a head");
      chain.columns.push_back(&column);
    } else if (!isa<xf::CastOp, xf::ReshapeOp, xf::ScaleOp>(op)) {
      return rewriter.notifyMatchFailure(rope,
                                         "an op on the way is not understood");
    }
    value = op->getOperand(0);
  }
}

static LogicalResult pairColumns(xf::RopeOp rope, int64_t distance,
                                 PatternRewriter &rewriter) {
  int64_t from = rope.getPairDistance();
  int64_t headDim = rope.getInput().getType().getShape().back();
  int64_t extent = rope.getTable().getType().getDimSize(1) * 2;
  if (from == distance)
    return rewriter.notifyMatchFailure(rope,
                                       "pairs are at this distance already");
  if (extent % (2 * distance) != 0)
    return rewriter.notifyMatchFailure(
        rope, "the distance does not divide the pairs");
  FailureOr<RopeChain> chain = findChain(rope, rewriter);
  if (failed(chain))
    return failure();

  auto regroup = [&](OpOperand &operand) {
    Operation *user = operand.getOwner();
    rewriter.setInsertionPoint(user);
    auto grouped =
        xf::RegroupRowsOp::create(rewriter, user->getLoc(), operand.get(),
                                  headDim, extent, from, distance);
    rewriter.modifyOpInPlace(user, [&] { operand.set(grouped); });
  };
  regroup(chain->matmul.getWeightMutable());
  for (OpOperand *column : chain->columns)
    regroup(*column);

  rewriter.modifyOpInPlace(rope, [&] { rope.setPairDistance(distance); });
  rewriter.setInsertionPointAfter(rope);
  auto restored =
      xf::RegroupColumnsOp::create(rewriter, rope.getLoc(), rope.getResult(),
                                   headDim, extent, distance, from);
  rewriter.replaceAllUsesExcept(rope.getResult(), restored.getResult(),
                                restored);
  return success();
}

namespace {
struct PairRopeColumns : impl::PairRopeColumnsBase<PairRopeColumns> {
  using PairRopeColumnsBase::PairRopeColumnsBase;
  void runOnOperation() override {
    SmallVector<xf::RopeOp> ropes;
    getOperation().walk([&](xf::RopeOp rope) { ropes.push_back(rope); });
    PatternRewriter rewriter(&getContext());
    for (xf::RopeOp rope : ropes)
      (void)pairColumns(rope, distance, rewriter);
  }
};
} // namespace
} // namespace tilewright
