//===- ElementTest.cpp - Rounding to 16-bit formats -----------------------===//
// Against the host's conversions for f16, and against exact neighbours for
// bf16.
//===----------------------------------------------------------------------===//

#include "ir/reference/Element.h"
#include "gtest/gtest.h"

#include <bit>
#include <cmath>

using namespace tilewright::reference;

TEST(Element, EveryBf16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = decodeBf16(bits);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(decodeBf16(encodeBf16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(encodeBf16(value), bits);
  }
}

TEST(Element, EveryF16SurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    float value = decodeF16(bits);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(decodeF16(encodeF16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(encodeF16(value), bits);
  }
}

/// Half-way between two neighbours goes to the even one, and a little more or
/// less to the nearer one.
static void expectNearestEven(uint16_t low, float (*decode)(uint16_t),
                              uint16_t (*encode)(float)) {
  uint16_t high = low + 1;
  float middle = (decode(low) + decode(high)) / 2;
  if (!std::isfinite(middle))
    return;
  ASSERT_EQ(encode(middle), low & 1 ? high : low) << low;
  ASSERT_EQ(encode(std::nextafter(middle, INFINITY)), high) << low;
  ASSERT_EQ(encode(std::nextafter(middle, 0.0f)), low) << low;
  ASSERT_EQ(encode(-middle), (low & 1 ? high : low) | 0x8000) << low;
}

TEST(Element, Bf16RoundsToNearestEven) {
  // From 1: below are subnormal f32 neighbours whose middle is exact too.
  for (uint32_t bits = 1; bits < 0x7f7f; ++bits)
    expectNearestEven(bits, decodeBf16, encodeBf16);
}

TEST(Element, F16RoundsToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits)
    expectNearestEven(bits, decodeF16, encodeF16);
}

TEST(Element, TooLargeBecomesInfinite) {
  EXPECT_EQ(encodeF16(65519.996f), 0x7bff);
  EXPECT_EQ(encodeF16(65520.0f), 0x7c00);
  EXPECT_EQ(encodeF16(-INFINITY), 0xfc00);
  EXPECT_EQ(encodeBf16(std::bit_cast<float>(0x7f7f7fffu)), 0x7f7f);
  EXPECT_EQ(encodeBf16(std::bit_cast<float>(0x7f7f8000u)), 0x7f80);
  EXPECT_EQ(encodeBf16(-INFINITY), 0xff80);
}
