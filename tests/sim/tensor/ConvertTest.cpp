//===- ConvertTest.cpp - Conversions at every decision point --------------===//
//
// Rounding is monotone, so a conversion is right everywhere if it is right at
// every value of the destination, at every midpoint between two of them, and at
// the source's neighbours of both. The model finds the two destination values
// around the source by search and knows no bit tricks.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/Convert.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <vector>

using namespace tilewright::sim;

namespace {

constexpr RoundingMode allModes[] = {
    RoundingMode::NearestEven, RoundingMode::NearestAway, RoundingMode::Zero,
    RoundingMode::Down, RoundingMode::Up};

constexpr FloatFormat smallFormats[] = {FloatFormat::F16, FloatFormat::BF16,
                                        FloatFormat::E4M3, FloatFormat::E5M2,
                                        FloatFormat::TF32};

struct Shape {
  int exponentBits, mantissaBits, padding;
  bool infinity;
};
Shape shapeOf(FloatFormat format) {
  switch (format) {
  case FloatFormat::F16:
    return {5, 10, 0, true};
  case FloatFormat::BF16:
    return {8, 7, 0, true};
  case FloatFormat::TF32:
    return {8, 10, 13, true};
  case FloatFormat::E4M3:
    return {4, 3, 0, false};
  case FloatFormat::E5M2:
    return {5, 2, 0, true};
  case FloatFormat::F32:
    break;
  }
  return {8, 23, 0, true};
}

/// The non-negative finite values of a format, in order: index = magnitude
/// bits.
const std::vector<double> &valuesOf(FloatFormat format) {
  static std::map<FloatFormat, std::vector<double>> cache;
  std::vector<double> &values = cache[format];
  if (!values.empty())
    return values;
  Shape shape = shapeOf(format);
  int bias = (1 << (shape.exponentBits - 1)) - 1;
  int fields = (1 << shape.exponentBits) - (shape.infinity ? 1 : 0);
  int fractions = 1 << shape.mantissaBits;
  for (int field = 0; field < fields; ++field)
    for (int fraction = 0; fraction < fractions; ++fraction) {
      bool nan =
          !shape.infinity && field == fields - 1 && fraction == fractions - 1;
      if (nan)
        continue;
      double significand = fraction / double(fractions) + (field ? 1 : 0);
      values.push_back(std::ldexp(significand, std::max(field, 1) - bias));
    }
  return values;
}

uint32_t signOf(FloatFormat format) {
  Shape shape = shapeOf(format);
  return 1u << (shape.exponentBits + shape.mantissaBits);
}

/// What the manual asks for, by search.
uint32_t model(FloatFormat format, double value, ConvertOptions options) {
  const std::vector<double> &values = valuesOf(format);
  Shape shape = shapeOf(format);
  uint32_t count = static_cast<uint32_t>(values.size());
  if (std::isnan(value))
    return format == FloatFormat::TF32 ? 0x7fffffffu : signOf(format) - 1;
  bool negative = std::signbit(value);
  if (negative && options.relu)
    return 0;
  double magnitude = std::fabs(value);
  auto above = std::upper_bound(values.begin(), values.end(), magnitude);
  uint32_t low = static_cast<uint32_t>(above - values.begin()) - 1;
  // One past the last value stands for infinity, a full step away.
  double next = low + 1 < count ? values[low + 1]
                                : 2 * values[count - 1] - values[count - 2];
  bool up = false;
  if (std::isinf(value)) {
    low = count - 1;
    up = true;
  } else if (magnitude != values[low]) {
    double middle = values[low] + (next - values[low]) / 2;
    switch (options.rounding) {
    case RoundingMode::NearestEven:
      up = magnitude > middle || (magnitude == middle && low % 2 == 1);
      break;
    case RoundingMode::NearestAway:
      up = magnitude >= middle;
      break;
    case RoundingMode::Zero:
      break;
    case RoundingMode::Down:
      up = negative;
      break;
    case RoundingMode::Up:
      up = !negative;
      break;
    }
  }
  uint32_t bits = low + up;
  if (bits == count && options.satfinite)
    bits = count - 1;
  return (bits | (negative ? signOf(format) : 0)) << shape.padding;
}

/// Decision points of a format, with their neighbours in f32 and in f64.
std::vector<double> decisionPoints(FloatFormat format) {
  const std::vector<double> &values = valuesOf(format);
  std::vector<double> result = {0, HUGE_VAL, 0x1p-149, 0x1p-1074, 3e38, 1e300};
  auto add = [&](double value) {
    float narrow = static_cast<float>(value);
    result.insert(result.end(), {value, std::nextafter(narrow, 0.0f),
                                 std::nextafter(narrow, HUGE_VALF),
                                 std::nextafter(value, 0.0),
                                 std::nextafter(value, HUGE_VAL)});
  };
  // tf32 has the rule of bf16 with three more bits; every fifth value will do.
  size_t step = format == FloatFormat::TF32 ? 5 : 1;
  for (size_t i = 0; i < values.size(); i += step) {
    add(values[i]);
    double next =
        i + 1 < values.size() ? values[i + 1] : 2 * values[i] - values[i - 1];
    add(values[i] + (next - values[i]) / 2);
  }
  add(values.back());
  add(values.back() + (values.back() - values[values.size() - 2]) / 2);
  return result;
}

TEST(Convert, DecodesEveryBitPattern) {
  for (FloatFormat format : smallFormats) {
    Shape shape = shapeOf(format);
    const std::vector<double> &values = valuesOf(format);
    uint32_t sign = signOf(format);
    for (uint32_t bits = 0; bits < 2 * sign; ++bits) {
      uint32_t magnitude = bits & (sign - 1);
      double value = decodeFloat(format, bits << shape.padding);
      if (magnitude < values.size()) {
        EXPECT_EQ(value, bits & sign ? -values[magnitude] : values[magnitude]);
        EXPECT_EQ(std::signbit(value), (bits & sign) != 0);
      } else if (shape.infinity && magnitude == values.size()) {
        EXPECT_EQ(value, bits & sign ? -HUGE_VAL : HUGE_VAL);
      } else {
        EXPECT_TRUE(std::isnan(value));
      }
    }
  }
}

TEST(Convert, EncodesAtEveryDecisionPoint) {
  for (FloatFormat format : smallFormats)
    for (double point : decisionPoints(format))
      for (double value : {point, -point})
        for (RoundingMode mode : allModes)
          for (bool satfinite : {false, true})
            for (bool relu : {false, true}) {
              ConvertOptions options = {mode, satfinite, relu};
              ASSERT_EQ(encodeFloat(format, value, options),
                        model(format, value, options))
                  << "format " << int(format) << " value " << std::hexfloat
                  << value << " mode " << int(mode) << " satfinite "
                  << satfinite << " relu " << relu;
            }
}

TEST(Convert, EverySixteenBitSource) {
  for (FloatFormat source : {FloatFormat::F16, FloatFormat::BF16})
    for (FloatFormat target : smallFormats)
      for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        double value = decodeFloat(source, bits);
        ConvertOptions options = {RoundingMode::NearestEven, true, false};
        ASSERT_EQ(encodeFloat(target, value, options),
                  model(target, value, options))
            << bits;
      }
}

// f32 from f64: the host's own conversion is the model.
TEST(Convert, F32FromF64) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; ++i) {
    uint64_t bits = random();
    if (i % 2) // exponents around f32's range, with its subnormals
      bits = (bits & ~(uint64_t{0x7ff} << 52)) |
             (uint64_t{1023 - 160 + random() % 300} << 52);
    double value = std::bit_cast<double>(bits);
    if (std::isnan(value))
      continue;
    ASSERT_EQ(encodeFloat(FloatFormat::F32, value, {}),
              std::bit_cast<uint32_t>(static_cast<float>(value)));
  }
}

TEST(Convert, NanIsCanonical) {
  double nan = std::nan("");
  for (bool satfinite : {false, true})
    for (bool relu : {false, true}) {
      ConvertOptions options = {RoundingMode::NearestEven, satfinite, relu};
      EXPECT_EQ(encodeFloat(FloatFormat::F32, nan, options), 0x7fffffffu);
      EXPECT_EQ(encodeFloat(FloatFormat::TF32, nan, options), 0x7fffffffu);
      EXPECT_EQ(encodeFloat(FloatFormat::F16, -nan, options), 0x7fffu);
      EXPECT_EQ(encodeFloat(FloatFormat::BF16, -nan, options), 0x7fffu);
      EXPECT_EQ(encodeFloat(FloatFormat::E4M3, nan, options), 0x7fu);
      EXPECT_EQ(encodeFloat(FloatFormat::E5M2, nan, options), 0x7fu);
    }
}

TEST(Convert, InlineFormsAgree) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    uint16_t half = static_cast<uint16_t>(bits);
    double expected = decodeFloat(FloatFormat::F16, bits);
    float value = f32FromF16(half);
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(value));
    else
      EXPECT_EQ(value, expected);
    EXPECT_EQ(std::signbit(value), bits >= 0x8000);
    expected = decodeFloat(FloatFormat::BF16, bits);
    if (!std::isnan(expected))
      EXPECT_EQ(f32FromBf16(half), expected);
  }
  for (uint32_t bits = 0; bits < 256; ++bits) {
    uint8_t byte = static_cast<uint8_t>(bits);
    double e4m3 = decodeFloat(FloatFormat::E4M3, bits);
    double e5m2 = decodeFloat(FloatFormat::E5M2, bits);
    EXPECT_TRUE(f32FromE4m3(byte) == e4m3 || std::isnan(e4m3));
    EXPECT_TRUE(f32FromE5m2(byte) == e5m2 || std::isnan(e5m2));
  }
  for (FloatFormat format : {FloatFormat::F16, FloatFormat::BF16})
    for (double point : decisionPoints(format))
      for (float value :
           {static_cast<float>(point), -static_cast<float>(point)}) {
        ASSERT_EQ(f16FromF32(value), encodeFloat(FloatFormat::F16, value, {}));
        ASSERT_EQ(bf16FromF32(value),
                  encodeFloat(FloatFormat::BF16, value, {}));
      }
  EXPECT_EQ(f16FromF32(std::nanf("")), 0x7fff);
  EXPECT_EQ(bf16FromF32(std::nanf("")), 0x7fff);
}

} // namespace
