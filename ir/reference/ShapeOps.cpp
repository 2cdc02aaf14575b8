//===- ShapeOps.cpp - Reference values of movement ------------------------===//

#include "ir/reference/Ops.h"

using namespace mlir;

namespace tilewright::reference {

Tensor eval(xf::CastOp op, const Tensor &input) {
  return input.convert(*getElementType(op.getType().getElementType()));
}

Tensor eval(xf::ReshapeOp op, const Tensor &input) {
  SmallVector<int64_t> shape(op.getType().getShape());
  if (ShapedType::isDynamic(shape[0]))
    shape[0] = input.getDim(0);
  return input.reshape(shape);
}

namespace {
/// A tensor seen as `outer` blocks of `size` times `inner` elements, where
/// `size` is that of one dimension.
struct Blocks {
  Blocks(ArrayRef<int64_t> shape, int64_t dim) : size(shape[dim]) {
    for (auto [index, extent] : llvm::enumerate(shape)) {
      if (static_cast<int64_t>(index) < dim)
        outer *= extent;
      else if (static_cast<int64_t>(index) > dim)
        inner *= extent;
    }
  }
  int64_t outer = 1, size, inner = 1;
};
} // namespace

SmallVector<Tensor> eval(xf::SplitOp op, const Tensor &input) {
  Blocks whole(input.getShape(), op.getDim());
  SmallVector<Tensor> results;
  int64_t start = 0;
  for (int64_t size : op.getSizes()) {
    SmallVector<int64_t> shape(input.getShape());
    shape[op.getDim()] = size;
    Tensor piece(input.getType(), shape);
    for (int64_t o = 0; o < whole.outer; ++o)
      piece.copyElements(o * size * whole.inner, input,
                         (o * whole.size + start) * whole.inner,
                         size * whole.inner);
    results.push_back(std::move(piece));
    start += size;
  }
  return results;
}

Tensor eval(xf::ConcatOp op, ArrayRef<Tensor> inputs) {
  SmallVector<int64_t> shape(inputs.front().getShape());
  shape[op.getDim()] = op.getType().getDimSize(op.getDim());
  Tensor result(inputs.front().getType(), shape);
  Blocks whole(shape, op.getDim());
  int64_t start = 0;
  for (const Tensor &piece : inputs) {
    int64_t size = piece.getDim(op.getDim());
    for (int64_t o = 0; o < whole.outer; ++o)
      result.copyElements((o * whole.size + start) * whole.inner, piece,
                          o * size * whole.inner, size * whole.inner);
    start += size;
  }
  return result;
}

} // namespace tilewright::reference
