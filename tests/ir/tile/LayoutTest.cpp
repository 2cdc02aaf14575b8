//===- LayoutTest.cpp - Algebra of fragment layouts -----------------------===//

#include "ir/tile/Layout.h"

#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

using namespace tilewright::tile;

namespace {

std::vector<int64_t> toVector(const Coordinate &coordinate) {
  return {coordinate.begin(), coordinate.end()};
}

/// Every element of `shape` is held by the same number of threads, once each.
void expectCovers(const Layout &layout, int64_t rows, int64_t columns) {
  ASSERT_TRUE(layout.covers({rows, columns})) << layout.toString();
  std::map<std::vector<int64_t>, int64_t> holders;
  for (int64_t thread = 0; thread < layout.getNumThreads(); ++thread)
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg)
      ++holders[toVector(layout.getCoordinate(thread, reg))];
  EXPECT_EQ(static_cast<int64_t>(holders.size()), rows * columns);
  int64_t each =
      layout.getNumThreads() * layout.getNumRegisters() / (rows * columns);
  for (const auto &[coordinate, count] : holders)
    EXPECT_EQ(count, each) << coordinate[0] << ", " << coordinate[1];
}

// PTX ISA, "wgmma.mma_async", figure of the D fragment: lane l of warp w holds
// rows 16w + l/4 and +8, columns 8j + 2(l%4) and +1.
TEST(Layout, AccumulatorIsThatOfTheInstruction) {
  std::optional<Layout> layout = Layout::accumulator(64, 24, 1);
  ASSERT_TRUE(layout);
  for (int64_t thread = 0; thread < 128; ++thread)
    for (int64_t reg = 0; reg < 12; ++reg) {
      int64_t warp = thread / 32, lane = thread % 32;
      int64_t row = 16 * warp + lane / 4 + 8 * (reg / 2 % 2);
      int64_t column = 8 * (reg / 4) + 2 * (lane % 4) + reg % 2;
      EXPECT_EQ(toVector(layout->getCoordinate(thread, reg)),
                (std::vector<int64_t>{row, column}));
    }
  expectCovers(*layout, 64, 24);
}

TEST(Layout, AccumulatorOverWarpgroups) {
  std::optional<Layout> rows = Layout::accumulator(128, 256, 2);
  ASSERT_TRUE(rows);
  expectCovers(*rows, 128, 256);
  EXPECT_EQ(rows->getNumRegisters(), 128);
  EXPECT_EQ(toVector(rows->getCoordinate(128, 0)),
            (std::vector<int64_t>{64, 0}));

  // One block of rows: the columns are split.
  std::optional<Layout> columns = Layout::accumulator(64, 256, 2);
  ASSERT_TRUE(columns);
  expectCovers(*columns, 64, 256);
  EXPECT_EQ(toVector(columns->getCoordinate(128, 0)),
            (std::vector<int64_t>{0, 128}));

  // More rows than warpgroups: blocks in registers, outside of the columns.
  std::optional<Layout> blocks = Layout::accumulator(256, 64, 2);
  ASSERT_TRUE(blocks);
  expectCovers(*blocks, 256, 64);
  EXPECT_EQ(toVector(blocks->getCoordinate(0, 32)),
            (std::vector<int64_t>{128, 0}));

  EXPECT_FALSE(Layout::accumulator(96, 64, 1));
  EXPECT_FALSE(Layout::accumulator(64, 8, 2));
}

TEST(Layout, InverseFindsEveryElement) {
  for (const Layout &layout :
       {*Layout::accumulator(128, 96, 2), *Layout::blocked({16, 384}, 128, 8),
        *Layout::blocked({4, 8}, 128, 2)}) {
    Coordinate shape = layout.getShape();
    for (int64_t row = 0; row < shape[0]; ++row)
      for (int64_t column = 0; column < shape[1]; ++column) {
        std::optional<Place> place = layout.find({row, column});
        ASSERT_TRUE(place) << layout.toString();
        EXPECT_EQ(toVector(layout.getCoordinate(place->thread, place->reg)),
                  (std::vector<int64_t>{row, column}));
      }
    EXPECT_FALSE(layout.find({shape[0], 0}));
  }
}

TEST(Layout, BlockedPutsThreadsAlongColumnsFirst) {
  std::optional<Layout> layout = Layout::blocked({8, 512}, 128, 8);
  ASSERT_TRUE(layout);
  expectCovers(*layout, 8, 512);
  EXPECT_EQ(layout->getVectorWidth(1), 8);
  EXPECT_EQ(toVector(layout->getCoordinate(1, 0)),
            (std::vector<int64_t>{0, 8}));
  EXPECT_EQ(toVector(layout->getCoordinate(64, 0)),
            (std::vector<int64_t>{1, 0}));

  // Threads that are too many hold copies.
  std::optional<Layout> small = Layout::blocked({1, 64}, 128, 4);
  ASSERT_TRUE(small);
  expectCovers(*small, 1, 64);
  EXPECT_FALSE(Layout::blocked({1, 12}, 128, 8));
}

TEST(Layout, EqualityIsOfTheCanonicalForm) {
  Layout split(2, {Mode{2, {0, 2}}, Mode{2, {0, 4}}, Mode{1, {5, 5}}},
               {Mode{2, {0, 1}}, Mode{4, {0, 0}}});
  Layout merged(2, {Mode{4, {0, 2}}}, {Mode{2, {0, 1}}});
  EXPECT_EQ(split, merged);
  EXPECT_NE(split, Layout(2, {Mode{4, {0, 2}}}, {Mode{2, {1, 0}}}));
}

TEST(Layout, OperandOfTheNextProductIsTheAccumulator) {
  // A in registers, 16 bits, per k16 step: rows l/4 and +8, columns 2(l%4) and
  // +1, then the same 8 columns further.
  std::optional<Layout> p = Layout::accumulator(64, 32, 1);
  int64_t column[] = {0, 1, 0, 1, 8, 9, 8, 9};
  int64_t row[] = {0, 0, 8, 8, 0, 0, 8, 8};
  for (int64_t reg = 0; reg < 16; ++reg)
    EXPECT_EQ(
        toVector(p->getRegisterCoordinate(reg)),
        (std::vector<int64_t>{row[reg % 8], column[reg % 8] + 16 * (reg / 8)}));
}

TEST(Layout, ReducedKeepsWhatTheThreadsHeld) {
  Layout layout = *Layout::accumulator(64, 128, 1);
  Layout rows = layout.reduced(1);
  EXPECT_TRUE(rows.covers({64, 1}));
  EXPECT_EQ(rows.getNumRegisters(), 2);
  EXPECT_EQ(rows.getNumThreads(), 128);
  EXPECT_FALSE(layout.isThreadLocal(1));
  EXPECT_TRUE(Layout::blocked({128, 64}, 128, 64)->isThreadLocal(1));
}

TEST(Layout, VectorWidth) {
  EXPECT_EQ(Layout::accumulator(64, 128, 1)->getVectorWidth(1), 2);
  EXPECT_EQ(Layout::accumulator(64, 128, 1)->getVectorWidth(0), 1);
  EXPECT_EQ(Layout::blocked({1, 4096}, 128, 8)->getVectorWidth(1), 8);
  // Everything in one thread's registers, in order.
  EXPECT_EQ(Layout::replicated({2, 16}, 32).getVectorWidth(1), 16);
}

TEST(Layout, ExtractIsThreadLocalAlongRegisterSteps) {
  Layout layout = *Layout::accumulator(128, 128, 2);
  std::string reason;
  std::optional<Layout::Part> right =
      layout.extract({0, 64}, {128, 64}, reason);
  ASSERT_TRUE(right) << reason;
  EXPECT_EQ(right->layout, *Layout::accumulator(128, 64, 2));
  for (auto [index, reg] : llvm::enumerate(right->registers)) {
    Coordinate whole = layout.getCoordinate(77, reg);
    Coordinate part = right->layout.getCoordinate(77, index);
    EXPECT_EQ(whole[0], part[0]);
    EXPECT_EQ(whole[1], part[1] + 64);
  }
  // Rows are spread over warpgroups.
  EXPECT_FALSE(layout.extract({64, 0}, {64, 128}, reason));
  EXPECT_NE(reason.find("in some threads"), std::string::npos) << reason;
  EXPECT_FALSE(layout.extract({0, 4}, {128, 8}, reason));
}

void expectDeinterleaved(const Layout &layout, unsigned dim, int64_t group) {
  for (unsigned parity : {0u, 1u}) {
    std::string reason;
    std::optional<Layout::Part> half =
        layout.deinterleave(dim, group, parity, reason);
    ASSERT_TRUE(half) << reason;
    for (int64_t thread : {0, 5, 37, 127})
      for (auto [index, reg] : llvm::enumerate(half->registers)) {
        Coordinate whole = layout.getCoordinate(thread, reg);
        Coordinate part = half->layout.getCoordinate(thread, index);
        int64_t i = part[dim];
        EXPECT_EQ(whole[dim],
                  i / group * 2 * group + parity * group + i % group);
        EXPECT_EQ(whole[1 - dim], part[1 - dim]);
      }
    std::optional<Layout> back = half->layout.interleaved(dim, group, reason);
    ASSERT_TRUE(back) << reason;
    // The same elements in the same threads; along the columns, in the same
    // registers too.
    EXPECT_TRUE(back->getThreadLocalMap(layout)) << back->toString();
    if (dim == 1) {
      EXPECT_EQ(*back, layout) << back->toString();
    }
  }
}

TEST(Layout, DeinterleaveByEightAlongBothDimensions) {
  Layout layout = *Layout::accumulator(64, 128, 1);
  expectDeinterleaved(layout, 1, 8);
  expectDeinterleaved(layout, 1, 64);
  expectDeinterleaved(layout, 0, 8);
  expectDeinterleaved(*Layout::accumulator(128, 48, 2), 1, 8);
  std::string reason;
  EXPECT_FALSE(layout.deinterleave(1, 2, 0, reason));
  EXPECT_NE(reason.find("different threads"), std::string::npos) << reason;
  EXPECT_FALSE(layout.deinterleave(0, 16, 0, reason));
}

TEST(Layout, ThreadLocalMapRenamesRegisters) {
  Layout from(2, {Mode{32, {1, 0}}}, {Mode{2, {0, 1}}, Mode{4, {0, 2}}});
  Layout to(2, {Mode{32, {1, 0}}}, {Mode{4, {0, 2}}, Mode{2, {0, 1}}});
  std::optional<llvm::SmallVector<int64_t>> map = from.getThreadLocalMap(to);
  ASSERT_TRUE(map);
  for (auto [reg, source] : llvm::enumerate(*map))
    EXPECT_EQ(toVector(to.getRegisterCoordinate(reg)),
              toVector(from.getRegisterCoordinate(source)));
  EXPECT_FALSE(
      from.getThreadLocalMap(Layout(2, {Mode{32, {0, 1}}}, {Mode{8, {1, 0}}})));
  // What is replicated can be narrowed, not the other way round.
  Layout all = Layout::replicated({1, 4}, 32);
  Layout one(2, {Mode{32, {0, 0}}}, {Mode{2, {0, 1}}});
  EXPECT_TRUE(all.getThreadLocalMap(one));
  EXPECT_FALSE(one.getThreadLocalMap(all));
}

} // namespace
