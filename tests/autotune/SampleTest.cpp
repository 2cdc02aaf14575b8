//===- SampleTest.cpp - Legality and choice of sampling configs -----------===//

#include "autotune/Sample.h"
#include "tests/autotune/TestSkus.h"

#include "gtest/gtest.h"

namespace tilewright::autotune {
namespace {

TEST(Sample, PrintsItsConfig) {
  EXPECT_EQ(SampleConfig().print(), "warps=32 keep_row=0");
}

TEST(Sample, GivesAReasonForEachRule) {
  Sku sku = testSku("h800-sxm");
  EXPECT_EQ(reasonOf(whyIllegal({32, 1}, {49152, true}, sku)), "");
  EXPECT_EQ(reasonOf(whyIllegal({64, 0}, {49152, true}, sku)),
            "more threads than a CTA can have");
  EXPECT_EQ(reasonOf(whyIllegal({32, 1}, {49152, false}, sku)),
            "an argmax reads its row once");
  // 600 kB.
  EXPECT_EQ(reasonOf(whyIllegal({32, 1}, {151936, true}, sku)),
            "the row does not fit in shared memory");
  EXPECT_EQ(reasonOf(whyIllegal({32, 0}, {151936, true}, sku)), "");
}

TEST(Sample, KeepsRowsThatFit) {
  Sku sku = testSku("h800-sxm");
  auto small = chooseSample({49152, true}, sku),
       large = chooseSample({151936, true}, sku);
  ASSERT_TRUE(small && large);
  EXPECT_EQ(small->config.keepRow, 1);
  EXPECT_EQ(large->config.keepRow, 0);
  EXPECT_EQ(large->config.warps, 32);
  EXPECT_NE(small->reason.find("stays in shared memory"), std::string::npos)
      << small->reason;
  EXPECT_LT(small->cycles, large->cycles);
}

TEST(Sample, ChoosesForEveryVocabulary) {
  for (const char *name : {"h800-sxm", "h100-sxm", "h100-pcie", "h20", "h200"})
    for (int64_t vocabulary : {1, 2, 509, 32000, 128256, 152064, 1 << 20})
      for (bool draws : {false, true}) {
        Sku sku = testSku(name);
        auto choice = chooseSample({vocabulary, draws}, sku);
        ASSERT_TRUE(choice) << name << " " << vocabulary;
        EXPECT_EQ(
            reasonOf(whyIllegal(choice->config, {vocabulary, draws}, sku)), "");
        EXPECT_NE(choice->reason.find(name), std::string::npos);
      }
}

// A row that one round of few warps holds needs no more, which would have to
// meet in every reduction.
TEST(Sample, TakesFewWarpsForShortRows) {
  Sku sku = testSku("h800-sxm");
  EXPECT_LT(chooseSample({500, true}, sku)->config.warps, 32);
}

} // namespace
} // namespace tilewright::autotune
