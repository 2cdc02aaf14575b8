//===- SharedLayoutTest.cpp - Addresses and bank conflicts ----------------===//

#include "ir/tile/SharedLayout.h"

#include "llvm/ADT/SmallVector.h"

#include <gtest/gtest.h>

#include <set>

using namespace tilewright::tile;

namespace {

// CUDA driver API, "CU_TENSOR_MAP_SWIZZLE_*": the 16-byte chunk index is xored
// with address bits 7 and up, as many as the swizzle has chunk bits.
int64_t swizzled(int64_t offset, int64_t swizzle) {
  int64_t bits = swizzle == 128 ? 7 : swizzle == 64 ? 3 : 1;
  return offset ^ ((offset >> 7 & bits) << 4);
}

TEST(SharedLayout, PanelsAndSwizzle) {
  for (int64_t swizzle : {32, 64, 128}) {
    SharedLayout tile{64, 128, 2, swizzle};
    int64_t panel = swizzle / 2;
    std::set<int64_t> offsets;
    for (int64_t row = 0; row < 64; ++row)
      for (int64_t column = 0; column < 128; ++column) {
        int64_t plain =
            column / panel * 64 * swizzle + row * swizzle + column % panel * 2;
        EXPECT_EQ(tile.getByteOffset(row, column), swizzled(plain, swizzle));
        offsets.insert(tile.getByteOffset(row, column));
      }
    EXPECT_EQ(offsets.size(), 64u * 128u);
    EXPECT_LT(*offsets.rbegin(), tile.getBytes());
    EXPECT_EQ(tile.getAlignment(), 8 * swizzle);
  }
}

TEST(SharedLayout, WithoutSwizzleIsRowMajor) {
  SharedLayout tile{4, 24, 4, 0};
  EXPECT_EQ(tile.getByteOffset(3, 5), (3 * 24 + 5) * 4);
  EXPECT_EQ(tile.getNumPanels(), 1);
}

TEST(SharedLayout, ConflictsOfOneAccess) {
  llvm::SmallVector<int64_t> consecutive, sameBank, sameWord;
  for (int64_t lane = 0; lane < 32; ++lane) {
    consecutive.push_back(4 * lane);
    sameBank.push_back(128 * lane);
    sameWord.push_back(4);
  }
  EXPECT_EQ(getAccessCost(consecutive, 4).wavefronts, 1);
  EXPECT_EQ(getAccessCost(sameBank, 4).wavefronts, 32);
  EXPECT_EQ(getAccessCost(sameBank, 4).ideal, 1);
  EXPECT_EQ(getAccessCost(sameWord, 4).wavefronts, 1);
  EXPECT_EQ(getAccessCost(consecutive, 4).bytes, 128);
  // 16 bytes a thread: a quarter of the warp at a time.
  llvm::SmallVector<int64_t> wide;
  for (int64_t lane = 0; lane < 32; ++lane)
    wide.push_back(16 * lane);
  EXPECT_EQ(getAccessCost(wide, 16).wavefronts, 4);
  EXPECT_EQ(getAccessCost(wide, 16).ideal, 4);
}

TEST(SharedLayout, SwizzleSpreadsTheAccumulator) {
  Layout fragment = *Layout::accumulator(64, 64, 1);
  AccessCost plain =
      getAccessCost(fragment, SharedLayout{64, 64, 2, 0}, /*vector=*/2);
  AccessCost swizzled =
      getAccessCost(fragment, SharedLayout{64, 64, 2, 128}, /*vector=*/2);
  // Rows of 128 bytes: eight rows of a matrix hit the same four banks.
  EXPECT_EQ(plain.wavefronts, 8 * plain.ideal);
  EXPECT_EQ(swizzled.wavefronts, swizzled.ideal);
  EXPECT_EQ(swizzled.bytes, 64 * 64 * 2 / 4);
}

} // namespace
