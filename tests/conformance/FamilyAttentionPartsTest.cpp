//===- FamilyAttentionPartsTest.cpp - Attention with divided keys ---------===//
// The kernel of the parts and the one that combines them, each against the
// oracle.
//===----------------------------------------------------------------------===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"

#include <algorithm>
#include <gtest/gtest.h>

using namespace tilewright;
using namespace tilewright::conformance;

namespace {
/// One token of each of some sequences, given by their lengths.
struct Decode {
  std::vector<int64_t> lengths;
  int64_t qHeads = 9, kvHeads = 3, headDim = 64, pageSize = 64;
  int64_t splits = 4, block = 64, window = 0;
};
} // namespace

static std::string number(int64_t value) { return std::to_string(value); }

static FamilyCase makePartial(const Decode &step) {
  FamilyCase test;
  test.entry = "decode";
  test.graph = fill(R"mlir(
!q = tensor<?x$Hx$Dxbf16, #xf.sizes<tokens>>
!k = tensor<?x$Gx$Px$Dxbf16, #xf.sizes<pages>>
!b = tensor<?x?xi32, #xf.sizes<seqs, pages_per_seq>>
!c = tensor<?xi32, #xf.sizes<seqs + 1>>
!l = tensor<?xi32, #xf.sizes<seqs>>
!p = tensor<?x$Sx$Hx$Dxf32, #xf.sizes<tokens>>
!e = tensor<?x$Sx$Hxf32, #xf.sizes<tokens>>
func.func @forward(%q: !q, %k: !k, %v: !k, %b: !b, %c: !c, %l: !l) -> (!p, !e) {
  %p, %e = xf.attention_partial %q, %k, %v, %b, %c, %l scale = 0.125 window = $W splits = $S block = $B
      : !q, !k, !b, !c, !l -> !p, !e
  return %p, %e : !p, !e
}
)mlir",
                    {{"H", number(step.qHeads)},
                     {"G", number(step.kvHeads)},
                     {"D", number(step.headDim)},
                     {"P", number(step.pageSize)},
                     {"S", number(step.splits)},
                     {"B", number(step.block)},
                     {"W", number(step.window)}});
  int64_t seqs = step.lengths.size(), pages = 0, width = 1;
  for (int64_t length : step.lengths)
    width = std::max(width, (length + step.pageSize - 1) / step.pageSize);
  std::vector<int64_t> table, cu = {0};
  for (int64_t length : step.lengths) {
    int64_t needed = (length + step.pageSize - 1) / step.pageSize;
    for (int64_t i = 0; i < width; ++i)
      // Neighbours lie apart; entries past the end are not to be read.
      table.push_back(i < needed ? pages + needed - 1 - i : 1000000);
    pages += needed;
    cu.push_back(cu.back() + 1);
  }
  test.sizes = {{"tokens", seqs},
                {"seqs", seqs},
                {"rows", seqs},
                {"pages", pages},
                {"pages_per_seq", width}};
  // Long enough that every part may have keys.
  test.bounds = {{"tokens", 64}, {"seqs", 64}, {"rows", 64}, {"context", 8192}};
  test.integers = {{3, table}, {4, cu}, {5, step.lengths}};
  // Weights are rounded to bf16 before the second product, against a running
  // maximum.
  test.f32 = {1.0 / 128, 1.0 / 128};
  return test;
}

TEST(FamilyAttentionParts, Lengths) {
  // One key, edges of blocks and pages, parts without keys.
  EXPECT_EQ(
      runFamilyCase(makePartial({{1, 63, 64, 65, 128, 200, 256, 257, 700}})),
      "");
}

TEST(FamilyAttentionParts, HeadSizes) {
  for (int64_t headDim : {64, 80, 96, 128, 256}) {
    Decode step{{5, 130, 300}};
    step.headDim = headDim;
    // Wider heads leave registers for fewer keys.
    step.block = headDim > 128 ? 32 : 64;
    EXPECT_EQ(runFamilyCase(makePartial(step)), "") << headDim;
  }
}

TEST(FamilyAttentionParts, Groups) {
  for (auto [qHeads, kvHeads] :
       {std::pair<int64_t, int64_t>{4, 4}, {8, 1}, {64, 8}}) {
    Decode step{{77, 200}};
    step.qHeads = qHeads, step.kvHeads = kvHeads;
    EXPECT_EQ(runFamilyCase(makePartial(step)), "") << qHeads << " " << kvHeads;
  }
}

TEST(FamilyAttentionParts, BlocksPagesAndSplits) {
  for (auto [block, pageSize, splits] :
       {std::tuple<int64_t, int64_t, int64_t>{128, 64, 2},
        {32, 64, 8},
        {64, 16, 3},
        {64, 64, 32}}) {
    Decode step{{1, 100, 513}};
    step.block = block, step.pageSize = pageSize, step.splits = splits;
    EXPECT_EQ(runFamilyCase(makePartial(step)), "")
        << block << " " << pageSize << " " << splits;
  }
}

TEST(FamilyAttentionParts, Window) {
  Decode step{{1, 64, 129, 300, 700}};
  step.window = 150;
  step.splits = 2;
  EXPECT_EQ(runFamilyCase(makePartial(step)), "");
}

/// Many rounds of the rings in each part.
TEST(FamilyAttentionParts, Rings) {
  Decode step{{2500, 1, 900}};
  step.qHeads = 2, step.kvHeads = 1, step.splits = 2;
  EXPECT_EQ(runFamilyCase(makePartial(step)), "");
}

static FamilyCase makeCombine(int64_t tokens, int64_t splits, int64_t heads,
                              int64_t headDim) {
  FamilyCase test;
  test.entry = "decode";
  test.graph = fill(
      R"mlir(
!p = tensor<?x$Sx$Hx$Dxf32, #xf.sizes<tokens>>
!e = tensor<?x$Sx$Hxf32, #xf.sizes<tokens>>
!o = tensor<?x$Hx$Dxbf16, #xf.sizes<tokens>>
func.func @forward(%p: !p, %e: !e) -> !o {
  %o = xf.attention_combine %p, %e : !p, !e -> !o
  return %o : !o
}
)mlir",
      {{"S", number(splits)}, {"H", number(heads)}, {"D", number(headDim)}});
  test.sizes = {{"tokens", tokens}};
  // Shares that differ by many orders of magnitude.
  test.scales = {{1, 10.0f}};
  return test;
}

TEST(FamilyAttentionCombine, Shapes) {
  for (int64_t tokens : {1, 3, 8})
    for (auto [heads, headDim] : {std::pair<int64_t, int64_t>{9, 64},
                                  {32, 128},
                                  {3, 80},
                                  {8, 96},
                                  {4, 256}})
      EXPECT_EQ(runFamilyCase(makeCombine(tokens, 4, heads, headDim)), "")
          << tokens << " " << heads << " " << headDim;
}

TEST(FamilyAttentionCombine, Splits) {
  for (int64_t splits : {1, 2, 7, 32})
    EXPECT_EQ(runFamilyCase(makeCombine(5, splits, 9, 64)), "") << splits;
}
