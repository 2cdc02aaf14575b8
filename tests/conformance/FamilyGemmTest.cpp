//===- FamilyGemmTest.cpp - GEMMs with epilogues against the oracle -------===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"
#include "tests/conformance/SharedShapes.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace tilewright::conformance;

namespace {
/// tokens, N, K
using Shape = std::tuple<int64_t, int64_t, int64_t>;
class FamilyGemm : public testing::TestWithParam<Shape> {};
} // namespace

static FamilyCase makeCase(const Shape &shape, const char *graph) {
  auto [tokens, n, k] = shape;
  FamilyCase test;
  test.sizes = {{"tokens", tokens}};
  test.graph = fill(graph, {{"N", std::to_string(n)},
                            {"K", std::to_string(k)},
                            {"H", std::to_string(n / 2)},
                            {"C", std::to_string((n + 63) / 64)}});
  // Sums of K products of unit normals stay below 4.5 sqrt(K) here. The tensor
  // core truncates such a sum to 24 bits, once for each 16 of K.
  double largest = 4.5 * std::sqrt(double(k));
  int64_t steps = k / 16 + 1;
  double truncation = double(steps) * 0x1p-23 * largest;
  test.f32 = {1e-5, truncation};
  // Where that, or the order of a sum, tips a rounding to bf16, the result of
  // the product is off by a unit in its last place; what is added comes after.
  test.bf16 = {0x1p-7, 0x1p-8 * largest + truncation};
  return test;
}

static constexpr const char *kPlain = R"(
    func.func @forward(%x: tensor<?x$Kxbf16, #xf.sizes<tokens>>, %w: tensor<$Nx$Kxbf16>) -> tensor<?x$Nxf32, #xf.sizes<tokens>> {
      %y = xf.matmul %x, %w : tensor<?x$Kxbf16, #xf.sizes<tokens>>, tensor<$Nx$Kxbf16> -> tensor<?x$Nxf32, #xf.sizes<tokens>>
      return %y : tensor<?x$Nxf32, #xf.sizes<tokens>>
    })";

static constexpr const char *kResidualAndSquares = R"(
    func.func @forward(%x: tensor<?x$Kxbf16, #xf.sizes<tokens>>, %w: tensor<$Nx$Kxbf16>, %r: tensor<?x$Nxbf16, #xf.sizes<tokens>>)
        -> (tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Cxf32, #xf.sizes<tokens>>) {
      %y = xf.matmul %x, %w : tensor<?x$Kxbf16, #xf.sizes<tokens>>, tensor<$Nx$Kxbf16> -> tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %s = xf.add %r, %y : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %q = xf.sum_squares %s chunk = 64 : tensor<?x$Nxbf16, #xf.sizes<tokens>> -> tensor<?x$Cxf32, #xf.sizes<tokens>>
      return %s, %q : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Cxf32, #xf.sizes<tokens>>
    })";

static constexpr const char *kResidual = R"(
    func.func @forward(%x: tensor<?x$Kxbf16, #xf.sizes<tokens>>, %w: tensor<$Nx$Kxbf16>, %r: tensor<?x$Nxbf16, #xf.sizes<tokens>>)
        -> tensor<?x$Nxbf16, #xf.sizes<tokens>> {
      %y = xf.matmul %x, %w : tensor<?x$Kxbf16, #xf.sizes<tokens>>, tensor<$Nx$Kxbf16> -> tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %s = xf.add %r, %y : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Nxbf16, #xf.sizes<tokens>>
      return %s : tensor<?x$Nxbf16, #xf.sizes<tokens>>
    })";

TEST_P(FamilyGemm, Plain) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam(), kPlain)));
}

TEST_P(FamilyGemm, ResidualAndSumOfSquares) {
  FamilyCase test = makeCase(GetParam(), kResidualAndSquares);
  // A square doubles the relative error of what is squared; 64 of them average.
  test.f32 = {2 * 0x1p-8, 1e-3};
  EXPECT_EQ("", runFamilyCase(test));
}

TEST_P(FamilyGemm, Residual) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam(), kResidual)));
}

TEST_P(FamilyGemm, NormScaleBiasAndGate) {
  auto [tokens, n, k] = GetParam();
  if (n % 16)
    GTEST_SKIP() << "gates come in groups of 16 columns";
  FamilyCase test = makeCase(GetParam(), R"(
    func.func @forward(%x: tensor<?x$Kxbf16, #xf.sizes<tokens>>, %w: tensor<$Nx$Kxbf16>, %p: tensor<?x9xf32, #xf.sizes<tokens>>, %b: tensor<$Nxbf16>)
        -> tensor<?x$Hxbf16, #xf.sizes<tokens>> {
      %y = xf.matmul %x, %w : tensor<?x$Kxbf16, #xf.sizes<tokens>>, tensor<$Nx$Kxbf16> -> tensor<?x$Nxf32, #xf.sizes<tokens>>
      %r = xf.rstd %p count = 576 epsilon = 1.0e+00 : tensor<?x9xf32, #xf.sizes<tokens>> -> tensor<?xf32, #xf.sizes<tokens>>
      %s = xf.scale_rows %y, %r : tensor<?x$Nxf32, #xf.sizes<tokens>>, tensor<?xf32, #xf.sizes<tokens>>
      %c = xf.cast %s : tensor<?x$Nxf32, #xf.sizes<tokens>> to tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %a = xf.add %c, %b : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<$Nxbf16>
      %g = xf.gated_activation silu %a pair_distance = 8 : tensor<?x$Nxbf16, #xf.sizes<tokens>> -> tensor<?x$Hxbf16, #xf.sizes<tokens>>
      return %g : tensor<?x$Hxbf16, #xf.sizes<tokens>>
    })");
  // A gate and its partner are rounded to bf16 before they meet.
  test.bf16 = {4.0 / 128, 0.02};
  EXPECT_EQ("", runFamilyCase(test));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FamilyGemm,
    testing::Values(Shape{1, 576, 576}, Shape{3, 960, 576}, Shape{7, 576, 1536},
                    Shape{33, 192, 320}, Shape{64, 256, 128},
                    Shape{65, 200, 72}, Shape{200, 576, 576},
                    Shape{1, 72, 4104}));

//===----------------------------------------------------------------------===//
// Configs that a shape need not choose by itself
//===----------------------------------------------------------------------===//

namespace {
struct ConfigParam {
  const char *name;
  Shape shape;
  std::map<std::string, int64_t> config;
};
class FamilyGemmConfig : public testing::TestWithParam<ConfigParam> {};
} // namespace

static std::map<std::string, int64_t>
swapped(int64_t blockM, int64_t warpgroups, int64_t splitK) {
  return {{"swap_ab", 1},
          {"pingpong", 0},
          {"BLOCK_M", blockM},
          {"BLOCK_N", 64 * warpgroups},
          {"BLOCK_K", 64},
          {"slice", 64 * warpgroups},
          {"math_warpgroups", warpgroups},
          {"num_stages", 3},
          {"split_k", splitK},
          {"multicast", 1}};
}

static std::map<std::string, int64_t>
normal(int64_t warpgroups, int64_t blockN, int64_t splitK, int64_t multicast) {
  return {{"swap_ab", 0},
          {"pingpong", 0},
          {"BLOCK_M", 64 * warpgroups},
          {"BLOCK_N", blockN},
          {"BLOCK_K", 64},
          {"slice", blockN},
          {"math_warpgroups", warpgroups},
          {"num_stages", 3},
          {"split_k", splitK},
          {"multicast", multicast}};
}

static std::map<std::string, int64_t> pingPong(int64_t blockN) {
  std::map<std::string, int64_t> config = normal(2, blockN, 1, 1);
  config["pingpong"] = 1;
  config["BLOCK_M"] = 64;
  config["num_stages"] = 2;
  return config;
}

TEST_P(FamilyGemmConfig, F32) {
  FamilyCase test = makeCase(GetParam().shape, kPlain);
  test.config = GetParam().config;
  EXPECT_EQ("", runFamilyCase(test));
}

TEST_P(FamilyGemmConfig, Bf16Residual) {
  FamilyCase test = makeCase(GetParam().shape, kResidual);
  test.config = GetParam().config;
  EXPECT_EQ("", runFamilyCase(test));
}

TEST_P(FamilyGemmConfig, ResidualAndSumOfSquares) {
  const auto &config = GetParam().config;
  if (config.at("slice") % 64 ||
      (config.at("swap_ab") && config.at("slice") != 64))
    GTEST_SKIP() << "no config for chunks of 64 columns";
  FamilyCase test = makeCase(GetParam().shape, kResidualAndSquares);
  test.config = GetParam().config;
  test.f32 = {2 * 0x1p-8, 1e-3};
  EXPECT_EQ("", runFamilyCase(test));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FamilyGemmConfig,
    testing::Values(
        // The chip holds 33 clusters of 4 and 16 of 8: several tiles each.
        ConfigParam{"Split2", {3, 576, 1536}, swapped(8, 1, 2)},
        ConfigParam{"Split4Waves", {7, 4648, 320}, swapped(8, 1, 4)},
        ConfigParam{"Split8Waves", {19, 1160, 1032}, swapped(32, 1, 8)},
        ConfigParam{"Split4Tokens64", {37, 576, 1536}, swapped(64, 1, 4)},
        ConfigParam{"Split4Uneven", {5, 200, 584}, swapped(16, 2, 4)},
        ConfigParam{"Split2Normal", {70, 200, 264}, normal(1, 64, 2, 1)},
        // 66 clusters of 2 along tokens; the last has a CTA without tokens.
        ConfigParam{"MulticastWaves", {590, 1064, 136}, normal(1, 64, 1, 2)},
        ConfigParam{"MulticastTwoGroups", {257, 392, 192}, normal(2, 96, 1, 2)},
        ConfigParam{"MulticastOneTile", {1, 64, 64}, normal(1, 64, 1, 2)},
        // Staging tiles of each width of swizzle, more tiles than SMs.
        ConfigParam{"Staged32", {333, 872, 72}, normal(1, 32, 1, 1)},
        ConfigParam{"Staged16", {65, 104, 72}, normal(1, 16, 1, 1)},
        ConfigParam{"Staged96", {129, 200, 72}, normal(2, 96, 1, 1)},
        ConfigParam{"Staged256", {300, 520, 128}, normal(2, 256, 1, 1)},
        // No tile for the second warpgroup; as many for both; one more.
        ConfigParam{"PingPongOneTile", {1, 64, 64}, pingPong(64)},
        ConfigParam{"PingPongEven", {257, 392, 192}, pingPong(64)},
        ConfigParam{"PingPongWaves", {1500, 1064, 136}, pingPong(96)},
        ConfigParam{"PingPong256", {300, 520, 128}, pingPong(256)},
        ConfigParam{"PingPongUnstaged", {165, 100, 72}, pingPong(64)},
        // Rows that no tensor map can address.
        ConfigParam{"Unstaged", {65, 100, 72}, normal(1, 64, 1, 1)}),
    [](const auto &info) { return info.param.name; });

//===----------------------------------------------------------------------===//
// Rings that come round many times
//===----------------------------------------------------------------------===//

/// K of many times a ring's stages, and few CTAs with several tiles each, so
/// that every stage is given back and waited for.
namespace {
class FamilyGemmRing : public testing::TestWithParam<ConfigParam> {};
} // namespace

static FamilyCase makeRing(const ConfigParam &param, const char *graph) {
  FamilyCase test = makeCase(param.shape, graph);
  test.config = param.config;
  test.sizes["sms"] = 4;
  return test;
}

TEST_P(FamilyGemmRing, F32) {
  EXPECT_EQ("", runFamilyCase(makeRing(GetParam(), kPlain)));
}

TEST_P(FamilyGemmRing, Bf16Residual) {
  EXPECT_EQ("", runFamilyCase(makeRing(GetParam(), kResidual)));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FamilyGemmRing,
    testing::Values(
        ConfigParam{"Normal", {290, 200, 712}, normal(2, 96, 1, 1)},
        ConfigParam{"Unstaged", {165, 100, 712}, normal(1, 64, 1, 1)},
        ConfigParam{"Multicast", {257, 200, 712}, normal(1, 64, 1, 2)},
        ConfigParam{"PingPong", {257, 200, 712}, pingPong(64)},
        ConfigParam{"Swapped", {19, 392, 1032}, swapped(8, 1, 1)},
        ConfigParam{"SwappedSplit4", {19, 392, 2056}, swapped(16, 1, 4)},
        ConfigParam{"NormalSplit2", {130, 200, 1416}, normal(1, 64, 2, 1)}),
    [](const auto &info) { return info.param.name; });

//===----------------------------------------------------------------------===//
// The shapes that tests and benchmarks share
//===----------------------------------------------------------------------===//

/// Every small token count with every odd N and K, and with those of SmolLM2.
static std::vector<Shape> sharedShapes() {
  const nlohmann::json &shapes = getSharedShapes();
  std::vector<Shape> result;
  auto add = [&](const nlohmann::json &shape) {
    for (int64_t tokens : shapes["tokens_small"])
      result.push_back({tokens, shape["n"], shape["k"]});
  };
  for (const nlohmann::json &shape : shapes["gemm_odd"])
    add(shape);
  // But for the output head, whose 49152 columns are minutes for the oracle.
  for (const nlohmann::json &shape : shapes["gemm_models"])
    if (shape["name"].get<std::string>().starts_with("SmolLM2") &&
        shape["n"].get<int64_t>() < 10000)
      add(shape);
  return result;
}

namespace {
class FamilyGemmShared : public testing::TestWithParam<Shape> {};
} // namespace

TEST_P(FamilyGemmShared, Plain) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam(), kPlain)));
}

INSTANTIATE_TEST_SUITE_P(Shapes, FamilyGemmShared,
                         testing::ValuesIn(sharedShapes()));
