//===- Gemm.cpp - Candidates, legality and cost of GEMM configs -----------===//

#include "autotune/Gemm.h"

#include "ir/target/Roles.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace tilewright::autotune {

// Bytes of a bf16 operand element and of an f32 accumulator.
static constexpr int64_t kOperandBytes = 2;
static constexpr int64_t kAccumulatorBytes = 4;
// Registers that a math thread needs besides accumulators: addresses, loop
// state, and what the epilogue holds of one slice.
static constexpr int64_t kRegistersBesideAccumulators = 72;
// Columns that the epilogue of a head works on at a time; what it holds of 128,
// with a bias on top, spills.
static constexpr int64_t kHeadSlice = 64;

std::vector<ConfigField> GemmConfig::fields() const {
  return {{"BLOCK_M", blockM},
          {"BLOCK_N", blockN},
          {"BLOCK_K", blockK},
          {"num_stages", numStages},
          {"math_warpgroups", mathWarpgroups},
          {"swap_ab", swapAB},
          {"pingpong", pingPong},
          {"split_k", splitK},
          {"multicast", multicast},
          {"group_m", groupM}};
}

int64_t gemmEpilogueSlice(const GemmConfig &config, const GemmShape &shape) {
  int64_t slice = config.blockN;
  if (shape.segment)
    slice = std::gcd(slice, shape.segment);
  if (shape.headDim)
    slice = std::gcd(slice, shape.headDim);
  // The halves of a rope are in registers together, beside the accumulators.
  if (shape.headDim && !config.swapAB)
    slice = std::gcd(slice, kHeadSlice);
  return slice;
}

int64_t gemmSharedBytes(const GemmConfig &config, const GemmShape &shape) {
  int64_t stage =
      (config.blockM + config.blockN) * config.blockK * kOperandBytes;
  // Results pass through a tile of their own; swapped, whole heads have another
  // than the halves of a rope. Split K exchanges accumulators.
  int64_t staging = config.blockM * config.blockN * kOperandBytes *
                    (config.swapAB && shape.headDim ? 2 : 1);
  if (config.splitK > 1)
    staging += config.blockM * config.blockN * kAccumulatorBytes;
  return config.replicas() * (config.numStages * stage + staging) +
         target::barrierBytes;
}

/// Registers of a math thread for `elements` of the tile in f32.
static int64_t registersFor(int64_t elements, const GemmConfig &config,
                            const Sku &sku) {
  return elements / (config.mathWarpgroups / config.replicas() *
                     sku.target().threads.threadsPerGroup());
}

/// Registers of a math thread besides the accumulators. Swapped, a norm over
/// heads keeps its slice in f32 until the sum is known.
static int64_t epilogueRegisters(const GemmConfig &config,
                                 const GemmShape &shape, const Sku &sku) {
  if (!shape.reducesHeads || !config.swapAB)
    return kRegistersBesideAccumulators;
  int64_t slice = config.blockM * gemmEpilogueSlice(config, shape);
  return kRegistersBesideAccumulators + registersFor(slice, config, sku);
}

/// As many stages as shared memory holds, up to the K loop's length.
static void fillStages(GemmConfig &config, const GemmShape &shape,
                       const Sku &sku) {
  config.numStages = 0;
  int64_t fixed = gemmSharedBytes(config, shape);
  int64_t stage =
      (config.blockM + config.blockN) * config.blockK * kOperandBytes;
  stage *= config.replicas();
  int64_t room = sku.sharedMemoryPerBlockOptinBytes - fixed;
  int64_t useful =
      std::max<int64_t>(2, ceilDiv(shape.k, config.blockK * config.splitK));
  config.numStages =
      std::clamp<int64_t>(room / stage, 0, std::min<int64_t>(useful, 8));
}

static void addNormal(std::vector<GemmConfig> &out, const GemmShape &shape,
                      const Sku &sku) {
  static constexpr int64_t kBlockN[] = {256, 192, 160, 128, 96, 64, 32};
  for (int64_t warpgroups : {2, 1})
    for (int64_t blockN : kBlockN)
      for (int64_t multicast : {1, 2}) {
        GemmConfig config;
        config.blockM = warpgroups * sku.mma().m;
        config.blockN = blockN;
        config.mathWarpgroups = warpgroups;
        config.multicast = multicast;
        fillStages(config, shape, sku);
        out.push_back(config);
      }
}

/// A warpgroup's tile is all rows that one product has, so that two have the
/// shared memory of a larger one.
static void addPingPong(std::vector<GemmConfig> &out, const GemmShape &shape,
                        const Sku &sku) {
  for (int64_t blockN : {256, 192, 128, 96, 64}) {
    GemmConfig config;
    config.blockM = sku.mma().m;
    config.blockN = blockN;
    config.pingPong = 1;
    fillStages(config, shape, sku);
    out.push_back(config);
  }
}

static void addSwapped(std::vector<GemmConfig> &out, const GemmShape &shape,
                       const Sku &sku) {
  // Token tiles: the smallest that holds the range, so that no lane works on
  // padding that a smaller tile would not have.
  int64_t blockM = sku.mma().minN;
  while (blockM < shape.tokens && blockM < sku.mma().maxN)
    blockM *= 2;
  for (int64_t warpgroups : {1, 2})
    for (int64_t splitK : {1, 2, 4, 8}) {
      if (splitK > shape.maxSplitK)
        break;
      GemmConfig config;
      config.swapAB = 1;
      config.blockM = blockM;
      config.blockN = warpgroups * sku.mma().m;
      config.mathWarpgroups = warpgroups;
      config.splitK = splitK;
      fillStages(config, shape, sku);
      out.push_back(config);
    }
}

std::vector<GemmConfig> gemmCandidates(const GemmShape &shape, const Sku &sku) {
  std::vector<GemmConfig> candidates;
  addSwapped(candidates, shape, sku);
  addNormal(candidates, shape, sku);
  addPingPong(candidates, shape, sku);
  return candidates;
}

static std::optional<std::string> whyEpilogueIllegal(const GemmConfig &config,
                                                     const GemmShape &shape) {
  int64_t slice = gemmEpilogueSlice(config, shape);
  if (config.swapAB && slice != config.blockN)
    return "with swapped operands a tile must not cross a boundary of outputs "
           "or heads";
  if (shape.reducesHeads && config.blockN % shape.headDim != 0)
    return "the epilogue reduces over a head, and a tile holds part of one";
  // Pairs are eight apart, in groups of sixteen columns.
  if (shape.pairs && slice % 16 != 0)
    return "pairs of columns would be torn";
  if (shape.chunk && (slice % shape.chunk != 0))
    return "a tile must hold whole chunks of the sums of squares";
  if (config.swapAB && shape.chunk && slice != shape.chunk)
    return "with swapped operands a tile is one chunk of the sums of squares";
  return std::nullopt;
}

std::optional<std::string> whyIllegal(const GemmConfig &config,
                                      const GemmShape &shape, const Sku &sku) {
  if (config.numStages < 2)
    return "fewer than two stages fit in shared memory";
  if (gemmSharedBytes(config, shape) > sku.sharedMemoryPerBlockOptinBytes)
    return "too much shared memory";
  int64_t mathRegisters =
      registersFor(config.blockM * config.blockN, config, sku) +
      epilogueRegisters(config, shape, sku);
  if (mathRegisters >
      target::getRoleRegisters(sku.target(), config.mathWarpgroups).math)
    return "accumulators and epilogue do not fit in the register budget";
  if (config.pingPong && config.splitK * config.multicast > 1)
    return "warpgroups with tiles of their own do not share them with CTAs";
  if (config.swapAB && !shape.maySwap)
    return "a swapped tile would add in another order";
  if (config.swapAB && config.blockM > sku.mma().m)
    return "token tiles over 64 go on the M side";
  if (config.splitK > sku.target().clusterSize)
    return "split of K exceeds the portable cluster size";
  if (ceilDiv(shape.k, config.blockK) < config.splitK)
    return "K has fewer blocks than the split";
  int64_t blocks = ceilDiv(shape.k, config.blockK);
  if ((config.splitK - 1) * ceilDiv(blocks, config.splitK) >= blocks)
    return "the split would leave a CTA without a block of K";
  if (config.multicast > 1 &&
      ceilDiv(shape.tokens, config.blockM) < 2 * config.multicast)
    return "multicast needs several waves of token tiles";
  // It saves reads of L2, which one wave does not keep busy, and ties CTAs.
  if (config.multicast > 1 &&
      ceilDiv(shape.tokens, config.blockM) * ceilDiv(shape.n, config.blockN) <=
          sku.smCount)
    return "multicast needs more than one wave of tiles";
  return whyEpilogueIllegal(config, shape);
}

namespace {
/// Cycles of one tile's main loop on one SM.
struct MainLoop {
  double products =
      0; ///< by the tensor cores, and shared memory that feeds them
  double arrival = 0; ///< of the operands
  double total() const { return std::max(products, arrival); }
};
} // namespace

static MainLoop mainLoopOf(const GemmConfig &config, const GemmShape &shape,
                           const Sku &sku) {
  double k = double(ceilDiv(ceilDiv(shape.k, config.blockK), config.splitK) *
                    config.blockK);
  double flops = 2.0 * config.blockM * config.blockN * k;
  double tensor = flops / sku.tensorFlopsPerSmClock.at("bf16");
  double tileBytes = double(config.blockM + config.blockN) * k * kOperandBytes;
  // The M-side operand is read once per wgmma, the N-side once per warpgroup.
  int64_t warpgroups = config.mathWarpgroups / config.replicas();
  double sharedBytes =
      tileBytes + (config.swapAB ? config.blockN + config.blockM * warpgroups
                                 : config.blockM + config.blockN * warpgroups) *
                      k * kOperandBytes;
  double shared = sharedBytes / sku.sharedMemoryBytesPerSmClock;
  double l2Bytes = (config.blockM + double(config.blockN) / config.multicast) *
                   k * kOperandBytes;
  // No SM receives more than its share, however few are at work.
  double l2 = l2Bytes * double(sku.smCount) / sku.l2BytesPerClock;
  // Little's law: what one SM keeps in flight limits what it receives.
  double inFlight = double(config.numStages * config.replicas()) *
                    (config.blockM + config.blockN) * config.blockK *
                    kOperandBytes;
  double latencyBound = tileBytes / inFlight * sku.latency("dram");
  return {std::max(tensor, shared), std::max(l2, latencyBound)};
}

/// Cycles between two tiles of an SM with many.
static double tileCycles(const GemmConfig &config, const MainLoop &loop,
                         double epilogue) {
  // One warpgroup's epilogue is under the other's products.
  if (config.pingPong)
    return std::max(loop.total(),
                    (loop.products + epilogue) / double(config.replicas()));
  // The tensor cores wait for the epilogue, while operands go on arriving.
  return std::max(loop.products + epilogue, loop.arrival);
}

double gemmCycles(const GemmConfig &config, const GemmShape &shape,
                  const Sku &sku) {
  double tiles = double(ceilDiv(shape.tokens, config.blockM) *
                        ceilDiv(shape.n, config.blockN));
  double ctas = tiles * config.splitK;
  double activeSms = std::min<double>(ctas, double(sku.smCount));
  double waves = std::ceil(ctas / double(sku.smCount));
  double tileElements = double(config.blockM * config.blockN);
  double epilogue =
      tileElements * shape.epilogueBytes * activeSms / sku.l2BytesPerClock +
      tileElements / sku.scalarOpsPerSmClock.at("fp32_fma") * 4;
  // Rank 0 reads the others' accumulators, once they have told it to.
  double exchange =
      config.splitK > 1
          ? sku.latency("mbarrier_wait") + 2 * sku.latency("dsmem_load") +
                tileElements * kAccumulatorBytes * double(config.splitK - 1) /
                    sku.dsmemBytesPerSmClock
          : 0;
  // A cluster meets where its barriers are made, and before a CTA may leave.
  double meetings =
      config.splitK * config.multicast > 1 ? 2 * sku.latency("dsmem_load") : 0;
  double hbm = (double(shape.n) * shape.k + double(shape.tokens) * shape.k) *
               kOperandBytes / sku.hbmBytesPerClock();
  double fill = sku.latency("dram") + sku.latency("mbarrier_wait");
  MainLoop loop = mainLoopOf(config, shape, sku);
  double steady = (waves - 1) * tileCycles(config, loop, epilogue);
  return std::max(steady + loop.total(), hbm) + fill + epilogue + exchange +
         meetings;
}

static std::string explain(const Choice<GemmConfig> &choice,
                           const GemmShape &shape, const Sku &sku) {
  const GemmConfig &config = choice.config;
  int64_t ctas = ceilDiv(shape.tokens, config.blockM) *
                 ceilDiv(shape.n, config.blockN) * config.splitK;
  double flops = 2.0 * double(shape.tokens) * double(shape.n) * double(shape.k);
  double tensor =
      flops / sku.tensorFlopsPerSmClock.at("bf16") / double(sku.smCount);
  double hbm = (double(shape.n) + double(shape.tokens)) * double(shape.k) *
               kOperandBytes / sku.hbmBytesPerClock();
  char text[256];
  std::snprintf(
      text, sizeof text,
      "%lld CTAs on %lld SMs of %s; predicted %.0f cycles at %lld tokens "
      "(tensor floor %.0f, HBM floor %.0f)%s",
      (long long)ctas, (long long)sku.smCount, sku.name.c_str(), choice.cycles,
      (long long)shape.tokens, tensor, hbm,
      config.swapAB ? "; weights on the M side, because tokens are few"
      : config.pingPong
          ? "; two warpgroups take turns, one's epilogue under the other's "
            "products"
          : "");
  return text;
}

std::optional<Choice<GemmConfig>>
chooseGemm(const GemmShape &shape, const Sku &sku,
           std::vector<Rejection> *rejections) {
  auto best = chooseCheapest(
      gemmCandidates(shape, sku),
      [&](const GemmConfig &config) { return whyIllegal(config, shape, sku); },
      [&](const GemmConfig &config) { return gemmCycles(config, shape, sku); },
      rejections);
  if (best)
    best->reason = explain(*best, shape, sku);
  return best;
}

} // namespace tilewright::autotune
