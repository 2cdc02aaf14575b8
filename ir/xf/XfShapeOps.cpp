//===- XfShapeOps.cpp - Builders and verifiers of movement ----------------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace tilewright::xf {

//===----------------------------------------------------------------------===//
// CastOp
//===----------------------------------------------------------------------===//

void CastOp::build(OpBuilder &builder, OperationState &state, Value input,
                   Type elementType) {
  auto type = cast<RankedTensorType>(input.getType());
  build(builder, state, type.clone(elementType), input);
}

LogicalResult CastOp::verify() {
  // cast_c1
  return expectShape(*this, {"result", getType()},
                     getDims(getInput().getType()));
}

//===----------------------------------------------------------------------===//
// ReshapeOp
//===----------------------------------------------------------------------===//

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value input,
                      ArrayRef<Dim> dims) {
  Type elementType = getElementTypeOrSelf(input.getType());
  build(builder, state, getTensorType(dims, elementType), input);
}

/// True if both shapes are static, or both have the same symbolic size in
/// dimension 0 and no other.
static bool sameLeadingSize(RankedTensorType lhs, RankedTensorType rhs) {
  if (lhs.hasStaticShape() || rhs.hasStaticShape())
    return lhs.hasStaticShape() && rhs.hasStaticShape();
  return lhs.getNumDynamicDims() == 1 && rhs.getNumDynamicDims() == 1 &&
         lhs.isDynamicDim(0) && rhs.isDynamicDim(0) &&
         getDim(lhs, 0) == getDim(rhs, 0);
}

static int64_t productOfStaticSizes(RankedTensorType type) {
  int64_t product = 1;
  for (int64_t size : type.getShape())
    product *= ShapedType::isDynamic(size) ? 1 : size;
  return product;
}

LogicalResult ReshapeOp::verify() {
  RankedTensorType inputType = getInput().getType();

  // reshape_c1
  if (failed(expectElementType(*this, {"result", getType()},
                               inputType.getElementType())))
    return failure();

  // reshape_c2
  if (!sameLeadingSize(inputType, getType()))
    return emitOpError("expects 'input' and 'result' to have the same symbolic "
                       "size, in dimension 0 only, but got ")
           << inputType << " and " << getType();

  // reshape_c3
  if (productOfStaticSizes(inputType) != productOfStaticSizes(getType()))
    return emitOpError("expects 'result' to have as many elements as ")
           << inputType << ", but got " << getType();

  return success();
}

//===----------------------------------------------------------------------===//
// RegroupColumnsOp
//===----------------------------------------------------------------------===//

LogicalResult RegroupColumnsOp::verify() {
  // regroup_columns_c1
  if (failed(expectStaticRows(*this, {"input", getType()})))
    return failure();

  return expectRegrouping(*this, "columns", getType().getShape().back(),
                          {int64_t(getPeriod()), int64_t(getExtent()),
                           int64_t(getFrom()), int64_t(getTo())});
}

//===----------------------------------------------------------------------===//
// SplitOp and ConcatOp
//===----------------------------------------------------------------------===//

/// The type of `type` with another size along `dim`.
static RankedTensorType withSize(RankedTensorType type, int64_t dim,
                                 int64_t size) {
  SmallVector<Dim> dims = getDims(type);
  dims[dim] = Dim::fixed(size);
  return getTensorType(dims, type.getElementType());
}

void SplitOp::build(OpBuilder &builder, OperationState &state, Value input,
                    int64_t dim, ArrayRef<int64_t> sizes) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<Type> types;
  for (int64_t size : sizes)
    types.push_back(withSize(type, dim, size));
  build(builder, state, types, input, dim);
}

SmallVector<int64_t> SplitOp::getSizes() {
  SmallVector<int64_t> sizes;
  for (Type type : getPieces().getTypes())
    sizes.push_back(cast<RankedTensorType>(type).getDimSize(getDim()));
  return sizes;
}

void ConcatOp::build(OpBuilder &builder, OperationState &state,
                     ValueRange inputs, int64_t dim) {
  int64_t size = 0;
  for (Type type : inputs.getTypes())
    size += cast<RankedTensorType>(type).getDimSize(dim);
  auto first = cast<RankedTensorType>(inputs.front().getType());
  build(builder, state, withSize(first, dim, size), inputs, dim);
}

/// Checks `piece` against `whole`, everywhere but along `dim`.
static LogicalResult expectPiece(Operation *op, Type piece,
                                 RankedTensorType whole, int64_t dim) {
  auto type = cast<RankedTensorType>(piece);
  if (type.getElementType() == whole.getElementType() &&
      type.getRank() == whole.getRank()) {
    SmallVector<Dim> dims = getDims(type), expected = getDims(whole);
    dims[dim] = expected[dim];
    if (dims == expected)
      return success();
  }
  return op->emitOpError("expects pieces like ")
         << whole << " except along dimension " << dim << ", but got " << type;
}

static LogicalResult expectSum(Operation *op, TypeRange pieces,
                               RankedTensorType whole, int64_t dim) {
  if (whole.isDynamicDim(dim))
    return op->emitOpError("expects dimension ")
           << dim << " to be static, but got " << whole;
  int64_t sum = 0;
  for (Type piece : pieces) {
    auto type = cast<RankedTensorType>(piece);
    if (type.isDynamicDim(dim))
      return op->emitOpError("expects dimension ")
             << dim << " to be static, but got " << type;
    sum += type.getDimSize(dim);
  }
  if (sum == whole.getDimSize(dim))
    return success();
  return op->emitOpError("expects the pieces' sizes to add up to ")
         << whole.getDimSize(dim) << ", but got " << sum;
}

static LogicalResult expectDim(Operation *op, int64_t dim,
                               RankedTensorType whole) {
  if (dim >= 0 && dim < whole.getRank())
    return success();
  return op->emitOpError("expects 'dim' to be a dimension of ")
         << whole << ", but got " << dim;
}

static LogicalResult expectLastUnlessStatic(Operation *op, int64_t dim,
                                            RankedTensorType whole) {
  if (whole.hasStaticShape() || dim == whole.getRank() - 1)
    return success();
  return op->emitOpError("expects 'dim' to be the last dimension of ")
         << whole << ", but got " << dim;
}

LogicalResult SplitOp::verify() {
  RankedTensorType whole = getInput().getType();
  int64_t dim = getDim();

  // split_c1
  if (failed(expectDim(*this, dim, whole)))
    return failure();

  // split_c2
  if (getPieces().empty())
    return emitOpError("expects at least one result");

  // split_c3
  for (Type piece : getPieces().getTypes())
    if (failed(expectPiece(*this, piece, whole, dim)))
      return failure();

  // split_c4
  if (failed(expectSum(*this, getPieces().getTypes(), whole, dim)))
    return failure();

  // split_c5
  return expectLastUnlessStatic(*this, dim, whole);
}

LogicalResult ConcatOp::verify() {
  RankedTensorType whole = getType();
  int64_t dim = getDim();

  // concat_c1
  if (getInputs().empty())
    return emitOpError("expects at least one input");

  // concat_c2
  if (failed(expectDim(*this, dim, whole)))
    return failure();

  // concat_c3
  for (Type piece : getInputs().getTypes())
    if (failed(expectPiece(*this, piece, whole, dim)))
      return failure();

  // concat_c4
  if (failed(expectSum(*this, getInputs().getTypes(), whole, dim)))
    return failure();

  // concat_c5
  return expectLastUnlessStatic(*this, dim, whole);
}

} // namespace tilewright::xf
