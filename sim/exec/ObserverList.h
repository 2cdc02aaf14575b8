//===- ObserverList.h - Several observers of one launch -------------------===//
#ifndef TILEWRIGHT_SIM_EXEC_OBSERVERLIST_H
#define TILEWRIGHT_SIM_EXEC_OBSERVERLIST_H

#include "sim/exec/Observer.h"

#include <memory>
#include <vector>

namespace tilewright::sim {

/// Passes everything on to each observer that looks for it, in the order in
/// which they were added.
class ObserverList final : public Observer {
public:
  /// A null pointer adds nothing.
  void add(std::unique_ptr<Observer> observer);
  bool empty() const { return members.empty(); }

  bool watchesAll() const override { return watchAll; }
  bool wantsShortTurns() const override { return shortTurns; }
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
  void overdue(Cluster &cluster) override;
  void deadlocked(Cluster &cluster, const std::string &text) override;

private:
  struct Member {
    std::unique_ptr<Observer> observer;
    bool watchesAll;
  };
  std::vector<Member> members;
  bool watchAll = false;
  bool shortTurns = false;
  bool matters = false; ///< the instruction that runs, to observers of effects
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OBSERVERLIST_H
