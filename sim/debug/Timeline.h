//===- Timeline.h - What warps and async units do, as a trace ---*- C++ -*-===//
//
// A file in the trace event format, which chrome://tracing and Perfetto show: a
// process for each block, a row for each warp with spans in which it runs and
// waits, rows for asynchronous operations, arrows from whoever completes a
// barrier to those it releases. The axis counts the instructions that warps
// execute, one after another; it is no time.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_TIMELINE_H
#define TILEWRIGHT_SIM_DEBUG_TIMELINE_H

#include "sim/debug/Tool.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// Where something happens: a warp of a block, at a step of the launch.
struct TimelinePlace {
  uint32_t block = 0; ///< in the order of the grid
  uint32_t warp = 0;  ///< in its block
  uint64_t step = 0;
};

struct TimelineEvent {
  enum class Kind : uint8_t {
    Run,       ///< a warp executes
    Wait,      ///< a warp waits
    Operation, ///< an asynchronous operation, from its issue on
    Phase,     ///< a barrier's phase is complete
    Release,   ///< from whoever completed it to a warp that it releases
  };
  Kind kind = Kind::Run;
  TimelinePlace from;
  TimelinePlace to;    ///< Release: where; else only its step is used
  std::string name;    ///< of the row, for operations
  std::string details; ///< members of a JSON object, without braces
};

/// One launch's events.
struct LaunchTimeline {
  uint64_t number = 0; ///< of the launch, from 1
  std::string kernel;
  Dim3 grid, block, cluster;
  uint64_t steps = 0;
  bool failed = false;
  std::vector<TimelineEvent> events;
  uint64_t dropped = 0;
  uint64_t firstDropped = 0; ///< step of the first event that was dropped
};

/// Thread-safe.
class Timeline {
public:
  /// Events of all launches together that are kept.
  static constexpr uint64_t defaultLimit = 300000;

  explicit Timeline(uint64_t limit = defaultLimit) : limit(limit) {}
  std::unique_ptr<Observer> observer(uint64_t number);
  void add(LaunchTimeline launch);
  /// How many more events may come.
  uint64_t room() const;
  /// Whether a launch has failed since this was asked last.
  bool takeFailure() { return failure.exchange(false); }
  std::string renderJson() const;

private:
  const uint64_t limit;
  std::atomic<bool> failure{false};
  mutable std::mutex mutex;
  uint64_t kept = 0;
  std::vector<LaunchTimeline> launches;
};

/// Launches as one trace, one behind the other.
std::string renderTimeline(std::vector<LaunchTimeline> launches);

/// Writes the trace when the process ends.
class TimelineTool final : public Tool {
public:
  TimelineTool(const Host &host, std::string path)
      : host(host), path(std::move(path)) {}
  std::unique_ptr<Observer> watch(const Launch &launch,
                                  uint64_t number) override;
  /// Writes after a launch that failed: a program may abort then.
  void launchEnded() override;
  void finish() override;

private:
  const Host &host;
  const std::string path;
  std::mutex writing;
  Timeline timeline;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_TIMELINE_H
