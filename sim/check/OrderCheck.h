//===- OrderCheck.h - Happens-before over all kinds of operations ---------===//
//
// Follows which operations are ordered before which (ISA chapter 8) with vector
// clocks, and reports conflicting accesses that are not, as well as misuse of
// what orders them. docs/simulator-memory-model.md has the rules.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_ORDERCHECK_H
#define TILEWRIGHT_SIM_CHECK_ORDERCHECK_H

#include "sim/check/Finding.h"
#include "sim/check/LaunchOrder.h"
#include "sim/check/OrderState.h"
#include "sim/exec/Memory.h"
#include "sim/exec/Observer.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/MatrixOps.h"

#include <functional>
#include <memory>

namespace tilewright::sim::check {

/// Who accesses: what is ordered before it, and how it shows in the log.
struct Accessor {
  const Inst *inst = nullptr;
  const Effect *effect = nullptr;
  const LanePointers *at = nullptr; ///< of a load or store
  /// What stmatrix writes to the row at `rowAt`.
  const std::byte *rowAt = nullptr;
  std::array<std::byte, 16> row{};
  Warp *warp = nullptr;
  WarpState *state = nullptr;
  uint32_t lanes = 0; ///< that issue it
  AccessRecord record;
  /// What must be in here; for the async proxy also what lies behind a fence.
  ClockRef clock;
  ClockRef generic; ///< of the issuing lanes, to tell races from missing fences
  /// Up to which its own accesses count for the async proxy.
  const LaneTimes *fences = nullptr;
  /// Of the tensor map that it reads in global memory, or 0.
  uint64_t mapAddress = 0;
  RecordId sharedId = 0, globalId = 0;
  /// The last record that is ordered before with all its lanes.
  RecordId knownShared = 0, knownGlobal = 0;
};

/// resolve() without its faults: the handler raises them in a moment.
bool resolveQuietly(const Inst &inst, Warp &warp, uint32_t bytes,
                    LanePointers &out);

class OrderCheck final : public Observer {
public:
  using Report = std::function<void(Finding)>;
  /// `touched`, which may be null, gets what the launch did to global memory.
  OrderCheck(uint64_t launchNumber, Report report,
             TouchedParts *touched = nullptr)
      : launchNumber(launchNumber), sink(std::move(report)), touched(touched) {}

  void launchStarts(LaunchContext &launch) override;
  void launchEnds(LaunchContext &launch) override;
  void clusterStarts(Cluster &cluster) override;
  void clusterEnds(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void faulted(const Inst &inst, Warp &warp, uint32_t lane, ErrorKind kind,
               const std::string &message) override;
  void overdue(Cluster &cluster) override;
  void deadlocked(Cluster &cluster, const std::string &text) override;

private:
  // OrderCheck.cpp: state.
  ClusterState &stateOf(Cluster &cluster);
  WarpState &stateOf(Warp &warp);
  CtaState &ctaOf(Warp &warp) {
    return stateOf(*warp.cta->cluster).ctas[warp.cta->rank];
  }
  uint32_t newAgent(ClusterState &cluster);
  uint32_t pcOf(const Inst &inst) const;
  /// Calls `change(group)` for groups that hold exactly the lanes of `lanes`.
  template <typename Change>
  void changeGroups(WarpState &state, uint32_t lanes, Change change);
  static void mergeGroups(WarpState &state);
  View release(Warp &warp, uint32_t lanes);
  void acquire(Warp &warp, uint32_t lanes, const View &view);
  /// The same where the lanes have done nothing since they released to it.
  void replace(Warp &warp, uint32_t lanes, const View &view);
  /// Adds what the lanes know of themselves.
  static void addOwn(const Warp &warp, const WarpState &state, uint32_t lanes,
                     ClockRef &clock);
  static void addFenced(const Warp &warp, const WarpState &state,
                        const LaneTimes &times, uint32_t lanes,
                        ClockRef &clock);

  // OrderAccess.cpp: loads, stores, atomics.
  void access(const Inst &inst, const Effect &effect, Warp &warp);
  void accessGroup(const Inst &inst, Accessor &who, const LanePointers &at,
                   uint32_t lanes, uint32_t bytes, bool writes);
  void matrixAccess(const Inst &inst, const Effect &effect, Warp &warp);
  Accessor accessor(const Inst &inst, const Effect &effect, Warp &warp,
                    const LaneGroup &group, uint32_t lanes, bool uniform,
                    bool updates);
  void wmmaAccess(const Inst &inst, const Effect &effect, Warp &warp);
  void warpRange(const Inst &inst, const Effect &effect, Warp &warp,
                 const std::byte *at, uint64_t bytes, bool writes,
                 const std::array<std::byte, 16> *value = nullptr);
  void sameInstruction(Accessor &who, const std::byte *at, uint32_t lanes);
  void forgetOldRecords(Warp &warp);
  RecordId sharedRecord(Accessor &who);
  RecordId globalRecord(Accessor &who);
  void range(Accessor &who, const std::byte *at, uint64_t bytes, uint32_t lanes,
             uint32_t laneBytes, bool writes);
  void sharedRange(Accessor &who, Cta &cta, uint64_t offset, uint64_t bytes,
                   uint32_t lanes, uint32_t laneBytes, bool writes);
  void globalRange(Accessor &who, uint64_t address, uint64_t bytes,
                   uint32_t lanes, uint32_t laneBytes, bool writes);
  /// One instruction's walk over a shadow.
  struct Pass {
    Accessor &who;
    Shadow &shadow;
    RecordId self;
    RecordId &known;
    bool isGlobal;
  };
  Pass sharedPass(Accessor &who);
  template <bool Writes>
  void walk(Pass &pass, uint64_t offset, uint64_t bytes, uint32_t lanes,
            uint32_t laneBytes);
  template <bool Writes>
  void touch(Pass &pass, Cell &cell, uint64_t at, uint32_t lanes);
  template <bool Writes>
  void scattered(Accessor &who, const LanePointers &at, uint32_t lanes,
                 uint32_t bytes);
  void readChunks(Accessor &who, const uint32_t *addresses, int count, int step,
                  uint32_t bytes);
  void checkTouch(Pass &pass, Touch touch, uint32_t lanes, bool writes,
                  bool otherWrites, uint64_t at);
  void addRead(Pass &pass, Cell &cell, uint32_t word, uint32_t lanes);
  bool ordered(const Accessor &who, const AccessRecord &other,
               uint32_t otherLanes, uint32_t lanes) const;
  bool orderedForMap(const Accessor &who, const AccessRecord &other,
                     uint32_t otherLanes, uint32_t lanes) const;
  bool conflicts(const Accessor &who, const AccessRecord &other) const;
  void checkMbarrierBytes(Accessor &who, Cta &cta, uint64_t offset,
                          uint64_t bytes);

  // OrderEnds.cpp: what other blocks use, what is left over, what goes wrong.
  void remoteAccess(Accessor &who, Cta &cta);
  /// `agent` and `time` say when the operation is over.
  void remoteOperation(const Inst &inst, Warp &warp, uint32_t lanes, Cta &cta,
                       uint32_t agent, uint32_t time);
  bool knowsStart(const WarpState &state, uint32_t lanes, uint32_t rank) const;
  View lastView(Cta &cta);
  void clusterLeftovers(ClusterState &cluster);
  void mbarrierLeftovers(ClusterState &cluster, Cta &cta, Warp &witness,
                         const View &last);
  void bulkLeftovers(ClusterState &cluster, Cta &cta);
  std::string waitingText(Warp &warp, const Strand &strand);
  MbarrierState *waitedMbarrier(Warp &warp, const Strand &strand,
                                const std::byte *&at, Cta *&cta,
                                uint32_t &offset);
  std::string mbarrierText(Warp &warp, const Strand &strand);
  void transactionFindings(Cluster &cluster);
  void phaseFinding(Warp &warp, const Strand &strand);

  // OrderLaunch.cpp: what other launches meet.
  bool isDependent() const {
    return touched && touched->dependence.isDependent;
  }
  bool knowsPrerequisites(const View &view) const;
  void gridWait(Warp &warp);
  void gridTrigger(Warp &warp);
  void addTrigger(const View &view);
  void touchEarly(Accessor &who, uint64_t offset, uint64_t bytes,
                  uint32_t lanes, uint32_t laneBytes, bool writes);
  class TouchedList;
  Touched touchedIn(const Shadow &shadow, bool onlyBehind) const;

  // OrderLocations.cpp: release and acquire through memory.
  void strongAccess(const Effect &effect, Warp &warp, const LanePointers &at,
                    uint32_t bytes, bool reads, bool writes);
  void publish(Warp &warp, uint32_t lane, const Effect &effect,
               uint64_t address, uint32_t bytes, bool updates);
  void observe(Warp &warp, uint32_t lane, const Effect &effect,
               uint64_t address, uint32_t bytes);
  const ClockRef &hintOf(Warp &warp, const View &view);
  Known exportClock(Warp &warp, const ClockRef &clock);
  ClockRef importClock(ClusterState &cluster, const Known &known);

  // OrderSync.cpp: barriers and fences.
  void fence(const Effect &effect, Warp &warp);
  void tensormapFence(const Inst &inst, const Effect &effect, Warp &warp);
  void warpSync(const Inst &inst, Warp &warp);
  void barrierBefore(const Inst &inst, Warp &warp);
  void barrierAfter(const Inst &inst, const Effect &effect, Warp &warp,
                    Status status);
  void clusterArrive(const Inst &inst, const Effect &effect, Warp &warp);
  void clusterWait(const Inst &inst, Warp &warp);

  // OrderMbarrier.cpp.
  MbarrierState *mbarrierAt(Warp &warp, const std::byte *object, Cta *&cta,
                            uint32_t &offset);
  void mbarrierBefore(const Inst &inst, const Effect &effect, Warp &warp);
  void mbarrierAfter(const Inst &inst, const Effect &effect, Warp &warp);
  void initMbarrier(const Inst &inst, Warp &warp, uint32_t lane, Cta &cta,
                    uint32_t offset);
  void useMbarrier(const Inst &inst, Warp &warp, uint32_t lane, Cta &cta,
                   uint32_t offset, MbarrierState &state, bool async);
  void settle(Cta &cta, uint32_t offset, MbarrierState &state);
  static void endPhase(MbarrierState &state);
  void arrive(const Inst &inst, const Effect &effect, Warp &warp,
              uint32_t lanes, MbarrierState &state);
  void writeObject(const Inst &inst, const Effect &effect, Warp &warp,
                   uint32_t lane, Cta &cta, uint32_t offset);
  void readObject(const Inst &inst, const Effect &effect, Warp &warp,
                  uint32_t lanes, Cta &cta, uint32_t offset);
  void operate(const Inst &inst, const Effect &effect, Warp &warp,
               uint32_t lanes, Cta &cta, uint32_t offset, MbarrierState &state);
  View fencedView(Warp &warp, uint32_t lanes);

  // OrderAsync.cpp: copies that complete later.
  void asyncCopy(const Inst &inst, const Effect &effect, Warp &warp);
  void asyncCommit(Warp &warp);
  void asyncWait(const Inst &inst, const Effect &effect, Warp &warp);
  void asyncArrive(const Inst &inst, Warp &warp);
  void bulkCopy(const Inst &inst, const Effect &effect, Warp &warp);
  void tensorCopy(const Inst &inst, const Effect &effect, Warp &warp);
  void storeAsync(const Inst &inst, const Effect &effect, Warp &warp);
  void bulkCommit(Warp &warp);
  void bulkWait(const Effect &effect, Warp &warp);
  BulkGroups &bulkGroups(Warp &warp, uint32_t lane);
  Accessor asyncAccessor(const Inst &inst, const Effect &effect, Warp &warp,
                         uint32_t lane, Method method);
  /// Makes `who` complete with the current phase of the mbarrier. False when
  /// there is none.
  bool completeOn(const Inst &inst, Accessor &who, uint64_t address);
  void setAgent(Accessor &who, uint32_t agent, uint32_t time);
  template <typename Write>
  void copyInGroup(const Inst &inst, Accessor &who, uint32_t lane,
                   const std::byte *from, uint32_t bytes, ptx::Space space,
                   Write write);
  void readMap(const Accessor &who, const std::byte *map);
  void blockWrite(const Inst &inst, const Effect &effect, Warp &warp);
  void tensormapCopy(const Inst &inst, const Effect &effect, Warp &warp);
  void tensorGlobal(Accessor &who, const TensorMap &map,
                    const int32_t *coordinates, bool writes);

  // OrderWgmma.cpp.
  void wgmmaIssue(const Inst &inst, const Effect &effect, Warp &warp);
  void wgmmaUseRegisters(const Inst &inst, Warp &warp, const WgmmaSpec &spec);
  void wgmmaReadShared(const Inst &inst, const Effect &effect, Warp &warp,
                       const WgmmaSpec &spec);
  void wgmmaFence(Warp &warp);
  void wgmmaWait(const Effect &effect, Warp &warp);
  void wgmmaCommit(Warp &warp);
  void touchRegisters(const Inst &inst, const Effect &effect, Warp &warp);

  // OrderReport.cpp.
  const Inst &code(uint32_t pc) const { return launch->program->code[pc]; }
  EffectKind kindOf(const Inst &inst) const {
    return launch->program->effects[inst.effect].kind;
  }
  std::string nameOf(const Inst &inst) const;
  Finding finding(Kind kind, const Inst &inst, const Warp &warp, uint32_t lane,
                  std::string message) const;
  /// Two accesses that nothing orders.
  struct Conflict {
    const Accessor &who;
    AccessRecord other;
    uint32_t otherLanes, lanes;
    bool writes, otherWrites;
    bool sameInstruction;   ///< lanes of one store
    std::string self, them; ///< names of the instructions
  };
  void reportConflict(Conflict conflict, uint64_t address, bool isGlobal);
  void describeProxy(const Conflict &conflict, Finding &found) const;
  std::string missingMapFence(const Conflict &conflict) const;
  bool bothDiscard(const Conflict &conflict) const;
  bool bothMatrices(const Conflict &conflict) const;
  bool mapIsFree(const Conflict &conflict) const;
  bool describeLanes(const Conflict &conflict, uint32_t lane,
                     uint32_t otherLane, Finding &found) const;
  void describeThreads(const Conflict &conflict, uint32_t lane,
                       Finding &found) const;
  bool orderedGenerically(const Accessor &who, const AccessRecord &other,
                          uint32_t otherLanes, uint32_t lanes) const;
  bool orderedBy(ClockRef View::*part, const Accessor &who,
                 const AccessRecord &other, uint32_t otherLanes,
                 uint32_t lane) const;
  bool endsBehindSome(const Accessor &who, const AccessRecord &other,
                      uint32_t otherLanes) const;
  bool completesInGroup(const Inst &inst) const;
  bool sameValue(const Accessor &who, uint32_t lane, uint32_t otherLane) const;
  bool storesWhatIsThere(const Accessor &who, uint32_t lane) const;
  void nameShared(Finding &finding, const Cta &cta, uint64_t offset) const;
  void setOther(Finding &finding, const ClusterState &cluster, uint32_t warp,
                uint32_t lane, uint32_t pc) const;
  void setOther(Finding &finding, uint32_t cluster, uint32_t warp,
                uint32_t lane, uint32_t pc) const;
  void report(Finding finding);

  const uint64_t launchNumber;
  const Report sink;
  TouchedParts *const touched;
  LaunchContext *launch = nullptr;
  uint32_t warpsPerCluster = 1;
  uint32_t nextGlobalAgent = 0;
  uint32_t prerequisites = 0; ///< agent of the grid that stands for them
  std::unordered_map<const Cluster *, std::unique_ptr<ClusterState>> clusters;
  ClusterState *recent = nullptr;
  Shadow global;
  Shadow early; ///< of a dependent launch: what no wait comes before
  /// The last record there, behind its twin in `global`.
  std::pair<RecordId, RecordId> earlyRecord;
  std::unordered_map<uint64_t, Location> locations; ///< by 4 bytes
  /// Findings of one pair of instructions that were passed on.
  std::map<std::array<uint32_t, 3>, uint32_t> repeats;

  struct {
    ClockRef base, all;
    uint32_t agent = 0, time = 0, lanes = 0;
  } hint;

  // Between before() and after().
  uint32_t barrierPhase = 0;
  bool barrierArrived = false;
  bool warpReleased = false; ///< by the member that came last
  LanePointers objects;
  bool hasObjects = false;
  bool reinitIdle = false;
  uint64_t objectBits = 0; ///< of the first lane's mbarrier, before
};

template <typename Change>
void OrderCheck::changeGroups(WarpState &state, uint32_t lanes, Change change) {
  size_t count = state.groups.size();
  for (size_t i = 0; i < count; ++i) {
    uint32_t here = state.groups[i].lanes & lanes;
    if (!here)
      continue;
    if (here != state.groups[i].lanes) {
      LaneGroup rest = state.groups[i];
      rest.lanes &= ~lanes;
      state.groups[i].lanes = here;
      state.groups.push_back(std::move(rest));
    }
    change(state.groups[i]);
  }
}

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_ORDERCHECK_H
