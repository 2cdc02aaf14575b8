//===- XfInterfaces.cpp - How each op uses rows ---------------------------===//

#include "ir/xf/Xf.h"

using namespace mlir;

#include "ir/xf/XfInterfaces.cpp.inc"

namespace tilewright::xf {

bool isWeightExpression(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<WeightExpression>() &&
         llvm::all_of(op->getOperands(), isWeightExpression);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

FusionKind WeightOp::getFusionKind() { return FusionKind::Weight; }
OperandUse WeightOp::getOperandUse(unsigned) { return OperandUse::Whole; }

FusionKind RopeTableOp::getFusionKind() { return FusionKind::Weight; }
OperandUse RopeTableOp::getOperandUse(unsigned) { return OperandUse::Whole; }

FusionKind RegroupRowsOp::getFusionKind() { return FusionKind::Weight; }
OperandUse RegroupRowsOp::getOperandUse(unsigned) { return OperandUse::Whole; }

FusionKind ScaleColumnsOp::getFusionKind() { return FusionKind::Weight; }
OperandUse ScaleColumnsOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::Column;
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

FusionKind CastOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse CastOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind ReshapeOp::getFusionKind() { return FusionKind::Movement; }
OperandUse ReshapeOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind SplitOp::getFusionKind() { return FusionKind::Movement; }
OperandUse SplitOp::getOperandUse(unsigned) {
  bool last = getDim() == getInput().getType().getRank() - 1;
  return last ? OperandUse::Row : OperandUse::Whole;
}

FusionKind ConcatOp::getFusionKind() { return FusionKind::Movement; }
OperandUse ConcatOp::getOperandUse(unsigned) {
  bool last = getDim() == getType().getRank() - 1;
  return last ? OperandUse::Row : OperandUse::Whole;
}

FusionKind RegroupColumnsOp::getFusionKind() { return FusionKind::Movement; }
OperandUse RegroupColumnsOp::getOperandUse(unsigned) { return OperandUse::Row; }

//===----------------------------------------------------------------------===//
// Matmul, elementwise, row-wise
//===----------------------------------------------------------------------===//

FusionKind MatmulOp::getFusionKind() { return FusionKind::Matmul; }
OperandUse MatmulOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::Whole;
}

FusionKind AddOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse AddOp::getOperandUse(unsigned index) {
  return index == 1 && isRowBroadcast() ? OperandUse::Column : OperandUse::Row;
}

FusionKind MulOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse MulOp::getOperandUse(unsigned index) {
  return index == 1 && isRowBroadcast() ? OperandUse::Column : OperandUse::Row;
}

FusionKind ScaleOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse ScaleOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind ScaleRowsOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse ScaleRowsOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::RowScalar;
}

FusionKind ActivationOp::getFusionKind() { return FusionKind::Elementwise; }
OperandUse ActivationOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind GatedActivationOp::getFusionKind() { return FusionKind::Pairwise; }
OperandUse GatedActivationOp::getOperandUse(unsigned) {
  return OperandUse::Row;
}

FusionKind RmsNormOp::getFusionKind() { return FusionKind::RowWise; }
OperandUse RmsNormOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::Column;
}

FusionKind SumSquaresOp::getFusionKind() { return FusionKind::RowWise; }
OperandUse SumSquaresOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind RstdOp::getFusionKind() { return FusionKind::RowWise; }
OperandUse RstdOp::getOperandUse(unsigned) { return OperandUse::Row; }

//===----------------------------------------------------------------------===//
// Rows by index, rope, cache, attention
//===----------------------------------------------------------------------===//

FusionKind EmbeddingOp::getFusionKind() { return FusionKind::Gather; }
OperandUse EmbeddingOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Whole : OperandUse::RowScalar;
}

FusionKind GatherRowsOp::getFusionKind() { return FusionKind::Gather; }
OperandUse GatherRowsOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Whole : OperandUse::RowScalar;
}

FusionKind RopeOp::getFusionKind() { return FusionKind::Pairwise; }
OperandUse RopeOp::getOperandUse(unsigned index) {
  if (index == 0)
    return OperandUse::Row;
  return index == 1 ? OperandUse::Whole : OperandUse::RowScalar;
}

FusionKind CacheAppendOp::getFusionKind() { return FusionKind::CacheWrite; }
OperandUse CacheAppendOp::getOperandUse(unsigned index) {
  if (index == 0)
    return OperandUse::Whole;
  return index == 1 ? OperandUse::Row : OperandUse::RowScalar;
}

FusionKind AttentionOp::getFusionKind() { return FusionKind::Attention; }
OperandUse AttentionOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::Whole;
}

FusionKind AttentionPartialOp::getFusionKind() { return FusionKind::Attention; }
OperandUse AttentionPartialOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::Whole;
}

FusionKind AttentionCombineOp::getFusionKind() { return FusionKind::Attention; }
OperandUse AttentionCombineOp::getOperandUse(unsigned) {
  return OperandUse::Row;
}

//===----------------------------------------------------------------------===//
// Sampling and kernels
//===----------------------------------------------------------------------===//

FusionKind ArgmaxOp::getFusionKind() { return FusionKind::Sampling; }
OperandUse ArgmaxOp::getOperandUse(unsigned) { return OperandUse::Row; }

FusionKind SampleOp::getFusionKind() { return FusionKind::Sampling; }
OperandUse SampleOp::getOperandUse(unsigned index) {
  return index == 0 ? OperandUse::Row : OperandUse::RowScalar;
}

FusionKind KernelOp::getFusionKind() { return FusionKind::Kernel; }
OperandUse KernelOp::getOperandUse(unsigned) { return OperandUse::Whole; }

} // namespace tilewright::xf
