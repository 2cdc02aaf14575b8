//===- MathOps.cpp - Reference values of matmul and element math ----------===//

#include "ir/reference/Dot.h"
#include "ir/reference/Ops.h"

#include "llvm/Support/Parallel.h"

#include <cmath>
#include <numbers>

using namespace mlir;

namespace tilewright::reference {

//===----------------------------------------------------------------------===//
// Matmul
//===----------------------------------------------------------------------===//

Tensor eval(xf::MatmulOp op, const Tensor &input, const Tensor &weight) {
  // Rows of the weight that one task takes: enough to share its reading of the
  // input, few enough to stay in a near cache.
  constexpr int64_t kColumns = 16;
  int64_t rows = input.getNumRows(), depth = input.getRowSize();
  int64_t columns = weight.getDim(0);
  std::vector<float> left = input.getFloats();
  std::vector<float> sums(rows * columns);
  llvm::parallelFor(0, llvm::divideCeil(columns, kColumns), [&](size_t task) {
    int64_t start = task * kColumns;
    int64_t count = std::min(kColumns, columns - start);
    std::vector<float> right(count * depth);
    weight.readFloats(start * depth, count * depth, right.data());
    dotBlock(left.data(), rows, right.data(), count, depth, sums.data() + start,
             columns);
  });
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = columns;
  Tensor result(*getElementType(op.getType().getElementType()), shape);
  result.writeFloats(0, sums);
  return result;
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

/// `result[i] = function(i, input[i])`, rounded once.
template <typename Function>
static Tensor mapElements(const Tensor &input, Function function) {
  std::vector<float> values = input.getFloats();
  for (auto [index, value] : llvm::enumerate(values))
    value = function(index, value);
  Tensor result(input.getType(), input.getShape());
  result.writeFloats(0, values);
  return result;
}

Tensor eval(xf::AddOp op, const Tensor &lhs, const Tensor &rhs) {
  std::vector<float> other = rhs.getFloats();
  return mapElements(lhs, [&](size_t index, float value) {
    return value + other[index % other.size()];
  });
}

Tensor eval(xf::MulOp op, const Tensor &lhs, const Tensor &rhs) {
  std::vector<float> other = rhs.getFloats();
  return mapElements(lhs, [&](size_t index, float value) {
    return value * other[index % other.size()];
  });
}

Tensor eval(xf::ScaleOp op, const Tensor &input) {
  float factor = op.getFactor().convertToFloat();
  return mapElements(input,
                     [&](size_t, float value) { return value * factor; });
}

Tensor eval(xf::ScaleRowsOp op, const Tensor &input, const Tensor &scale) {
  int64_t rowSize = input.getRowSize();
  return mapElements(input, [&](size_t index, float value) {
    return value * scale.getFloat(index / rowSize);
  });
}

static float activate(xf::ActivationKind kind, float x) {
  constexpr float kSqrtHalf = std::numbers::sqrt2_v<float> / 2;
  constexpr float kSqrtTwoOverPi =
      std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>;
  switch (kind) {
  case xf::ActivationKind::Silu:
    return x / (1.0f + std::exp(-x));
  case xf::ActivationKind::Gelu:
    return x * 0.5f * (1.0f + std::erf(x * kSqrtHalf));
  case xf::ActivationKind::GeluTanh:
    return x * 0.5f *
           (1.0f + std::tanh(kSqrtTwoOverPi * (x + 0.044715f * x * x * x)));
  case xf::ActivationKind::Relu:
    return x > 0.0f || std::isnan(x) ? x : 0.0f;
  }
  llvm_unreachable("every kind has returned");
}

Tensor eval(xf::ActivationOp op, const Tensor &input) {
  return mapElements(input, [&](size_t, float value) {
    return activate(op.getKind(), value);
  });
}

Tensor eval(xf::GatedActivationOp op, const Tensor &input) {
  int64_t distance = op.getPairDistance();
  int64_t half = input.getRowSize() / 2;
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = half;
  Tensor result(input.getType(), shape);
  std::vector<float> values = input.getFloats();
  std::vector<float> products(result.getNumElements());
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    int64_t row = i / half, j = i % half;
    int64_t first = (j / distance) * 2 * distance + j % distance;
    const float *pair = &values[row * 2 * half + first];
    products[i] = activate(op.getKind(), pair[0]) * pair[distance];
  }
  result.writeFloats(0, products);
  return result;
}

//===----------------------------------------------------------------------===//
// Row-wise
//===----------------------------------------------------------------------===//

Tensor eval(xf::RmsNormOp op, const Tensor &input, const Tensor &weight) {
  float epsilon = op.getEpsilon().convertToFloat();
  int64_t rowSize = input.getRowSize();
  std::vector<float> values = input.getFloats();
  std::vector<float> weights = weight.getFloats();
  for (int64_t row = 0; row < input.getNumRows(); ++row) {
    float *x = &values[row * rowSize];
    float rstd = 1.0f / std::sqrt(dot(x, x, rowSize) / rowSize + epsilon);
    for (int64_t j = 0; j < rowSize; ++j)
      x[j] = x[j] * rstd * weights[j];
  }
  Tensor result(input.getType(), input.getShape());
  result.writeFloats(0, values);
  return result;
}

Tensor eval(xf::SumSquaresOp op, const Tensor &input) {
  int64_t chunk = op.getChunk(), rowSize = input.getRowSize();
  int64_t chunks = llvm::divideCeil(rowSize, chunk);
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = chunks;
  Tensor result(ElementType::F32, shape);
  std::vector<float> values = input.getFloats();
  for (int64_t i = 0; i < result.getNumElements(); ++i) {
    int64_t row = i / chunks, start = i % chunks * chunk;
    const float *x = &values[row * rowSize + start];
    result.setFloat(i, dot(x, x, std::min(chunk, rowSize - start)));
  }
  return result;
}

Tensor eval(xf::RstdOp op, const Tensor &partial) {
  float epsilon = op.getEpsilon().convertToFloat();
  float count = static_cast<float>(op.getCount());
  Tensor result(ElementType::F32, partial.getShape().drop_back());
  int64_t chunks = partial.getRowSize();
  for (int64_t row = 0; row < result.getNumElements(); ++row) {
    float sum = 0.0f;
    for (int64_t c = 0; c < chunks; ++c)
      sum += partial.getFloat(row * chunks + c);
    result.setFloat(row, 1.0f / std::sqrt(sum / count + epsilon));
  }
  return result;
}

} // namespace tilewright::reference
