//===- AttentionTest.cpp - Legality and choice of attention configs -------===//

#include "autotune/Attention.h"
#include "ir/target/Roles.h"
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
            "O and S do not fit in the register budget");
  config.blockN = 64;
  config.numStages = 16;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "Q and the K/V ring do not fit in shared memory");
}

TEST(Attention, CountsTheRegistersThatTheLoweringGives) {
  // Of the 232 that two math warpgroups get beside a producer of 40, O takes
  // 80 and two blocks of scores 128.
  Sku sku = testSku("h800-sxm");
  target::RoleRegisters registers =
      target::getRoleRegisters(sku.target(), /*mathWarpgroups=*/2);
  EXPECT_EQ(registers.producer, 40);
  EXPECT_EQ(registers.math, 232);
  AttentionShape shape = shapeOf(2048, 64, 2048);
  AttentionPrefillConfig config;
  shape.headDim = 160;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  shape.headDim = 176;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "O and S do not fit in the register budget");
  // Alone, a math warpgroup has 240.
  config.mathWarpgroups = 1, config.blockM = 64;
  EXPECT_EQ(target::getRoleRegisters(sku.target(), 1).math, 240);
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
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
  shape.headDim = 256;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "Q, O and S do not fit in registers");
  config.blockN = 32;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
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

TEST(Attention, SplitsLongContextsOfFewSequences) {
  Sku sku = testSku("h800-sxm");
  auto longContext = chooseAttentionDecode(shapeOf(1, 1, 131072), sku);
  ASSERT_TRUE(longContext);
  EXPECT_GT(longContext->config.numSplits, 1);
  EXPECT_NE(longContext->reason.find("the combining kernel's launch included"),
            std::string::npos);
  // The launch of a second kernel costs more than a few blocks of keys.
  auto shortContext = chooseAttentionDecode(shapeOf(8, 8, 256), sku);
  ASSERT_TRUE(shortContext);
  EXPECT_EQ(shortContext->config.numSplits, 1);
  // Enough sequences fill the chip without a split.
  auto batch = chooseAttentionDecode(shapeOf(256, 256, 4096), sku);
  ASSERT_TRUE(batch);
  EXPECT_EQ(batch->config.numSplits, 1);
}

TEST(Attention, DiffersBetweenBoardsWhereItOught) {
  // H20 has fewer SMs to fill and more bandwidth for each.
  Sku h800 = testSku("h800-sxm"), h20 = testSku("h20");
  int differing = 0;
  for (int64_t seqs : {1, 2, 4, 8, 16, 32, 64})
    for (int64_t context : {2048, 8192, 32768, 131072})
      differing += chooseAttentionDecode(shapeOf(seqs, seqs, context), h20)
                       ->config.print() !=
                   chooseAttentionDecode(shapeOf(seqs, seqs, context), h800)
                       ->config.print();
  EXPECT_GT(differing, 0);
}

TEST(Attention, KeepsWhatWasDividedByHand) {
  auto choice =
      chooseAttentionPartial(shapeOf(4, 4, 4096), 32, 8, testSku("h800-sxm"));
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->config.blockN, 32);
  EXPECT_EQ(choice->config.numSplits, 8);
  EXPECT_FALSE(
      chooseAttentionPartial(shapeOf(4, 4, 4096), 48, 8, testSku("h800-sxm")));
}

TEST(Attention, CombinesInWholeWarps) {
  for (int64_t heads : {1, 9, 32, 128})
    for (int64_t headDim : {64, 80, 96, 128, 256}) {
      AttentionCombineConfig config =
          chooseAttentionCombine(heads, headDim, 8).config;
      // A thread has 16 bytes of a row.
      EXPECT_GE(config.warps * 32 * 4, config.rowsPerCta * headDim)
          << config.print();
      EXPECT_LT(config.rowsPerCta, 2 * heads) << config.print();
      EXPECT_LE(config.warps, 4) << config.print();
    }
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
