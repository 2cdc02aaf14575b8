//===- OrderAsync.cpp - Copies that complete later ------------------------===//

#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/AsyncOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::check {

static constexpr uint32_t mbarrierBytes = 8;

static uint64_t read64(const Warp &warp, Ref ref, uint32_t lane) {
  return warp.row64<uint64_t>(ref)[lane];
}
static uint32_t read32(const Warp &warp, Ref ref, uint32_t lane) {
  return warp.row32<uint32_t>(ref)[lane];
}

static const LaneGroup &groupOf(const WarpState &state, uint32_t lane) {
  for (const LaneGroup &group : state.groups)
    if (group.lanes >> lane & 1)
      return group;
  return state.groups.front();
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

/// cp.async is ordered behind what its thread did before, through the generic
/// proxy, but completes only when it is waited for.
void OrderCheck::asyncCopy(const Inst &inst, const Effect &effect, Warp &warp) {
  const auto &spec = *static_cast<const AsyncCopySpec *>(inst.aux);
  WarpState &state = stateOf(warp);
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  forgetOldRecords(warp);
  if (!state.copyAgent)
    state.copyAgent = newAgent(cluster);
  state.hasCopies = true;
  for (uint32_t lanes = warp.mask; lanes;) {
    // Lanes of one group and one batch share a record.
    auto first = static_cast<uint32_t>(std::countr_zero(lanes));
    const LaneGroup &group = groupOf(state, first);
    uint32_t batch = state.copies[first].batch;
    uint32_t same = 0;
    for (uint32_t rest = lanes & group.lanes; rest; rest &= rest - 1)
      if (state.copies[static_cast<size_t>(std::countr_zero(rest))].batch ==
          batch)
        same |= rest & -rest;
    lanes &= ~same;
    Accessor who = accessor(inst, effect, warp, group, same, false, false);
    who.record.method = Method::AsyncCopy;
    who.record.agent = state.copyAgent;
    who.record.globalAgent = cluster.globalAgents[state.copyAgent];
    who.record.time = batch;
    for (; same; same &= same - 1) {
      auto lane = static_cast<uint32_t>(std::countr_zero(same));
      const char *error = nullptr;
      uint32_t bytes = bytesRead(spec, warp, lane);
      std::byte *to =
          sharedPointer(warp, read64(warp, inst.a, lane), spec.bytes, error);
      const std::byte *from =
          bytes ? hostPointer(inst, warp, static_cast<int>(lane),
                              ptx::Space::Global, read64(warp, inst.b, lane),
                              bytes, error)
                : nullptr;
      if (from)
        range(who, from, bytes, same & -same, 0, false);
      if (to)
        range(who, to, spec.bytes, same & -same, 0, true);
    }
  }
}

void OrderCheck::asyncCommit(Warp &warp) {
  WarpState &state = stateOf(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    AsyncCopies &copies =
        state.copies[static_cast<size_t>(std::countr_zero(lanes))];
    copies.groups.push_back(copies.batch++);
  }
}

void OrderCheck::asyncWait(const Inst &inst, const Effect &effect, Warp &warp) {
  (void)inst;
  WarpState &state = stateOf(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    AsyncCopies &copies =
        state.copies[static_cast<size_t>(std::countr_zero(lanes))];
    if (effect.all) {
      copies.done = copies.batch++;
      copies.groups.clear();
      continue;
    }
    if (copies.groups.size() <= effect.pending)
      continue;
    size_t finished = copies.groups.size() - effect.pending;
    copies.done = std::max(copies.done, copies.groups[finished - 1]);
    copies.groups.erase(copies.groups.begin(),
                        copies.groups.begin() +
                            static_cast<ptrdiff_t>(finished));
  }
}

/// The copies that a lane has issued so far arrive on an mbarrier; nothing else
/// that the lane did is ordered before it.
void OrderCheck::asyncArrive(const Inst &inst, Warp &warp) {
  LanePointers pointers;
  if (!resolveQuietly(inst, warp, mbarrierBytes, pointers))
    return;
  WarpState &state = stateOf(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    const std::byte *at = pointers.of(lane, mbarrierBytes);
    Cta *cta = nullptr;
    uint32_t offset = 0;
    MbarrierState *object = mbarrierAt(warp, at, cta, offset);
    if (!object)
      continue;
    useMbarrier(inst, warp, lane, *cta, offset, *object, false);
    AsyncCopies &copies = state.copies[lane];
    if (state.hasCopies)
      object->arrived.generic.edit().raise(state.copyAgent, 1u << lane,
                                           copies.batch++);
    object->lastArrivalPc = pcOf(inst);
  }
}

//===----------------------------------------------------------------------===//
// Bulk and tensor copies
//===----------------------------------------------------------------------===//

BulkGroups &OrderCheck::bulkGroups(Warp &warp, uint32_t lane) {
  WarpState &state = stateOf(warp);
  BulkGroups &groups = state.bulk[lane];
  if (!groups.readAgent) {
    ClusterState &cluster = stateOf(*warp.cta->cluster);
    groups.readAgent = newAgent(cluster);
    groups.writeAgent = newAgent(cluster);
  }
  return groups;
}

Accessor OrderCheck::asyncAccessor(const Inst &inst, const Effect &effect,
                                   Warp &warp, uint32_t lane, Method method) {
  const LaneGroup &group = groupOf(stateOf(warp), lane);
  Accessor who = accessor(inst, effect, warp, group, 1u << lane, false, false);
  who.record.method = method;
  who.record.order = MemoryOrder::Weak;
  if (isAsyncProxy(method))
    who.clock = group.view.async;
  return who;
}

void OrderCheck::setAgent(Accessor &who, uint32_t agent, uint32_t time) {
  who.record.agent = agent;
  who.record.globalAgent = stateOf(*who.warp->cta->cluster).globalAgents[agent];
  who.record.time = time;
  who.sharedId = who.globalId = 0;
}

bool OrderCheck::completeOn(const Inst &inst, Accessor &who, uint64_t address) {
  const char *error = nullptr;
  std::byte *at = sharedPointer(*who.warp, address, mbarrierBytes, error);
  Cta *cta = nullptr;
  uint32_t offset = 0;
  MbarrierState *object = at ? mbarrierAt(*who.warp, at, cta, offset) : nullptr;
  // Whoever sees the phase complete knows that the operation is over.
  if (cta && cta != who.warp->cta)
    remoteOperation(inst, *who.warp, who.lanes, *cta,
                    object ? object->agent : who.record.agent,
                    object ? object->phases + 1 : who.record.time);
  if (!object)
    return false; // The engine says what is wrong.
  auto lane = static_cast<uint32_t>(std::countr_zero(who.lanes));
  useMbarrier(inst, *who.warp, lane, *cta, offset, *object, true);
  object->lastAsyncPhase = object->phases + 1;
  object->lastAsyncPc = pcOf(inst);
  setAgent(who, object->agent, object->phases + 1);
  return true;
}

/// Ranks of a multicast, or -1 for the address as it is.
template <typename Each>
static void forDestinations(Warp &warp, Ref ctaMask, uint32_t lane, Each each) {
  if (ctaMask == noRef)
    return each(-1);
  for (uint32_t ctas = read32(warp, ctaMask, lane) & 0xffff; ctas;
       ctas &= ctas - 1)
    each(std::countr_zero(ctas));
}

/// The same offset in shared memory of CTA `rank`.
static uint64_t inCta(uint64_t address, int rank) {
  if (rank < 0)
    return address;
  return (address & clusterOffsetMask) | static_cast<uint64_t>(rank + 1)
                                             << clusterRankShift;
}

/// An earlier lane's copy from shared memory has the same operands: what the
/// two write is the same too. CUTLASS has all lanes of a warp store its tile.
static bool repeatsOperands(Warp &warp, uint32_t lane,
                            std::initializer_list<Ref> addresses,
                            std::initializer_list<Ref> numbers) {
  uint32_t earlier = warp.mask & ((1u << lane) - 1);
  for (; earlier; earlier &= earlier - 1) {
    auto other = static_cast<uint32_t>(std::countr_zero(earlier));
    auto same64 = [&](Ref ref) {
      return read64(warp, ref, other) == read64(warp, ref, lane);
    };
    auto same32 = [&](Ref ref) {
      return ref == noRef ||
             read32(warp, ref, other) == read32(warp, ref, lane);
    };
    if (std::all_of(addresses.begin(), addresses.end(), same64) &&
        std::all_of(numbers.begin(), numbers.end(), same32))
      return true;
  }
  return false;
}

static bool repeatsStore(const BulkSpec &spec, Warp &warp, uint32_t lane) {
  return !spec.reduces &&
         repeatsOperands(warp, lane, {spec.destination, spec.source},
                         {spec.size, spec.byteMask});
}

static bool repeatsStore(const TensorCopySpec &spec, Warp &warp,
                         uint32_t lane) {
  const Ref *at = spec.coordinates;
  return !spec.reduces && repeatsOperands(warp, lane, {spec.map, spec.shared},
                                          {at[0], at[1], at[2], at[3], at[4]});
}

void OrderCheck::bulkCopy(const Inst &inst, const Effect &effect, Warp &warp) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  forgetOldRecords(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    uint64_t to = read64(warp, spec.destination, lane);
    uint32_t bytes = read32(warp, spec.size, lane);
    const char *error = nullptr;
    std::byte *from =
        hostPointer(inst, warp, static_cast<int>(lane), spec.from,
                    read64(warp, spec.source, lane), bytes, error);
    if (!from || !bytes)
      continue;
    Accessor who = asyncAccessor(inst, effect, warp, lane, Method::Bulk);
    if (spec.reduces) {
      who.record.order = MemoryOrder::Relaxed;
      who.record.scope = MemoryScope::Gpu;
    }
    if (spec.completion == BulkCompletion::Group) {
      copyInGroup(inst, who, lane, from, bytes, spec.from, [&] {
        std::byte *at = hostPointer(inst, warp, static_cast<int>(lane), spec.to,
                                    to, bytes, error);
        if (at && !repeatsStore(spec, warp, lane))
          range(who, at, bytes, who.lanes, 0, true);
      });
      continue;
    }
    bool first = true;
    forDestinations(warp, spec.ctaMask, lane, [&](int rank) {
      if (!completeOn(inst, who,
                      inCta(read64(warp, spec.mbarrier, lane), rank)))
        return;
      if (std::exchange(first, false)) {
        Accessor reader = who;
        reader.record.order = MemoryOrder::Weak;
        range(reader, from, bytes, who.lanes, 0, false);
      }
      std::byte *at = hostPointer(inst, warp, static_cast<int>(lane), spec.to,
                                  inCta(to, rank), bytes, error);
      if (at)
        range(who, at, bytes, who.lanes, 0, true);
    });
  }
}

template <typename Write>
void OrderCheck::copyInGroup(const Inst &inst, Accessor &who, uint32_t lane,
                             const std::byte *from, uint32_t bytes,
                             ptx::Space space, Write write) {
  BulkGroups &groups = bulkGroups(*who.warp, lane);
  uint32_t group = groups.committed + 1;
  Accessor reader = who;
  reader.record.order = MemoryOrder::Weak;
  setAgent(reader, groups.readAgent, group);
  if (from)
    range(reader, from, bytes, who.lanes, 0, false);
  if (space != ptx::Space::Global) {
    groups.lastRead = group;
    groups.lastReadPc = pcOf(inst);
  }
  setAgent(who, groups.writeAgent, group);
  write();
}

/// A map in global memory that the kernel itself may have written is read
/// through a proxy of its own.
void OrderCheck::readMap(const Accessor &who, const std::byte *map) {
  if (!launch->memory.contains(reinterpret_cast<uint64_t>(map), tensorMapBytes))
    return;
  Accessor reader = who;
  reader.mapAddress = reinterpret_cast<uint64_t>(map);
  reader.record.order = MemoryOrder::Weak;
  if (!completesInGroup(*who.inst))
    reader.record.mapGroup =
        bulkGroups(*who.warp,
                   static_cast<uint32_t>(std::countr_zero(who.lanes)))
            .committed +
        1;
  range(reader, map, tensorMapBytes, who.lanes, 0, false);
}

/// tensormap.replace, and discard, which is a weak write of any value.
void OrderCheck::blockWrite(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  LanePointers pointers;
  if (!resolveQuietly(inst, warp, effect.bytes, pointers))
    return;
  forgetOldRecords(warp);
  WarpState &state = stateOf(warp);
  for (size_t i = 0; i < state.groups.size(); ++i)
    if (uint32_t lanes = state.groups[i].lanes & warp.mask) {
      Accessor who = accessor(inst, effect, warp, state.groups[i], lanes,
                              pointers.pattern == Pattern::Uniform, false);
      accessGroup(inst, who, pointers, lanes, effect.bytes, true);
    }
}

/// The warp copies a map as one; its first lane stands for it.
void OrderCheck::tensormapCopy(const Inst &inst, const Effect &effect,
                               Warp &warp) {
  if (warp.mask != warp.live())
    return;
  auto lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
  const char *error = nullptr;
  std::byte *to =
      hostPointer(inst, warp, static_cast<int>(lane), ptx::Space::Global,
                  read64(warp, inst.a, lane), tensorMapBytes, error);
  if (!to)
    return;
  forgetOldRecords(warp);
  Accessor who = accessor(inst, effect, warp, groupOf(stateOf(warp), lane),
                          1u << lane, false, false);
  if (const std::byte *from = sharedPointer(warp, read64(warp, inst.b, lane),
                                            tensorMapBytes, error))
    range(who, from, tensorMapBytes, 1u << lane, 0, false);
  who.record.releasesMap = true;
  who.globalId = 0;
  range(who, to, tensorMapBytes, 1u << lane, 0, true);
}

void OrderCheck::tensorGlobal(Accessor &who, const TensorMap &map,
                              const int32_t *coordinates, bool writes) {
  struct Context {
    OrderCheck *check;
    Accessor *who;
    bool writes;
  } context{this, &who, writes};
  visitGlobalRuns(
      map, coordinates,
      [](void *opaque, uint64_t address, uint32_t bytes) {
        auto &run = *static_cast<Context *>(opaque);
        if (run.check->launch->memory.contains(address, bytes))
          run.check->globalRange(*run.who, address, bytes, run.who->lanes, 0,
                                 run.writes);
      },
      &context);
}

void OrderCheck::tensorCopy(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  forgetOldRecords(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    const char *error = nullptr;
    const std::byte *bytes =
        hostPointer(inst, warp, static_cast<int>(lane), ptx::Space::None,
                    read64(warp, spec.map, lane), tensorMapBytes, error);
    alignas(64) uint8_t aligned[tensorMapBytes];
    TensorMap map;
    if (!bytes)
      continue;
    std::memcpy(aligned, bytes, tensorMapBytes);
    if (!decodeTensorMap(aligned, map).empty() || map.rank != spec.rank)
      continue;
    int32_t coordinates[maxTensorRank] = {};
    for (uint32_t i = 0; i < spec.rank; ++i)
      coordinates[i] =
          static_cast<int32_t>(read32(warp, spec.coordinates[i], lane));
    uint64_t shared = read64(warp, spec.shared, lane);
    Accessor who = asyncAccessor(inst, effect, warp, lane, Method::Bulk);
    if (!spec.load) {
      setAgent(who, bulkGroups(warp, lane).readAgent,
               bulkGroups(warp, lane).committed + 1);
      readMap(who, bytes);
      std::byte *from = sharedPointer(warp, shared, map.boxBytes(), error);
      if (spec.reduces) {
        who.record.order = MemoryOrder::Relaxed;
        who.record.scope = MemoryScope::Gpu;
      }
      if (from)
        copyInGroup(inst, who, lane, from, map.boxBytes(), ptx::Space::Shared,
                    [&] {
                      if (!repeatsStore(spec, warp, lane))
                        tensorGlobal(who, map, coordinates, true);
                    });
      continue;
    }
    bool first = true;
    forDestinations(warp, spec.ctaMask, lane, [&](int rank) {
      if (!completeOn(inst, who,
                      inCta(read64(warp, spec.mbarrier, lane), rank)))
        return;
      if (std::exchange(first, false)) {
        readMap(who, bytes);
        tensorGlobal(who, map, coordinates, false);
      }
      std::byte *to =
          sharedPointer(warp, inCta(shared, rank), map.boxBytes(), error);
      if (to)
        range(who, to, map.boxBytes(), who.lanes, 0, true);
    });
  }
}

void OrderCheck::bulkCommit(Warp &warp) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    ++bulkGroups(warp, static_cast<uint32_t>(std::countr_zero(lanes)))
          .committed;
}

void OrderCheck::bulkWait(const Effect &effect, Warp &warp) {
  WarpState &state = stateOf(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    auto found = state.bulk.find(lane);
    if (found == state.bulk.end() || found->second.committed <= effect.pending)
      continue;
    BulkGroups &groups = found->second;
    uint32_t done = groups.committed - effect.pending;
    groups.read = std::max(groups.read, done);
    View learnt;
    Clock &clock = learnt.generic.edit();
    clock.raise(groups.readAgent, done);
    if (!effect.readsOnly)
      clock.raise(groups.writeAgent, done);
    learnt.async = learnt.generic;
    acquire(warp, 1u << lane, learnt);
  }
}

//===----------------------------------------------------------------------===//
// st.async and red.async
//===----------------------------------------------------------------------===//

void OrderCheck::storeAsync(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  const auto &spec = *static_cast<const StoreAsyncSpec *>(inst.aux);
  uint32_t bytes = ptx::typeBytes(spec.type) * spec.count;
  forgetOldRecords(warp);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    const char *error = nullptr;
    std::byte *to =
        sharedPointer(warp, read64(warp, spec.address, lane), bytes, error);
    Accessor who = asyncAccessor(inst, effect, warp, lane, Method::AsyncCopy);
    if (spec.reduces) {
      who.record.order = MemoryOrder::Relaxed;
      who.record.scope = MemoryScope::Cluster;
    }
    if (to && completeOn(inst, who, read64(warp, spec.mbarrier, lane)))
      range(who, to, bytes, who.lanes, 0, true);
  }
}

} // namespace tilewright::sim::check
