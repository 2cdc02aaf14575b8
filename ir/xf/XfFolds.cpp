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

OpFoldResult RegroupRowsOp::fold(FoldAdaptor) {
  if (getFrom() == getTo())
    return getInput();
  // There and back again.
  auto inner = getInput().getDefiningOp<RegroupRowsOp>();
  if (inner && inner.getPeriod() == getPeriod() &&
      inner.getExtent() == getExtent() && inner.getFrom() == getTo() &&
      inner.getTo() == getFrom())
    return inner.getInput();
  return {};
}

} // namespace tilewright::xf
