//===- TimelineObserver.h - Events of one launch ----------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_DEBUG_TIMELINEOBSERVER_H
#define TILEWRIGHT_SIM_DEBUG_TIMELINEOBSERVER_H

#include "sim/debug/Timeline.h"
#include "sim/exec/Footprint.h"
#include "sim/exec/Observer.h"

#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

namespace tilewright::sim::debug {

class TimelineObserver final : public Observer {
public:
  TimelineObserver(Timeline &timeline, uint64_t number) : timeline(timeline) {
    trace.number = number;
  }

  bool watchesAll() const override { return true; }
  bool wantsShortTurns() const override { return true; }
  void launchStarts(LaunchContext &launch) override;
  void launchEnds(LaunchContext &launch) override;
  void clusterEnds(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;

private:
  using Kind = TimelineEvent::Kind;

  /// A warp's row: it runs since `since`, or waits since `waitSince`.
  struct Row {
    TimelinePlace place;
    uint64_t since = 0;
    uint64_t executed = 0; ///< instructions in this span
    bool waits = false;
    uint64_t waitSince = 0;
    std::string reason;
    uint32_t line = 0; ///< of the instruction that waits
    const Inst *inst = nullptr;
  };

  /// An asynchronous operation that nobody has waited for yet.
  struct Operation {
    TimelinePlace place;
    std::string name, details;
  };

  /// Who completed a barrier's last phase.
  using Completion = std::optional<TimelinePlace>;

  struct Mbarrier {
    Cta *cta = nullptr;
    uint64_t offset = 0;
    uint32_t parity = 0;
    uint64_t phases = 0; ///< complete ones
    Completion last;
    /// With the phase that each takes part in.
    std::vector<std::pair<uint64_t, Operation>> operations;
  };

  /// Operations of a thread, or of a warpgroup, by groups.
  struct Groups {
    std::vector<Operation> open;
    std::deque<std::vector<Operation>> committed;
  };
  enum class Unit : uint8_t { Copy, Bulk, Wgmma };

  struct ClusterState {
    std::deque<Mbarrier> mbarriers;
    std::map<std::pair<uint32_t, uint32_t>, Completion> named; ///< rank, index
    Completion clusterBarrier;
  };

  // Rows.
  Row &rowOf(const Warp &warp);
  void closeRun(Row &row, uint64_t end);
  void startWait(const Inst &inst, const Effect &effect, Warp &warp);
  void endWait(const Inst &inst, const Effect &effect, Warp &warp);
  std::string reasonOf(const Inst &inst, const Effect &effect, Warp &warp);

  // Barriers.
  void lookAtBarriers(const Inst &inst, const Effect &effect, Warp &warp);
  void findPhases(const Inst &inst, const Effect &effect, Warp &warp);
  void scanMbarriers(const Effect &effect, Warp &warp);
  void addMbarriers(const Inst &inst, Warp &warp);
  Mbarrier *mbarrierAt(const Cta *cta, uint64_t offset);
  Mbarrier *mbarrierOf(const Inst &inst, Warp &warp, uint32_t lane);
  Completion completionOf(const Inst &inst, const Effect &effect, Warp &warp);
  void addPhase(const Warp &warp, const std::string &name, uint64_t phase);

  // Operations.
  void issueOperations(const Inst &inst, const Effect &effect, Warp &warp);
  void issueBoxes(const Inst &inst, Warp &warp);
  void issueBulk(const Inst &inst, Warp &warp);
  void issueAsyncCopy(const Inst &inst, Warp &warp);
  void issueStoreAsync(const Inst &inst, Warp &warp);
  void issueWgmma(const Inst &inst, Warp &warp);
  void attach(const Inst &inst, Warp &warp, uint32_t lane, Ref mbarrier,
              const Cta *target, Operation operation);
  void finishGroups(const Effect &effect, Warp &warp);
  void finishWaited(const Inst &inst, Warp &warp);
  void attachCopies(const Inst &inst, Warp &warp);
  Operation operation(const Inst &inst, const Warp &warp, std::string name,
                      uint64_t bytes) const;
  void finish(const Operation &operation, const std::string &how);
  Groups &groupsOf(const Warp &warp, Unit unit, uint32_t lane) {
    return groups[{&warp, unit, lane}];
  }
  void abandonOperations(Cluster *only);

  // Text.
  uint32_t lineOf(const Inst &inst) const;
  std::string nameOf(const Cta &cta, uint64_t offset,
                     const Cta *seenFrom) const;
  uint32_t blockOf(const Cta &cta) const;
  TimelinePlace placeOf(const Warp &warp) const;
  void add(TimelineEvent event);
  void add(Kind kind, const TimelinePlace &from, const TimelinePlace &to,
           std::string name, std::string details);

  Timeline &timeline;
  LaunchTimeline trace;
  uint64_t room = 0;
  LaunchContext *launch = nullptr;
  uint64_t steps = 0;

  std::map<std::pair<uint32_t, uint32_t>, Row> rows; ///< by block and warp
  const Warp *lastWarp = nullptr;
  Row *lastRow = nullptr;
  std::unordered_map<const Cluster *, ClusterState> clusters;
  struct GroupKey {
    const Warp *warp;
    Unit unit;
    uint32_t lane;
    auto operator<=>(const GroupKey &) const = default;
  };
  std::map<GroupKey, Groups> groups;

  // The instruction that runs.
  Footprint footprint;
  uint32_t phaseBefore = 0; ///< of the named or the cluster's barrier
  std::vector<std::pair<Mbarrier *, uint64_t>> mbarriersBefore;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_TIMELINEOBSERVER_H
