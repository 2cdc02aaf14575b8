//===- OrderState.h - What the order check knows of a cluster ---*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_CHECK_ORDERSTATE_H
#define TILEWRIGHT_SIM_CHECK_ORDERSTATE_H

#include "sim/check/Clock.h"
#include "sim/check/Shadow.h"
#include "sim/exec/Cta.h"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace tilewright::sim::check {

/// What fences of the tensormap proxy have done (ISA 9.7.13.4): a release hands
/// what was written so far to that proxy, an acquire lets it through for the
/// map at one address.
struct MapFences {
  struct Acquired {
    uint64_t address;
    ClockRef all;      ///< that the acquire is ordered behind
    ClockRef released; ///< the part of it that a release stands behind
  };
  ClockRef released;
  std::vector<Acquired> acquired;

  const Acquired *find(uint64_t address) const {
    for (const Acquired &each : acquired)
      if (each.address == address)
        return &each;
    return nullptr;
  }
  void acquire(uint64_t address, const ClockRef &all, const ClockRef &released);
  void join(const MapFences &other);
};

/// Shared and copied on write; hardly any kernel has one.
class MapFencesRef {
public:
  const MapFences *operator->() const { return fences.get(); }
  explicit operator bool() const { return fences != nullptr; }
  bool operator==(const MapFencesRef &) const = default;
  MapFences &edit() {
    if (!fences || fences.use_count() > 1)
      fences = fences ? std::make_shared<MapFences>(*fences)
                      : std::make_shared<MapFences>();
    return *fences;
  }
  void join(const MapFencesRef &other) {
    if (!other.fences || other.fences == fences)
      return;
    if (!fences)
      fences = other.fences;
    else
      edit().join(*other.fences);
  }

private:
  std::shared_ptr<MapFences> fences;
};

/// What happens before the next operation of a lane, or what a synchronization
/// object hands on.
struct View {
  ClockRef generic; ///< before the next access through the generic proxy
  ClockRef async;   ///< before the next operation of the async proxy
  ClockRef inits;   ///< mbarrier inits that asynchronous operations see
  MapFencesRef maps;
  /// What the last fence made ready for a relaxed write to publish (ISA 8.8).
  ClockRef fencedGeneric, fencedAsync;
  MemoryScope fenceScope = MemoryScope::Sys;
  /// What relaxed reads have seen, until a fence makes it known.
  ClockRef seenGeneric, seenAsync, seenInits;
  /// What relaxed stores without a fence told of. It orders nothing, but
  /// everybody relies on reads that such a store's value was made of.
  ClockRef hinted;
  /// The part of seenGeneric that atomics have seen. It orders nothing without
  /// a fence, but everybody relies on being the last block to count.
  ClockRef counted;

  void join(const View &other) {
    generic.join(other.generic);
    async.join(other.async);
    inits.join(other.inits);
    maps.join(other.maps);
    fencedGeneric.join(other.fencedGeneric);
    fencedAsync.join(other.fencedAsync);
    seenGeneric.join(other.seenGeneric);
    seenAsync.join(other.seenAsync);
    seenInits.join(other.seenInits);
    hinted.join(other.hinted);
    counted.join(other.counted);
  }
  /// A fence makes known what relaxed reads have seen.
  void takeSeen() {
    generic.join(seenGeneric);
    async.join(seenAsync);
    inits.join(seenInits);
  }
  bool operator==(const View &) const = default;
};

/// Lanes that know the same. Besides, each lane knows its own accesses.
struct LaneGroup {
  uint32_t lanes = 0;
  View view;
};

using LaneTimes = std::array<uint32_t, laneCount>;

/// cp.async of one lane: batches end at a commit or an arrival.
struct AsyncCopies {
  uint32_t batch = 1;           ///< that the next copy belongs to
  uint32_t done = 0;            ///< batches that the lane has waited for
  std::vector<uint32_t> groups; ///< committed, by their last batch
};

/// Bulk operations of one thread that complete by groups.
struct BulkGroups {
  uint32_t readAgent = 0, writeAgent = 0;
  uint32_t committed = 0;
  uint32_t read = 0;     ///< groups whose reads are known to be done
  uint32_t lastRead = 0; ///< group that last reads shared memory
  uint32_t lastReadPc = 0;
};

/// A warp's registers in the hands of wgmma.
struct WgmmaRegisters {
  std::vector<uint32_t> busy; ///< by row: operation that last used it
  std::vector<uint32_t> busyPc;
  std::vector<bool> busyRead; ///< the operation only reads it: A
  std::vector<bool> touchedWrite;
  std::vector<uint32_t>
      touched; ///< by row: pc + 1 of an access since the fence
  std::vector<uint32_t> touchedRows;
  uint32_t done = 0; ///< operations waited for
  uint32_t committed = 0;
  std::vector<uint32_t> open; ///< groups, by the operation that ends them
  bool fenced = false;
};

struct WarpState {
  uint32_t agent = 0; ///< also its number in the cluster
  uint32_t copyAgent = 0;
  uint32_t time = 1;
  std::vector<LaneGroup> groups;
  std::array<AsyncCopies, laneCount> copies;
  bool hasCopies = false;
  bool clusterStarted = false;         ///< has been through a cluster barrier
  uint32_t clusterArrivals = 0;        ///< lanes that have not waited since
  uint32_t clusterArrivalPhase = 0;    ///< which they were for
  std::map<uint32_t, BulkGroups> bulk; ///< by lane
  /// Times of each lane's last fences, up to which its own accesses count.
  LaneTimes proxyFences{}, initFences{}, releaseFences{};
  bool hasFences = false;
  WgmmaRegisters registers;
  /// Knowledge at the last exchange among the lanes, which orders no memory.
  uint32_t exchangeTime = 0, exchangeLanes = 0;

  struct RecentRecord {
    uint32_t pc = ~0u, time = 0, lanes = 0;
    bool uniform = false, behindWait = false;
    RecordId shared = 0, global = 0;
  };
  static constexpr uint32_t recentRecords = 64;
  std::array<RecentRecord, recentRecords> recent;
};

/// Views by the phase of a barrier that collected them.
struct BarrierState {
  View arriving;
  uint32_t phase = 0;          ///< that `arriving` belongs to
  std::vector<uint32_t> lanes; ///< that have arrived, by warp
  std::deque<std::pair<uint32_t, View>> completed;
};

struct MbarrierState {
  uint32_t agent = 0;
  uint32_t phases = 0; ///< completed
  bool phaseBit = false;
  bool live = false;
  View arrived;  ///< of all arrivals so far
  View complete; ///< of the phases that are complete
  uint32_t initWarp = 0, initLane = 0, initTime = 0, initPc = 0;
  uint32_t lastArrivalPc = 0, lastExpectPc = 0;
  uint32_t lastAsyncPhase = 0, lastAsyncPc = 0;
  uint32_t overwrittenPc = 0;        ///< of a store since the init
  std::map<uint32_t, uint32_t> seen; ///< phases, by warp that waited
};

/// An access to another CTA's shared memory, for the check at that one's end.
struct RemoteAccess {
  uint32_t agent, lanes, time; ///< what must be known when the block ends
  uint32_t warp, pc;
};

struct CtaState {
  std::array<BarrierState, namedBarriers> barriers;
  std::map<uint32_t, MbarrierState> mbarriers; ///< by shared address
  std::vector<bool> mbarrierAt;                ///< by 8 bytes
  std::vector<uint32_t> wgmmaAgents;           ///< by warpgroup
  std::vector<RemoteAccess> remote;
  bool triggered = false; ///< has executed griddepcontrol.launch_dependents
};

struct ClusterState {
  Cluster *cluster = nullptr;
  uint32_t number = 0;
  std::vector<WarpState> warps; ///< of all CTAs
  std::vector<CtaState> ctas;
  std::vector<uint32_t> globalAgents; ///< by agent
  BarrierState barrier;
  uint64_t sharedStride = 0;
  /// The last translations to and from the grid's numbers of agents.
  struct {
    ClockRef clock;
    Known known;
  } exported, imported;
  Shadow shared; ///< CTA r's byte b is r * sharedStride + b
};

/// A location that strong operations wrote: what an acquire gets from it.
struct Location {
  Known generic, async, inits, hinted, released;
  MemoryScope scope = MemoryScope::Sys;
  uint32_t cluster = 0, cta = 0;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_ORDERSTATE_H
