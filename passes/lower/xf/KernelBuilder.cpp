//===- KernelBuilder.cpp - Short spellings for building tile IR -----------===//

#include "passes/lower/xf/KernelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <numbers>

using namespace mlir;

namespace tilewright {

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Value KernelBuilder::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

Value KernelBuilder::i32(int32_t value) {
  return arith::ConstantOp::create(*this, getI32IntegerAttr(value));
}

Value KernelBuilder::f32(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value KernelBuilder::toIndex(Value i32Value) {
  return arith::IndexCastOp::create(*this, getIndexType(), i32Value);
}

Value KernelBuilder::toI32(Value indexValue) {
  return arith::IndexCastOp::create(*this, getI32Type(), indexValue);
}

Value KernelBuilder::add(Value lhs, int64_t rhs) {
  return rhs == 0 ? lhs
                  : arith::AddIOp::create(*this, lhs, index(rhs)).getResult();
}

Value KernelBuilder::mul(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs
                  : arith::MulIOp::create(*this, lhs, index(rhs)).getResult();
}

// Sizes are never negative, and unsigned division by a constant is cheaper.
Value KernelBuilder::div(Value lhs, int64_t rhs) {
  return rhs == 1 ? lhs
                  : arith::DivUIOp::create(*this, lhs, index(rhs)).getResult();
}

Value KernelBuilder::rem(Value lhs, int64_t rhs) {
  return arith::RemUIOp::create(*this, lhs, index(rhs));
}

Value KernelBuilder::ceilDiv(Value lhs, int64_t rhs) {
  return div(add(lhs, rhs - 1), rhs);
}

Value KernelBuilder::min(Value lhs, Value rhs) {
  return arith::MinSIOp::create(*this, lhs, rhs);
}

Value KernelBuilder::max(Value lhs, Value rhs) {
  return arith::MaxSIOp::create(*this, lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

tile::FragmentType KernelBuilder::typeOf(Value fragment) {
  return cast<tile::FragmentType>(fragment.getType());
}

ArrayRef<int64_t> KernelBuilder::shapeOf(Value fragment) {
  return typeOf(fragment).getShape();
}

tile::FragmentType KernelBuilder::fragment(ArrayRef<int64_t> shape,
                                           Type element) {
  return tile::FragmentType::get(shape, element);
}

Value KernelBuilder::splat(Value scalar, ArrayRef<int64_t> shape) {
  return tile::SplatOp::create(*this, fragment(shape, scalar.getType()),
                               scalar);
}

Value KernelBuilder::splat(float value, ArrayRef<int64_t> shape) {
  return splat(f32(value), shape);
}

Value KernelBuilder::splat(int32_t value, ArrayRef<int64_t> shape) {
  return splat(i32(value), shape);
}

Value KernelBuilder::iota(int64_t dim, ArrayRef<int64_t> shape) {
  return tile::IotaOp::create(*this, fragment(shape, getI32Type()), dim);
}

Value KernelBuilder::cast(Value value, Type element) {
  if (typeOf(value).getElementType() == element)
    return value;
  return tile::CastOp::create(*this, typeOf(value).withElementType(element),
                              value);
}

Value KernelBuilder::broadcast(Value value, ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  return tile::BroadcastOp::create(*this, typeOf(value).withShape(shape),
                                   value);
}

Value KernelBuilder::extract(Value value, ArrayRef<int64_t> offsets,
                             ArrayRef<int64_t> shape) {
  if (shapeOf(value) == shape)
    return value;
  return tile::ExtractOp::create(*this, typeOf(value).withShape(shape), value,
                                 offsets);
}

Value KernelBuilder::reduce(tile::ReduceKind kind, Value value, int64_t dim) {
  SmallVector<int64_t> shape(shapeOf(value));
  shape[dim] = 1;
  return tile::ReduceOp::create(*this, typeOf(value).withShape(shape), kind,
                                value, dim,
                                /*scratch=*/Value());
}

std::pair<Value, Value> KernelBuilder::deinterleave(Value value, int64_t dim,
                                                    int64_t group) {
  SmallVector<int64_t> shape(shapeOf(value));
  shape[dim] /= 2;
  Type half = typeOf(value).withShape(shape);
  auto op = tile::DeinterleaveOp::create(*this, half, half, value, dim, group);
  return {op.getEven(), op.getOdd()};
}

Value KernelBuilder::interleave(Value even, Value odd, int64_t dim,
                                int64_t group) {
  SmallVector<int64_t> shape(shapeOf(even));
  shape[dim] *= 2;
  return tile::InterleaveOp::create(*this, typeOf(even).withShape(shape), even,
                                    odd, dim, group);
}

Value KernelBuilder::select(Value condition, Value ifTrue, Value ifFalse) {
  if (!isa<tile::FragmentType>(condition.getType()))
    return arith::SelectOp::create(*this, condition, ifTrue, ifFalse);
  return tile::SelectOp::create(*this, broadcast(condition, shapeOf(ifTrue)),
                                ifTrue, broadcast(ifFalse, shapeOf(ifTrue)));
}

static arith::CmpIPredicate integerPredicate(Compare kind) {
  switch (kind) {
  case Compare::Less:
    return arith::CmpIPredicate::slt;
  case Compare::LessEqual:
    return arith::CmpIPredicate::sle;
  case Compare::Greater:
    return arith::CmpIPredicate::sgt;
  case Compare::GreaterEqual:
    return arith::CmpIPredicate::sge;
  case Compare::Equal:
    return arith::CmpIPredicate::eq;
  case Compare::NotEqual:
    return arith::CmpIPredicate::ne;
  }
  llvm_unreachable("all kinds are listed");
}

static arith::CmpFPredicate floatPredicate(Compare kind) {
  switch (kind) {
  case Compare::Less:
    return arith::CmpFPredicate::OLT;
  case Compare::LessEqual:
    return arith::CmpFPredicate::OLE;
  case Compare::Greater:
    return arith::CmpFPredicate::OGT;
  case Compare::GreaterEqual:
    return arith::CmpFPredicate::OGE;
  case Compare::Equal:
    return arith::CmpFPredicate::OEQ;
  case Compare::NotEqual:
    return arith::CmpFPredicate::UNE;
  }
  llvm_unreachable("all kinds are listed");
}

Value KernelBuilder::compare(Compare kind, Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  if (isa<FloatType>(getElementTypeOrSelf(lhs.getType())))
    return arith::CmpFOp::create(*this, floatPredicate(kind), lhs, rhs);
  return arith::CmpIOp::create(*this, integerPredicate(kind), lhs, rhs);
}

//===----------------------------------------------------------------------===//
// Elementwise arithmetic
//===----------------------------------------------------------------------===//

std::pair<Value, Value> KernelBuilder::sameShape(Value lhs, Value rhs) {
  if (!isa<tile::FragmentType>(lhs.getType()))
    return {lhs, rhs};
  SmallVector<int64_t> shape;
  for (auto [left, right] : llvm::zip(shapeOf(lhs), shapeOf(rhs)))
    shape.push_back(std::max(left, right));
  return {broadcast(lhs, shape), broadcast(rhs, shape)};
}

Value KernelBuilder::addf(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::AddFOp::create(*this, lhs, rhs);
}

Value KernelBuilder::subf(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::SubFOp::create(*this, lhs, rhs);
}

Value KernelBuilder::mulf(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::MulFOp::create(*this, lhs, rhs);
}

Value KernelBuilder::divf(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::DivFOp::create(*this, lhs, rhs);
}

Value KernelBuilder::maxf(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::MaxNumFOp::create(*this, lhs, rhs);
}

Value KernelBuilder::addi(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::AddIOp::create(*this, lhs, rhs);
}

Value KernelBuilder::muli(Value lhs, Value rhs) {
  std::tie(lhs, rhs) = sameShape(lhs, rhs);
  return arith::MulIOp::create(*this, lhs, rhs);
}

Value KernelBuilder::mulf(Value lhs, float rhs) {
  return mulf(lhs, isa<tile::FragmentType>(lhs.getType())
                       ? splat(rhs, shapeOf(lhs))
                       : f32(rhs));
}

Value KernelBuilder::addf(Value lhs, float rhs) {
  return addf(lhs, isa<tile::FragmentType>(lhs.getType())
                       ? splat(rhs, shapeOf(lhs))
                       : f32(rhs));
}

Value KernelBuilder::exp2(Value x) { return math::Exp2Op::create(*this, x); }

Value KernelBuilder::exp(Value x) {
  return exp2(mulf(x, std::numbers::log2e_v<float>));
}

Value KernelBuilder::rsqrt(Value x) { return math::RsqrtOp::create(*this, x); }

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

static Type elementTypeOf(Value memory) {
  if (auto global = dyn_cast<tile::GlobalType>(memory.getType()))
    return global.getElementType();
  return cast<tile::SharedType>(memory.getType()).getElementType();
}

Value KernelBuilder::load(Value source, ValueRange indices,
                          ArrayRef<int64_t> shape, const LoadOptions &options) {
  return tile::LoadOp::create(
      *this, fragment(shape, elementTypeOf(source)), source, indices,
      options.rows, options.like,
      options.dims.empty() ? DenseI64ArrayAttr()
                           : getDenseI64ArrayAttr(options.dims),
      cast_or_null<TypedAttr>(options.fill),
      options.vector ? getI64IntegerAttr(options.vector) : IntegerAttr(),
      options.stream);
}

void KernelBuilder::store(Value value, Value destination, ValueRange indices,
                          const StoreOptions &options) {
  tile::StoreOp::create(
      *this, value, destination, indices, options.rows, options.mask,
      options.dims.empty() ? DenseI64ArrayAttr()
                           : getDenseI64ArrayAttr(options.dims),
      options.stream);
}

Value KernelBuilder::loadScalar(Value source, ValueRange indices) {
  return tile::LoadScalarOp::create(*this, elementTypeOf(source), source,
                                    indices);
}

Value KernelBuilder::size(Value global, int64_t dim) {
  return tile::SizeOp::create(*this, global, dim);
}

tile::SharedType KernelBuilder::shared(ArrayRef<int64_t> shape, Type element,
                                       int64_t swizzle) {
  return tile::SharedType::get(getContext(), shape, element, swizzle);
}

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

/// 1 / (1 + e^-x)
static Value buildSigmoid(KernelBuilder &b, Value x) {
  Value one = b.splat(1.0f, KernelBuilder::shapeOf(x));
  return b.divf(one, b.addf(b.exp(b.mulf(x, -1.0f)), 1.0f));
}

/// tanh x = 2 sigmoid(2 x) - 1
static Value buildTanh(KernelBuilder &b, Value x) {
  return b.addf(b.mulf(buildSigmoid(b, b.mulf(x, 2.0f)), 2.0f), -1.0f);
}

/// Abramowitz and Stegun 7.1.26; the absolute error is below 1.5e-7, less than
/// half a unit in the last place of bf16 and f16 results.
static Value buildErf(KernelBuilder &b, Value x) {
  static constexpr float kP = 0.3275911f;
  static constexpr float kCoefficients[] = {
      1.061405429f, -1.453152027f, 1.421413741f, -0.284496736f, 0.254829592f};
  Value zero = b.splat(0.0f, KernelBuilder::shapeOf(x));
  Value negated = b.mulf(x, -1.0f);
  Value magnitude = b.maxf(x, negated);
  Value t = b.divf(b.splat(1.0f, KernelBuilder::shapeOf(x)),
                   b.addf(b.mulf(magnitude, kP), 1.0f));
  Value sum = zero;
  for (float coefficient : kCoefficients)
    sum = b.mulf(b.addf(sum, coefficient), t);
  Value tail = b.mulf(sum, b.exp(b.mulf(b.mulf(x, x), -1.0f)));
  Value positive = b.addf(b.mulf(tail, -1.0f), 1.0f);
  return b.select(b.compare(Compare::Less, x, zero), b.mulf(positive, -1.0f),
                  positive);
}

Value buildActivation(KernelBuilder &b, xf::ActivationKind kind, Value x) {
  static constexpr float kSqrtHalf = std::numbers::sqrt2_v<float> / 2;
  // sqrt(2 / pi), and the cubic term of the tanh form (Hendrycks and Gimpel).
  static constexpr float kTanhScale = 0.7978845608f, kTanhCubic = 0.044715f;
  switch (kind) {
  case xf::ActivationKind::Silu:
    return b.mulf(x, buildSigmoid(b, x));
  case xf::ActivationKind::Relu:
    return b.maxf(x, b.splat(0.0f, KernelBuilder::shapeOf(x)));
  case xf::ActivationKind::Gelu:
    return b.mulf(b.mulf(x, 0.5f),
                  b.addf(buildErf(b, b.mulf(x, kSqrtHalf)), 1.0f));
  case xf::ActivationKind::GeluTanh: {
    Value cubic = b.mulf(b.mulf(b.mulf(x, x), x), kTanhCubic);
    Value inner = b.mulf(b.addf(x, cubic), kTanhScale);
    return b.mulf(b.mulf(x, 0.5f), b.addf(buildTanh(b, inner), 1.0f));
  }
  }
  llvm_unreachable("all kinds are listed");
}

Value buildElementwise(KernelBuilder &b, Operation *op, ValueRange operands) {
  if (isa<xf::AddOp>(op))
    return b.addf(operands[0], operands[1]);
  if (isa<xf::MulOp, xf::ScaleRowsOp>(op))
    return b.mulf(operands[0], operands[1]);
  if (auto scale = dyn_cast<xf::ScaleOp>(op))
    return b.mulf(operands[0], scale.getFactor().convertToFloat());
  return buildActivation(b, cast<xf::ActivationOp>(op).getKind(), operands[0]);
}

} // namespace tilewright
