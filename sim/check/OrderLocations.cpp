//===- OrderLocations.cpp - Release and acquire through memory ------------===//
//
// ISA 8.8 and 8.9.4: a release pattern on a location synchronizes with an
// acquire pattern that observes it, directly or through a chain of atomics. The
// pattern may be one instruction or a relaxed access with a fence, so a relaxed
// write publishes what the last fence made ready, and a relaxed read keeps what
// it has seen for the next fence.
//
//===----------------------------------------------------------------------===//

#include "sim/check/OrderCheck.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::check {

static constexpr uint64_t locationBytes = 4;

Known OrderCheck::exportClock(Warp &warp, const ClockRef &clock) {
  if (!clock)
    return {};
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  if (cluster.exported.clock == clock)
    return cluster.exported.known;
  Known known = clock->foreign;
  const std::vector<uint32_t> &global = cluster.globalAgents;
  for (size_t agent = 0; agent < clock->whole.size(); ++agent)
    if (clock->whole[agent])
      known.whole.raise(global[agent], clock->whole[agent]);
  for (const Partial &each : clock->partial)
    for (uint32_t lanes = each.lanes; lanes; lanes &= lanes - 1)
      known.lanes.raise(global[each.agent] * laneCount +
                            static_cast<uint32_t>(std::countr_zero(lanes)),
                        each.time);
  cluster.exported.clock = clock;
  cluster.exported.known = known;
  return known;
}

ClockRef OrderCheck::importClock(ClusterState &cluster, const Known &known) {
  if (known.empty())
    return {};
  if (cluster.imported.clock && cluster.imported.known.same(known))
    return cluster.imported.clock;
  ClockRef result;
  Clock &clock = result.edit();
  clock.foreign = known;
  auto importAgents = [&](uint32_t first, uint32_t count, uint32_t number) {
    known.whole.forRange(number, number + count, [&](uint32_t key, uint32_t t) {
      clock.raise(first + key - number, t);
    });
    known.lanes.forRange(number * laneCount, (number + count) * laneCount,
                         [&](uint32_t key, uint32_t time) {
                           clock.raise(first + key / laneCount - number,
                                       1u << (key % laneCount), time);
                         });
  };
  importAgents(0, warpsPerCluster, cluster.number * warpsPerCluster);
  for (uint32_t agent = warpsPerCluster; agent < cluster.globalAgents.size();
       ++agent)
    importAgents(agent, 1, cluster.globalAgents[agent]);
  cluster.imported.clock = result;
  cluster.imported.known = known;
  return result;
}

/// What all lanes of a relaxed store know together; made once for all of them.
const ClockRef &OrderCheck::hintOf(Warp &warp, const View &view) {
  WarpState &state = stateOf(warp);
  uint32_t agent = stateOf(*warp.cta->cluster).globalAgents[state.agent];
  if (hint.agent != agent || hint.time != state.time ||
      hint.lanes != warp.mask || !(hint.base == view.generic)) {
    hint = {view.generic, view.generic, agent, state.time, warp.mask};
    addOwn(warp, state, warp.mask, hint.all);
  }
  return hint.all;
}

/// What lane `lane` hands on with a strong write.
void OrderCheck::publish(Warp &warp, uint32_t lane, const Effect &effect,
                         uint64_t address, uint32_t bytes, bool updates) {
  WarpState &state = stateOf(warp);
  const View *view = nullptr;
  for (const LaneGroup &group : state.groups)
    if (group.lanes >> lane & 1)
      view = &group.view;
  ClockRef generic = view->fencedGeneric, async = view->fencedAsync;
  addFenced(warp, state, state.releaseFences, 1u << lane, generic);
  MemoryScope scope = std::min(effect.scope, view->fenceScope);
  if (effect.releases()) {
    generic = view->generic;
    addOwn(warp, state, 1u << lane, generic);
    async = view->async;
    scope = effect.scope;
  }
  addFenced(warp, state, state.proxyFences, 1u << lane, async);
  ClockRef inits = view->inits;
  addFenced(warp, state, state.initFences, 1u << lane, inits);
  uint64_t first = address / locationBytes;
  uint64_t last = (address + bytes - 1) / locationBytes;
  Known hinted;
  if (!updates && !effect.releases() && launch->memory.contains(address, bytes))
    hinted = exportClock(warp, hintOf(warp, *view));
  else if (updates && !generic && !inits)
    return; // A chain of atomics goes on as it is.
  Known knownGeneric = exportClock(warp, generic);
  Known knownAsync = exportClock(warp, async);
  Known knownInits = exportClock(warp, inits);
  Known released;
  if (view->maps)
    released = exportClock(warp, view->maps->released);
  for (uint64_t at = first; at <= last; ++at) {
    Location &location = locations[at];
    // A plain write starts a chain of its own.
    if (!updates)
      location = Location();
    location.generic.join(knownGeneric);
    location.async.join(knownAsync);
    location.inits.join(knownInits);
    location.hinted.join(hinted);
    location.released.join(released);
    location.scope = std::min(location.scope, scope);
    location.cluster = stateOf(*warp.cta->cluster).number;
    location.cta = warp.cta->rank;
  }
}

/// What lane `lane` learns from a strong read.
void OrderCheck::observe(Warp &warp, uint32_t lane, const Effect &effect,
                         uint64_t address, uint32_t bytes) {
  if (locations.empty())
    return;
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  View learnt;
  for (uint64_t at = address / locationBytes;
       at <= (address + bytes - 1) / locationBytes; ++at) {
    auto found = locations.find(at);
    if (found == locations.end())
      continue;
    const Location &location = found->second;
    bool sameCluster = location.cluster == cluster.number;
    MemoryScope scope = std::min(location.scope, effect.scope);
    if ((scope <= MemoryScope::Cluster && !sameCluster) ||
        (scope <= MemoryScope::Cta &&
         (!sameCluster || location.cta != warp.cta->rank)))
      continue;
    learnt.seenGeneric.join(importClock(cluster, location.generic));
    learnt.seenAsync.join(importClock(cluster, location.async));
    learnt.seenInits.join(importClock(cluster, location.inits));
    learnt.hinted.join(importClock(cluster, location.hinted));
    if (!location.released.empty())
      learnt.maps.edit().released.join(importClock(cluster, location.released));
  }
  if (!learnt.seenGeneric && !learnt.seenInits && !learnt.hinted)
    return;
  if (effect.acquires()) {
    learnt.generic = std::move(learnt.seenGeneric);
    learnt.async = std::move(learnt.seenAsync);
    learnt.inits = std::move(learnt.seenInits);
    learnt.seenGeneric = learnt.seenAsync = learnt.seenInits = ClockRef();
  } else if (effect.kind == EffectKind::Atomic) {
    learnt.counted = learnt.seenGeneric;
  }
  // Nothing new is the rule for lanes that poll.
  WarpState &state = stateOf(warp);
  for (const LaneGroup &group : state.groups)
    if (group.lanes >> lane & 1) {
      View joined = group.view;
      joined.join(learnt);
      if (joined == group.view)
        return;
    }
  acquire(warp, 1u << lane, learnt);
}

void OrderCheck::strongAccess(const Effect &effect, Warp &warp,
                              const LanePointers &pointers, uint32_t bytes,
                              bool reads, bool writes) {
  bool released = false;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    const std::byte *at = pointers.of(lane, bytes);
    uint64_t address = reinterpret_cast<uint64_t>(at);
    // An atomic that acquires sees what was there before it.
    if (reads)
      observe(warp, lane, effect, address, bytes);
    if (writes) {
      publish(warp, lane, effect, address, bytes, reads);
      released |= effect.releases();
    }
  }
  if (released)
    ++stateOf(warp).time;
}

} // namespace tilewright::sim::check
