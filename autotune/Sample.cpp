//===- Sample.cpp - Candidates, legality and cost of sampling -------------===//

#include "autotune/Sample.h"

#include "ir/target/Roles.h"

#include <algorithm>
#include <cstdio>

namespace tilewright::autotune {

static constexpr int64_t kLogitBytes = 4; // f32
// Passes over the row: maximum, three digits for each threshold, draw.
static constexpr int64_t kPasses = 8;
// Halves of the bins' sums.
static constexpr int64_t kBinWords = 2;

std::vector<ConfigField> SampleConfig::fields() const {
  return {{"warps", warps}, {"keep_row", keepRow}};
}

int64_t sampleBlock(const SampleConfig &config, const Sku &sku) {
  const target::ThreadLimits &threads = sku.target().threads;
  return config.warps * threads.threadsPerWarp * threads.accessBytes /
         kLogitBytes;
}

/// Blocks of the row, the last one rounded up.
static int64_t blocksOf(const SampleConfig &config, const SampleShape &shape,
                        const Sku &sku) {
  return ceilDiv(shape.vocabulary, sampleBlock(config, sku));
}

std::optional<std::string> whyIllegal(const SampleConfig &config,
                                      const SampleShape &shape,
                                      const Sku &sku) {
  const target::ThreadLimits &threads = sku.target().threads;
  if (config.warps * threads.threadsPerWarp > threads.threadsPerCta)
    return "more threads than a CTA can have";
  if (config.keepRow && !shape.draws)
    return "an argmax reads its row once";
  int64_t blocks = blocksOf(config, shape, sku);
  int64_t row = config.keepRow ? blocks * sampleBlock(config, sku) : 0;
  int64_t bins = kBinWords << sampleDigitBits;
  int64_t bytes = (row + bins + blocks) * kLogitBytes + target::barrierBytes;
  if (shape.draws && bytes > sku.sharedMemoryPerBlockOptinBytes)
    return "the row does not fit in shared memory";
  return std::nullopt;
}

double sampleCycles(const SampleConfig &config, const SampleShape &shape,
                    const Sku &sku) {
  double elements =
      double(blocksOf(config, shape, sku) * sampleBlock(config, sku));
  double bytes = elements * double(kLogitBytes);
  // What a CTA has under way limits what it receives (Little's law).
  double inFlight = double(sampleBlock(config, sku) * kLogitBytes);
  double global = bytes / inFlight * sku.latency("dram");
  double shared = bytes / sku.sharedMemoryBytesPerSmClock;
  // A quotient by a Newton step, key, weight, comparisons and bins.
  double perElement = config.keepRow ? 20 : 30;
  double work = perElement * elements / sku.scalarOpsPerSmClock.at("fp32_fma");
  double later = std::max(work, config.keepRow ? shared : global);
  // Searches among bins: a reduction over the CTA per bit, which meets.
  double reduction = 60 + 4.0 * double(config.warps);
  double searches = shape.draws ? 2.0 * 32 + 16 : 2;
  return std::max(global, work) +
         double(shape.draws ? kPasses - 1 : 0) * later + searches * reduction;
}

std::optional<Choice<SampleConfig>>
chooseSample(const SampleShape &shape, const Sku &sku,
             std::vector<Rejection> *rejections) {
  std::vector<SampleConfig> candidates;
  for (int64_t warps : {32, 16, 8, 4})
    for (int64_t keepRow : {1, 0})
      candidates.push_back({warps, keepRow});
  auto best = chooseCheapest(
      candidates,
      [&](const auto &config) { return whyIllegal(config, shape, sku); },
      [&](const auto &config) { return sampleCycles(config, shape, sku); },
      rejections);
  if (!best)
    return best;
  char text[200];
  std::snprintf(text, sizeof text,
                "one CTA a row of %lld logits%s; predicted %.0f cycles on %s",
                (long long)shape.vocabulary,
                best->config.keepRow ? ", which stays in shared memory"
                : shape.draws        ? ", read once per pass"
                                     : ", read once",
                best->cycles, sku.name.c_str());
  best->reason = text;
  return best;
}

} // namespace tilewright::autotune
