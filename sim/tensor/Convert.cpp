//===- Convert.cpp - Conversions between floating-point formats -----------===//

#include "sim/tensor/Convert.h"

#include <cmath>
#include <limits>

namespace tilewright::sim {

namespace {
/// What tells one format from another. Bit patterns are of the format itself,
/// without the 13 low bits that tf32 carries.
struct FormatFacts {
  int mantissaBits;
  int minExponent; ///< of a normal number
  int signBit;
  uint32_t maxFinite;
  uint32_t infinity; ///< the canonical NaN where there is no infinity
  uint32_t nan;
  int paddingBits; ///< low bits of the register that the format leaves clear
};
} // namespace

static const FormatFacts &factsOf(FloatFormat format) {
  static constexpr FormatFacts table[] = {
      {23, -126, 31, 0x7f7fffff, 0x7f800000, 0x7fffffff, 0},
      {10, -126, 18, 0x3fbff, 0x3fc00, 0x3ffff, 13},
      {10, -14, 15, 0x7bff, 0x7c00, 0x7fff, 0},
      {7, -126, 15, 0x7f7f, 0x7f80, 0x7fff, 0},
      {3, -6, 7, 0x7e, 0x7f, 0x7f, 0},
      {2, -14, 7, 0x7b, 0x7c, 0x7f, 0},
  };
  return table[static_cast<int>(format)];
}

/// tf32's canonical NaN has every bit below the sign set, padding included.
static uint32_t canonicalNan(FloatFormat format) {
  return format == FloatFormat::TF32 ? 0x7fffffffu : factsOf(format).nan;
}

double decodeFloat(FloatFormat format, uint32_t bits) {
  const FormatFacts &facts = factsOf(format);
  bits >>= facts.paddingBits;
  bool negative = (bits >> facts.signBit) & 1;
  uint32_t magnitude = bits & ((1u << facts.signBit) - 1);
  double sign = negative ? -1.0 : 1.0;
  if (magnitude > facts.maxFinite) {
    bool isInfinity =
        magnitude == facts.infinity && format != FloatFormat::E4M3;
    return isInfinity ? sign * std::numeric_limits<double>::infinity()
                      : std::numeric_limits<double>::quiet_NaN();
  }
  uint32_t field = magnitude >> facts.mantissaBits;
  uint32_t fraction = magnitude & ((1u << facts.mantissaBits) - 1);
  if (field != 0)
    fraction |= 1u << facts.mantissaBits;
  int exponent = facts.minExponent + (field ? static_cast<int>(field) - 1 : 0);
  return sign * std::ldexp(static_cast<double>(fraction),
                           exponent - facts.mantissaBits);
}

/// Whether a magnitude with the given discarded part is rounded away from zero.
static bool roundsAway(RoundingMode mode, bool negative, bool odd,
                       bool halfOrMore, bool exactlyHalf, bool inexact) {
  switch (mode) {
  case RoundingMode::NearestEven:
    return halfOrMore && (!exactlyHalf || odd);
  case RoundingMode::NearestAway:
    return halfOrMore;
  case RoundingMode::Zero:
    return false;
  case RoundingMode::Down:
    return inexact && negative;
  case RoundingMode::Up:
    return inexact && !negative;
  }
  return false;
}

/// The magnitude of a finite, non-zero `value` in units of 2^`quantum`.
static uint64_t roundToQuantum(double value, int quantum, RoundingMode mode) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  int field = static_cast<int>((bits >> 52) & 0x7ff);
  uint64_t mantissa = bits & ((uint64_t{1} << 52) - 1);
  if (field != 0)
    mantissa |= uint64_t{1} << 52;
  int unit = (field ? field : 1) - 1075;
  int shift = quantum - unit;
  // The mantissa has 53 bits, so past 60 every shift leaves less than a half.
  if (shift > 60)
    shift = 60;
  uint64_t kept = mantissa >> shift;
  uint64_t rest = mantissa & ((uint64_t{1} << shift) - 1);
  uint64_t half = uint64_t{1} << (shift - 1);
  bool negative = bits >> 63;
  return kept + roundsAway(mode, negative, kept & 1, rest >= half, rest == half,
                           rest != 0);
}

/// What stands for a value too large for the format.
static uint32_t overflowOf(const FormatFacts &facts, bool negative,
                           bool wasInfinite, ConvertOptions options) {
  if (options.satfinite)
    return facts.maxFinite;
  if (wasInfinite)
    return facts.infinity;
  RoundingMode mode = options.rounding;
  bool towardZero = mode == RoundingMode::Zero ||
                    (mode == RoundingMode::Down && !negative) ||
                    (mode == RoundingMode::Up && negative);
  return towardZero ? facts.maxFinite : facts.infinity;
}

uint32_t encodeFloat(FloatFormat format, double value, ConvertOptions options) {
  const FormatFacts &facts = factsOf(format);
  if (std::isnan(value))
    return canonicalNan(format);
  bool negative = std::signbit(value);
  if (negative && options.relu)
    return 0;
  uint32_t magnitude = 0;
  if (std::isinf(value)) {
    magnitude = overflowOf(facts, negative, /*wasInfinite=*/true, options);
  } else if (value != 0) {
    int lowest = facts.minExponent - facts.mantissaBits;
    int quantum = std::ilogb(value) - facts.mantissaBits;
    if (quantum < lowest)
      quantum = lowest;
    uint64_t units = roundToQuantum(value, quantum, options.rounding);
    // A normal number's leading bit adds one to the exponent field below it,
    // and a carry out of the mantissa adds another.
    uint64_t encoded =
        (static_cast<uint64_t>(quantum - lowest) << facts.mantissaBits) + units;
    magnitude =
        encoded > facts.maxFinite
            ? overflowOf(facts, negative, /*wasInfinite=*/false, options)
            : static_cast<uint32_t>(encoded);
  }
  uint32_t sign = negative ? 1u << facts.signBit : 0;
  return (sign | magnitude) << facts.paddingBits;
}

uint16_t f16FromF32(float value) {
  constexpr uint32_t infinity = 0x7f800000u;
  constexpr uint32_t overflow = 0x47800000u;  // 2^16
  constexpr uint32_t minNormal = 0x38800000u; // 2^-14
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = (bits >> 16) & 0x8000u;
  uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > infinity)
    return 0x7fff;
  if (magnitude >= overflow)
    return static_cast<uint16_t>(sign | 0x7c00u);
  if (magnitude < minNormal) {
    // Adding 2^-1 puts f16's subnormal unit, 2^-24, at f32's last place.
    float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(
        sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u));
  }
  uint32_t rebiased = magnitude - 0x38000000u;
  uint32_t rounded = rebiased + 0xfffu + ((rebiased >> 13) & 1);
  return static_cast<uint16_t>(sign | (rounded >> 13));
}

namespace {
struct Fp8Tables {
  float e4m3[256];
  float e5m2[256];
  Fp8Tables() {
    for (uint32_t i = 0; i < 256; ++i) {
      e4m3[i] = static_cast<float>(decodeFloat(FloatFormat::E4M3, i));
      e5m2[i] = static_cast<float>(decodeFloat(FloatFormat::E5M2, i));
    }
  }
};
} // namespace

static const Fp8Tables &fp8Tables() {
  static const Fp8Tables tables;
  return tables;
}

float f32FromE4m3(uint8_t bits) { return fp8Tables().e4m3[bits]; }
float f32FromE5m2(uint8_t bits) { return fp8Tables().e5m2[bits]; }

} // namespace tilewright::sim
