//===- GatherRowsEarly.cpp - Choose rows before computing on them ---------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_GATHERROWSEARLY
#include "passes/Passes.h.inc"

/// True if each row of the op's result depends on the same row of operand 0
/// and on nothing else that has rows.
static bool isRowByRow(Operation *op) {
  auto fusion = dyn_cast<xf::FusionInterface>(op);
  if (!fusion || op->getNumResults() != 1 || op->getNumOperands() == 0)
    return false;
  xf::FusionKind kind = fusion.getFusionKind();
  if (kind != xf::FusionKind::Elementwise && kind != xf::FusionKind::RowWise &&
      kind != xf::FusionKind::Pairwise)
    return false;
  if (fusion.getOperandUse(0) != xf::OperandUse::Row)
    return false;
  for (unsigned i = 1, e = op->getNumOperands(); i < e; ++i)
    if (fusion.getOperandUse(i) != xf::OperandUse::Column)
      return false;
  return true;
}

/// Preconditions:
/// 1. the gathered value is the result of a row-by-row op on a matrix;
/// 2. nobody else uses that result.
static LogicalResult gatherEarly(xf::GatherRowsOp gather,
                                 PatternRewriter &rewriter) {
  Operation *producer = gather.getInput().getDefiningOp();
  if (!producer || !isRowByRow(producer))
    return rewriter.notifyMatchFailure(gather, "input is not made row by row");
  auto input = cast<RankedTensorType>(producer->getOperand(0).getType());
  if (input.getRank() != 2)
    return rewriter.notifyMatchFailure(gather,
                                       "the rows are not those of a matrix");
  if (!gather.getInput().hasOneUse())
    return rewriter.notifyMatchFailure(gather, "all rows have another user");

  rewriter.setInsertionPoint(gather);
  auto early = xf::GatherRowsOp::create(
      rewriter, gather.getLoc(), producer->getOperand(0), gather.getIndices());
  IRMapping map;
  map.map(producer->getOperand(0), early.getResult());
  Operation *late = rewriter.clone(*producer, map);
  late->getResult(0).setType(gather.getType());
  rewriter.replaceOp(gather, late->getResult(0));
  rewriter.eraseOp(producer);
  return success();
}

namespace {
struct GatherRowsEarly : impl::GatherRowsEarlyBase<GatherRowsEarly> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(gatherEarly);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
} // namespace tilewright
