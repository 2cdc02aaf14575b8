//===- Comparison.h - One launch under several schedules --------*- C++ -*-===//
#ifndef TILEWRIGHT_SIM_SCHEDULE_COMPARISON_H
#define TILEWRIGHT_SIM_SCHEDULE_COMPARISON_H

#include "sim/exec/Engine.h"
#include "sim/schedule/UndoLog.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::sim::schedule {

/// What the schedules of one launch did not agree on.
struct Disagreement {
  std::vector<uint64_t> seeds; ///< that give something else than the default
  /// Of the first seed that changes nothing but sums of floating-point
  /// atomics only if no seed changes more.
  std::optional<Difference> difference;
  uint64_t differenceSeed = 0;
  std::string failure; ///< of the first seed that fails; empty when none does
  uint64_t failureSeed = 0;

  bool isFormal() const {
    return failure.empty() && difference && difference->onlyFloatAtomics;
  }
};

/// Runs the launch in its own schedule, with an observer that has to see it.
using FirstRun = std::function<Result<LaunchStats>(std::unique_ptr<Observer>)>;

/// Calls `first`, then runs `launch` again under the seeds 1 to `schedules` - 1
/// from the memory that `first` found, without printing. Memory and the
/// result are those of `first`; a launch that fails is not repeated.
Result<LaunchStats> compareSchedules(const Launch &launch,
                                     const DeviceConfig &config,
                                     const GlobalMemory &memory,
                                     uint32_t schedules, const FirstRun &first,
                                     std::optional<Disagreement> &out);

} // namespace tilewright::sim::schedule

#endif // TILEWRIGHT_SIM_SCHEDULE_COMPARISON_H
