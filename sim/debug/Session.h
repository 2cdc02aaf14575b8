//===- Session.h - Tools of debugging in one process ----------------------===//
//
// Makes the tools that the settings ask for, hangs them on launches, and has
// them write what they know when a launch or the process ends.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_SESSION_H
#define TILEWRIGHT_SIM_DEBUG_SESSION_H

#include "sim/debug/Settings.h"
#include "sim/debug/Tool.h"
#include "sim/exec/ObserverList.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

namespace tilewright::sim::debug {

/// Thread-safe.
class Session {
public:
  Session(Settings settings, Host host);

  /// For a launch that is about to run.
  void addObservers(ObserverList &observers, const Launch &launch);
  /// The launch has ended, well or not, and its observers are gone.
  void launchEnded();
  /// The last word of every tool.
  void finish();

private:
  const Settings settings;
  const Host host;
  std::vector<std::unique_ptr<Tool>> tools;
  std::atomic<uint64_t> launches{0};
  std::mutex mutex; ///< guards `finished`
  bool finished = false;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_SESSION_H
