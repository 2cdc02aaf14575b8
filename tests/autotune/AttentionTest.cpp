//===- AttentionTest.cpp - Legality and choice of attention configs -------===//

#include "autotune/Attention.h"
#include "tests/autotune/TestSkus.h"

#include "gtest/gtest.h"

namespace tilewright::autotune {
namespace {

AttentionShape shapeOf(int64_t tokens, int64_t seqs, int64_t context) {
  AttentionShape shape;
  shape.tokens = tokens;
  shape.seqs = seqs;
  shape.maxContext = context;
  shape.qHeads = 32;
  shape.kvHeads = 8;
  shape.headDim = 128;
  shape.pageSize = 64;
  return shape;
}

TEST(Attention, PrintsItsConfigs) {
  EXPECT_EQ(AttentionPrefillConfig().print(),
            "BLOCK_M=128 BLOCK_N=128 num_stages=2 math_warpgroups=2");
  EXPECT_EQ(AttentionDecodeConfig().print(),
            "BLOCK_N=64 num_stages=2 num_splits=1");
}

TEST(Attention, GivesAReasonForEachRuleOfPrefill) {
  Sku sku = testSku("h800-sxm");
  AttentionShape shape = shapeOf(2048, 64, 2048);
  AttentionPrefillConfig config;
  config.blockN = 64;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  config.blockN = 96;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "a block of keys must be whole pages or a whole part of one");
  config.blockN = 256;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "O, S and P do not fit in the register budget");
  config.blockN = 64;
  config.numStages = 16;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "Q and the K/V ring do not fit in shared memory");
}

TEST(Attention, GivesAReasonForEachRuleOfDecode) {
  Sku sku = testSku("h800-sxm");
  AttentionShape shape = shapeOf(8, 8, 2048);
  AttentionDecodeConfig config;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  config.numSplits = 32;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  config.numSplits = 33;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "some split would never have a key");
  // A window hides the keys before it from all splits.
  config.numSplits = 4;
  shape.window = 128;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "some split would never have a key");
  config.numSplits = 2;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  config.blockN = 48;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "a block of keys must be whole pages or a whole part of one");
  config.blockN = 64;
  config.numStages = 16;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "Q and the K/V ring do not fit in shared memory");
  config.numStages = 2;
  shape.qHeads = 8 * 65;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "more query heads share a KV head than a tile has rows");
}

TEST(Attention, ChoosesForEveryHeadSize) {
  for (const char *name : {"h800-sxm", "h100-sxm", "h100-pcie", "h20", "h200"})
    for (int64_t headDim : {64, 80, 96, 128, 256})
      for (int64_t context : {64, 2048, 131072})
        for (int64_t pageSize : {16, 64, 128}) {
          Sku sku = testSku(name);
          AttentionShape shape = shapeOf(512, 16, context);
          shape.headDim = headDim;
          shape.pageSize = pageSize;
          auto prefill = chooseAttentionPrefill(shape, sku);
          auto decode = chooseAttentionDecode(shape, sku);
          ASSERT_TRUE(prefill && decode)
              << name << " " << headDim << " " << context << " " << pageSize;
          EXPECT_EQ(reasonOf(whyIllegal(prefill->config, shape, sku)), "");
          EXPECT_EQ(reasonOf(whyIllegal(decode->config, shape, sku)), "");
          EXPECT_NE(prefill->reason.find(name), std::string::npos)
              << prefill->reason;
          EXPECT_NE(decode->reason.find(name), std::string::npos)
              << decode->reason;
        }
}

TEST(Attention, LetsTwoWarpgroupsTakeTurns) {
  auto choice =
      chooseAttentionPrefill(shapeOf(2048, 64, 2048), testSku("h800-sxm"));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->config.mathWarpgroups, 2);
  EXPECT_EQ(choice->config.blockM, 128);
}

TEST(Attention, IsAFunctionOfItsInput) {
  Sku sku = testSku("h20");
  AttentionShape shape = shapeOf(16, 16, 32768);
  EXPECT_EQ(chooseAttentionDecode(shape, sku)->config.print(),
            chooseAttentionDecode(shape, sku)->config.print());
  EXPECT_EQ(chooseAttentionDecode(shape, sku)->reason,
            chooseAttentionDecode(shape, sku)->reason);
  EXPECT_EQ(chooseAttentionPrefill(shape, sku)->reason,
            chooseAttentionPrefill(shape, sku)->reason);
}

TEST(Attention, SaysWhyNothingFits) {
  std::vector<Rejection> rejections;
  AttentionShape shape = shapeOf(16, 16, 4096);
  shape.qHeads = 1024;
  EXPECT_FALSE(chooseAttentionDecode(shape, testSku("h20"), &rejections));
  EXPECT_FALSE(rejections.empty());
  for (const Rejection &rejection : rejections)
    EXPECT_EQ(rejection.reason,
              "more query heads share a KV head than a tile has rows")
        << rejection.config;
}

} // namespace
} // namespace tilewright::autotune
