//===- RowWiseTest.cpp - Row-wise kernels from text to results ------------===//

#include "tests/conformance/KernelHarness.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace tilewright;
using namespace tilewright::conformance;

/// Launches, and reports what went wrong.
static void run(const TestKernel &kernel, std::vector<HostTensor> &arguments,
                int64_t tokens, int64_t rows = 0) {
  runtime::SymbolValues symbols;
  symbols[runtime::Symbol::Tokens] = tokens;
  symbols[runtime::Symbol::Rows] = rows;
  auto error = kernel.launch(arguments, symbols);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
}

// Four warps share a row, so that its sum goes through shared memory.
static const char *const kRmsNorm = R"mlir(
!row = !tile.fragment<1x1024xf32>
!stat = !tile.fragment<1x1xf32>
tile.kernel @rms_norm(%x: !tile.global<?x1024xbf16, [tokens]>, %w: !tile.global<1024xbf16>,
                      %y: !tile.global<?x1024xbf16, [tokens]>)
    attributes {warps = 4, grid = ["tokens"]} {
  %c0 = arith.constant 0 : index
  %scale = arith.constant 0.0009765625 : f32
  %epsilon = arith.constant 1.0e-5 : f32
  %i = tile.program_id 0 : index
  %h = tile.load %x[%i, %c0] {vector = 8 : i64} : !tile.global<?x1024xbf16, [tokens]> to !tile.fragment<1x1024xbf16>
  %f = tile.cast %h : !tile.fragment<1x1024xbf16> to !row
  %square = arith.mulf %f, %f : !row
  %sum = tile.reduce add %square 1 : !row to !stat
  %factor = tile.splat %scale : f32 to !stat
  %mean = arith.mulf %sum, %factor : !stat
  %eps = tile.splat %epsilon : f32 to !stat
  %shifted = arith.addf %mean, %eps : !stat
  %rstd = math.rsqrt %shifted : !stat
  %spread = tile.broadcast %rstd : !stat to !row
  %n = arith.mulf %f, %spread : !row
  %wh = tile.load %w[%c0] {vector = 8 : i64} : !tile.global<1024xbf16> to !tile.fragment<1x1024xbf16>
  %wf = tile.cast %wh : !tile.fragment<1x1024xbf16> to !row
  %scaled = arith.mulf %n, %wf : !row
  %r = tile.cast %scaled : !row to !tile.fragment<1x1024xbf16>
  tile.store %r to %y[%i, %c0] : !tile.fragment<1x1024xbf16>, !tile.global<?x1024xbf16, [tokens]>
}
)mlir";

TEST(RowWiseTest, RmsNormOverWarps) {
  auto kernel = TestKernel::compile(kRmsNorm);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  constexpr int64_t rows = 3, columns = 1024;
  std::vector<float> x = makeNumbers(rows * columns, 1);
  std::vector<float> w = makeNumbers(columns, 2);
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(x)), HostTensor(toBf16(w)),
      HostTensor(std::vector<uint16_t>(rows * columns))};
  run(*kernel, arguments, rows);
  std::vector<float> expected;
  for (int64_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j)
      sum += double(x[i * columns + j]) * x[i * columns + j];
    double rstd = 1 / std::sqrt(sum / columns + 1e-5);
    for (int64_t j = 0; j < columns; ++j)
      expected.push_back(static_cast<float>(x[i * columns + j] * rstd * w[j]));
  }
  // Half a unit in the last place of bf16.
  EXPECT_EQ(compare(fromBf16(arguments[2].as<uint16_t>()), expected, columns,
                    1.0 / 256, 0),
            "");
}

static const char *const kGatherSoftmax = R"mlir(
!tile = !tile.fragment<16x64xf32>
!stat = !tile.fragment<16x1xf32>
tile.kernel @gather_softmax(%x: !tile.global<?x64xf32, [tokens]>, %ids: !tile.global<?xi32, [rows]>,
                            %y: !tile.global<?x64xf32, [rows]>)
    attributes {warps = 4, grid = [["ceildiv", "rows", 16]]} {
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %log2e = arith.constant 1.44269504 : f32
  %i = tile.program_id 0 : index
  %row = arith.muli %i, %c16 : index
  %id = tile.load %ids[%row] {dims = array<i64: 0, -1>, fill = -1 : i32} : !tile.global<?xi32, [rows]> to !tile.fragment<16x1xi32>
  %f = tile.load %x[%c0, %c0] rows(%id : !tile.fragment<16x1xi32>) : !tile.global<?x64xf32, [tokens]> to !tile
  %max = tile.reduce max %f 1 : !tile to !stat
  %m = tile.broadcast %max : !stat to !tile
  %d = arith.subf %f, %m : !tile
  %factor = tile.splat %log2e : f32 to !tile
  %e = arith.mulf %d, %factor : !tile
  %p = math.exp2 %e : !tile
  %sum = tile.reduce add %p 1 : !tile to !stat
  %s = tile.broadcast %sum : !stat to !tile
  %q = arith.divf %p, %s : !tile
  tile.store %q to %y[%row, %c0] : !tile, !tile.global<?x64xf32, [rows]>
}
)mlir";

TEST(RowWiseTest, SoftmaxOfGatheredRows) {
  auto kernel = TestKernel::compile(kGatherSoftmax);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  constexpr int64_t tokens = 40, rows = 21, columns = 64;
  std::vector<float> x = makeNumbers(tokens * columns, 1);
  std::vector<int32_t> ids;
  for (int64_t i = 0; i < rows; ++i)
    ids.push_back(static_cast<int32_t>(i * 7 % tokens));
  ids[5] = -1; // skipped, and read as zeros
  std::vector<HostTensor> arguments = {
      HostTensor(x), HostTensor(ids),
      HostTensor(std::vector<float>(rows * columns, -1))};
  run(*kernel, arguments, tokens, rows);
  std::vector<float> expected;
  for (int32_t id : ids) {
    std::vector<double> e(columns);
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j)
      sum += e[j] = id < 0 ? 1 : std::exp(double(x[id * columns + j]));
    for (double value : e)
      expected.push_back(static_cast<float>(value / sum));
  }
  EXPECT_EQ(compare(arguments[2].as<float>(), expected, columns, 1e-5, 0), "");
}

static const char *const kArgmax = R"mlir(
!row = !tile.fragment<1x2048xf32>
tile.kernel @argmax(%x: !tile.global<?x2000xf32, [tokens]>, %y: !tile.global<?xi32, [tokens]>)
    attributes {warps = 8, grid = ["tokens"]} {
  %c0 = arith.constant 0 : index
  %i = tile.program_id 0 : index
  %f = tile.load %x[%i, %c0] {vector = 4 : i64, fill = 0xFF800000 : f32} : !tile.global<?x2000xf32, [tokens]> to !row
  %max, %index = tile.argmax %f 1 : !row to !tile.fragment<1x1xf32>, !tile.fragment<1x1xi32>
  %best = tile.to_scalar %index : !tile.fragment<1x1xi32> to i32
  tile.store_scalar %best to %y[%i] : i32, !tile.global<?xi32, [tokens]>
}
)mlir";

TEST(RowWiseTest, ArgmaxTakesTheLowestOfEquals) {
  auto kernel = TestKernel::compile(kArgmax);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  constexpr int64_t tokens = 5, columns = 2000;
  std::vector<float> x = makeNumbers(tokens * columns, 4);
  std::vector<HostTensor> arguments = {
      HostTensor(x), HostTensor(std::vector<int32_t>(tokens, -1))};
  run(*kernel, arguments, tokens);
  std::vector<int32_t> expected;
  for (int64_t i = 0; i < tokens; ++i)
    expected.push_back(
        static_cast<int32_t>(std::max_element(x.begin() + i * columns,
                                              x.begin() + (i + 1) * columns) -
                             (x.begin() + i * columns)));
  EXPECT_EQ(arguments[1].as<int32_t>(), expected);
}
