//===- XfMathOps.cpp - Matmul, elementwise and row-wise ops ---------------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tilewright::xf {

/// `type` with another last dimension and element type.
static RankedTensorType withRow(RankedTensorType type, int64_t size,
                                Type elementType) {
  SmallVector<Dim> dims = getRowDims(type);
  dims.push_back(Dim::fixed(size));
  return getTensorType(dims, elementType);
}

//===----------------------------------------------------------------------===//
// MatmulOp
//===----------------------------------------------------------------------===//

void MatmulOp::build(OpBuilder &builder, OperationState &state, Value input,
                     Value weight, Type elementType) {
  auto inputType = cast<RankedTensorType>(input.getType());
  auto weightType = cast<RankedTensorType>(weight.getType());
  build(builder, state,
        withRow(inputType, weightType.getDimSize(0), elementType), input,
        weight);
}

LogicalResult MatmulOp::verify() {
  RankedTensorType inputType = getInput().getType();
  RankedTensorType weightType = getWeight().getType();

  // matmul_c1
  if (failed(expectStaticRows(*this, {"input", inputType})))
    return failure();

  // matmul_c2
  if (failed(expectRank(*this, {"weight", weightType}, 2)) ||
      failed(expectStatic(*this, {"weight", weightType})))
    return failure();
  Dim rows = getDim(weightType, 0);
  Dim depth = getDim(inputType, inputType.getRank() - 1);
  if (failed(expectShape(*this, {"weight", weightType}, {rows, depth})))
    return failure();

  // matmul_c3
  if (failed(expectElementType(*this, {"weight", weightType},
                               inputType.getElementType())))
    return failure();

  // matmul_c4
  SmallVector<Dim> dims = getRowDims(inputType);
  dims.push_back(rows);
  if (failed(expectShape(*this, {"result", getType()}, dims)))
    return failure();

  // matmul_c5
  if (getType().getElementType().isF32())
    return success();
  return expectElementType(*this, {"result", getType()},
                           inputType.getElementType());
}

//===----------------------------------------------------------------------===//
// AddOp and MulOp
//===----------------------------------------------------------------------===//

static bool isRow(RankedTensorType rhs, RankedTensorType lhs) {
  return rhs.getRank() == 1 && lhs.getRank() >= 1 &&
         getDim(rhs, 0) == getDim(lhs, lhs.getRank() - 1);
}

/// True if `rhs` has the shape of `lhs` or of one of its rows.
static bool matches(RankedTensorType rhs, RankedTensorType lhs) {
  return getDims(rhs) == getDims(lhs) || isRow(rhs, lhs);
}

static InFlightDiagnostic emitShapeError(Operation *op, RankedTensorType rhs,
                                         RankedTensorType lhs) {
  return op->emitOpError("expects 'rhs' to have the shape of 'lhs' or of one "
                         "of its rows, but got ")
         << rhs << " for " << lhs;
}

bool AddOp::isRowBroadcast() {
  return getLhs().getType().getRank() > 1 &&
         isRow(getRhs().getType(), getLhs().getType());
}

bool MulOp::isRowBroadcast() {
  return getLhs().getType().getRank() > 1 &&
         isRow(getRhs().getType(), getLhs().getType());
}

LogicalResult AddOp::verify() {
  // add_c1
  if (!matches(getRhs().getType(), getType()))
    return emitShapeError(*this, getRhs().getType(), getType());

  // add_c2
  return expectElementTypeUnlessF32(*this, {"rhs", getRhs().getType()},
                                    getType().getElementType());
}

LogicalResult MulOp::verify() {
  // mul_c1
  if (!matches(getRhs().getType(), getType()))
    return emitShapeError(*this, getRhs().getType(), getType());

  // mul_c2
  return expectElementTypeUnlessF32(*this, {"rhs", getRhs().getType()},
                                    getType().getElementType());
}

//===----------------------------------------------------------------------===//
// ScaleOp and ScaleRowsOp
//===----------------------------------------------------------------------===//

LogicalResult ScaleOp::verify() {
  // scale_c1
  if (!getFactor().isFinite())
    return emitOpError("expects 'factor' to be finite");
  return success();
}

LogicalResult ScaleRowsOp::verify() {
  // scale_rows_c1
  if (failed(expectRankAtLeast(*this, {"input", getType()}, 1)))
    return failure();

  // scale_rows_c2
  return expectShape(*this, {"scale", getScale().getType()},
                     getRowDims(getType()));
}

//===----------------------------------------------------------------------===//
// GatedActivationOp
//===----------------------------------------------------------------------===//

void GatedActivationOp::build(OpBuilder &builder, OperationState &state,
                              Value input, ActivationKind kind,
                              int64_t pairDistance) {
  auto type = cast<RankedTensorType>(input.getType());
  Type result =
      withRow(type, type.getShape().back() / 2, type.getElementType());
  build(builder, state, result, input, kind, pairDistance);
}

LogicalResult GatedActivationOp::verify() {
  RankedTensorType inputType = getInput().getType();

  // gated_activation_c1
  if (failed(expectStaticRows(*this, {"input", inputType})))
    return failure();

  // gated_activation_c2
  int64_t rowSize = inputType.getShape().back();
  if (getPairDistance() <= 0 || rowSize % (2 * getPairDistance()) != 0)
    return emitOpError("expects 2 * 'pair_distance' to divide the row size ")
           << rowSize << ", but got " << getPairDistance();

  // gated_activation_c3
  SmallVector<Dim> dims = getRowDims(inputType);
  dims.push_back(Dim::fixed(rowSize / 2));
  if (failed(expectShape(*this, {"result", getType()}, dims)))
    return failure();

  // gated_activation_c4
  return expectElementType(*this, {"result", getType()},
                           inputType.getElementType());
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

LogicalResult RmsNormOp::verify() {
  RankedTensorType inputType = getInput().getType();
  RankedTensorType weightType = getWeight().getType();

  // rms_norm_c1
  if (failed(expectStaticRows(*this, {"input", inputType})))
    return failure();

  // rms_norm_c2
  if (failed(expectShape(*this, {"weight", weightType},
                         getDim(inputType, inputType.getRank() - 1))))
    return failure();

  // rms_norm_c3
  if (failed(expectElementTypeUnlessF32(*this, {"weight", weightType},
                                        inputType.getElementType())))
    return failure();

  // rms_norm_c4
  return expectPositive(*this, "epsilon", getEpsilon());
}

void SumSquaresOp::build(OpBuilder &builder, OperationState &state, Value input,
                         int64_t chunk) {
  auto type = cast<RankedTensorType>(input.getType());
  int64_t chunks = llvm::divideCeilSigned(type.getShape().back(), chunk);
  build(builder, state, withRow(type, chunks, builder.getF32Type()), input,
        chunk);
}

LogicalResult SumSquaresOp::verify() {
  RankedTensorType inputType = getInput().getType();

  // sum_squares_c1
  if (failed(expectStaticRows(*this, {"input", inputType})))
    return failure();

  // sum_squares_c2
  if (failed(expectPositive(*this, "chunk", getChunk())))
    return failure();

  // sum_squares_c3
  SmallVector<Dim> dims = getRowDims(inputType);
  dims.push_back(Dim::fixed(
      llvm::divideCeilSigned(inputType.getShape().back(), getChunk())));
  return expectShape(*this, {"result", getType()}, dims);
}

void RstdOp::build(OpBuilder &builder, OperationState &state, Value partial,
                   int64_t count, APFloat epsilon) {
  auto type = cast<RankedTensorType>(partial.getType());
  build(builder, state, getTensorType(getRowDims(type), builder.getF32Type()),
        partial, count, epsilon);
}

LogicalResult RstdOp::verify() {
  // rstd_c1
  RankedTensorType partialType = getPartial().getType();
  if (failed(expectRankAtLeast(*this, {"partial", partialType}, 1)))
    return failure();

  // rstd_c2
  if (failed(expectPositive(*this, "count", getCount())))
    return failure();

  // rstd_c3
  if (failed(expectPositive(*this, "epsilon", getEpsilon())))
    return failure();

  // rstd_c4
  return expectShape(*this, {"result", getType()}, getRowDims(partialType));
}

} // namespace tilewright::xf
