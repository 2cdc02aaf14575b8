//===- Tool.h - What looks into kernels while they run --------------------===//
//
// A tool lives as long as the process and hangs an observer on each launch that
// it cares about. Launches of several streams run at the same time, each on its
// own host thread, so a tool guards what its observers share.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_TOOL_H
#define TILEWRIGHT_SIM_DEBUG_TOOL_H

#include "sim/exec/Engine.h"
#include "sim/exec/Observer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tilewright::sim::debug {

/// What tools need of whoever loads modules and owns memory.
struct Host {
  /// Takes text for people.
  std::function<void(const std::string &)> print;
  /// What lies at a global address: "cuMemAlloc of 64 bytes, allocation #2",
  /// and where it begins. An empty name where nothing lies.
  struct Object {
    std::string name;
    uint64_t address = 0;
  };
  std::function<Object(uint64_t address)> findObject;
};

class Tool {
public:
  virtual ~Tool() = default;

  /// The observer of a launch; null when there is nothing to see in it.
  /// Launches are numbered from 1. The kernel's module outlives the observer,
  /// not the tool.
  virtual std::unique_ptr<Observer> watch(const Launch &launch,
                                          uint64_t number) = 0;
  /// After a launch, also a failed one, whose observer is gone.
  virtual void launchEnded() {}
  /// The process ends. A child that was forked does not come here.
  virtual void finish() {}
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_TOOL_H
