//===- Checker.h - The observer of one checked launch ---------------------===//
#ifndef TILEWRIGHT_SIM_CHECK_CHECKER_H
#define TILEWRIGHT_SIM_CHECK_CHECKER_H

#include "sim/exec/Observer.h"

#include <memory>
#include <vector>

namespace tilewright::sim::check {

class MemoryState;
class Session;

/// Passes everything on to the checks that are on, in the order in which they
/// were added.
class Checker final : public Observer {
public:
  void addCheck(std::unique_ptr<Observer> check) {
    checks.push_back(std::move(check));
  }

  void launchStarts(LaunchContext &launch) override;
  void launchEnds(LaunchContext &launch) override;
  void clusterStarts(Cluster &cluster) override;
  void clusterEnds(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void skipped(const Inst &inst, const Effect &effect, Warp &warp) override;
  void faulted(const Inst &inst, Warp &warp, uint32_t lane, ErrorKind kind,
               const std::string &message) override;
  void deadlocked(Cluster &cluster, const std::string &text) override;

private:
  std::vector<std::unique_ptr<Observer>> checks;
};

/// The checks that `session` has on, for its next launch. Null when none of
/// them looks at kernels.
std::unique_ptr<Observer> makeChecker(Session &session, MemoryState &memory);

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_CHECKER_H
