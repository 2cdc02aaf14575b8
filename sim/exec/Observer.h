//===- Observer.h - What checkers see of a launch ---------------*- C++ -*-===//
//
// The engine calls an observer around every instruction that has an Effect, or
// around every instruction if it wants to. The machine's state is open to it:
// before() sees operands and memory as the instruction finds them, after() as
// it leaves them. An observed launch runs on one host thread, in the same order
// every time; one that is not observed runs code without any of these calls.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OBSERVER_H
#define TILEWRIGHT_SIM_EXEC_OBSERVER_H

#include "sim/exec/Effect.h"
#include "sim/exec/Inst.h"
#include "sim/exec/Result.h"

#include <string>

namespace tilewright::sim {

struct Cluster;
struct LaunchContext;
struct Warp;

class Observer {
public:
  virtual ~Observer() = default;

  /// Whether it sees instructions without an Effect too; theirs is empty. Asked
  /// once a launch.
  virtual bool watchesAll() const { return false; }
  /// Whether warps are to take short turns, for those who want to see them side
  /// by side. Without effect under an adversarial schedule.
  virtual bool wantsShortTurns() const { return false; }

  virtual void launchStarts(LaunchContext &) {}
  virtual void launchEnds(LaunchContext &) {}
  virtual void clusterStarts(Cluster &) {}
  /// All threads have exited.
  virtual void clusterEnds(Cluster &) {}

  /// `warp.mask` is about to execute `inst`. An instruction that blocks comes
  /// again, perhaps with other lanes.
  virtual void before(const Inst &, const Effect &, Warp &) {}
  /// What became of it: Next, Yield, Jump or Spin when it is done; Block when
  /// it comes again; Fault after faulted().
  virtual void after(const Inst &, const Effect &, Warp &, Status) {}

  /// No lane of the running strand executes it. Where values are followed, or
  /// the observer watches all.
  virtual void skipped(const Inst &, const Effect &, Warp &) {}

  /// The launch is about to fail at `inst` in `lane`.
  virtual void faulted(const Inst &, Warp &, uint32_t lane, ErrorKind,
                       const std::string &message) {
    (void)lane;
    (void)message;
  }
  /// The launch is about to fail since it has run for longer than it may.
  virtual void overdue(Cluster &) {}
  /// Nobody in the cluster can move. `text` is the engine's description.
  virtual void deadlocked(Cluster &, const std::string &text) { (void)text; }
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OBSERVER_H
