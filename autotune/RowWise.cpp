//===- RowWise.cpp - Candidates, legality and cost of row-wise kernels ----===//

#include "autotune/RowWise.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tilewright::autotune {

// Elements of the rows at hand that a thread may keep in registers.
static constexpr int64_t kElementsPerThreadMax = 64;

std::vector<ConfigField> RowWiseConfig::fields() const {
  return {{"warps", warps}, {"ROWS", rowsPerCta}, {"vector", vector}};
}

static int64_t threadsOf(const RowWiseConfig &config, const Sku &sku) {
  return config.warps * sku.target().threads.threadsPerWarp;
}

/// Elements that one thread holds.
static int64_t elementsPerThread(const RowWiseConfig &config,
                                 const RowWiseShape &shape, const Sku &sku) {
  return config.rowsPerCta *
         ceilDiv(shape.columns, threadsOf(config, sku) * config.vector) *
         config.vector;
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

double rowWiseCycles(const RowWiseConfig &config, const RowWiseShape &shape,
                     const Sku &sku) {
  double ctas = std::ceil(double(shape.rows) / double(config.rowsPerCta));
  double waves = std::ceil(ctas / double(sku.smCount));
  double bytes = double(shape.rows * shape.columns * shape.elementBytes) * 2 /
                 sku.hbmBytesPerClock();
  // A dozen f32 operations an element, over the warps of the CTA; each round of
  // the cross-warp reduction is a trip through shared memory.
  double work =
      12.0 *
      double(elementsPerThread(config, shape, sku) * threadsOf(config, sku)) /
      sku.scalarOpsPerSmClock.at("fp32_fma");
  double reduction =
      5 * 30 + (config.warps > 1 ? 60 + 2.0 * double(config.warps) : 0);
  double idle =
      double(threadsOf(config, sku) * config.vector) > double(shape.columns)
          ? 1
          : 0;
  return std::max(bytes, waves * (work + reduction + sku.latency("dram"))) +
         idle;
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
