//===- GemmTest.cpp - Candidates, legality and choice of GEMM configs -----===//

#include "autotune/Gemm.h"
#include "tests/autotune/TestSkus.h"

#include "gtest/gtest.h"

namespace tilewright::autotune {
namespace {

GemmShape shapeOf(int64_t tokens, int64_t n, int64_t k) {
  GemmShape shape;
  shape.tokens = tokens;
  shape.n = n;
  shape.k = k;
  return shape;
}

GemmConfig legalConfig() {
  GemmConfig config;
  config.blockM = 128;
  config.blockN = 128;
  config.numStages = 4;
  return config;
}

TEST(Gemm, PrintsItsConfig) {
  EXPECT_EQ(GemmConfig().print(),
            "BLOCK_M=128 BLOCK_N=128 BLOCK_K=64 "
            "num_stages=4 math_warpgroups=2 swap_ab=0 pingpong=0 "
            "split_k=1 multicast=1 group_m=8");
}

TEST(Gemm, AcceptsAPlainConfig) {
  EXPECT_EQ(reasonOf(whyIllegal(legalConfig(), shapeOf(2048, 4096, 4096),
                                testSku("h800-sxm"))),
            "");
}

TEST(Gemm, GivesAReasonForEachRule) {
  Sku sku = testSku("h800-sxm");
  GemmShape shape = shapeOf(2048, 4096, 4096);
  auto reason = [&](auto change) {
    GemmConfig config = legalConfig();
    change(config);
    return reasonOf(whyIllegal(config, shape, sku));
  };
  EXPECT_EQ(reason([](auto &c) { c.numStages = 1; }),
            "fewer than two stages fit in shared memory");
  EXPECT_EQ(reason([](auto &c) { c.numStages = 64; }),
            "too much shared memory");
  EXPECT_EQ(
      reason([](auto &c) { c.blockN = 256, c.blockM = 256, c.numStages = 2; }),
      "too much shared memory");
  EXPECT_EQ(reason([](auto &c) {
              c.blockN = 256, c.mathWarpgroups = 1, c.numStages = 2;
            }),
            "accumulators and epilogue do not fit in the register budget");
  EXPECT_EQ(reason([](auto &c) {
              c.pingPong = 1, c.blockM = 64, c.numStages = 2, c.multicast = 2;
            }),
            "warpgroups with tiles of their own do not share them with CTAs");
  EXPECT_EQ(reason([](auto &c) { c.swapAB = 1; }),
            "token tiles over 64 go on the M side");
  EXPECT_EQ(reason([](auto &c) {
              c.splitK = 16;
              c.numStages = 2;
            }),
            "split of K exceeds the portable cluster size");
  shape.k = 640; // ten blocks
  EXPECT_EQ(reason([](auto &c) {
              c.splitK = 8;
              c.numStages = 2;
            }),
            "the split would leave a CTA without a block of K");
  shape.k = 128;
  EXPECT_EQ(reason([](auto &c) {
              c.splitK = 4;
              c.numStages = 2;
            }),
            "K has fewer blocks than the split");
  shape.tokens = 256;
  EXPECT_EQ(reason([](auto &c) { c.multicast = 2; }),
            "multicast needs several waves of token tiles");
  shape = shapeOf(1024, 1024, 4096);
  EXPECT_EQ(reason([](auto &c) { c.multicast = 2; }),
            "multicast needs more than one wave of tiles");
}

/// A warpgroup's own tile hides the epilogues, but reads more than a larger one
/// that two share: worth it where products are slow beside what feeds them.
TEST(Gemm, PingPongHidesEpilogues) {
  GemmShape shape = shapeOf(8192, 16384, 4096);
  GemmConfig alone = legalConfig(), turns = legalConfig();
  alone.blockM = turns.blockM = 64;
  alone.mathWarpgroups = 1;
  turns.pingPong = 1;
  alone.numStages = 4, turns.numStages = 2;
  Sku h20 = testSku("h20");
  EXPECT_EQ(reasonOf(whyIllegal(turns, shape, h20)), "");
  EXPECT_LT(gemmCycles(turns, shape, h20), gemmCycles(alone, shape, h20));
  EXPECT_EQ(chooseGemm(shape, h20)->config.pingPong, 1);
  EXPECT_EQ(chooseGemm(shape, testSku("h800-sxm"))->config.pingPong, 0);
}

TEST(Gemm, RopeHoldsLittleBesideTheAccumulators) {
  GemmShape shape = shapeOf(2048, 4608, 3584);
  shape.headDim = 128;
  GemmConfig config = legalConfig();
  config.blockN = 256;
  EXPECT_EQ(gemmEpilogueSlice(config, shape), 64);
  // A norm takes the sum over the head from its slices.
  shape.reducesHeads = true;
  EXPECT_EQ(gemmEpilogueSlice(config, shape), 64);
}

TEST(Gemm, GivesAReasonForEachRuleOfTheEpilogue) {
  Sku sku = testSku("h800-sxm");
  GemmConfig config = legalConfig();
  GemmShape shape = shapeOf(2048, 960, 576);
  shape.segment = 192;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)), "");
  EXPECT_EQ(gemmEpilogueSlice(config, shape), 64);
  config.swapAB = 1;
  config.blockM = 64;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "with swapped operands a tile must not cross a boundary of outputs "
            "or heads");
  config = legalConfig();
  config.blockN = 192;
  shape.headDim = 128;
  shape.reducesHeads = true;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "the epilogue reduces over a head, and a tile holds part of one");
  shape = shapeOf(2048, 960, 576);
  shape.pairs = true;
  config.blockN = 24;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "pairs of columns would be torn");
  shape = shapeOf(2048, 960, 576);
  shape.chunk = 64;
  config.blockN = 32;
  EXPECT_EQ(reasonOf(whyIllegal(config, shape, sku)),
            "a tile must hold whole chunks of the sums of squares");
}

/// M, N and K of real models, and odd ones.
TEST(Gemm, ChoosesALegalConfigForEveryShape) {
  const std::pair<int64_t, int64_t> weights[] = {
      {960, 576},   {576, 576},    {3072, 576},   {576, 1536},
      {49152, 576}, {10240, 8192}, {8192, 28672}, {128256, 8192},
      {1, 8},       {17, 40},      {33, 4096}};
  for (const char *name : {"h800-sxm", "h100-sxm", "h100-pcie", "h20", "h200"})
    for (int64_t tokens : {1, 3, 7, 8, 64, 65, 200, 512, 2048, 8192})
      for (auto [n, k] : weights) {
        Sku sku = testSku(name);
        GemmShape shape = shapeOf(tokens, n, k);
        std::vector<Rejection> rejections;
        auto choice = chooseGemm(shape, sku, &rejections);
        ASSERT_TRUE(choice) << tokens << " " << n << " " << k;
        EXPECT_EQ(reasonOf(whyIllegal(choice->config, shape, sku)), "");
        EXPECT_GT(choice->cycles, 0);
        EXPECT_NE(choice->reason.find(name), std::string::npos)
            << choice->reason;
        // Nothing cheaper was passed over.
        for (const GemmConfig &candidate : gemmCandidates(shape, sku))
          if (!whyIllegal(candidate, shape, sku))
            EXPECT_GE(gemmCycles(candidate, shape, sku), choice->cycles)
                << candidate.print();
        for (const Rejection &rejection : rejections)
          EXPECT_FALSE(rejection.reason.empty()) << rejection.config;
      }
}

/// A Q/K norm takes whole heads; a tile of 256 columns holds the widest.
TEST(Gemm, ChoosesALegalConfigForNormsOfEveryHeadSize) {
  for (const char *name : {"h800-sxm", "h100-sxm", "h100-pcie", "h20", "h200"})
    for (int64_t headDim : {64, 80, 96, 128, 256})
      for (int64_t tokens : {1, 8, 64, 512, 8192}) {
        GemmShape shape = shapeOf(tokens, 6 * headDim, 1024);
        shape.headDim = shape.segment = headDim;
        shape.reducesHeads = shape.pairs = true;
        std::vector<Rejection> rejections;
        auto choice = chooseGemm(shape, testSku(name), &rejections);
        ASSERT_TRUE(choice) << name << " " << headDim << " " << tokens << " "
                            << rejections.back().reason;
        EXPECT_EQ(choice->config.blockN % headDim, 0);
      }
}

TEST(Gemm, PutsFewTokensOnTheNSide) {
  Sku sku = testSku("h800-sxm");
  auto few = chooseGemm(shapeOf(1, 3072, 576), sku);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->config.swapAB, 1);
  EXPECT_EQ(few->config.blockM, 8);
  auto many = chooseGemm(shapeOf(4096, 4096, 4096), sku);
  ASSERT_TRUE(many);
  EXPECT_EQ(many->config.swapAB, 0);
  EXPECT_EQ(many->config.blockM, 128);
}

/// Nine tiles of weights leave most of the chip idle, unless each is shared.
TEST(Gemm, SplitsALongKOfFewTiles) {
  Sku sku = testSku("h800-sxm");
  auto deep = chooseGemm(shapeOf(1, 576, 1536), sku);
  ASSERT_TRUE(deep);
  EXPECT_GT(deep->config.splitK, 1);
  GemmShape inOrder = shapeOf(1, 576, 1536);
  inOrder.maxSplitK = 1;
  EXPECT_EQ(chooseGemm(inOrder, sku)->config.splitK, 1);
  // Where the tiles fill the chip many times over, there is nothing to gain.
  auto wide = chooseGemm(shapeOf(1, 128256, 4096), sku);
  ASSERT_TRUE(wide);
  EXPECT_EQ(wide->config.splitK, 1);
}

TEST(Gemm, DiffersBetweenBoardsWhereItOught) {
  Sku h800 = testSku("h800-sxm"), h20 = testSku("h20");
  // Bound by HBM on both: the same shape of tile, and H20 is quicker by its
  // bandwidth.
  GemmShape decode = shapeOf(8, 28672, 8192);
  EXPECT_LT(chooseGemm(decode, h20)->cycles / h20.clockMhz,
            chooseGemm(decode, h800)->cycles / h800.clockMhz);
  // Bound by the tensor cores: H20 has a seventh of them.
  GemmShape prefill = shapeOf(8192, 28672, 8192);
  double ratio = (chooseGemm(prefill, h20)->cycles / h20.clockMhz) /
                 (chooseGemm(prefill, h800)->cycles / h800.clockMhz);
  EXPECT_GT(ratio, 4);
  // With other rates of tensor cores and memory, other tiles are best
  // somewhere.
  int differing = 0;
  for (int64_t tokens : {64, 128, 256, 512, 1024, 2048})
    for (auto [n, k] :
         {std::pair<int64_t, int64_t>{4096, 4096}, {6144, 4096}, {8192, 28672}})
      differing += chooseGemm(shapeOf(tokens, n, k), h20)->config.print() !=
                   chooseGemm(shapeOf(tokens, n, k), h800)->config.print();
  EXPECT_GT(differing, 0);
}

TEST(Gemm, IsAFunctionOfItsInput) {
  Sku sku = testSku("h800-sxm");
  for (int64_t tokens : {8, 200, 2048}) {
    auto first = chooseGemm(shapeOf(tokens, 4096, 4096), sku),
         second = chooseGemm(shapeOf(tokens, 4096, 4096), sku);
    EXPECT_EQ(first->config.print(), second->config.print());
    EXPECT_EQ(first->reason, second->reason);
  }
}

TEST(Gemm, SaysWhyNothingFits) {
  Sku sku = testSku("h800-sxm");
  sku.sharedMemoryPerBlockOptinBytes = 4096;
  std::vector<Rejection> rejections;
  EXPECT_FALSE(chooseGemm(shapeOf(2048, 4096, 4096), sku, &rejections));
  EXPECT_EQ(rejections.size(),
            gemmCandidates(shapeOf(2048, 4096, 4096), sku).size());
  for (const Rejection &rejection : rejections)
    EXPECT_EQ(rejection.reason, "fewer than two stages fit in shared memory")
        << rejection.config;
}

} // namespace
} // namespace tilewright::autotune
