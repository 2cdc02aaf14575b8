//===- OrderSync.cpp - Fences and barriers --------------------------------===//

#include "sim/check/OrderCheck.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::check {

/// Phases of a barrier whose views are kept for threads that wake late.
static constexpr size_t keptPhases = 16;

//===----------------------------------------------------------------------===//
// Fences
//===----------------------------------------------------------------------===//

void OrderCheck::fence(const Effect &effect, Warp &warp) {
  WarpState &state = stateOf(warp);
  changeGroups(state, warp.mask, [&](LaneGroup &group) {
    View &view = group.view;
    // What a lane knows of itself is kept apart, since lanes share views.
    auto mark = [&](LaneTimes &own) {
      for (uint32_t lanes = group.lanes; lanes; lanes &= lanes - 1)
        own[static_cast<size_t>(std::countr_zero(lanes))] = state.time;
    };
    if (effect.acquires())
      view.takeSeen();
    if (effect.kind == EffectKind::InitFence) {
      view.inits.join(view.generic);
      return mark(state.initFences);
    }
    if (effect.kind == EffectKind::ProxyFence) {
      view.async.join(view.generic);
      mark(state.proxyFences);
    }
    if (effect.releases()) {
      view.fencedGeneric = view.generic;
      view.fencedAsync = view.async;
      view.fenceScope = effect.scope;
      mark(state.releaseFences);
    }
  });
  state.hasFences = true;
  ++state.time;
}

void MapFences::acquire(uint64_t address, const ClockRef &all,
                        const ClockRef &fromReleased) {
  for (Acquired &each : acquired)
    if (each.address == address) {
      each.all.join(all);
      each.released.join(fromReleased);
      return;
    }
  acquired.push_back({address, all, fromReleased});
}

void MapFences::join(const MapFences &other) {
  released.join(other.released);
  for (const Acquired &each : other.acquired)
    acquire(each.address, each.all, each.released);
}

/// A release is for all that its lanes know, an acquire for the map at the
/// address of each.
void OrderCheck::tensormapFence(const Inst &inst, const Effect &effect,
                                Warp &warp) {
  WarpState &state = stateOf(warp);
  for (uint32_t rest = warp.mask; rest;) {
    auto first = static_cast<size_t>(std::countr_zero(rest));
    uint64_t address =
        effect.acquires() ? warp.row64<uint64_t>(inst.a)[first] : 0;
    uint32_t same = rest;
    for (uint32_t each = rest; effect.acquires() && each; each &= each - 1)
      if (warp.row64<uint64_t>(inst.a)[std::countr_zero(each)] != address)
        same &= ~(each & -each);
    rest &= ~same;
    changeGroups(state, same, [&](LaneGroup &group) {
      ClockRef known = group.view.generic;
      addOwn(warp, state, group.lanes, known);
      MapFences &maps = group.view.maps.edit();
      if (effect.acquires())
        maps.acquire(address, known, maps.released);
      else
        maps.released.join(known);
    });
  }
  ++state.time;
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// Closes `state`'s phase when the engine has gone on to `phase`.
static void closePhase(BarrierState &state, uint32_t phase) {
  if (state.phase == phase)
    return;
  state.completed.emplace_back(state.phase, std::move(state.arriving));
  state.arriving = View();
  std::fill(state.lanes.begin(), state.lanes.end(), 0);
  state.phase = phase;
  if (state.completed.size() > keptPhases)
    state.completed.pop_front();
}

static const View *phaseView(const BarrierState &state, uint32_t phase) {
  for (const auto &[number, view] : state.completed)
    if (number == phase)
      return &view;
  return nullptr;
}

static uint32_t barrierIndex(const Inst &inst, const Warp &warp) {
  return warp.row32<uint32_t>(inst.a)[std::countr_zero(warp.mask)] %
         namedBarriers;
}

void OrderCheck::barrierBefore(const Inst &inst, Warp &warp) {
  barrierArrived = warp.strand().arrived;
  barrierPhase = warp.cta->barriers[barrierIndex(inst, warp)].phase;
}

void OrderCheck::barrierAfter(const Inst &inst, const Effect &effect,
                              Warp &warp, Status status) {
  if (status == Status::Fault)
    return;
  uint32_t index = barrierIndex(inst, warp);
  BarrierState &state = ctaOf(warp).barriers[index];
  bool waits = effect.kind == EffectKind::BarrierSync;
  bool done = status == Status::Next;
  bool arrives = !barrierArrived && (done || warp.strand().arrived);
  if (arrives) {
    closePhase(state, barrierPhase);
    state.lanes.resize(launch->warpsPerCta);
    uint32_t &lanes = state.lanes[warp.index];
    if (lanes & warp.mask)
      report(finding(Kind::Barrier, inst, warp,
                     static_cast<uint32_t>(std::countr_zero(warp.mask)),
                     "the warp arrives again at barrier " +
                         std::to_string(index) +
                         " before the phase of its last arrival is complete"));
    lanes |= warp.mask;
    state.arriving.join(release(warp, warp.mask));
  }
  uint32_t now = warp.cta->barriers[index].phase;
  closePhase(state, now);
  if (!waits || !done)
    return;
  uint32_t waited = arrives ? barrierPhase : warp.strand().token;
  if (const View *view = phaseView(state, waited))
    replace(warp, warp.mask, *view);
}

void OrderCheck::warpSync(const Inst &inst, Warp &warp) {
  // Whoever comes last synchronizes all members; the others wait meanwhile.
  if (warpReleased)
    return;
  uint32_t members =
      warp.row32<uint32_t>(inst.e)[std::countr_zero(warp.mask)] & warp.live();
  View view = release(warp, members);
  replace(warp, members, view);
}

void OrderCheck::clusterArrive(const Inst &inst, const Effect &effect,
                               Warp &warp) {
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  WarpState &state = stateOf(warp);
  // The arrival may have completed the phase it was for.
  uint32_t arrivedIn = warp.clusterToken;
  bool isSamePhase = state.clusterArrivalPhase == arrivedIn;
  if (uint32_t again = state.clusterArrivals & warp.mask; again && isSamePhase)
    report(finding(Kind::Barrier, inst, warp,
                   static_cast<uint32_t>(std::countr_zero(again)),
                   "a thread arrives at the cluster's barrier for the second "
                   "time in one phase"));
  state.clusterArrivals |= warp.mask;
  state.clusterArrivalPhase = arrivedIn;
  closePhase(cluster.barrier, arrivedIn);
  if (effect.releases()) {
    cluster.barrier.arriving.join(release(warp, warp.mask));
  } else {
    // Relaxed: only what a fence made ready.
    cluster.barrier.arriving.join(fencedView(warp, warp.mask));
  }
  closePhase(cluster.barrier, warp.cta->cluster->barrierPhase);
}

void OrderCheck::clusterWait(const Inst &inst, Warp &warp) {
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  WarpState &state = stateOf(warp);
  // Such a wait looks at a phase that may be long over, and orders nothing.
  if (uint32_t absent = warp.mask & ~state.clusterArrivals)
    report(finding(Kind::Barrier, inst, warp,
                   static_cast<uint32_t>(std::countr_zero(absent)),
                   "a thread waits at the cluster's barrier without an arrival "
                   "since it waited last"));
  state.clusterArrivals &= ~warp.mask;
  // Everybody has arrived, even where arrivals order no memory.
  state.clusterStarted = true;
  closePhase(cluster.barrier, warp.cta->cluster->barrierPhase);
  if (const View *view = phaseView(cluster.barrier, warp.clusterToken))
    acquire(warp, warp.mask, *view);
}

} // namespace tilewright::sim::check
