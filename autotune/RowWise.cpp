//===- RowWise.cpp - Candidates, legality and cost of row-wise kernels ----===//

#include "autotune/RowWise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tilewright::autotune {

// Elements of the rows at hand that a thread may keep in registers.
static constexpr int64_t kElementsPerThreadMax = 64;
// Of a norm in f32: conversions, square, sum, two products.
static constexpr double kOpsPerElement = 6;
// What a thread of such a kernel takes; more of them are resident than others
// wait for.
static constexpr int64_t kRegistersPerThread = 64;

std::vector<ConfigField> RowWiseConfig::fields() const {
  return {{"warps", warps}, {"ROWS", rowsPerCta}, {"vector", vector}};
}

static int64_t threadsOf(const RowWiseConfig &config, const Sku &sku) {
  return config.warps * sku.target().threads.threadsPerWarp;
}

int64_t RowWiseConfig::columnsOf(const RowWiseShape &shape,
                                 const Sku &sku) const {
  if (shape.span)
    return shape.span;
  return std::min(threadsOf(*this, sku) * vector, shape.columns);
}

/// Accesses that one thread makes to read, or to write, what it holds.
static int64_t accessesPerThread(const RowWiseConfig &config,
                                 const RowWiseShape &shape, const Sku &sku) {
  return config.rowsPerCta * ceilDiv(config.columnsOf(shape, sku),
                                     threadsOf(config, sku) * config.vector);
}

/// Elements that one thread holds.
static int64_t elementsPerThread(const RowWiseConfig &config,
                                 const RowWiseShape &shape, const Sku &sku) {
  return accessesPerThread(config, shape, sku) * config.vector;
}

std::optional<std::string> whyIllegal(const RowWiseConfig &config,
                                      const RowWiseShape &shape,
                                      const Sku &sku) {
  const target::ThreadLimits &threads = sku.target().threads;
  if (threadsOf(config, sku) > threads.threadsPerCta)
    return "more threads than a CTA can have";
  if (config.vector * shape.elementBytes > threads.accessBytes)
    return "an access is wider than a thread can make";
  if (shape.columns % config.vector != 0)
    return "rows are not a multiple of the access width";
  if (elementsPerThread(config, shape, sku) > kElementsPerThreadMax)
    return "the rows do not fit in registers";
  return std::nullopt;
}

/// Cycles that an SM spends on the instructions of one CTA.
static double instructionCycles(const RowWiseConfig &config,
                                const RowWiseShape &shape, const Sku &sku) {
  double threads = double(threadsOf(config, sku));
  double elements = double(elementsPerThread(config, shape, sku)) * threads;
  double arithmetic =
      kOpsPerElement * elements / sku.scalarOpsPerSmClock.at("fp32_fma");
  // Read once and written once. An access takes as long as its bytes, and its
  // addresses as long as an instruction of each scheduler.
  double accesses = 2.0 * double(accessesPerThread(config, shape, sku)) *
                    double(config.warps);
  double bytes = 2.0 * elements * double(shape.elementBytes);
  return arithmetic + accesses + bytes / sku.sharedMemoryBytesPerSmClock;
}

double rowWiseCycles(const RowWiseConfig &config, const RowWiseShape &shape,
                     const Sku &sku) {
  int64_t ctas = ceilDiv(shape.rows, config.rowsPerCta) *
                 ceilDiv(shape.columns, config.columnsOf(shape, sku));
  int64_t perSm = ceilDiv(ctas, sku.smCount);
  int64_t resident =
      std::max<int64_t>(1, sku.target().threads.registersPerSm /
                               (kRegistersPerThread * threadsOf(config, sku)));
  double hbm = double(shape.rows * shape.columns * shape.elementBytes) * 2 /
               sku.hbmBytesPerClock();
  // A shuffle, five of which add up a warp, takes as long as a trip through
  // shared memory, two of which add up the warps.
  double reduction =
      shape.span ? sku.latency("shared_load") * (config.warps > 1 ? 7 : 5) +
                       2.0 * double(config.warps - 1)
                 : 0;
  return std::max(hbm, double(perSm) * instructionCycles(config, shape, sku)) +
         double(ceilDiv(perSm, resident)) * (sku.latency("dram") + reduction);
}

std::optional<Choice<RowWiseConfig>>
chooseRowWise(const RowWiseShape &shape, const Sku &sku,
              std::vector<Rejection> *rejections) {
  std::vector<RowWiseConfig> candidates;
  for (int64_t vector : {8, 4, 2, 1})
    for (int64_t warps : {1, 2, 4, 8, 16, 32})
      for (int64_t rows : {1, 2, 4})
        candidates.push_back({warps, rows, vector});
  auto best = chooseCheapest(
      candidates,
      [&](const auto &config) { return whyIllegal(config, shape, sku); },
      [&](const auto &config) { return rowWiseCycles(config, shape, sku); },
      rejections);
  if (!best)
    return best;
  char text[200];
  std::snprintf(text, sizeof text,
                "%lld elements a thread in accesses of %lld bytes; predicted "
                "%.0f cycles at %lld rows on %s",
                (long long)elementsPerThread(best->config, shape, sku),
                (long long)(best->config.vector * shape.elementBytes),
                best->cycles, (long long)shape.rows, sku.name.c_str());
  best->reason = text;
  return best;
}

} // namespace tilewright::autotune
