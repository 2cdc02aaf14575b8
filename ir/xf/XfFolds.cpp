//===- XfFolds.cpp - Folds of xf ops --------------------------------------===//
// Only folds that keep every bit of the result.
//===----------------------------------------------------------------------===//

#include "ir/xf/XfOps.h"

using namespace mlir;

namespace tilewright::xf {

/// True if every value of `narrow` is a value of `wide`.
static bool holds(Type wide, Type narrow) {
  return wide == narrow || wide.isF32();
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  // A cast to a type that holds all values, and back.
  auto inner = getInput().getDefiningOp<CastOp>();
  if (inner && inner.getInput().getType() == getType() &&
      holds(inner.getType().getElementType(), getType().getElementType()))
    return inner.getInput();
  return {};
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  if (getInput().getType() == getType())
    return getInput();
  auto inner = getInput().getDefiningOp<ReshapeOp>();
  if (!inner)
    return {};
  if (inner.getInput().getType() == getType())
    return inner.getInput();
  getInputMutable().assign(inner.getInput());
  return getResult();
}

LogicalResult SplitOp::fold(FoldAdaptor,
                            SmallVectorImpl<OpFoldResult> &results) {
  if (getPieces().size() == 1) {
    results.push_back(getInput());
    return success();
  }
  // The pieces that were joined along the same dimension.
  auto concat = getInput().getDefiningOp<ConcatOp>();
  if (!concat || concat.getDim() != getDim() ||
      concat.getInputs().getTypes() != getPieces().getTypes())
    return failure();
  llvm::append_range(results, concat.getInputs());
  return success();
}

OpFoldResult ConcatOp::fold(FoldAdaptor) {
  if (getInputs().size() == 1)
    return getInputs().front();
  // All pieces of one tensor, in order.
  auto split = getInputs().front().getDefiningOp<SplitOp>();
  if (split && split.getDim() == getDim() &&
      llvm::equal(split.getPieces(), getInputs()))
    return split.getInput();
  return {};
}

OpFoldResult ScaleOp::fold(FoldAdaptor) {
  return getFactor().isExactlyValue(1.0) ? getInput() : OpFoldResult();
}

/// `RegroupOp` is on rows or on columns.
template <typename RegroupOp>
static OpFoldResult foldRegroup(RegroupOp op) {
  if (op.getFrom() == op.getTo())
    return op.getInput();
  auto inner = op.getInput().template getDefiningOp<RegroupOp>();
  if (!inner || inner.getPeriod() != op.getPeriod() ||
      inner.getExtent() != op.getExtent() || inner.getTo() != op.getFrom())
    return {};
  // There and back again.
  if (inner.getFrom() == op.getTo())
    return inner.getInput();
  // There by way of a third distance.
  op.setFrom(inner.getFrom());
  op.getInputMutable().assign(inner.getInput());
  return op.getResult();
}

OpFoldResult RegroupRowsOp::fold(FoldAdaptor) { return foldRegroup(*this); }

OpFoldResult RegroupColumnsOp::fold(FoldAdaptor) { return foldRegroup(*this); }

} // namespace tilewright::xf
