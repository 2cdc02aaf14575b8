//===- XfVerify.cpp - Checks that verifiers of xf ops share ---------------===//

#include "ir/xf/XfVerify.h"

using namespace mlir;

namespace tilewright::xf {

static InFlightDiagnostic expects(Operation *op, const NamedType &tensor) {
  return op->emitOpError("expects '") << tensor.name << "' to have ";
}

static std::string toString(ArrayRef<Dim> dims) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(dims, os);
  os << "]";
  return text;
}

LogicalResult expectRank(Operation *op, NamedType tensor, int64_t rank) {
  if (tensor.type.getRank() == rank)
    return success();
  return expects(op, tensor) << "rank " << rank << ", but got " << tensor.type;
}

LogicalResult expectRankAtLeast(Operation *op, NamedType tensor, int64_t rank) {
  if (tensor.type.getRank() >= rank)
    return success();
  return expects(op, tensor)
         << "rank at least " << rank << ", but got " << tensor.type;
}

LogicalResult expectStatic(Operation *op, NamedType tensor) {
  if (tensor.type.hasStaticShape())
    return success();
  return expects(op, tensor) << "a static shape, but got " << tensor.type;
}

LogicalResult expectShape(Operation *op, NamedType tensor, ArrayRef<Dim> dims) {
  if (ArrayRef<Dim>(getDims(tensor.type)) == dims)
    return success();
  return expects(op, tensor)
         << "shape " << toString(dims) << ", but got " << tensor.type;
}

LogicalResult expectElementType(Operation *op, NamedType tensor,
                                Type elementType) {
  if (tensor.type.getElementType() == elementType)
    return success();
  return expects(op, tensor)
         << "element type " << elementType << ", but got " << tensor.type;
}

LogicalResult expectElementTypeUnlessF32(Operation *op, NamedType tensor,
                                         Type elementType) {
  if (elementType.isF32())
    return success();
  return expectElementType(op, tensor, elementType);
}

LogicalResult expectStaticRows(Operation *op, NamedType tensor) {
  if (failed(expectRankAtLeast(op, tensor, 1)))
    return failure();
  if (!ShapedType::isDynamic(tensor.type.getShape().back()))
    return success();
  return expects(op, tensor)
         << "a static last dimension, but got " << tensor.type;
}

LogicalResult expectStaticInner(Operation *op, NamedType tensor, int64_t rank) {
  if (failed(expectRank(op, tensor, rank)))
    return failure();
  if (llvm::none_of(tensor.type.getShape().drop_front(), ShapedType::isDynamic))
    return success();
  return expects(op, tensor)
         << "static dimensions after the first, but got " << tensor.type;
}

LogicalResult expectPositive(Operation *op, StringRef name, int64_t value) {
  if (value > 0)
    return success();
  return op->emitOpError("expects '")
         << name << "' to be positive, but got " << value;
}

LogicalResult expectPositive(Operation *op, StringRef name,
                             const APFloat &value) {
  if (value.isFiniteNonZero() && !value.isNegative())
    return success();
  return op->emitOpError("expects '") << name << "' to be positive";
}

SmallVector<Dim> getRowDims(RankedTensorType type) {
  SmallVector<Dim> dims = getDims(type);
  dims.pop_back();
  return dims;
}

LogicalResult expectRegrouping(Operation *op, llvm::StringRef lines,
                               int64_t size, const Regrouping &regrouping) {
  auto [period, extent, from, to] = regrouping;

  // regroup_rows_c2
  // regroup_columns_c2
  if (period <= 0 || size % period != 0)
    return op->emitOpError("expects 'period' to divide the ")
           << size << " " << lines << ", but got " << period;

  // regroup_rows_c3
  // regroup_columns_c3
  if (extent <= 0 || extent > period)
    return op->emitOpError("expects 'extent' to be in [1, ")
           << period << "], but got " << extent;

  // regroup_rows_c4
  // regroup_columns_c4
  if (from <= 0 || extent % (2 * from) != 0)
    return op->emitOpError("expects 2 * 'from' to divide 'extent' (")
           << extent << "), but got " << from;

  // regroup_rows_c5
  // regroup_columns_c5
  if (to <= 0 || extent % (2 * to) != 0)
    return op->emitOpError("expects 2 * 'to' to divide 'extent' (")
           << extent << "), but got " << to;

  return success();
}

} // namespace tilewright::xf
