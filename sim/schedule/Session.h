//===- Session.h - What the schedules of a process disagreed on -*- C++ -*-===//
//
// Compares every launch of a process, and reports: text on stderr when a
// kernel's launch first disagrees, and a JSON file that is whole at any time.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_SCHEDULE_SESSION_H
#define TILEWRIGHT_SIM_SCHEDULE_SESSION_H

#include "sim/schedule/Comparison.h"

#include <mutex>

namespace tilewright::sim::schedule {

struct Settings {
  uint32_t schedules = 0; ///< of each launch, the default one included
  /// Empty for none; `%p` stands for the process's number.
  std::string jsonPath;
};

/// Settings from their text forms. None and `error` when one is wrong.
std::optional<Settings> parseSettings(std::string_view schedules,
                                      std::string_view jsonPath,
                                      std::string &error);

/// Disagreements of one kernel that are alike.
struct Record {
  std::string kernel;
  uint64_t launch = 0; ///< the first one that disagrees, counted from 1
  uint64_t launches = 0;
  Disagreement disagreement;
  std::string object; ///< what lies at the difference
};

/// Launches come one at a time: the memory of one that is repeated is nobody
/// else's.
class Session {
public:
  struct Host {
    std::function<void(const std::string &)> print;
    /// "byte 16 of ..." for an address of global memory; empty for none.
    std::function<std::string(uint64_t)> describe;
  };
  Session(Settings settings, Host host);

  Result<LaunchStats> run(const Launch &launch, const DeviceConfig &config,
                          const GlobalMemory &memory, const FirstRun &first);
  /// The last report.
  void finish();

private:
  void add(const Launch &launch, Disagreement disagreement);
  void writeJson();

  const Settings settings;
  const Host host;
  std::mutex mutex; ///< held by the launch that runs; guards what follows
  uint64_t launches = 0;
  std::vector<Record> records;
  bool started = false, finished = false;
};

} // namespace tilewright::sim::schedule

#endif // TILEWRIGHT_SIM_SCHEDULE_SESSION_H
