//===- RowWiseTest.cpp - Legality and choice of row-wise configs ----------===//

#include "autotune/RowWise.h"
#include "tests/autotune/TestSkus.h"

#include "gtest/gtest.h"

namespace tilewright::autotune {
namespace {

TEST(RowWise, PrintsItsConfig) {
  EXPECT_EQ(RowWiseConfig().print(), "warps=4 ROWS=1 vector=8");
}

TEST(RowWise, GivesAReasonForEachRule) {
  Sku sku = testSku("h800-sxm");
  RowWiseShape shape{8, 576, 2, 576};
  auto reason = [&](RowWiseConfig config) {
    return reasonOf(whyIllegal(config, shape, sku));
  };
  EXPECT_EQ(reason({4, 1, 8}), "");
  EXPECT_EQ(reason({64, 1, 8}), "more threads than a CTA can have");
  EXPECT_EQ(reason({4, 1, 16}), "an access is wider than a thread can make");
  shape.elementBytes = 4;
  EXPECT_EQ(reason({4, 1, 8}), "an access is wider than a thread can make");
  shape = {8, 570, 2, 570};
  EXPECT_EQ(reason({4, 1, 8}), "rows are not a multiple of the access width");
  shape = {8, 8192, 2, 8192};
  EXPECT_EQ(reason({2, 1, 8}), "the rows do not fit in registers");
  EXPECT_EQ(reason({8, 4, 8}), "the rows do not fit in registers");
  EXPECT_EQ(reason({8, 1, 8}), "");
}

TEST(RowWise, ChoosesForEveryWidth) {
  for (const char *name : {"h800-sxm", "h20"})
    for (int64_t rows : {1, 3, 64, 2048})
      for (int64_t columns : {1, 7, 64, 576, 577, 8192, 16384}) {
        Sku sku = testSku(name);
        for (int64_t span : {int64_t(0), columns}) {
          RowWiseShape shape{rows, columns, 2, span};
          auto choice = chooseRowWise(shape, sku);
          ASSERT_TRUE(choice) << rows << " x " << columns;
          EXPECT_EQ(reasonOf(whyIllegal(choice->config, shape, sku)), "");
          EXPECT_EQ(columns % choice->config.vector, 0);
          EXPECT_EQ(chooseRowWise(shape, sku)->config.print(),
                    choice->config.print());
        }
      }
}

TEST(RowWise, ReadsWideRowsInWideAccesses) {
  auto choice = chooseRowWise({64, 8192, 2, 8192}, testSku("h800-sxm"));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->config.vector, 8);
  // In f32, as many bytes are half as many elements.
  auto wide = chooseRowWise({64, 8192, 4, 8192}, testSku("h800-sxm"));
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->config.vector, 4);
}

/// A gather of rows, or one with sums of squares of 64 columns each.
TEST(RowWise, ReadsPromptsInWideAccesses) {
  for (int64_t span : {0, 64, 576}) {
    auto choice = chooseRowWise({2048, 576, 2, span}, testSku("h800-sxm"));
    ASSERT_TRUE(choice);
    EXPECT_GE(choice->config.vector, 4) << choice->config.print();
  }
}

TEST(RowWise, SaysWhyNothingFits) {
  std::vector<Rejection> rejections;
  EXPECT_FALSE(
      chooseRowWise({1, 200000, 2, 200000}, testSku("h800-sxm"), &rejections));
  EXPECT_FALSE(rejections.empty());
}

} // namespace
} // namespace tilewright::autotune
