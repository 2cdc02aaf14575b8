//===- Overlap.h - Dependent launches beside their primaries --------------===//
// Programmatic dependent launch. Without a seed a dependent runs behind its
// primary, which is allowed. Under one (TILEWRIGHT_SIM_SCHEDULE) it starts when
// the primary lets it, and the two take turns, each on its own host thread.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_OVERLAP_H
#define TILEWRIGHT_SIM_DRIVER_OVERLAP_H

#include "sim/driver/Operation.h"
#include "sim/driver/Scheduler.h"
#include "sim/exec/Turns.h"

#include <memory>

namespace tilewright::sim::driver {

struct TurnTable;

/// One launch of a chain of dependents.
class Overlap final : public LaunchTurns {
public:
  /// For a launch that can have dependents, or is one of `primary`'s. Null for
  /// others, and where launches do not overlap.
  static std::shared_ptr<Overlap> make(const Operation &operation,
                                       const std::shared_ptr<Overlap> &primary);
  explicit Overlap(const std::shared_ptr<Overlap> &primary);

  /// That runs this; whoever depends on it may be released. Guarded by the
  /// stream mutex.
  std::weak_ptr<Task> task;

  void triggered() override;
  void pass(ScheduleRandom &random) override;
  bool isAlone() const override;
  bool arePrerequisitesComplete() const override;
  bool isAborted() const override;

private:
  friend class OverlapTask;
  friend class OverlapTurns;
  void join();
  void leave(bool hasFailed);
  void awaitPrimary();
  void end();

  const std::shared_ptr<TurnTable> table;
  // Guarded by the table's mutex.
  std::shared_ptr<Overlap> primary; ///< null when it is over, or none
  bool isComplete = false;          ///< its stores are performed
  bool hasFailed = false;
  bool isOver = false; ///< and the checks know what it has done
};

/// Around everything that a task does for a launch, which may be null.
class OverlapTask {
public:
  explicit OverlapTask(Overlap *launch) : launch(launch) {}
  ~OverlapTask() {
    if (launch)
      launch->end();
  }
  OverlapTask(const OverlapTask &) = delete;

private:
  Overlap *const launch;
};

/// Around the launch's execution on this thread: it runs when it is its turn.
/// At the end the primary is over too.
class OverlapTurns {
public:
  OverlapTurns(Overlap *launch, Context &context);
  ~OverlapTurns();
  OverlapTurns(const OverlapTurns &) = delete;

  /// Null where nothing overlaps.
  static Overlap *current();

private:
  Overlap *const launch;
  Context &context;
};

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_OVERLAP_H
