//===- FamilyAttentionTest.cpp - Attention against the oracle -------------===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"
#include "tests/conformance/SharedShapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace tilewright::conformance;

namespace {
/// New tokens and all keys of each sequence.
struct Batch {
  std::vector<std::pair<int64_t, int64_t>> seqs;
};

struct Heads {
  int64_t q, kv, dim, pageSize, window;
};

struct AttentionParam {
  Heads heads;
  Batch batch;
  std::string entry;
};
void PrintTo(const AttentionParam &param, std::ostream *out) {
  std::ostream &os = *out;
  os << param.entry << " heads " << param.heads.q << "/" << param.heads.kv
     << "x" << param.heads.dim << " window " << param.heads.window;
  for (auto [queries, keys] : param.batch.seqs)
    os << " " << queries << "/" << keys;
}

class FamilyAttention : public testing::TestWithParam<AttentionParam> {};
} // namespace

static FamilyCase makeCase(const AttentionParam &param) {
  const auto &[q, kv, dim, pageSize, window] = param.heads;
  FamilyCase test;
  test.entry = param.entry;
  // One kernel: FamilyAttentionPartsTest has the two that a split makes.
  if (param.entry == "decode")
    test.config = {{"num_splits", 1}};
  test.graph = fill(R"(
    !cache = tensor<?x$KVx$Px$Dxbf16, #xf.sizes<pages>>
    !q = tensor<?x$Qx$Dxbf16, #xf.sizes<tokens>>
    func.func @forward(%q: !q, %k: !cache, %v: !cache, %table: tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>,
        %cu: tensor<?xi32, #xf.sizes<seqs + 1>>, %lens: tensor<?xi32, #xf.sizes<seqs>>) -> !q {
      %o = xf.attention %q, %k, %v, %table, %cu, %lens scale = $S window = $W
          : !q, !cache, tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>, tensor<?xi32, #xf.sizes<seqs + 1>>, tensor<?xi32, #xf.sizes<seqs>>
      return %o : !q
    })",
                    {{"KV", std::to_string(kv)},
                     {"P", std::to_string(pageSize)},
                     {"D", std::to_string(dim)},
                     {"Q", std::to_string(q)},
                     {"S", std::to_string(1 / std::sqrt(double(dim)))},
                     {"W", std::to_string(window)}});
  std::vector<int64_t> cu{0}, lens, counts;
  int64_t pages = 0, width = 1, longest = 1;
  for (auto [queries, keys] : param.batch.seqs) {
    cu.push_back(cu.back() + queries);
    lens.push_back(keys);
    counts.push_back((keys + pageSize - 1) / pageSize);
    pages += counts.back();
    width = std::max(width, counts.back());
    longest = std::max(longest, keys);
  }
  // Pages in no order; entries past a sequence's last page are never to be
  // read.
  std::vector<int64_t> order(pages);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  std::vector<int64_t> table;
  for (size_t seq = 0, next = 0; seq < counts.size(); ++seq)
    for (int64_t i = 0; i < width; ++i)
      table.push_back(i < counts[seq] ? order[next++] : 1 << 30);
  test.sizes = {{"tokens", cu.back()},
                {"seqs", int64_t(lens.size())},
                {"pages", std::max<int64_t>(pages, 1)},
                {"pages_per_seq", width}};
  test.bounds = {{"context", longest}};
  test.integers = {{3, table}, {4, cu}, {5, lens}};
  test.scales = {{0, 2.0f}};
  // Weights are rounded to bf16 against a running maximum here, the final one
  // there: each by half a unit in its last place; so is the result.
  test.bf16 = {0x1p-7, 0x1p-8};
  return test;
}

TEST_P(FamilyAttention, AgreesWithOracle) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam())));
}

static const Heads kGrouped{9, 3, 64, 64, 0};

INSTANTIATE_TEST_SUITE_P(
    Decode, FamilyAttention,
    testing::Values(
        AttentionParam{kGrouped, {{{1, 1}}}, "decode"},
        AttentionParam{
            kGrouped, {{{1, 64}, {1, 65}, {1, 127}, {1, 200}}}, "decode"},
        AttentionParam{{4, 4, 80, 16, 0}, {{{1, 33}, {1, 5}}}, "decode"},
        AttentionParam{{8, 2, 96, 64, 0}, {{{1, 130}}}, "decode"},
        AttentionParam{{8, 1, 128, 64, 100}, {{{1, 300}, {1, 90}}}, "decode"},
        AttentionParam{{2, 1, 256, 32, 0}, {{{1, 70}}}, "decode"}));

INSTANTIATE_TEST_SUITE_P(
    Prefill, FamilyAttention,
    testing::Values(
        AttentionParam{kGrouped, {{{1, 1}}}, "prefill"},
        AttentionParam{kGrouped, {{{37, 37}}}, "prefill"},
        AttentionParam{
            kGrouped, {{{130, 130}, {1, 77}, {0, 0}, {64, 200}}}, "prefill"},
        AttentionParam{{4, 4, 80, 16, 0}, {{{70, 70}}}, "prefill"},
        AttentionParam{{8, 2, 96, 64, 0}, {{{65, 129}}}, "prefill"},
        AttentionParam{{8, 2, 128, 64, 50}, {{{200, 200}, {3, 90}}}, "prefill"},
        AttentionParam{{2, 1, 256, 32, 0}, {{{66, 70}}}, "prefill"}));

/// Keys for many rounds of the rings, so that every stage is given back and
/// waited for.
INSTANTIATE_TEST_SUITE_P(
    Rings, FamilyAttention,
    testing::Values(
        AttentionParam{{2, 1, 64, 64, 0}, {{{1, 2500}, {1, 700}}}, "decode"},
        AttentionParam{{2, 1, 64, 64, 0}, {{{70, 2500}, {3, 900}}}, "prefill"},
        AttentionParam{
            {2, 1, 128, 64, 1500}, {{{1, 2500}, {1, 3}}}, "prefill"}));

//===----------------------------------------------------------------------===//
// The shapes that tests and benchmarks share
//===----------------------------------------------------------------------===//

/// Every list of sequences with every set of heads, pages of 64; a batch of
/// single tokens runs as a decode step too.
static std::vector<AttentionParam> sharedShapes() {
  const nlohmann::json &shapes = getSharedShapes();
  std::vector<AttentionParam> result;
  for (const nlohmann::json &heads : shapes["attention_heads"])
    for (const nlohmann::json &sequences : shapes["attention_sequences"]) {
      AttentionParam param{
          {heads["q_heads"], heads["kv_heads"], heads["head_dim"], 64, 0},
          {sequences["query_key_lengths"]},
          "prefill"};
      result.push_back(param);
      auto isSingle = [](const auto &seq) { return seq.first == 1; };
      if (!std::ranges::all_of(param.batch.seqs, isSingle))
        continue;
      param.entry = "decode";
      result.push_back(param);
    }
  return result;
}

INSTANTIATE_TEST_SUITE_P(Shared, FamilyAttention,
                         testing::ValuesIn(sharedShapes()));
