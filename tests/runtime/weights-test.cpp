//===- weights-test.cpp - Rounding, values of weights, rope tables --------===//

#include "runtime/weights/Convert.h"
#include "runtime/weights/Loader.h"
#include "runtime/weights/RopeTable.h"
#include "runtime/weights/Value.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

TEST(Convert, Bf16RoundsToNearestEven) {
  auto round = [](uint32_t bits) {
    return bf16FromFloat(std::bit_cast<float>(bits));
  };
  EXPECT_EQ(round(0x3f800000), 0x3f80);
  EXPECT_EQ(round(0x3f808000), 0x3f80) << "tie to even";
  EXPECT_EQ(round(0x3f818000), 0x3f82) << "tie to even";
  EXPECT_EQ(round(0x3f808001), 0x3f81);
  EXPECT_EQ(round(0x7f7fffff), 0x7f80) << "overflow to infinity";
  EXPECT_EQ(round(0xff800000), 0xff80);
  EXPECT_TRUE(std::isnan(floatFromBf16(round(0x7f800001))));
}

TEST(Convert, F16AgainstTheDefinition) {
  // Every f16 converts to f32 and back; halfway to the next goes to even.
  for (uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float value = floatFromF16(uint16_t(bits));
    ASSERT_EQ(f16FromFloat(value), bits);
    ASSERT_EQ(f16FromFloat(-value), bits | 0x8000);
    double next =
        bits == 0x7bff ? 65536.0 : double(floatFromF16(uint16_t(bits + 1)));
    float halfway = float((double(value) + next) / 2);
    ASSERT_EQ(f16FromFloat(halfway), (bits + 1) & ~1u);
    ASSERT_EQ(f16FromFloat(std::nextafter(halfway, 0.0f)), bits);
    ASSERT_EQ(f16FromFloat(std::nextafter(halfway, 1e9f)), bits + 1);
  }
  EXPECT_TRUE(std::isnan(floatFromF16(f16FromFloat(NAN))));
  EXPECT_EQ(f16FromFloat(INFINITY), 0x7c00);
}

TEST(Convert, NothingIsRoundedTwice) {
  // 1 + 2^-8 + 2^-40: to f32 it is a tie of bf16, which would go down to even.
  double value = 1 + 0x1p-8 + 0x1p-40;
  uint16_t rounded;
  convert(DType::F64, reinterpret_cast<const std::byte *>(&value), DType::BF16,
          reinterpret_cast<std::byte *>(&rounded), 1);
  EXPECT_EQ(rounded, 0x3f81);
  value = 1 + 0x1p-8 - 0x1p-40;
  convert(DType::F64, reinterpret_cast<const std::byte *>(&value), DType::BF16,
          reinterpret_cast<std::byte *>(&rounded), 1);
  EXPECT_EQ(rounded, 0x3f80);

  // The same for a product: 0x1.01p0 * (1 + 2^-20) lies just above a tie.
  uint16_t element = bf16FromFloat(0x1.02p0f);
  float scale = std::nextafter(0x1.01p0f, 2.0f);
  double exact = double(floatFromBf16(element)) * double(scale);
  uint16_t product;
  scaleColumns(DType::BF16, reinterpret_cast<const std::byte *>(&element),
               DType::F32, reinterpret_cast<const std::byte *>(&scale),
               reinterpret_cast<std::byte *>(&product), 1, 1);
  double below = floatFromBf16(product - 1), at = floatFromBf16(product),
         above = floatFromBf16(product + 1);
  EXPECT_LE(std::fabs(exact - at), std::fabs(exact - below));
  EXPECT_LE(std::fabs(exact - at), std::fabs(exact - above));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

namespace {

/// An f32 tensor with elements 0, 1, 2, ...
struct Counting {
  explicit Counting(std::vector<int64_t> shape) {
    int64_t size = 1;
    for (int64_t dimension : shape)
      size *= dimension;
    data.resize(size_t(size));
    std::iota(data.begin(), data.end(), 0.0f);
    view = {DType::F32, shape, std::as_bytes(std::span(data)), "f"};
  }
  ValuePtr value(size_t index = 0) const {
    return makeTensor(index, {"t", DType::F32, view.shape});
  }
  std::vector<float> data;
  TensorView view;
};

/// All elements, asked for in pieces of `piece` rows.
std::vector<float> evaluate(const Value &value, Sources sources,
                            int64_t piece) {
  EXPECT_EQ(value.dtype(), DType::F32);
  std::vector<float> result(size_t(value.numRows() * value.rowElements()));
  std::byte *out = reinterpret_cast<std::byte *>(result.data());
  for (int64_t row = 0; row < value.numRows(); row += piece)
    value.rows(sources, row, std::min(value.numRows(), row + piece),
               out + size_t(row) * value.rowBytes());
  return result;
}

/// The same whatever the pieces.
void expectValue(const Value &value, Sources sources,
                 const std::vector<float> &expected) {
  for (int64_t piece : {1, 2, 3, 5, 1000})
    EXPECT_EQ(evaluate(value, sources, piece), expected)
        << "pieces of " << piece;
}

} // namespace

TEST(Value, ConcatAndSlice) {
  Counting a({2, 2}), b({3, 2}), c({2, 3});
  const TensorView *views[] = {&a.view, &b.view, &c.view};
  std::vector<ValuePtr> rows;
  rows.push_back(a.value(0));
  rows.push_back(b.value(1));
  ValuePtr stacked = makeConcat(0, std::move(rows));
  EXPECT_EQ(stacked->shape(), (std::vector<int64_t>{5, 2}));
  expectValue(*stacked, views, {0, 1, 2, 3, 0, 1, 2, 3, 4, 5});
  ValuePtr part = makeSlice(0, 1, 4, std::move(stacked));
  expectValue(*part, views, {2, 3, 0, 1, 2, 3});

  std::vector<ValuePtr> columns;
  columns.push_back(a.value(0));
  columns.push_back(c.value(2));
  ValuePtr beside = makeConcat(1, std::move(columns));
  expectValue(*beside, views, {0, 1, 0, 1, 2, 2, 3, 3, 4, 5});
  expectValue(*makeSlice(1, 1, 3, std::move(beside)), views, {1, 0, 3, 3});
}

TEST(Value, Reshape) {
  Counting a({4, 3});
  const TensorView *views[] = {&a.view};
  expectValue(*makeReshape({6, 2}, a.value()), views, a.data);
  expectValue(*makeReshape({12}, a.value()), views, a.data);
  expectValue(*makeReshape({1, 12}, a.value()), views, a.data);
}

TEST(Value, RegroupRows) {
  Counting a({8});
  const TensorView *views[] = {&a.view};
  // Pairs (0,4) (1,5) (2,6) (3,7) side by side.
  expectValue(*makeRegroupRows(8, 8, 4, 1, a.value()), views,
              {0, 4, 1, 5, 2, 6, 3, 7});
  expectValue(*makeRegroupRows(8, 8, 4, 2, a.value()), views,
              {0, 1, 4, 5, 2, 3, 6, 7});
  expectValue(*makeRegroupRows(4, 4, 2, 1, a.value()), views,
              {0, 2, 1, 3, 4, 6, 5, 7});
  // What is past the extent stays: a rotary dimension below that of the head.
  expectValue(*makeRegroupRows(8, 4, 2, 1, a.value()), views,
              {0, 2, 1, 3, 4, 5, 6, 7});
  // There and back again.
  Counting large({96, 3});
  const TensorView *largeViews[] = {&large.view};
  expectValue(*makeRegroupRows(48, 48, 8, 24,
                               makeRegroupRows(48, 48, 24, 8, large.value())),
              largeViews, large.data);
}

TEST(Value, RegroupRowsByTheDefinition) {
  constexpr int64_t period = 80, from = 40, to = 8;
  Counting a({160, 2});
  const TensorView *views[] = {&a.view};
  std::vector<float> expected(a.data.size());
  for (int64_t block = 0; block < 160; block += period)
    for (int64_t f = 0; f < period / 2; ++f)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t k = 0; k < 2; ++k)
          expected[size_t((block + f / to * 2 * to + f % to + h * to) * 2 +
                          k)] =
              a.data[size_t(
                  (block + f / from * 2 * from + f % from + h * from) * 2 + k)];
  expectValue(*makeRegroupRows(period, period, from, to, a.value()), views,
              expected);
}

TEST(Value, CastAndScale) {
  Counting a({3, 4}), s({4});
  const TensorView *views[] = {&a.view, &s.view};
  expectValue(*makeScaleColumns(a.value(0), s.value(1)), views,
              {0, 1, 4, 9, 0, 5, 12, 21, 0, 9, 20, 33});
  ValuePtr narrow = makeCast(DType::BF16, a.value(0));
  EXPECT_EQ(narrow->dtype(), DType::BF16);
  expectValue(*makeCast(DType::F32, std::move(narrow)), views, a.data);
}

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

TEST(Rope, PlainAndLinear) {
  RopeParameters parameters{10000.0, 8, 16, {}};
  std::vector<float> plain = ropeFrequencies(parameters);
  ASSERT_EQ(plain.size(), 4u);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_FLOAT_EQ(plain[i], float(std::pow(10000.0, -double(i) / 4)));
  parameters.scaling = {RopeScaling::Type::Linear, 4, 1, 1, 0};
  std::vector<float> linear = ropeFrequencies(parameters);
  for (size_t i = 0; i < 4; ++i)
    EXPECT_EQ(linear[i], plain[i] / 4);
  float row[8];
  ropeRow(plain, 3, row);
  EXPECT_EQ(row[0], float(std::cos(3.0)));
  EXPECT_EQ(row[1], float(std::sin(3.0)));
}

TEST(Rope, Llama3) {
  // Llama 3.1's own parameters: high frequencies stay, low ones are divided by
  // the factor, and those between are blended.
  RopeParameters parameters{500000.0, 128, 16, {}};
  std::vector<float> plain = ropeFrequencies(parameters);
  parameters.scaling = {RopeScaling::Type::Llama3, 8, 1, 4, 8192};
  std::vector<float> scaled = ropeFrequencies(parameters);
  int kept = 0, blended = 0, divided = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    double wavelength = 2 * M_PI / plain[i];
    if (wavelength < 8192.0 / 4) {
      EXPECT_EQ(scaled[i], plain[i]);
      ++kept;
    } else if (wavelength > 8192.0) {
      EXPECT_EQ(scaled[i], plain[i] / 8);
      ++divided;
    } else {
      double smooth = (8192 / wavelength - 1) / 3;
      EXPECT_NEAR(scaled[i], (1 - smooth) * plain[i] / 8 + smooth * plain[i],
                  1e-6 * plain[i]);
      ++blended;
    }
  }
  EXPECT_EQ(kept + blended + divided, 64);
  EXPECT_GT(blended, 0);
  EXPECT_GT(divided, 0);
}

TEST(Rope, Llama3AgainstTransformers) {
  // ROPE_INIT_FUNCTIONS["llama3"] of Transformers, for Llama 3.2 1B.
  static const float expected[] = {
      0x1p+0f,         0x1.53c38cp-1f,  0x1.c2ef78p-2f,  0x1.2b3dc6p-2f,
      0x1.8d276p-3f,   0x1.078d4p-3f,   0x1.5dc95ap-4f,  0x1.d03ccep-5f,
      0x1.34119p-5f,   0x1.98de92p-6f,  0x1.0f5386p-6f,  0x1.681adap-7f,
      0x1.ddee9ep-8f,  0x1.3d2804p-8f,  0x1.a4ee4p-9f,   0x1.524f36p-10f,
      0x1.c26c4p-12f,  0x1.9731eep-14f, 0x1.46831ap-16f, 0x1.b15902p-17f,
      0x1.1f91fp-17f,  0x1.7da9e8p-18f, 0x1.fa8b86p-19f, 0x1.5024d6p-19f,
      0x1.be2188p-20f, 0x1.280d96p-20f, 0x1.88ec2p-21f,  0x1.04be68p-21f,
      0x1.5a0f4ep-22f, 0x1.cb4a9ap-23f, 0x1.30c94ep-23f, 0x1.94836p-24f};
  RopeParameters parameters{
      500000.0, 64, 16, {RopeScaling::Type::Llama3, 32, 1, 4, 8192}};
  std::vector<float> got = ropeFrequencies(parameters);
  ASSERT_EQ(got.size(), 32u);
  // One ulp: its power of f32 vectors need not be the nearest. Where
  // frequencies are blended, that ulp is scaled by a difference.
  for (size_t i = 0; i < 32; ++i)
    EXPECT_NEAR(got[i], expected[i], 0x1p-22 * expected[i])
        << "frequency " << i;
}

//===----------------------------------------------------------------------===//
// Binding
//===----------------------------------------------------------------------===//

TEST(BindSources, NamesWhatIsWrong) {
  TemporaryFolder folder;
  folder.write("model.safetensors", makeSafetensors(makeWeights()));
  auto checkpoint = Checkpoint::openDirectory(folder.path());
  ASSERT_TRUE(checkpoint);
  auto errorOf = [&](std::vector<SourceTensor> sources) -> std::string {
    auto bound = bindSources(sources, *checkpoint);
    return bound ? "" : bound.error().message();
  };
  SourceTensor table{"table", DType::BF16, {97}};
  EXPECT_EQ(errorOf({table}), "");
  EXPECT_EQ(errorOf({table, {"w", DType::BF16, {1}}}),
            "the weights lack the tensor 'w' that the bundle wants");
  EXPECT_EQ(errorOf({{"v", DType::BF16, {1}}, {"w", DType::BF16, {1}}}),
            "the weights lack the tensor 'v' and 1 others that the bundle "
            "wants");
  EXPECT_EQ(errorOf({{"table", DType::F32, {97}}}),
            folder.path() + "/model.safetensors: tensor 'table' is bf16 [97], "
                            "but the bundle was compiled for f32 [97]");
  EXPECT_EQ(errorOf({{"table", DType::BF16, {9, 7}}}),
            folder.path() + "/model.safetensors: tensor 'table' is bf16 [97], "
                            "but the bundle was compiled for bf16 [9, 7]");
}
