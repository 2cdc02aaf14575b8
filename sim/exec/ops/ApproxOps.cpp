//===- ApproxOps.cpp - ex2, lg2, sin, cos, tanh and rsqrt -----------------===//
//
// The ISA bounds the error of these and silicon uses tables. Here they are
// computed in double, to far within every bound, and rounded once: the same
// bits on every host. Polynomials of plain multiplications and additions, so
// that they turn into vector code that rounds like the scalar one.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/ApproxOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/ops/FloatMath.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Type;

/// Adding and subtracting this rounds to an integer.
static constexpr double roundMagic = 0x1.8p52;
static constexpr double ln2 = 0x1.62e42fefa39efp-1;

/// 2^x for |x| that f32 results can tell apart; beyond, it saturates to values
/// that round to infinity or zero.
HWY_INLINE double exp2Of(double x) {
  x = x > 300.0 ? 300.0 : x;
  x = x < -300.0 ? -300.0 : x;
  double whole = (x + roundMagic) - roundMagic;
  double t = (x - whole) * ln2;
  // Taylor series; |t| <= 0.35 leaves less than 2^-52 after t^13.
  double p = 1.0 / 6227020800.0;
  p = p * t + 1.0 / 479001600.0;
  p = p * t + 1.0 / 39916800.0;
  p = p * t + 1.0 / 3628800.0;
  p = p * t + 1.0 / 362880.0;
  p = p * t + 1.0 / 40320.0;
  p = p * t + 1.0 / 5040.0;
  p = p * t + 1.0 / 720.0;
  p = p * t + 1.0 / 120.0;
  p = p * t + 1.0 / 24.0;
  p = p * t + 1.0 / 6.0;
  p = p * t + 0.5;
  p = p * t + 1.0;
  p = p * t + 1.0;
  // The low 51 bits of the magic sum hold the integer.
  int64_t integer =
      static_cast<int64_t>(std::bit_cast<uint64_t>(whole + roundMagic) << 13) >>
      13;
  double scale =
      std::bit_cast<double>(static_cast<uint64_t>(integer + 1023) << 52);
  return p * scale;
}

/// log2 of a positive, finite, normal double.
HWY_INLINE double log2Of(double x) {
  uint64_t bits = std::bit_cast<uint64_t>(x);
  // Mantissa in [sqrt(1/2), sqrt(2)).
  uint64_t shifted = bits - 0x3fe6a09e667f3bcdull;
  int64_t exponent = static_cast<int64_t>(shifted) >> 52;
  double m =
      std::bit_cast<double>(bits - (static_cast<uint64_t>(exponent) << 52));
  double s = (m - 1.0) / (m + 1.0);
  double z = s * s;
  double p = 1.0 / 23.0;
  p = p * z + 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  p = p * z + 1.0;
  return static_cast<double>(exponent) + s * p * (2.0 / ln2);
}

template <bool Ftz>
HWY_INLINE float ex2(float a) {
  float x = Ftz ? flush(a) : a;
  float result = static_cast<float>(exp2Of(x));
  result = isNan(x) ? x : result;
  return canonical(Ftz ? flush(result) : result);
}

template <bool Ftz>
HWY_INLINE float lg2(float a) {
  float x = Ftz ? flush(a) : a;
  bool positive = x > 0.0f && x < HUGE_VALF;
  float result = static_cast<float>(log2Of(positive ? x : 1.0f));
  result = x == 0.0f ? -HUGE_VALF : result;
  result = x == HUGE_VALF ? HUGE_VALF : result;
  bool invalid = x < 0.0f || isNan(x);
  result = invalid ? std::bit_cast<float>(0x7fffffffu) : result;
  return canonical(Ftz ? flush(result) : result);
}

HWY_INLINE float tanhOf(float x) {
  double y = x > 20.0f ? 20.0 : x < -20.0f ? -20.0 : x;
  double e = exp2Of(y * (2.0 / ln2));
  double large = (e - 1.0) / (e + 1.0);
  double small = y * (1.0 - y * y * (1.0 / 3.0));
  float result = static_cast<float>(std::fabs(y) < 1e-4 ? small : large);
  return isNan(x) ? std::bit_cast<float>(0x7fffffffu) : result;
}

template <bool Ftz>
HWY_INLINE float rsqrtFloat(float a) {
  float x = Ftz ? flush(a) : a;
  return canonical(static_cast<float>(1.0 / std::sqrt(static_cast<double>(x))));
}
HWY_INLINE double rsqrtDouble(double a) {
  return canonical(1.0 / std::sqrt(a));
}

/// The .approx.ftz.f64 forms (ISA 9.7.3.14 and 9.7.3.17) look at the upper word
/// alone and give an upper word, in a format of 20 fractional bits.
HWY_INLINE double upperWord(double a) {
  uint64_t bits = std::bit_cast<uint64_t>(a) & 0xffffffff00000000u;
  bool subnormal = (bits & 0x7ff0000000000000u) == 0;
  return std::bit_cast<double>(subnormal ? bits & 0x8000000000000000u : bits);
}
HWY_INLINE double grossResult(double a) {
  uint64_t bits = std::bit_cast<uint64_t>(upperWord(a));
  return std::bit_cast<double>(isNan(a) ? 0x7fffffff00000000u : bits);
}
HWY_INLINE double rcpGross(double a) { return grossResult(1.0 / upperWord(a)); }
HWY_INLINE double rsqrtGross(double a) {
  // The root of -0 is -0, as the table has it.
  return grossResult(1.0 / std::sqrt(upperWord(a)));
}

template <bool Ftz>
static float sinFloat(float a) {
  float x = Ftz ? flush(a) : a;
  float result = static_cast<float>(std::sin(static_cast<double>(x)));
  return canonical(Ftz ? flush(result) : result);
}
template <bool Ftz>
static float cosFloat(float a) {
  float x = Ftz ? flush(a) : a;
  float result = static_cast<float>(std::cos(static_cast<double>(x)));
  return canonical(Ftz ? flush(result) : result);
}

template <typename T, bool Ftz>
HWY_INLINE T halfEx2(T a) {
  T result = fromFloat<T>(ex2<false>(toFloat(Ftz ? flush(a) : a)));
  return Ftz ? flush(result) : result;
}
template <typename T>
HWY_INLINE T halfTanh(T a) {
  return fromFloat<T>(tanhOf(toFloat(a)));
}

template <auto Fn, typename T>
HWY_INLINE uint32_t bothHalves(uint32_t a) {
  T low = Fn(T{static_cast<uint16_t>(a)});
  T high = Fn(T{static_cast<uint16_t>(a >> 16)});
  return uint32_t(high.bits) << 16 | low.bits;
}

static Handler selectHalfEx2(Type type, bool ftz) {
  switch (type) {
  case Type::F16:
    return ftz ? map<&halfEx2<F16, true>> : map<&halfEx2<F16, false>>;
  case Type::F16x2:
    return ftz ? map<&bothHalves<&halfEx2<F16, true>, F16>>
               : map<&bothHalves<&halfEx2<F16, false>, F16>>;
  case Type::BF16:
    return ftz ? map<&halfEx2<BF16, true>> : nullptr;
  case Type::BF16x2:
    return ftz ? map<&bothHalves<&halfEx2<BF16, true>, BF16>> : nullptr;
  default:
    return nullptr;
  }
}

static Handler selectTanh(Type type) {
  switch (type) {
  case Type::F32:
    return map<&tanhOf>;
  case Type::F16:
    return map<&halfTanh<F16>>;
  case Type::BF16:
    return map<&halfTanh<BF16>>;
  case Type::F16x2:
    return map<&bothHalves<&halfTanh<F16>, F16>>;
  case Type::BF16x2:
    return map<&bothHalves<&halfTanh<BF16>, BF16>>;
  default:
    return nullptr;
  }
}

Handler selectApprox(FloatOp op, Type type, FloatOptions options) {
  if (op == FloatOp::Tanh)
    return selectTanh(type);
  if (op == FloatOp::RsqrtApprox && type == Type::F64)
    return options.ftz ? map<&rsqrtGross> : map<&rsqrtDouble>;
  if (op == FloatOp::Rcp)
    return map<&rcpGross>;
  if (op == FloatOp::Ex2 && type != Type::F32)
    return selectHalfEx2(type, options.ftz);
  if (type != Type::F32)
    return nullptr;
  bool ftz = options.ftz;
  switch (op) {
  case FloatOp::Ex2:
    return ftz ? map<&ex2<true>> : map<&ex2<false>>;
  case FloatOp::Lg2:
    return ftz ? map<&lg2<true>> : map<&lg2<false>>;
  case FloatOp::Sin:
    return ftz ? map<&sinFloat<true>> : map<&sinFloat<false>>;
  case FloatOp::Cos:
    return ftz ? map<&cosFloat<true>> : map<&cosFloat<false>>;
  case FloatOp::RsqrtApprox:
    return ftz ? map<&rsqrtFloat<true>> : map<&rsqrtFloat<false>>;
  default:
    return nullptr;
  }
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectApprox);

Handler selectApprox(FloatOp op, ptx::Type type, FloatOptions options) {
  return HWY_DYNAMIC_DISPATCH(selectApprox)(op, type, options);
}
} // namespace tilewright::sim
#endif
