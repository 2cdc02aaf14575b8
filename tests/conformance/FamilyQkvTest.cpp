//===- FamilyQkvTest.cpp - Rope, head norms and cache appends on a GEMM ---===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"
#include "tests/conformance/SharedShapes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

using namespace tilewright::conformance;

namespace {
struct QkvParam {
  int64_t tokens, qHeads, kvHeads, headDim, k, pageSize;
  bool norm;
};
void PrintTo(const QkvParam &param, std::ostream *out) {
  std::ostream &os = *out;
  os << param.tokens << " tokens, heads " << param.qHeads << "/"
     << param.kvHeads << "x" << param.headDim << ", K " << param.k
     << ", pages of " << param.pageSize << (param.norm ? ", norm" : "");
}
class FamilyQkv : public testing::TestWithParam<QkvParam> {};
} // namespace

static std::string makeGraph(const QkvParam &param) {
  std::string norm = param.norm ? R"(
      %qn = xf.rms_norm %qh, %nw, epsilon = 1.0e-6 : !q, tensor<$Dxbf16>
      %kn = xf.rms_norm %kh, %nw, epsilon = 1.0e-6 : !k, tensor<$Dxbf16>)"
                                : "";
  std::string text = R"(
    !x = tensor<?x$Kxbf16, #xf.sizes<tokens>>
    !y = tensor<?x$Nxbf16, #xf.sizes<tokens>>
    !q = tensor<?x$Qx$Dxbf16, #xf.sizes<tokens>>
    !k = tensor<?x$Gx$Dxbf16, #xf.sizes<tokens>>
    !qf = tensor<?x$Axbf16, #xf.sizes<tokens>>
    !kf = tensor<?x$Bxbf16, #xf.sizes<tokens>>
    !cache = tensor<?x$Gx$Px$Dxbf16, #xf.sizes<pages>>
    !i = tensor<?xi32, #xf.sizes<tokens>>
    func.func @forward(%x: !x, %w: tensor<$Nx$Kxbf16>, %table: tensor<128x$Hx2xf32>, %pos: !i, %slots: !i, %k0: !cache, %v0: !cache, %nw: tensor<$Dxbf16>)
        -> (!q, !cache, !cache) {
      %y = xf.matmul %x, %w : !x, tensor<$Nx$Kxbf16> -> !y
      %qy, %ky, %vy = xf.split %y dim 1 : !y -> !qf, !kf, !kf
      %qh = xf.reshape %qy : !qf to !q
      %kh = xf.reshape %ky : !kf to !k
      %vh = xf.reshape %vy : !kf to !k)" +
                     norm + R"(
      %qr = xf.rope $QN, %table, %pos pair_distance = 8 : !q, tensor<128x$Hx2xf32>, !i
      %kr = xf.rope $KN, %table, %pos pair_distance = 8 : !k, tensor<128x$Hx2xf32>, !i
      %qg = xf.regroup_columns %qr period = $D extent = $D from = 8 to = $H : !q
      %kg = xf.regroup_columns %kr period = $D extent = $D from = 8 to = $H : !k
      %k1 = xf.cache_append %k0, %kg, %slots : !cache, !k, !i
      %v1 = xf.cache_append %v0, %vh, %slots : !cache, !k, !i
      return %qg, %k1, %v1 : !q, !cache, !cache
    })";
  int64_t n = (param.qHeads + 2 * param.kvHeads) * param.headDim;
  auto number = [](int64_t value) { return std::to_string(value); };
  return fill(text, {{"QN", param.norm ? "%qn" : "%qh"},
                     {"KN", param.norm ? "%kn" : "%kh"},
                     {"K", number(param.k)},
                     {"N", number(n)},
                     {"Q", number(param.qHeads)},
                     {"G", number(param.kvHeads)},
                     {"D", number(param.headDim)},
                     {"H", number(param.headDim / 2)},
                     {"P", number(param.pageSize)},
                     {"A", number(param.qHeads * param.headDim)},
                     {"B", number(param.kvHeads * param.headDim)}});
}

static FamilyCase makeCase(const QkvParam &param) {
  FamilyCase test;
  test.graph = makeGraph(param);
  int64_t pages = param.tokens / param.pageSize + 2;
  test.sizes = {{"tokens", param.tokens}, {"pages", pages}};
  std::vector<int64_t> positions, slots;
  for (int64_t t = 0; t < param.tokens; ++t) {
    positions.push_back((t * 5 + 1) % 128);
    // Scattered over the pages, all different (13 divides no number of slots
    // here); one token is not stored.
    slots.push_back(t == 2 ? -1 : (t * 13 + 1) % (pages * param.pageSize));
  }
  test.integers = {{3, positions}, {4, slots}};
  if (param.norm) {
    // Normalized heads are of order 1: a unit in bf16's last place, before and
    // after the norm's weight and the rotation.
    test.bf16 = {0x1p-6, 0x1p-4};
  } else {
    double largest = 4.5 * std::sqrt(double(param.k));
    test.bf16 = {0x1p-7, 2 * 0x1p-8 * largest};
  }
  return test;
}

TEST_P(FamilyQkv, AgreesWithOracle) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FamilyQkv,
    testing::Values(QkvParam{1, 9, 3, 64, 576, 64, false},
                    QkvParam{7, 9, 3, 64, 576, 64, false},
                    QkvParam{70, 9, 3, 64, 576, 16, false},
                    QkvParam{5, 4, 2, 128, 256, 64, true},
                    QkvParam{130, 4, 2, 128, 256, 64, true},
                    QkvParam{9, 4, 4, 80, 320, 32, false},
                    QkvParam{65, 2, 1, 96, 192, 64, false}));

/// K of many times a ring's stages, and one CTA with all tiles: those of
/// queries, keys and values use one staging buffer in turn.
TEST(FamilyQkvRing, ComesRoundManyTimes) {
  for (const QkvParam &param : {QkvParam{7, 4, 2, 64, 1032, 64, true},
                                QkvParam{130, 4, 2, 64, 1032, 64, true}}) {
    FamilyCase test = makeCase(param);
    test.sizes["sms"] = 1;
    EXPECT_EQ("", runFamilyCase(test)) << param.tokens;
  }
}

//===----------------------------------------------------------------------===//
// The shapes that tests and benchmarks share
//===----------------------------------------------------------------------===//

/// Every set of heads with three numbers of tokens, in turn. A K of 72 is one
/// full stage and a part: what a head's epilogue does does not depend on it.
static std::vector<QkvParam> sharedShapes() {
  const nlohmann::json &shapes = getSharedShapes();
  std::vector<int64_t> heads(shapes["qkv_heads"].size());
  std::iota(heads.begin(), heads.end(), 0);
  std::vector<QkvParam> result;
  for (auto [tokens, index] : pairInTurn(shapes["qkv_tokens"], heads, 3)) {
    const nlohmann::json &entry = shapes["qkv_heads"][index];
    result.push_back({tokens, entry["q_heads"], entry["kv_heads"],
                      entry["head_dim"], /*k=*/72, /*pageSize=*/64,
                      entry["norm"]});
  }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Shared, FamilyQkv, testing::ValuesIn(sharedShapes()));
