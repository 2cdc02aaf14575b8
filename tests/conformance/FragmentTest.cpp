//===- FragmentTest.cpp - Ops on fragments from text to results -----------===//

#include "tests/conformance/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace tilewright;
using namespace tilewright::conformance;

static void run(const char *text, std::vector<HostTensor> &arguments) {
  auto kernel = TestKernel::compile(text);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  auto error = kernel->launch(arguments, runtime::SymbolValues());
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

//===----------------------------------------------------------------------===//
// Through shared memory
//===----------------------------------------------------------------------===//

// Accumulator layout in, transposed by stmatrix, read back by ldmatrix.
static const char *const kTranspose = R"mlir(
!tile = !tile.shared<64x64xbf16, swizzle = 128>
!half = !tile.fragment<64x64xbf16>
!acc = !tile.fragment<64x64xf32>
tile.kernel @transpose(%x: !tile.global<64x64xbf16>, %one: !tile.global<64x64xbf16>, %y: !tile.global<64x64xbf16>)
    attributes {grid = [1]} {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %ring = tile.ring : !tile.ring<1, !tile, !tile>
  %s = tile.alloc : !tile
  tile.role @load warps = 1 registers = 40 {
    %sx, %so = tile.acquire %ring : !tile.ring<1, !tile, !tile>
    tile.copy %x[%c0, %c0] to %sx : !tile.global<64x64xbf16>, !tile
    tile.copy %one[%c0, %c0] to %so : !tile.global<64x64xbf16>, !tile
    tile.commit %ring : !tile.ring<1, !tile, !tile>
  }
  tile.role @math warpgroups = 1 registers = 232 {
    %sx, %so = tile.wait %ring : !tile.ring<1, !tile, !tile>
    %init = tile.splat %zero : f32 to !acc
    %product = tile.mma %sx, %so, %init transpose_b : !tile, !tile, !acc
    tile.release %ring after(%product : !acc) {in_flight = 0} : !tile.ring<1, !tile, !tile>
    %h = tile.cast %product : !acc to !half
    tile.store_matrix %h to %s transpose : !half, !tile
    tile.sync
    %t = tile.load_matrix %s : !tile to !half
    tile.store %t to %y[%c0, %c0] : !half, !tile.global<64x64xbf16>
  }
}
)mlir";

TEST(FragmentTest, TransposeThroughSharedMemory) {
  std::vector<float> x = makeNumbers(64 * 64, 1), one(64 * 64), expected;
  for (int i = 0; i < 64; ++i)
    one[i * 64 + i] = 1;
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(x)), HostTensor(toBf16(one)),
      HostTensor(std::vector<uint16_t>(64 * 64))};
  run(kTranspose, arguments);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j)
      expected.push_back(x[j * 64 + i]);
  EXPECT_EQ(compare(fromBf16(arguments[2].as<uint16_t>()), expected, 64, 0, 0),
            "");
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

static const char *const kFunctions = R"mlir(
!row = !tile.fragment<1x512xf32>
tile.kernel @functions(%x: !tile.global<1x512xf32>, %y: !tile.global<6x512xf32>)
    attributes {warps = 4, grid = [1]} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %c5 = arith.constant 5 : index
  %f = tile.load %x[%c0, %c0] {vector = 4 : i64} : !tile.global<1x512xf32> to !row
  %exp = math.exp %f : !row
  %tanh = math.tanh %f : !row
  %erf = math.erf %f : !row
  %square = arith.mulf %f, %f : !row
  %log = math.log %exp : !row
  %zero = arith.constant 0.0 : f32
  %zeros = tile.splat %zero : f32 to !row
  %negative = arith.cmpf olt, %f, %zeros : !row
  %minus = arith.negf %f : !row
  %abs = tile.select %negative, %minus, %f : !tile.fragment<1x512xi1>, !row
  tile.store %exp to %y[%c0, %c0] : !row, !tile.global<6x512xf32>
  tile.store %tanh to %y[%c1, %c0] : !row, !tile.global<6x512xf32>
  tile.store %erf to %y[%c2, %c0] : !row, !tile.global<6x512xf32>
  tile.store %square to %y[%c3, %c0] : !row, !tile.global<6x512xf32>
  tile.store %log to %y[%c4, %c0] : !row, !tile.global<6x512xf32>
  tile.store %abs to %y[%c5, %c0] : !row, !tile.global<6x512xf32>
}
)mlir";

TEST(FragmentTest, FunctionsAgainstTheHost) {
  constexpr int64_t columns = 512;
  std::vector<float> x, expected;
  for (int64_t i = 0; i < columns; ++i)
    x.push_back(static_cast<float>(i - columns / 2) / 64);
  double (*functions[])(double) = {
      [](double v) { return std::exp(v); },
      [](double v) { return std::tanh(v); },
      [](double v) { return std::erf(v); },
      [](double v) { return v * v; },
      [](double v) { return v; },
      [](double v) { return std::abs(v); },
  };
  for (auto *function : functions)
    for (float value : x)
      expected.push_back(static_cast<float>(function(value)));
  std::vector<HostTensor> arguments = {
      HostTensor(x), HostTensor(std::vector<float>(6 * columns))};
  run(kFunctions, arguments);
  // The special-function unit's 2^-22, the argument's rounding times 4 in exp.
  EXPECT_EQ(compare(arguments[1].as<float>(), expected, columns, 2e-6, 2e-6),
            "");
}

//===----------------------------------------------------------------------===//
// Casts
//===----------------------------------------------------------------------===//

static const char *const kCasts = R"mlir(
!row = !tile.fragment<1x512xf32>
tile.kernel @casts(%x: !tile.global<1x512xf32>, %fp8: !tile.global<1x512xf8E4M3FN>, %half: !tile.global<1x512xf16>,
                   %back: !tile.global<1x512xf32>)
    attributes {warps = 4, grid = [1]} {
  %c0 = arith.constant 0 : index
  %f = tile.load %x[%c0, %c0] {vector = 4 : i64} : !tile.global<1x512xf32> to !row
  %q = tile.cast %f : !row to !tile.fragment<1x512xf8E4M3FN>
  tile.store %q to %fp8[%c0, %c0] : !tile.fragment<1x512xf8E4M3FN>, !tile.global<1x512xf8E4M3FN>
  %h = tile.cast %f : !row to !tile.fragment<1x512xf16>
  tile.store %h to %half[%c0, %c0] : !tile.fragment<1x512xf16>, !tile.global<1x512xf16>
  %w = tile.cast %q : !tile.fragment<1x512xf8E4M3FN> to !row
  tile.store %w to %back[%c0, %c0] : !row, !tile.global<1x512xf32>
}
)mlir";

/// The value nearest to `value` that e4m3 holds, ties to even, saturating.
static float roundToE4m3(float value) {
  constexpr float largest = 448;
  float magnitude = std::min(std::abs(value), largest);
  // Three bits of mantissa; below 2^-6 the steps stay as wide as there.
  int exponent = std::max(std::ilogb(std::max(magnitude, 1e-30f)), -6);
  float step = std::ldexp(1.0f, exponent - 3);
  return std::copysign(std::nearbyint(magnitude / step) * step, value);
}

TEST(FragmentTest, CastsRoundToNearestEven) {
  std::vector<float> x, expected;
  for (int i = 0; i < 512; ++i)
    x.push_back(std::ldexp(static_cast<float>(i % 64 - 32), i / 64 - 6));
  for (float value : x)
    expected.push_back(roundToE4m3(value));
  std::vector<HostTensor> arguments = {HostTensor(x),
                                       HostTensor(std::vector<uint8_t>(512)),
                                       HostTensor(std::vector<uint16_t>(512)),
                                       HostTensor(std::vector<float>(512))};
  run(kCasts, arguments);
  EXPECT_EQ(compare(arguments[3].as<float>(), expected, 512, 0, 0), "");
  // These numbers are exact in f16.
  std::vector<float> half;
  for (uint16_t bits : arguments[2].as<uint16_t>())
    half.push_back(static_cast<float>(std::bit_cast<_Float16>(bits)));
  EXPECT_EQ(compare(half, x, 512, 0, 0), "");
}

//===----------------------------------------------------------------------===//
// Random numbers
//===----------------------------------------------------------------------===//

static const char *const kPhilox = R"mlir(
tile.kernel @philox(%seed: !tile.global<1xi64>, %y: !tile.global<1x256xi32>) attributes {warps = 4, grid = [1]} {
  %c0 = arith.constant 0 : index
  %stream = arith.constant 7 : i32
  %key = tile.load_scalar %seed[%c0] : !tile.global<1xi64> to i64
  %counter = tile.iota 1 : !tile.fragment<1x256xi32>
  %r = tile.philox %key, %stream, %counter : i64, i32, !tile.fragment<1x256xi32>
  tile.store %r to %y[%c0, %c0] : !tile.fragment<1x256xi32>, !tile.global<1x256xi32>
}
)mlir";

/// First word of Philox 4x32-10, as published.
static uint32_t philox(uint64_t key, uint32_t counter, uint32_t stream) {
  uint32_t c[4] = {counter, stream, 0, 0};
  uint32_t k[2] = {uint32_t(key), uint32_t(key >> 32)};
  for (int round = 0; round < 10; ++round) {
    uint64_t p = uint64_t(c[0]) * 0xD2511F53, q = uint64_t(c[2]) * 0xCD9E8D57;
    uint32_t next[4] = {uint32_t(q >> 32) ^ c[1] ^ k[0], uint32_t(q),
                        uint32_t(p >> 32) ^ c[3] ^ k[1], uint32_t(p)};
    std::copy(next, next + 4, c);
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c[0];
}

TEST(FragmentTest, PhiloxAsPublished) {
  // The known answer of Random123 for key and counter of zeros.
  ASSERT_EQ(philox(0, 0, 0), 0x6627e8d5u);
  uint64_t key = 0x123456789abcdef0;
  std::vector<HostTensor> arguments = {HostTensor(std::vector<uint64_t>{key}),
                                       HostTensor(std::vector<uint32_t>(256))};
  run(kPhilox, arguments);
  std::vector<uint32_t> expected;
  for (uint32_t i = 0; i < 256; ++i)
    expected.push_back(philox(key, i, 7));
  EXPECT_EQ(arguments[1].as<uint32_t>(), expected);
}
