//===- OrderCheck.cpp - State of the order check, and who handles what ----===//

#include "sim/check/OrderCheck.h"

#include "sim/tensor/MatrixType.h"

#include <bit>

namespace tilewright::sim::check {

void OrderCheck::launchStarts(LaunchContext &context) {
  launch = &context;
  warpsPerCluster = context.warpsPerCta * context.clusterCtas;
  uint64_t ctas = context.launch->grid.count();
  nextGlobalAgent = static_cast<uint32_t>(ctas * context.warpsPerCta);
  global.resize(context.memory.size);
  prerequisites = nextGlobalAgent++;
  if (!touched)
    return;
  touched->dependence = {.isDependent = touched->dependence.isDependent};
  if (isDependent())
    early.resize(context.memory.size);
}

void OrderCheck::clusterStarts(Cluster &cluster) {
  auto state = std::make_unique<ClusterState>();
  state->cluster = &cluster;
  state->number = static_cast<uint32_t>(cluster.linear);
  state->warps.resize(warpsPerCluster);
  state->ctas.resize(cluster.ctas.size());
  state->sharedStride =
      (uint64_t(launch->sharedBytes) + blockBytes) / blockBytes * blockBytes;
  state->shared.resize(state->sharedStride * cluster.ctas.size());
  for (uint32_t w = 0; w < warpsPerCluster; ++w) {
    state->globalAgents.push_back(state->number * warpsPerCluster + w);
    WarpState &warp = state->warps[w];
    warp.agent = w;
    warp.groups.push_back({allLanes, View()});
  }
  for (CtaState &cta : state->ctas) {
    cta.mbarrierAt.resize(launch->sharedBytes / 8 + 1);
    cta.wgmmaAgents.resize(launch->warpsPerCta / warpgroupWarps + 1);
  }
  recent = state.get();
  clusters[&cluster] = std::move(state);
}

void OrderCheck::clusterEnds(Cluster &cluster) {
  clusterLeftovers(stateOf(cluster));
  clusters.erase(&cluster);
  recent = nullptr;
}

ClusterState &OrderCheck::stateOf(Cluster &cluster) {
  if (!recent || recent->cluster != &cluster)
    recent = clusters.at(&cluster).get();
  return *recent;
}

WarpState &OrderCheck::stateOf(Warp &warp) {
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  return cluster.warps[warp.cta->rank * launch->warpsPerCta + warp.index];
}

uint32_t OrderCheck::newAgent(ClusterState &cluster) {
  cluster.globalAgents.push_back(nextGlobalAgent++);
  return static_cast<uint32_t>(cluster.globalAgents.size() - 1);
}

uint32_t OrderCheck::pcOf(const Inst &inst) const {
  return static_cast<uint32_t>(&inst - launch->program->code.data());
}

//===----------------------------------------------------------------------===//
// What lanes know
//===----------------------------------------------------------------------===//

void OrderCheck::mergeGroups(WarpState &state) {
  for (size_t i = 0; i < state.groups.size(); ++i)
    for (size_t k = state.groups.size() - 1; k > i; --k)
      if (state.groups[k].view == state.groups[i].view) {
        state.groups[i].lanes |= state.groups[k].lanes;
        state.groups.erase(state.groups.begin() + static_cast<ptrdiff_t>(k));
      }
}

/// Raises an agent's time for each lane to its own in `times`.
static void raiseLanes(const Warp &warp, uint32_t agent, uint32_t lanes,
                       const LaneTimes &times, ClockRef &clock) {
  for (uint32_t rest = lanes; rest;) {
    uint32_t time = times[static_cast<size_t>(std::countr_zero(rest))];
    uint32_t same = 0;
    for (uint32_t each = rest; each; each &= each - 1)
      if (times[static_cast<size_t>(std::countr_zero(each))] == time)
        same |= each & -each;
    rest &= ~same;
    // Lanes that do not exist have no accesses; those that exited are counted
    // as arrived by the hardware.
    if (same == lanes)
      same |= warp.idle;
    if (time && !clock.covers(agent, same, time))
      clock.edit().raise(agent, same, time);
  }
}

void OrderCheck::addOwn(const Warp &warp, const WarpState &state,
                        uint32_t lanes, ClockRef &clock) {
  clock.edit().raise(state.agent, lanes | warp.idle, state.time);
  if (!state.hasCopies)
    return;
  LaneTimes done;
  for (size_t lane = 0; lane < laneCount; ++lane)
    done[lane] = state.copies[lane].done;
  raiseLanes(warp, state.copyAgent, lanes, done, clock);
}

void OrderCheck::addFenced(const Warp &warp, const WarpState &state,
                           const LaneTimes &times, uint32_t lanes,
                           ClockRef &clock) {
  raiseLanes(warp, state.agent, lanes, times, clock);
}

View OrderCheck::release(Warp &warp, uint32_t lanes) {
  WarpState &state = stateOf(warp);
  View view;
  for (const LaneGroup &group : state.groups)
    if (group.lanes & lanes)
      view.join(group.view);
  addOwn(warp, state, lanes, view.generic);
  if (state.hasFences) {
    addFenced(warp, state, state.proxyFences, lanes, view.async);
    addFenced(warp, state, state.initFences, lanes, view.inits);
    addFenced(warp, state, state.releaseFences, lanes, view.fencedGeneric);
  }
  ++state.time;
  return view;
}

void OrderCheck::acquire(Warp &warp, uint32_t lanes, const View &view) {
  WarpState &state = stateOf(warp);
  changeGroups(state, lanes, [&](LaneGroup &group) { group.view.join(view); });
  if (state.groups.size() > 1)
    mergeGroups(state);
}

void OrderCheck::replace(Warp &warp, uint32_t lanes, const View &view) {
  WarpState &state = stateOf(warp);
  changeGroups(state, lanes, [&](LaneGroup &group) { group.view = view; });
  if (state.groups.size() > 1)
    mergeGroups(state);
}

//===----------------------------------------------------------------------===//
// Dispatch
//===----------------------------------------------------------------------===//

void OrderCheck::before(const Inst &inst, const Effect &effect, Warp &warp) {
  hasObjects = false;
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    access(inst, effect, warp);
    break;
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
    matrixAccess(inst, effect, warp);
    break;
  case EffectKind::WmmaLoad:
  case EffectKind::WmmaStore:
    wmmaAccess(inst, effect, warp);
    break;
  case EffectKind::WarpSync:
    warpReleased = warp.strand().arrived && warp.strand().token == 0;
    break;
  case EffectKind::BarrierSync:
  case EffectKind::BarrierArrive:
    barrierBefore(inst, warp);
    break;
  case EffectKind::AsyncCopy:
    asyncCopy(inst, effect, warp);
    break;
  case EffectKind::AsyncArrive:
    asyncArrive(inst, warp);
    break;
  case EffectKind::BulkCopy:
    bulkCopy(inst, effect, warp);
    break;
  case EffectKind::TensorCopy:
    tensorCopy(inst, effect, warp);
    break;
  case EffectKind::TensormapReplace:
  case EffectKind::Discard:
    blockWrite(inst, effect, warp);
    break;
  case EffectKind::TensormapCopy:
    tensormapCopy(inst, effect, warp);
    break;
  case EffectKind::StoreAsync:
    storeAsync(inst, effect, warp);
    break;
  case EffectKind::WgmmaIssue:
    wgmmaIssue(inst, effect, warp);
    return;
  default:
    if (isMbarrier(effect.kind))
      mbarrierBefore(inst, effect, warp);
    break;
  }
  if (effect.rowCount)
    touchRegisters(inst, effect, warp);
}

void OrderCheck::after(const Inst &inst, const Effect &effect, Warp &warp,
                       Status status) {
  if (effect.kind == EffectKind::BarrierSync)
    return barrierAfter(inst, effect, warp, status);
  if (status == Status::Block || status == Status::Fault)
    return;
  switch (effect.kind) {
  case EffectKind::Fence:
  case EffectKind::ProxyFence:
  case EffectKind::InitFence:
    return fence(effect, warp);
  case EffectKind::TensormapFence:
    return tensormapFence(inst, effect, warp);
  case EffectKind::WarpSync:
    return warpSync(inst, warp);
  case EffectKind::WarpExchange: {
    WarpState &state = stateOf(warp);
    state.exchangeTime = state.time++;
    state.exchangeLanes = warp.mask;
    return;
  }
  case EffectKind::BarrierArrive:
    return barrierAfter(inst, effect, warp, status);
  case EffectKind::ClusterArrive:
    return clusterArrive(inst, effect, warp);
  case EffectKind::ClusterWait:
    return clusterWait(inst, warp);
  case EffectKind::AsyncCommit:
    return asyncCommit(warp);
  case EffectKind::AsyncWait:
    return asyncWait(inst, effect, warp);
  case EffectKind::BulkCommit:
    return bulkCommit(warp);
  case EffectKind::BulkWait:
    return bulkWait(effect, warp);
  case EffectKind::WgmmaFence:
    return wgmmaFence(warp);
  case EffectKind::WgmmaCommit:
    return wgmmaCommit(warp);
  case EffectKind::WgmmaWait:
    return wgmmaWait(effect, warp);
  case EffectKind::GridWait:
    return gridWait(warp);
  case EffectKind::GridTrigger:
    return gridTrigger(warp);
  default:
    if (isMbarrier(effect.kind))
      mbarrierAfter(inst, effect, warp);
    break;
  }
}

} // namespace tilewright::sim::check
