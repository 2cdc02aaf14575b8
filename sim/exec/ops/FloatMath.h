//===- FloatMath.h - Scalar pieces of floating-point handlers ---*- C++ -*-===//
//
// Like LaneLoop.h, included once for each target; it has no include guard.
// Results that are NaN are always the canonical one, so that they do not depend
// on how a host compiler orders operands.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/Convert.h"

#include <cmath>

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

/// FloatOptions as Inst::imm carries them.
enum OptionBits : int32_t {
  optionFtz = 1,
  optionSat = 2,
  optionRelu = 4,
  optionXorSign = 8,
  optionApprox = 16,
  optionOob = 32,
  optionRoundingShift = 8,
};
HWY_INLINE RoundingMode roundingOf(int32_t options) {
  return static_cast<RoundingMode>(options >> optionRoundingShift & 0xff);
}

struct F16 {
  uint16_t bits;
};
struct BF16 {
  uint16_t bits;
};

HWY_INLINE bool isNan(float a) { return a != a; }
HWY_INLINE bool isNan(double a) { return a != a; }
HWY_INLINE bool isNan(F16 a) { return (a.bits & 0x7fff) > 0x7c00; }
HWY_INLINE bool isNan(BF16 a) { return (a.bits & 0x7fff) > 0x7f80; }

HWY_INLINE float canonical(float a) {
  return isNan(a) ? std::bit_cast<float>(0x7fffffffu) : a;
}
HWY_INLINE double canonical(double a) {
  return isNan(a) ? std::bit_cast<double>(uint64_t(0xfff8) << 48) : a;
}

/// Subnormals become zero of their sign.
HWY_INLINE float flush(float a) {
  uint32_t bits = std::bit_cast<uint32_t>(a);
  return std::bit_cast<float>(bits & 0x7f800000u ? bits : bits & 0x80000000u);
}
HWY_INLINE double flush(double a) { return a; }
HWY_INLINE F16 flush(F16 a) {
  return a.bits & 0x7c00 ? a : F16{static_cast<uint16_t>(a.bits & 0x8000)};
}
HWY_INLINE BF16 flush(BF16 a) {
  return a.bits & 0x7f80 ? a : BF16{static_cast<uint16_t>(a.bits & 0x8000)};
}

/// [0, 1]; NaN gives +0.
HWY_INLINE float saturate(float a) {
  return a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f;
}
HWY_INLINE double saturate(double a) {
  return a > 0.0 ? (a < 1.0 ? a : 1.0) : 0.0;
}

HWY_INLINE float f16ToFloat(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t result = (bits & 0x7c00u) == 0x7c00u
                        ? magnitude | 0x7f800000u
                        : std::bit_cast<uint32_t>(scaled);
  return std::bit_cast<float>(result | sign);
}
/// Round to nearest even, NaN canonical. Adding a power of two makes the host's
/// own rounding do the work, for subnormals too.
HWY_INLINE uint16_t floatToF16(float a) {
  uint32_t bits = std::bit_cast<uint32_t>(a);
  uint32_t sign = bits >> 16 & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  uint32_t tiny =
      std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
      0x3f000000u;
  uint32_t normal =
      (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13;
  uint32_t result = magnitude < 0x38800000u ? tiny : normal;
  result = magnitude >= 0x477ff000u ? 0x7c00u : result;
  result = magnitude > 0x7f800000u ? 0x7fffu : result | sign;
  return static_cast<uint16_t>(result);
}

HWY_INLINE float toFloat(float a) { return a; }
HWY_INLINE float toFloat(F16 a) { return f16ToFloat(a.bits); }
HWY_INLINE float toFloat(BF16 a) { return f32FromBf16(a.bits); }

template <typename T>
HWY_INLINE T fromFloat(float a);
template <>
HWY_INLINE float fromFloat<float>(float a) {
  return a;
}
template <>
HWY_INLINE F16 fromFloat<F16>(float a) {
  return {floatToF16(a)};
}
template <>
HWY_INLINE BF16 fromFloat<BF16>(float a) {
  return {bf16FromF32(a)};
}

/// a * b + c rounded once to a 16-bit format. The product is exact in double;
/// the sum is rounded to odd, after which a second rounding is innocuous.
HWY_INLINE float fmaToOdd(float a, float b, float c) {
  double product = static_cast<double>(a) * b;
  double sum = product + c;
  double virtualC = sum - product;
  double error = (product - (sum - virtualC)) + (c - virtualC);
  uint64_t bits = std::bit_cast<uint64_t>(sum);
  bool inexact = error != 0 && sum - sum == 0;
  uint64_t step = (error > 0) == (sum > 0) ? uint64_t(1) : ~uint64_t(0);
  uint64_t odd = bits & 1 ? bits : bits + step;
  double toOdd = std::bit_cast<double>(inexact ? odd : bits);
  // Down to float, to odd again: clear what does not fit and keep a sticky bit.
  float narrow = static_cast<float>(toOdd);
  double back = static_cast<double>(narrow);
  uint32_t narrowBits = std::bit_cast<uint32_t>(narrow);
  bool lost = back != toOdd && toOdd - toOdd == 0;
  bool away = lost && (std::fabs(back) > std::fabs(toOdd));
  uint32_t truncated = away ? narrowBits - 1 : narrowBits;
  return std::bit_cast<float>(lost ? truncated | 1 : narrowBits);
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();
