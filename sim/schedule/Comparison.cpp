//===- Comparison.cpp - One launch under several schedules ----------------===//

#include "sim/schedule/Comparison.h"

#include <algorithm>

namespace tilewright::sim::schedule {

/// Whoever else could end a loop that polls has had its time in the first run.
static constexpr std::chrono::milliseconds repeatedSpinTimeout{1000};

static void addSeed(Disagreement &disagreement, uint64_t seed) {
  disagreement.seeds.push_back(seed);
}

static void addFailure(Disagreement &disagreement, uint64_t seed,
                       const Error &error) {
  addSeed(disagreement, seed);
  if (!disagreement.failure.empty())
    return;
  disagreement.failure = error.message;
  disagreement.failureSeed = seed;
}

static void addDifference(Disagreement &disagreement, uint64_t seed,
                          Difference difference) {
  addSeed(disagreement, seed);
  std::optional<Difference> &kept = disagreement.difference;
  if (kept && (!kept->onlyFloatAtomics || difference.onlyFloatAtomics))
    return;
  kept = std::move(difference);
  disagreement.differenceSeed = seed;
}

Result<LaunchStats> compareSchedules(const Launch &launch,
                                     const DeviceConfig &config,
                                     const GlobalMemory &memory,
                                     uint32_t schedules, const FirstRun &first,
                                     std::optional<Disagreement> &out) {
  UndoLog log;
  Result<LaunchStats> stats = first(log.watch());
  if (!stats)
    return stats;
  log.keepResult();
  Launch again = launch;
  again.print = [](std::string_view) {};
  again.spinTimeout = std::min(launch.spinTimeout, repeatedSpinTimeout);
  Disagreement disagreement;
  for (uint64_t seed = 1; seed < schedules; ++seed) {
    log.restoreStart();
    std::unique_ptr<Observer> watcher = log.watch();
    again.observer = watcher.get();
    again.scheduleSeed = seed;
    Result<LaunchStats> result = run(again, config, memory);
    if (!result)
      addFailure(disagreement, seed, result.error());
    else if (std::optional<Difference> difference = log.compare())
      addDifference(disagreement, seed, std::move(*difference));
  }
  log.restoreResult();
  if (!disagreement.seeds.empty())
    out = std::move(disagreement);
  return stats;
}

} // namespace tilewright::sim::schedule
