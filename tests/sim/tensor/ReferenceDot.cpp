//===- ReferenceDot.cpp - Readable model of the tensor cores --------------===//

#include "tests/sim/tensor/ReferenceDot.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tilewright::sim::test {

Format formatOf(MatrixType type) {
  switch (type) {
  case MatrixType::F16:
    return {5, 10, true};
  case MatrixType::BF16:
    return {8, 7, true};
  case MatrixType::TF32:
    return {8, 10, true};
  case MatrixType::E4M3:
    return {4, 3, false};
  case MatrixType::E5M2:
    return {5, 2, true};
  default:
    return f32Format;
  }
}

static int minExponent(Format format) {
  return 2 - (1 << (format.exponentBits - 1));
}

double valueOf(Format format, uint32_t bits) {
  int maxField = (1 << format.exponentBits) - 1;
  int field = (bits >> format.mantissaBits) & maxField;
  int fraction = bits & ((1 << format.mantissaBits) - 1);
  int maxFraction = (1 << format.mantissaBits) - 1;
  bool negative = bits >> (format.exponentBits + format.mantissaBits) & 1;
  double magnitude;
  if (format.infinity && field == maxField)
    magnitude = fraction ? std::nan("") : HUGE_VAL;
  else if (!format.infinity && field == maxField && fraction == maxFraction)
    magnitude = std::nan("");
  else if (field == 0)
    magnitude = std::ldexp(fraction, minExponent(format) - format.mantissaBits);
  else
    magnitude = std::ldexp(1 + std::ldexp(fraction, -format.mantissaBits),
                           minExponent(format) + field - 1);
  return negative ? -magnitude : magnitude;
}

Reference referenceOf(TensorArch arch, bool wgmma, MatrixType type,
                      AccumulatorType accumulator) {
  Reference result;
  result.fractionBits = arch == TensorArch::Hopper ? 25 : 24;
  bool fp8 = type == MatrixType::E4M3 || type == MatrixType::E5M2;
  bool shortSum = fp8 && (wgmma || arch == TensorArch::Ada);
  if (shortSum)
    result.fractionBits = 13;
  if (accumulator == AccumulatorType::F16) {
    result.result = formatOf(MatrixType::F16);
    result.resultBits = 10;
    result.nearest = true;
  } else if (shortSum) {
    result.resultBits = 13;
  }
  return result;
}

namespace {
/// significand * 2^exponent, the significand in [1, 2) unless the value is
/// subnormal in its format or zero.
struct Split {
  double significand;
  int exponent;
};
} // namespace

static Split split(double value, int lowest) {
  if (value == 0)
    return {0, -126};
  int exponent = std::max(std::ilogb(value), lowest);
  return {std::ldexp(value, -exponent), exponent};
}

/// The bits of `value`, which has at most `mantissaBits` bits below its leading
/// one and is exact in `format` unless it is too large for it.
static uint32_t bitsOfValue(Format format, double value) {
  if (value == 0)
    return 0;
  uint32_t sign =
      value < 0 ? 1u << (format.exponentBits + format.mantissaBits) : 0;
  uint32_t infinity = ((1u << format.exponentBits) - 1) << format.mantissaBits;
  int maxExponent = (1 << (format.exponentBits - 1)) - 1;
  if (std::isinf(value) || std::ilogb(value) > maxExponent)
    return sign | infinity;
  Split parts = split(std::fabs(value), minExponent(format));
  bool normal = parts.significand >= 1;
  double fraction = parts.significand - (normal ? 1 : 0);
  uint32_t field =
      normal ? static_cast<uint32_t>(parts.exponent - minExponent(format) + 1)
             : 0;
  return sign | field << format.mantissaBits |
         static_cast<uint32_t>(std::ldexp(fraction, format.mantissaBits));
}

uint32_t referenceDot(const Reference &reference, Format aFormat,
                      const std::vector<uint32_t> &a, Format bFormat,
                      const std::vector<uint32_t> &b, uint32_t accumulator) {
  double c = valueOf(reference.result, accumulator);
  double ieee = c;
  for (size_t i = 0; i < a.size(); ++i)
    ieee += valueOf(aFormat, a[i]) * valueOf(bFormat, b[i]);
  if (std::isnan(ieee))
    return (1u << (reference.result.exponentBits +
                   reference.result.mantissaBits)) -
           1;
  if (std::isinf(ieee))
    return bitsOfValue(reference.result, ieee);

  std::vector<Split> terms = {split(c, minExponent(reference.result))};
  for (size_t i = 0; i < a.size(); ++i) {
    Split x = split(valueOf(aFormat, a[i]), minExponent(aFormat));
    Split y = split(valueOf(bFormat, b[i]), minExponent(bFormat));
    terms.push_back({x.significand * y.significand, x.exponent + y.exponent});
  }
  int largest = terms[0].exponent;
  for (Split term : terms)
    largest = std::max(largest, term.exponent);
  double sum = 0;
  for (Split term : terms)
    sum += std::trunc(std::ldexp(
        term.significand, reference.fractionBits + term.exponent - largest));
  double value = std::ldexp(sum, largest - reference.fractionBits);

  Split parts = split(value, minExponent(reference.result));
  double scaled = std::ldexp(parts.significand, reference.resultBits);
  double rounded =
      reference.nearest ? std::nearbyint(scaled) : std::trunc(scaled);
  return bitsOfValue(
      reference.result,
      std::ldexp(rounded, parts.exponent - reference.resultBits));
}

/// `value` rounded to a neighbour in `format`; which one does not matter.
static uint32_t nearbyBits(Format format, double value) {
  int maxExponent = (1 << (format.exponentBits - 1)) - 1;
  double limit = std::ldexp(1.5, maxExponent);
  value = std::clamp(value, -limit, limit);
  Split parts = split(value, minExponent(format));
  double kept = std::trunc(std::ldexp(parts.significand, format.mantissaBits));
  return bitsOfValue(format,
                     std::ldexp(kept, parts.exponent - format.mantissaBits));
}

static uint32_t finiteBits(Format format, std::mt19937 &random) {
  int width = 1 + format.exponentBits + format.mantissaBits;
  uint32_t mask = width == 32 ? ~0u : (1u << width) - 1;
  uint32_t bits;
  do
    bits = random() & mask;
  while (!std::isfinite(valueOf(format, bits)));
  return bits;
}

uint32_t randomElement(Format format, Fill fill, std::mt19937 &random) {
  std::normal_distribution<double> normal;
  int signBit = format.exponentBits + format.mantissaBits;
  uint32_t width = static_cast<uint32_t>(signBit) + 1;
  uint32_t mask = width == 32 ? ~0u : (1u << width) - 1;
  uint32_t sign = (random() & 1) << signBit;
  switch (fill) {
  case Fill::Normal:
    return nearbyBits(format, normal(random));
  case Fill::Wide: {
    int range = (1 << (format.exponentBits - 1)) - 2;
    int exponent = static_cast<int>(random() % (2 * range)) - range;
    // The middle third most of the time, so that products stay in range.
    if (random() % 4)
      exponent /= 3;
    return nearbyBits(format, std::ldexp(normal(random), exponent));
  }
  case Fill::Bits:
    return random() & mask;
  case Fill::Finite:
    return finiteBits(format, random);
  case Fill::Sparse:
    return random() % 8 ? sign : nearbyBits(format, normal(random));
  case Fill::Extreme:
    // Mantissas of ones: sums of products reach past 32 bits.
    return nearbyBits(format, 2 - std::ldexp(1.0 + (random() % 4 == 0),
                                             -format.mantissaBits));
  case Fill::Cancelling:
    return nearbyBits(format, std::ldexp(1 + (random() % 3) * 0.125,
                                         static_cast<int>(random() % 3) - 1)) |
           sign;
  case Fill::Subnormal:
    return sign | (random() & ((2u << format.mantissaBits) - 1));
  }
  return 0;
}

} // namespace tilewright::sim::test
