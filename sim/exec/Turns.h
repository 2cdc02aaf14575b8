//===- Turns.h - Launches that run beside each other ------------*- C++ -*-===//
//
// Programmatic dependent launch (ISA 9.7.13.13): under a seed a dependent runs
// beside its prerequisites, as soon as they let it. One of them runs at a time,
// each on a host thread of its own, so that a seed gives the same run again.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_TURNS_H
#define TILEWRIGHT_SIM_EXEC_TURNS_H

namespace tilewright::sim {

class ScheduleRandom;

/// What the engine asks of whoever runs launches beside each other.
class LaunchTurns {
public:
  virtual ~LaunchTurns() = default;

  /// All CTAs have let dependents start, or have ended. Called once, if any is
  /// left.
  virtual void triggered() = 0;
  /// Others may run for a while.
  virtual void pass(ScheduleRandom &random) = 0;
  /// Nobody else is there who could.
  virtual bool isAlone() const = 0;
  virtual bool arePrerequisitesComplete() const = 0;
  /// A prerequisite has failed.
  virtual bool isAborted() const = 0;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_TURNS_H
