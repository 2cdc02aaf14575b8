//===- FusedDot.cpp - The arithmetic of one tensor-core step --------------===//

#include "sim/tensor/FusedDot.h"

#include "sim/tensor/Convert.h"

#include <cmath>
#include <limits>

namespace tilewright::sim {

namespace {
/// Layout of a floating-point format inside its container.
struct ElementFacts {
  int bits;         ///< of the container
  int mantissaBits; ///< that take part
  int padding;      ///< low bits that are ignored (tf32)
  int bias;
  uint32_t maxField; ///< largest exponent field
  bool hasInfinity;  ///< else only the all-ones magnitude is special
};

enum class ValueKind : uint8_t { Finite, Infinite, Nan };

/// A value as significand * 2^(exponent - fraction bits of its format).
struct Unpacked {
  int32_t significand = 0;
  int exponent = zeroExponent;
  ValueKind kind = ValueKind::Finite;
  bool negative = false;
};

/// What the special values of a step add up to.
struct SpecialSum {
  bool nan = false;
  bool positive = false;
  bool negative = false;

  void addInfinity(bool isNegative) {
    (isNegative ? negative : positive) = true;
  }
  bool any() const { return nan || positive || negative; }
  bool isNan() const { return nan || (positive && negative); }
};
} // namespace

static const ElementFacts &factsOf(MatrixType type) {
  static constexpr ElementFacts f16 = {16, 10, 0, 15, 31, true};
  static constexpr ElementFacts bf16 = {16, 7, 0, 127, 255, true};
  static constexpr ElementFacts tf32 = {32, 10, 13, 127, 255, true};
  static constexpr ElementFacts e4m3 = {8, 3, 0, 7, 15, false};
  static constexpr ElementFacts e5m2 = {8, 2, 0, 15, 31, true};
  switch (type) {
  case MatrixType::F16:
    return f16;
  case MatrixType::TF32:
    return tf32;
  case MatrixType::E4M3:
    return e4m3;
  case MatrixType::E5M2:
    return e5m2;
  default:
    return bf16;
  }
}

static Unpacked unpack(const ElementFacts &facts, uint32_t bits) {
  bits = (bits & (facts.bits == 32 ? ~0u : (1u << facts.bits) - 1)) >>
         facts.padding;
  int signBit = facts.bits - facts.padding - 1;
  uint32_t magnitude = bits & ((1u << signBit) - 1);
  uint32_t field = magnitude >> facts.mantissaBits;
  uint32_t fraction = magnitude & ((1u << facts.mantissaBits) - 1);
  Unpacked result;
  result.negative = (bits >> signBit) & 1;
  if (facts.hasInfinity && field == facts.maxField) {
    result.kind = fraction == 0 ? ValueKind::Infinite : ValueKind::Nan;
    return result;
  }
  if (!facts.hasInfinity && magnitude == (1u << signBit) - 1) {
    result.kind = ValueKind::Nan;
    return result;
  }
  if (magnitude == 0)
    return result;
  int32_t significand = static_cast<int32_t>(
      fraction | (field != 0 ? 1u << facts.mantissaBits : 0));
  result.significand = result.negative ? -significand : significand;
  result.exponent = (field != 0 ? static_cast<int>(field) : 1) - facts.bias;
  return result;
}

static Unpacked unpackAccumulator(DotResult format, uint32_t bits) {
  static constexpr ElementFacts f32 = {32, 23, 0, 127, 255, true};
  if (format == DotResult::F16)
    return unpack(factsOf(MatrixType::F16), bits);
  return unpack(f32, bits);
}

static void noteProduct(const Unpacked &a, const Unpacked &b,
                        SpecialSum &special) {
  if (a.kind == ValueKind::Nan || b.kind == ValueKind::Nan)
    special.nan = true;
  bool aInfinite = a.kind == ValueKind::Infinite;
  bool bInfinite = b.kind == ValueKind::Infinite;
  if (!aInfinite && !bInfinite)
    return;
  bool zero =
      (!aInfinite && a.significand == 0) || (!bInfinite && b.significand == 0);
  if (zero)
    special.nan = true;
  else
    special.addInfinity(a.negative != b.negative);
}

/// `significand` * 2^`shift`, truncated toward zero.
static int64_t align(int64_t significand, int shift) {
  if (shift >= 0)
    return significand << shift;
  if (shift < -62)
    return 0;
  int64_t magnitude = significand < 0 ? -significand : significand;
  magnitude >>= -shift;
  return significand < 0 ? -magnitude : magnitude;
}

static uint32_t specialResult(DotResult format, const SpecialSum &special) {
  if (format == DotResult::F16)
    return special.isNan() ? 0x7fff : special.negative ? 0xfc00 : 0x7c00;
  return special.isNan()    ? 0x7fffffffu
         : special.negative ? 0xff800000u
                            : 0x7f800000u;
}

/// Rounds sum * 2^scale, which a double holds exactly.
static uint32_t roundResult(DotResult format, int64_t sum, int scale) {
  if (sum == 0)
    return 0;
  double value = std::ldexp(static_cast<double>(sum), scale);
  if (format == DotResult::F16) {
    uint32_t bits = encodeFloat(FloatFormat::F16, value, {});
    return (bits & 0x7fff) == 0 ? 0 : bits;
  }
  if (std::fabs(value) >= 0x1p128)
    value = std::copysign(std::numeric_limits<double>::infinity(), value);
  uint32_t bits =
      encodeFloat(FloatFormat::F32, value, {RoundingMode::Zero, false, false});
  if (format == DotResult::F32Short)
    bits &= ~((1u << (23 - shortFractionBits)) - 1);
  return (bits & 0x7fffffffu) == 0 ? 0 : bits;
}

uint32_t fusedDot(const DotSpec &spec, const uint32_t *a, const uint32_t *b,
                  uint32_t accumulator) {
  constexpr int maxTerms = maxStepWords * 4;
  const ElementFacts &aFacts = factsOf(spec.aType);
  const ElementFacts &bFacts = factsOf(spec.bType);
  int64_t significands[maxTerms];
  int exponents[maxTerms];
  int terms = 0;
  SpecialSum special;

  Unpacked c = unpackAccumulator(spec.result, accumulator);
  special.nan = c.kind == ValueKind::Nan;
  if (c.kind == ValueKind::Infinite)
    special.addInfinity(c.negative);
  int maxExponent = c.exponent;
  for (int word = 0; word < spec.stepWords; ++word) {
    for (int bit = 0; bit < 32; bit += aFacts.bits) {
      Unpacked x = unpack(aFacts, (a[word] ^ spec.aSigns) >> bit);
      Unpacked y = unpack(bFacts, (b[word] ^ spec.bSigns) >> bit);
      noteProduct(x, y, special);
      significands[terms] = int64_t{x.significand} * y.significand;
      exponents[terms] = x.exponent + y.exponent;
      if (exponents[terms] > maxExponent)
        maxExponent = exponents[terms];
      ++terms;
    }
  }
  if (special.any())
    return specialResult(spec.result, special);

  int cFraction = spec.result == DotResult::F16 ? 10 : 23;
  int productFraction = aFacts.mantissaBits + bFacts.mantissaBits;
  int lift = spec.fractionBits - maxExponent;
  int64_t sum = align(c.significand, lift + c.exponent - cFraction);
  for (int i = 0; i < terms; ++i)
    sum += align(significands[i], lift + exponents[i] - productFraction);
  return roundResult(spec.result, sum, -lift);
}

DotSpec dotSpecOf(TensorArch arch, bool wgmma, MatrixType aType,
                  MatrixType bType, AccumulatorType dType, int words) {
  DotSpec spec;
  spec.aType = aType;
  spec.bType = bType;
  spec.result = dType == AccumulatorType::F16 ? DotResult::F16 : DotResult::F32;
  spec.fractionBits = arch == TensorArch::Hopper ? 25 : 24;
  spec.stepWords = words;
  // Before Hopper a step covers 16 bytes of K, and longer shapes are two steps.
  if (arch != TensorArch::Hopper && words == maxStepWords)
    spec.stepWords = maxStepWords / 2;
  // The fp8 units of Ada, and of wgmma, keep 13 fractional bits; mma.sync on
  // Hopper runs fp8 through the f16 units.
  if (isFp8(aType) && (wgmma || arch == TensorArch::Ada)) {
    spec.fractionBits = shortFractionBits;
    if (spec.result == DotResult::F32)
      spec.result = DotResult::F32Short;
  }
  return spec;
}

} // namespace tilewright::sim
