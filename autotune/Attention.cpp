//===- Attention.cpp - Candidates, legality and cost of attention ---------===//

#include "autotune/Attention.h"

#include "ir/target/Roles.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tilewright::autotune {

static constexpr int64_t kBytes = 2; // bf16
// Row statistics, addresses and loop state of a softmax thread.
static constexpr int64_t kSoftmaxRegisters = 24;

std::vector<ConfigField> AttentionPrefillConfig::fields() const {
  return {{"BLOCK_M", blockM},
          {"BLOCK_N", blockN},
          {"num_stages", numStages},
          {"math_warpgroups", mathWarpgroups}};
}

std::vector<ConfigField> AttentionDecodeConfig::fields() const {
  return {{"BLOCK_N", blockN},
          {"num_stages", numStages},
          {"num_splits", numSplits}};
}

std::vector<ConfigField> AttentionCombineConfig::fields() const {
  return {{"warps", warps}, {"ROWS", rowsPerCta}};
}

/// Registers of a math thread for `columns` of a warpgroup's rows, in f32.
static int64_t registersFor(int64_t columns, const Sku &sku) {
  return sku.mma().m * columns / sku.target().threads.threadsPerGroup();
}

/// Keys that one sequence of the largest length really looks at.
static int64_t visibleKeys(const AttentionShape &shape) {
  return shape.window ? std::min(shape.window, shape.maxContext)
                      : shape.maxContext;
}

static int64_t ringBytes(int64_t blockN, int64_t numStages,
                         const AttentionShape &shape) {
  return 2 * numStages * blockN * shape.headDim * kBytes;
}

static std::optional<std::string> whyBlockIllegal(int64_t blockN,
                                                  const AttentionShape &shape) {
  if (blockN % shape.pageSize != 0 && shape.pageSize % blockN != 0)
    return "a block of keys must be whole pages or a whole part of one";
  return std::nullopt;
}

std::optional<std::string> whyIllegal(const AttentionPrefillConfig &config,
                                      const AttentionShape &shape,
                                      const Sku &sku) {
  if (auto reason = whyBlockIllegal(config.blockN, shape))
    return reason;
  // O and two S in f32: one under way, the other becoming P in place.
  int64_t scores = registersFor(config.blockN, sku);
  int64_t registers =
      registersFor(shape.headDim, sku) + 2 * scores + kSoftmaxRegisters;
  if (registers >
      target::getRoleRegisters(sku.target(), config.mathWarpgroups).math)
    return "O and S do not fit in the register budget";
  int64_t bytes = config.blockM * shape.headDim * kBytes +
                  ringBytes(config.blockN, config.numStages, shape) +
                  target::barrierBytes;
  if (bytes > sku.sharedMemoryPerBlockOptinBytes)
    return "Q and the K/V ring do not fit in shared memory";
  return std::nullopt;
}

std::optional<std::string> whyIllegal(const AttentionDecodeConfig &config,
                                      const AttentionShape &shape,
                                      const Sku &sku) {
  if (auto reason = whyBlockIllegal(config.blockN, shape))
    return reason;
  if (shape.group() > sku.mma().m)
    return "more query heads share a KV head than a tile has rows";
  // Q as packed pairs, O and S in f32, P as packed pairs, for 64 rows.
  int64_t output = registersFor(shape.headDim, sku),
          scores = registersFor(config.blockN, sku);
  int64_t registers =
      output / 2 + output + scores + scores / 2 + kSoftmaxRegisters;
  if (registers >
      target::getRoleRegisters(sku.target(), /*mathWarpgroups=*/1).math)
    return "Q, O and S do not fit in registers";
  if (config.numSplits > 1 &&
      (config.numSplits - 1) * config.blockN >= visibleKeys(shape))
    return "some split would never have a key";
  int64_t bytes = sku.mma().m * shape.headDim * kBytes +
                  ringBytes(config.blockN, config.numStages, shape) +
                  target::barrierBytes;
  if (bytes > sku.sharedMemoryPerBlockOptinBytes)
    return "Q and the K/V ring do not fit in shared memory";
  return std::nullopt;
}

double attentionPrefillCycles(const AttentionPrefillConfig &config,
                              const AttentionShape &shape, const Sku &sku) {
  double keys = double(visibleKeys(shape)) /
                (shape.window ? 1 : 2); // causal: half on average
  double tiles = double(ceilDiv(shape.tokens, config.blockM) * shape.qHeads);
  double blocks = std::ceil(keys / double(config.blockN)) +
                  0.5; // the diagonal block is half wasted
  double perBlock = double(config.blockM) * double(config.blockN);
  double tensor = 4 * perBlock * double(shape.headDim) /
                  sku.tensorFlopsPerSmClock.at("bf16");
  double exponentials =
      perBlock / sku.scalarOpsPerSmClock.at("special_function");
  double softmax =
      exponentials + 6 * perBlock / sku.scalarOpsPerSmClock.at("fp32_fma");
  // Two warpgroups that take turns hide one's softmax under the other's
  // products. Each block has two stages to wait for and a turn to take,
  // whatever its size.
  double block = (config.mathWarpgroups > 1 ? std::max(tensor, softmax)
                                            : tensor + softmax) +
                 3 * sku.latency("mbarrier_wait");
  double waves = std::ceil(tiles / double(sku.smCount));
  return waves * (blocks * block + 2 * sku.latency("dram"));
}

double attentionDecodeCycles(const AttentionDecodeConfig &config,
                             const AttentionShape &shape, const Sku &sku) {
  double keys = double(visibleKeys(shape));
  double ctas = double(shape.seqs * shape.kvHeads * config.numSplits);
  double blocks = std::ceil(std::ceil(keys / double(config.numSplits)) /
                            double(config.blockN));
  double blockBytes = 2.0 * double(config.blockN * shape.headDim) * kBytes;
  double waves = std::ceil(ctas / double(sku.smCount));
  double latency = sku.latency("dram") / double(config.numStages);
  double arrive =
      std::max(latency, blockBytes * std::min(ctas, double(sku.smCount)) /
                            sku.hbmBytesPerClock());
  double tensor = 4.0 * double(sku.mma().m * config.blockN * shape.headDim) /
                  sku.tensorFlopsPerSmClock.at("bf16");
  double softmax = double(sku.mma().m * config.blockN) /
                   sku.scalarOpsPerSmClock.at("special_function");
  // A second launch, and the partial results to HBM and back.
  double combine = config.numSplits > 1
                       ? sku.launchUs * sku.clockMhz +
                             2 * ctas * double(shape.group() * shape.headDim) *
                                 4 / sku.hbmBytesPerClock()
                       : 0;
  return waves * (blocks * std::max(arrive, tensor + softmax) +
                  2 * sku.latency("dram")) +
         combine;
}

int64_t getCommonBlock(const AttentionShape &shape, const Sku &sku) {
  for (int64_t blockN : {128, 64, 32, 16}) {
    // The fewest registers and the least shared memory for this block.
    AttentionPrefillConfig prefill;
    prefill.mathWarpgroups = 1;
    prefill.blockM = sku.mma().m;
    AttentionDecodeConfig decode;
    prefill.blockN = decode.blockN = blockN;
    if (!whyIllegal(prefill, shape, sku) && !whyIllegal(decode, shape, sku))
      return blockN;
  }
  return 0;
}

static constexpr const char *kOtherBlock =
    "blocks of another size would give other bits than other plans'";

std::optional<Choice<AttentionPrefillConfig>>
chooseAttentionPrefill(const AttentionShape &shape, const Sku &sku,
                       std::vector<Rejection> *rejections) {
  std::vector<AttentionPrefillConfig> candidates;
  for (int64_t warpgroups : {2, 1})
    for (int64_t blockN : {128, 64, 32, 16})
      for (int64_t stages : {3, 2}) {
        AttentionPrefillConfig config;
        config.mathWarpgroups = warpgroups;
        config.blockM = warpgroups * sku.mma().m;
        config.blockN = blockN;
        config.numStages = stages;
        candidates.push_back(config);
      }
  int64_t common = shape.fixedOrder ? getCommonBlock(shape, sku) : 0;
  auto best = chooseCheapest(
      candidates,
      [&](const auto &config) -> std::optional<std::string> {
        if (shape.fixedOrder && config.blockN != common)
          return kOtherBlock;
        return whyIllegal(config, shape, sku);
      },
      [&](const auto &config) {
        return attentionPrefillCycles(config, shape, sku);
      },
      rejections);
  if (!best)
    return best;
  char text[256];
  std::snprintf(
      text, sizeof text,
      "%lld tiles on %lld SMs of %s; predicted %.0f cycles at %lld tokens%s",
      (long long)(ceilDiv(shape.tokens, best->config.blockM) * shape.qHeads),
      (long long)sku.smCount, sku.name.c_str(), best->cycles,
      (long long)shape.tokens,
      best->config.mathWarpgroups > 1 ? "; two warpgroups take turns, one's "
                                        "softmax under the other's products"
                                      : "");
  best->reason = text;
  return best;
}

static std::optional<Choice<AttentionDecodeConfig>>
chooseDecodeAmong(const std::vector<int64_t> &splitCounts,
                  const std::vector<int64_t> &blocks,
                  const AttentionShape &shape, const Sku &sku,
                  std::vector<Rejection> *rejections) {
  std::vector<AttentionDecodeConfig> candidates;
  for (int64_t splits : splitCounts)
    for (int64_t blockN : blocks)
      for (int64_t stages : {4, 3, 2}) {
        AttentionDecodeConfig config;
        config.blockN = blockN;
        config.numStages = stages;
        config.numSplits = splits;
        candidates.push_back(config);
      }
  auto best = chooseCheapest(
      candidates,
      [&](const auto &config) { return whyIllegal(config, shape, sku); },
      [&](const auto &config) {
        return attentionDecodeCycles(config, shape, sku);
      },
      rejections);
  if (!best)
    return best;
  char text[256];
  std::snprintf(
      text, sizeof text,
      "%lld CTAs on %lld SMs of %s at %lld sequences of %lld keys; predicted "
      "%.0f cycles%s",
      (long long)(shape.seqs * shape.kvHeads * best->config.numSplits),
      (long long)sku.smCount, sku.name.c_str(), (long long)shape.seqs,
      (long long)visibleKeys(shape), best->cycles,
      best->config.numSplits > 1
          ? ", the combining kernel's launch included"
          : "; a split would not pay for its combining launch");
  best->reason = text;
  return best;
}

std::optional<Choice<AttentionDecodeConfig>>
chooseAttentionDecode(const AttentionShape &shape, const Sku &sku,
                      std::vector<Rejection> *rejections) {
  if (shape.fixedOrder) {
    int64_t common = getCommonBlock(shape, sku);
    std::vector<int64_t> blocks(common ? 1 : 0, common);
    return chooseDecodeAmong({1}, blocks, shape, sku, rejections);
  }
  return chooseDecodeAmong({1, 2, 4, 8, 16, 32}, {64, 128, 32, 16}, shape, sku,
                           rejections);
}

std::optional<Choice<AttentionDecodeConfig>>
chooseAttentionPartial(const AttentionShape &shape, int64_t blockN,
                       int64_t splits, const Sku &sku,
                       std::vector<Rejection> *rejections) {
  return chooseDecodeAmong({splits}, {blockN}, shape, sku, rejections);
}

Choice<AttentionCombineConfig>
chooseAttentionCombine(int64_t heads, int64_t headDim, int64_t splits) {
  // All parts of a row are under way at once, so a thread has one access of
  // each.
  static constexpr int64_t kElementBytes = 4;
  const target::ThreadLimits &threads = target::getDefaultTarget().threads;
  int64_t warpThreads = threads.threadsPerWarp;
  int64_t threadsPerRow = ceilDiv(headDim, threads.accessBytes / kElementBytes);
  Choice<AttentionCombineConfig> choice;
  while (choice.config.rowsPerCta * threadsPerRow < warpThreads &&
         choice.config.rowsPerCta < heads)
    choice.config.rowsPerCta *= 2;
  while (choice.config.warps * warpThreads <
         choice.config.rowsPerCta * threadsPerRow)
    choice.config.warps *= 2;
  char text[160];
  std::snprintf(text, sizeof text,
                "%lld heads of a token in a CTA: 16 bytes a thread of each of "
                "the %lld parts, all under way at once",
                (long long)choice.config.rowsPerCta, (long long)splits);
  choice.reason = text;
  return choice;
}

} // namespace tilewright::autotune
