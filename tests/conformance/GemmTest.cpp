//===- GemmTest.cpp - Matrix products from text to results ----------------===//

#include "tests/conformance/KernelHarness.h"

#include <gtest/gtest.h>

using namespace tilewright;
using namespace tilewright::conformance;

namespace {
struct GemmShape {
  int64_t tokens, n, k;
};
} // namespace

/// a [m, k] times the transpose of b [n, k], in double.
static std::vector<float> multiply(const std::vector<float> &a,
                                   const std::vector<float> &b, int64_t m,
                                   int64_t n, int64_t k) {
  std::vector<float> c(m * n);
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l)
        sum += double(a[i * k + l]) * b[j * k + l];
      c[i * n + j] = static_cast<float>(sum);
    }
  return c;
}

static std::vector<float> add(std::vector<float> a,
                              const std::vector<float> &b) {
  for (size_t i = 0; i < a.size(); ++i)
    a[i] += b[i];
  return a;
}

static std::vector<float> round(const std::vector<float> &values) {
  return fromBf16(toBf16(values));
}

static std::string number(int64_t value) { return std::to_string(value); }

/// Runs `text` on random a, b and residual, and checks c = a b^T + residual.
static void checkGemm(const std::string &text, GemmShape shape) {
  auto kernel = TestKernel::compile(text);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  auto [m, n, k] = shape;
  std::vector<float> a = makeNumbers(m * k, 1), b = makeNumbers(n * k, 2);
  std::vector<float> residual = makeNumbers(m * n, 3);
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(a)), HostTensor(toBf16(b)),
      HostTensor(toBf16(residual)),
      HostTensor(std::vector<uint16_t>(m * n, 0xffff))};
  runtime::SymbolValues symbols;
  symbols[runtime::Symbol::Tokens] = m;
  auto error = kernel->launch(arguments, symbols);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  std::vector<float> expected = round(add(multiply(a, b, m, n, k), residual));
  // Sums of such numbers are exact in f32, so only the last rounding is left.
  EXPECT_EQ(compare(fromBf16(arguments[3].as<uint16_t>()), expected, n, 0, 0),
            "");
}

//===----------------------------------------------------------------------===//
// The GEMM of tests/ir/tile/gemm.mlir, at smaller sizes
//===----------------------------------------------------------------------===//

static const char *const kPersistentGemm = R"mlir(
!ring = !tile.ring<$STAGES, !tile.shared<$BMx64xbf16, swizzle = 128>, !tile.shared<$BNx64xbf16, swizzle = 128>>
!a = !tile.shared<$BMx64xbf16, swizzle = 128>
!b = !tile.shared<$BNx64xbf16, swizzle = 128>
tile.kernel @gemm(%a: !tile.global<?x$Kxbf16, [tokens]>, %b: !tile.global<$Nx$Kxbf16>,
                  %residual: !tile.global<?x$Nxbf16, [tokens]>, %c: !tile.global<?x$Nxbf16, [tokens]>)
    attributes {grid = [$GRID]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %k_end = arith.constant $K : index
  %n_end = arith.constant $N : index
  %zero = arith.constant 0.0 : f32
  %tokens = tile.size %a, 0 : !tile.global<?x$Kxbf16, [tokens]>
  %ring = tile.ring : !ring
  tile.role @load warps = 1 registers = 40 {
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step ($BM, $BN) raster(persistent, group_m = 2) {
      scf.for %k = %c0 to %k_end step %c64 {
        %sa, %sb = tile.acquire %ring : !ring
        tile.copy %a[%m, %k] to %sa : !tile.global<?x$Kxbf16, [tokens]>, !a
        tile.copy %b[%n, %k] to %sb : !tile.global<$Nx$Kxbf16>, !b
        tile.commit %ring : !ring
      }
    }
  }
  tile.role @math warpgroups = $WG registers = 232 {
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step ($BM, $BN) raster(persistent, group_m = 2) {
      %init = tile.splat %zero : f32 to !tile.fragment<$BMx$BNxf32>
      %sum = scf.for %k = %c0 to %k_end step %c64 iter_args(%acc = %init) -> (!tile.fragment<$BMx$BNxf32>) {
        %sa, %sb = tile.wait %ring : !ring
        %next = tile.mma %sa, %sb, %acc transpose_b : !a, !b, !tile.fragment<$BMx$BNxf32>
        tile.release %ring after(%next : !tile.fragment<$BMx$BNxf32>) {in_flight = 1} : !ring
        scf.yield %next : !tile.fragment<$BMx$BNxf32>
      }
      %r = tile.load %residual[%m, %n] like(%sum : !tile.fragment<$BMx$BNxf32>)
          : !tile.global<?x$Nxbf16, [tokens]> to !tile.fragment<$BMx$BNxbf16>
      %wide = tile.cast %r : !tile.fragment<$BMx$BNxbf16> to !tile.fragment<$BMx$BNxf32>
      %y = arith.addf %sum, %wide : !tile.fragment<$BMx$BNxf32>
      %rounded = tile.cast %y : !tile.fragment<$BMx$BNxf32> to !tile.fragment<$BMx$BNxbf16>
      tile.store %rounded to %c[%m, %n] : !tile.fragment<$BMx$BNxbf16>, !tile.global<?x$Nxbf16, [tokens]>
    }
  }
}
)mlir";

static std::string makePersistentGemm(GemmShape shape, int64_t blockM,
                                      int64_t blockN, int64_t warpgroups,
                                      int64_t stages) {
  return fill(kPersistentGemm, {{"STAGES", number(stages)},
                                {"BM", number(blockM)},
                                {"BN", number(blockN)},
                                {"WG", number(warpgroups)},
                                {"GRID", "3"},
                                {"K", number(shape.k)},
                                {"N", number(shape.n)}});
}

TEST(GemmTest, PersistentWithWholeTiles) {
  GemmShape shape{256, 256, 256};
  checkGemm(makePersistentGemm(shape, 128, 128, 2, 3), shape);
}

TEST(GemmTest, PersistentWithEdges) {
  GemmShape shape{200, 160, 136};
  checkGemm(makePersistentGemm(shape, 128, 64, 2, 4), shape);
}

TEST(GemmTest, OneToken) {
  GemmShape shape{1, 64, 64};
  checkGemm(makePersistentGemm(shape, 64, 64, 1, 2), shape);
}

TEST(GemmTest, TwoBlocksOfRowsPerWarpgroup) {
  GemmShape shape{130, 96, 192};
  checkGemm(makePersistentGemm(shape, 128, 96, 1, 2), shape);
}

//===----------------------------------------------------------------------===//
// Results through shared memory: stmatrix, then a tensor store
//===----------------------------------------------------------------------===//

static const char *const kStagedGemm = R"mlir(
!ring = !tile.ring<2, !tile.shared<128x64xbf16, swizzle = 128>, !tile.shared<128x64xbf16, swizzle = 128>>
!in = !tile.shared<128x64xbf16, swizzle = 128>
!out = !tile.shared<128x128xbf16, swizzle = 128>
!acc = !tile.fragment<128x128xf32>
!result = !tile.fragment<128x128xbf16>
tile.kernel @staged(%a: !tile.global<?x$Kxbf16, [tokens]>, %b: !tile.global<$Nx$Kxbf16>,
                    %residual: !tile.global<?x$Nxbf16, [tokens]>, %c: !tile.global<?x$Nxbf16, [tokens]>)
    attributes {grid = [2], cluster = array<i64: $CLUSTER>} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %k_end = arith.constant $K : index
  %n_end = arith.constant $N : index
  %zero = arith.constant 0.0 : f32
  %tokens = tile.size %a, 0 : !tile.global<?x$Kxbf16, [tokens]>
  %ring = tile.ring : !ring
  %staged = tile.alloc : !out
  tile.role @load warps = 1 registers = 40 {
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step (128, 128) raster(persistent) {
      scf.for %k = %c0 to %k_end step %c64 {
        %sa, %sb = tile.acquire %ring : !ring
        tile.copy %a[%m, %k] to %sa : !tile.global<?x$Kxbf16, [tokens]>, !in
        tile.copy %b[%n, %k] to %sb $MULTICAST : !tile.global<$Nx$Kxbf16>, !in
        tile.commit %ring : !ring
      }
    }
  }
  tile.role @math warpgroups = 2 registers = 232 {
    tile.for_tiles (%m, %n) in (%tokens, %n_end) step (128, 128) raster(persistent) {
      %init = tile.splat %zero : f32 to !acc
      %sum = scf.for %k = %c0 to %k_end step %c64 iter_args(%acc = %init) -> (!acc) {
        %sa, %sb = tile.wait %ring : !ring
        %next = tile.mma %sa, %sb, %acc transpose_b : !in, !in, !acc
        tile.release %ring after(%next : !acc) {in_flight = 1} : !ring
        scf.yield %next : !acc
      }
      %r = tile.load %residual[%m, %n] like(%sum : !acc) : !tile.global<?x$Nxbf16, [tokens]> to !result
      %wide = tile.cast %r : !result to !acc
      %y = arith.addf %sum, %wide : !acc
      %rounded = tile.cast %y : !acc to !result
      tile.store_matrix %rounded to %staged : !result, !out
      tile.copy_out %staged to %c[%m, %n] : !out, !tile.global<?x$Nxbf16, [tokens]>
    }
  }
}
)mlir";

TEST(GemmTest, ResultThroughSharedMemory) {
  GemmShape shape{200, 192, 128};
  checkGemm(fill(kStagedGemm, {{"CLUSTER", "1, 1"},
                               {"MULTICAST", ""},
                               {"K", number(shape.k)},
                               {"N", number(shape.n)}}),
            shape);
}

TEST(GemmTest, ClusterSharesTheWeights) {
  GemmShape shape{300, 256, 192};
  checkGemm(fill(kStagedGemm, {{"CLUSTER", "2, 1"},
                               {"MULTICAST", "{multicast = array<i64: 0>}"},
                               {"K", number(shape.k)},
                               {"N", number(shape.n)}}),
            shape);
}

//===----------------------------------------------------------------------===//
// Operands in registers and along the other dimension
//===----------------------------------------------------------------------===//

// c = (a b^T) d + residual for square b and d, the way attention does it: the
// first product is rounded and stays in registers, the second reads d as
// [K, N].
static const char *const kChainedProducts = R"mlir(
!in = !tile.shared<64x64xbf16, swizzle = 128>
!square = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<1, !in, !square, !square>
!acc = !tile.fragment<64x64xf32>
!half = !tile.fragment<64x64xbf16>
tile.kernel @chained(%a: !tile.global<?x64xbf16, [tokens]>, %b: !tile.global<64x64xbf16>,
                     %d: !tile.global<64x64xbf16>, %c: !tile.global<?x64xf32, [tokens]>)
    attributes {grid = [["ceildiv", "tokens", 64]]} {
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %zero = arith.constant 0.0 : f32
  %i = tile.program_id 0 : index
  %m = arith.muli %i, %c64 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 registers = 40 {
    %sa, %sb, %sd = tile.acquire %ring : !ring
    tile.copy %a[%m, %c0] to %sa : !tile.global<?x64xbf16, [tokens]>, !in
    tile.copy %b[%c0, %c0] to %sb : !tile.global<64x64xbf16>, !square
    tile.copy %d[%c0, %c0] to %sd : !tile.global<64x64xbf16>, !square
    tile.commit %ring : !ring
  }
  tile.role @math warpgroups = 1 registers = 232 {
    %sa, %sb, %sd = tile.wait %ring : !ring
    %init = tile.splat %zero : f32 to !acc
    %p = tile.mma %sa, %sb, %init transpose_b : !in, !square, !acc
    %h = tile.cast %p : !acc to !half
    %y = tile.mma %h, %sd, %init : !half, !square, !acc
    tile.release %ring after(%y : !acc) {in_flight = 0} : !ring
    tile.store %y to %c[%m, %c0] : !acc, !tile.global<?x64xf32, [tokens]>
  }
}
)mlir";

TEST(GemmTest, ChainedProducts) {
  auto kernel = TestKernel::compile(kChainedProducts);
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  constexpr int64_t m = 100, n = 64;
  std::vector<float> a = makeNumbers(m * n, 1), b = makeNumbers(n * n, 2);
  std::vector<float> d = makeNumbers(n * n, 3);
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(a)), HostTensor(toBf16(b)), HostTensor(toBf16(d)),
      HostTensor(std::vector<float>(m * n, -1))};
  runtime::SymbolValues symbols;
  symbols[runtime::Symbol::Tokens] = m;
  auto error = kernel->launch(arguments, symbols);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  std::vector<float> transposed(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      transposed[j * n + i] = d[i * n + j];
  std::vector<float> expected =
      multiply(round(multiply(a, b, m, n, n)), transposed, m, n, n);
  // The tensor core drops bits below those of the largest term.
  EXPECT_EQ(compare(arguments[3].as<float>(), expected, n, 1e-6, 1e-4), "");
}

//===----------------------------------------------------------------------===//
// K split over the CTAs of a cluster
//===----------------------------------------------------------------------===//

static const char *const kSplitGemm = R"mlir(
!in = !tile.shared<64x64xbf16, swizzle = 128>
!ring = !tile.ring<2, !in, !in>
!acc = !tile.fragment<64x64xf32>
!result = !tile.fragment<64x64xbf16>
tile.kernel @split(%a: !tile.global<?x$Kxbf16, [tokens]>, %b: !tile.global<$Nx$Kxbf16>,
                   %residual: !tile.global<?x$Nxbf16, [tokens]>, %c: !tile.global<?x$Nxbf16, [tokens]>)
    attributes {grid = [$GRID], cluster = array<i64: 1, 1, $SPLIT>} {
  %c1 = arith.constant 1 : index
  %c0 = arith.constant 0 : index
  %c64 = arith.constant 64 : index
  %part = arith.constant $PART : index
  %split = arith.constant $SPLIT : index
  %n_end = arith.constant $N : index
  %zero = arith.constant 0.0 : f32
  %tokens = tile.size %a, 0 : !tile.global<?x$Kxbf16, [tokens]>
  %rank = tile.cluster_rank : index
  %begin = arith.muli %rank, %part : index
  %end = arith.addi %begin, %part : index
  %is_first = arith.cmpi eq, %rank, %c0 : index
  %ring = tile.ring : !ring
  tile.role @load warps = 1 registers = 40 {
    tile.for_tiles (%m, %n, %s) in (%tokens, %n_end, %split) step (64, 64, 1) raster(persistent) {
      scf.for %k = %begin to %end step %c64 {
        %sa, %sb = tile.acquire %ring : !ring
        tile.copy %a[%m, %k] to %sa : !tile.global<?x$Kxbf16, [tokens]>, !in
        tile.copy %b[%n, %k] to %sb : !tile.global<$Nx$Kxbf16>, !in
        tile.commit %ring : !ring
      }
    }
  }
  tile.role @math warpgroups = 1 registers = 232 {
    tile.for_tiles (%m, %n, %s) in (%tokens, %n_end, %split) step (64, 64, 1) raster(persistent) {
      %init = tile.splat %zero : f32 to !acc
      %sum = scf.for %k = %begin to %end step %c64 iter_args(%acc = %init) -> (!acc) {
        %sa, %sb = tile.wait %ring : !ring
        %next = tile.mma %sa, %sb, %acc transpose_b : !in, !in, !acc
        tile.release %ring after(%next : !acc) {in_flight = 1} : !ring
        scf.yield %next : !acc
      }
      %total = tile.cluster_sum %sum : !acc to !acc
      scf.if %is_first {
        %r = tile.load %residual[%m, %n] like(%total : !acc) : !tile.global<?x$Nxbf16, [tokens]> to !result
        %wide = tile.cast %r : !result to !acc
        %y = arith.addf %total, %wide : !acc
        %rounded = tile.cast %y : !acc to !result
        tile.store %rounded to %c[%m, %n] : !result, !tile.global<?x$Nxbf16, [tokens]>
      }
    }
  }
}
)mlir";

static std::string makeSplitGemm(GemmShape shape, int64_t split, int64_t grid) {
  return fill(kSplitGemm, {{"GRID", number(grid)},
                           {"SPLIT", number(split)},
                           {"PART", number(shape.k / split)},
                           {"K", number(shape.k)},
                           {"N", number(shape.n)}});
}

// Several tiles for each cluster, so that the sum's barriers go round.
TEST(GemmTest, SplitOverTwoCtas) {
  GemmShape shape{100, 192, 384};
  checkGemm(makeSplitGemm(shape, 2, 4), shape);
}

TEST(GemmTest, SplitOverEightCtas) {
  GemmShape shape{64, 64, 1024};
  checkGemm(makeSplitGemm(shape, 8, 8), shape);
}
