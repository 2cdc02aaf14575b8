//===- OrderMbarrier.cpp - mbarrier objects and their phases --------------===//
//
// An mbarrier is an agent whose events are the completions of its phases. An
// asynchronous operation that completes on it is an event of the phase that
// counts its bytes, so whoever has seen that phase complete is ordered behind
// the operation.
//
//===----------------------------------------------------------------------===//

#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::check {

static constexpr uint32_t objectBytes = 8;

/// The phase bit of the object's bytes; false when they are no mbarrier.
static bool decodeObject(const Cta &cta, uint32_t offset, Mbarrier &out) {
  uint64_t bits;
  std::memcpy(&bits, cta.shared + offset, sizeof bits);
  return Mbarrier::decode(bits, out);
}

MbarrierState *OrderCheck::mbarrierAt(Warp &warp, const std::byte *object,
                                      Cta *&cta, uint32_t &offset) {
  for (Cta &each : warp.cta->cluster->ctas) {
    if (object < each.shared || object >= each.shared + each.sharedSize)
      continue;
    cta = &each;
    offset = static_cast<uint32_t>(object - each.shared);
    CtaState &state = stateOf(*each.cluster).ctas[each.rank];
    auto found = state.mbarriers.find(offset);
    return found == state.mbarriers.end() ? nullptr : &found->second;
  }
  cta = nullptr;
  return nullptr;
}

/// Takes note of a phase that has ended since the last look.
void OrderCheck::settle(Cta &cta, uint32_t offset, MbarrierState &state) {
  Mbarrier object;
  if (!state.live || !decodeObject(cta, offset, object) ||
      bool(object.phase) == state.phaseBit)
    return;
  state.phaseBit = object.phase;
  endPhase(state);
}

void OrderCheck::endPhase(MbarrierState &state) {
  ++state.phases;
  state.arrived.generic.edit().raise(state.agent, state.phases);
  state.arrived.async.edit().raise(state.agent, state.phases);
  state.complete = state.arrived;
}

void OrderCheck::initMbarrier(const Inst &inst, Warp &warp, uint32_t lane,
                              Cta &cta, uint32_t offset) {
  ClusterState &cluster = stateOf(*cta.cluster);
  MbarrierState &state = cluster.ctas[cta.rank].mbarriers[offset];
  if (state.live) {
    Finding found = finding(Kind::Barrier, inst, warp, lane,
                            "the mbarrier is initialized again without an "
                            "mbarrier.inval");
    if (reinitIdle)
      found.severity = Severity::Formal;
    nameShared(found, cta, offset);
    setOther(found, cluster, state.initWarp, state.initLane, state.initPc);
    report(std::move(found));
  }
  if (state.agent == 0)
    state.agent = newAgent(cluster);
  state.live = true;
  state.overwrittenPc = 0;
  state.phaseBit = false;
  state.initWarp = stateOf(warp).agent;
  state.initLane = lane;
  state.initTime = stateOf(warp).time;
  state.initPc = pcOf(inst);
  cluster.ctas[cta.rank].mbarrierAt[offset / objectBytes] = true;
}

/// Between phases, nothing of an mbarrier is lost when its memory gets another
/// use: compilers leave out the mbarrier.inval that the ISA asks for.
static bool isIdle(uint64_t bits) {
  Mbarrier object;
  return Mbarrier::decode(bits, object) && object.transactions == 0 &&
         object.pending == object.expected;
}

/// What must hold when a lane operates on an mbarrier, or an asynchronous
/// operation of the lane does.
void OrderCheck::useMbarrier(const Inst &inst, Warp &warp, uint32_t lane,
                             Cta &cta, uint32_t offset, MbarrierState &state,
                             bool async) {
  settle(cta, offset, state);
  if (state.overwrittenPc) {
    Finding found = finding(Kind::Barrier, inst, warp, lane,
                            "the mbarrier has been overwritten since its init");
    nameShared(found, cta, offset);
    found.other = {&launch->program->source,
                   code(state.overwrittenPc).location};
    report(std::move(found));
  }
  if (!state.live)
    return; // The engine finds no object.
  WarpState &self = stateOf(warp);
  uint32_t initLanes = 1u << state.initLane;
  bool own = state.initWarp == self.agent && state.initLane == lane;
  for (const LaneGroup &group : self.groups) {
    if (!(group.lanes >> lane & 1))
      continue;
    const View &view = group.view;
    auto covers = [&](const ClockRef &clock) {
      return clock.covers(state.initWarp, initLanes, state.initTime);
    };
    bool fenced = own && state.initTime <= std::max(self.proxyFences[lane],
                                                    self.initFences[lane]);
    bool visible = covers(view.inits) || (async ? fenced || covers(view.async)
                                                : own || covers(view.generic));
    if (visible)
      continue;
    bool isOrdered = own || covers(view.generic);
    Finding found = finding(
        Kind::Barrier, inst, warp, lane,
        isOrdered ? "no fence.mbarrier_init or fence.proxy.async makes the "
                    "mbarrier.init visible to the asynchronous operation that "
                    "completes on it"
                  : "no barrier orders this operation on the mbarrier behind "
                    "its mbarrier.init");
    // Triton's kernels and CuTe's tutorials have a barrier there and no fence.
    if (covers(view.generic))
      found.severity = Severity::Formal;
    nameShared(found, cta, offset);
    setOther(found, stateOf(*cta.cluster), state.initWarp, state.initLane,
             state.initPc);
    report(std::move(found));
  }
}

void OrderCheck::mbarrierBefore(const Inst &inst, const Effect &effect,
                                Warp &warp) {
  hasObjects = resolveQuietly(inst, warp, objectBytes, objects);
  if (!hasObjects)
    return;
  if (objects.pattern != Pattern::Scattered)
    for (uint32_t lane = laneCount; lane-- > 0;)
      objects.at[lane] = objects.of(lane, objectBytes);
  std::memcpy(&objectBits, objects.at[std::countr_zero(warp.mask)],
              sizeof objectBits);
  reinitIdle = isIdle(objectBits);
  if (effect.kind == EffectKind::MbarrierInit)
    return;
  const std::byte *last = nullptr;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    // Lanes mostly share an object and what they know of it; only the lane that
    // made it knows it better.
    if (objects.at[lane] == last)
      continue;
    Cta *cta = nullptr;
    uint32_t offset = 0;
    MbarrierState *state = mbarrierAt(warp, objects.at[lane], cta, offset);
    if (cta && cta != warp.cta)
      remoteOperation(inst, warp, 1u << lane, *cta, stateOf(warp).agent,
                      stateOf(warp).time);
    if (!state)
      continue;
    if (state->initWarp != stateOf(warp).agent || state->initLane != lane)
      last = objects.at[lane];
    useMbarrier(inst, warp, lane, *cta, offset, *state, false);
  }
}

/// Lanes of `lanes` whose object is that of the first.
static uint32_t sameObject(const LanePointers &objects, uint32_t lanes) {
  const std::byte *first = objects.at[std::countr_zero(lanes)];
  uint32_t same = 0;
  for (uint32_t rest = lanes; rest; rest &= rest - 1)
    if (objects.at[std::countr_zero(rest)] == first)
      same |= rest & -rest;
  return same;
}

void OrderCheck::mbarrierAfter(const Inst &inst, const Effect &effect,
                               Warp &warp) {
  if (!hasObjects)
    return;
  uint32_t passed = warp.mask;
  if (effect.kind == EffectKind::MbarrierWait)
    passed &= warp.predicates[inst.d];
  for (uint32_t lanes = passed; lanes;) {
    uint32_t same = sameObject(objects, lanes);
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    lanes &= ~same;
    Cta *cta = nullptr;
    uint32_t offset = 0;
    MbarrierState *state = mbarrierAt(warp, objects.at[lane], cta, offset);
    if (!cta)
      continue;
    if (effect.kind == EffectKind::MbarrierInit) {
      writeObject(inst, effect, warp, lane, *cta, offset);
      initMbarrier(inst, warp, lane, *cta, offset);
    } else if (state) {
      if (effect.kind != EffectKind::MbarrierInval)
        readObject(inst, effect, warp, same, *cta, offset);
      operate(inst, effect, warp, same, *cta, offset, *state);
    }
  }
}

/// Init and inval write the object's bytes like a store does.
void OrderCheck::writeObject(const Inst &inst, const Effect &effect, Warp &warp,
                             uint32_t lane, Cta &cta, uint32_t offset) {
  for (const LaneGroup &group : stateOf(warp).groups)
    if (group.lanes >> lane & 1) {
      Accessor who =
          accessor(inst, effect, warp, group, 1u << lane, false, false);
      who.record.method = Method::Mbarrier;
      who.record.order = MemoryOrder::Weak;
      sharedRange(who, cta, offset, objectBytes, 1u << lane, 0, true);
    }
}

/// All other operations need it to be there: an inval must come behind them.
void OrderCheck::readObject(const Inst &inst, const Effect &effect, Warp &warp,
                            uint32_t lanes, Cta &cta, uint32_t offset) {
  for (const LaneGroup &group : stateOf(warp).groups)
    if (uint32_t here = group.lanes & lanes) {
      Accessor who = accessor(inst, effect, warp, group, here, true, false);
      who.record.method = Method::Mbarrier;
      who.record.order = MemoryOrder::Weak;
      sharedRange(who, cta, offset, objectBytes, here, 0, false);
    }
}

void OrderCheck::operate(const Inst &inst, const Effect &effect, Warp &warp,
                         uint32_t lanes, Cta &cta, uint32_t offset,
                         MbarrierState &state) {
  CtaState &home = stateOf(*cta.cluster).ctas[cta.rank];
  switch (effect.kind) {
  case EffectKind::MbarrierInval:
    state.live = false;
    home.mbarrierAt[offset / objectBytes] = false;
    writeObject(inst, effect, warp,
                static_cast<uint32_t>(std::countr_zero(lanes)), cta, offset);
    return;
  case EffectKind::MbarrierArrive:
    arrive(inst, effect, warp, lanes, state);
    break;
  case EffectKind::MbarrierExpect:
    state.lastExpectPc = pcOf(inst);
    break;
  case EffectKind::MbarrierWait: {
    settle(cta, offset, state);
    state.seen[stateOf(warp).agent] = state.phases;
    View learnt = state.complete;
    if (!effect.acquires()) {
      learnt = View();
      learnt.seenGeneric = state.complete.generic;
      learnt.seenAsync = state.complete.async;
    }
    return acquire(warp, lanes, learnt);
  }
  default:
    break;
  }
  settle(cta, offset, state);
}

/// Arrivals of the lanes, in their order. More than the phase lacks belong to
/// the next one.
void OrderCheck::arrive(const Inst &inst, const Effect &effect, Warp &warp,
                        uint32_t lanes, MbarrierState &state) {
  state.lastArrivalPc = pcOf(inst);
  if (inst.flags & mbarrierTx)
    state.lastExpectPc = pcOf(inst);
  auto publish = [&](uint32_t arriving) {
    state.arrived.join(effect.releases() ? release(warp, arriving)
                                         : fencedView(warp, arriving));
  };
  const uint32_t *count =
      inst.b == noRef ? nullptr : warp.row32<uint32_t>(inst.b);
  auto countOf = [&](uint32_t lane) -> int64_t {
    return count ? count[lane] : 1;
  };
  int64_t total = 0;
  for (uint32_t rest = lanes; rest; rest &= rest - 1)
    total += countOf(static_cast<uint32_t>(std::countr_zero(rest)));
  Mbarrier object;
  if (!Mbarrier::decode(objectBits, object) || object.transactions != 0 ||
      (inst.flags & (mbarrierTx | mbarrierDrop)) || total <= object.pending ||
      !(lanes >> std::countr_zero(warp.mask) & 1))
    return publish(lanes);
  for (uint32_t rest = lanes; rest; rest &= rest - 1) {
    publish(rest & -rest);
    object.pending -= countOf(static_cast<uint32_t>(std::countr_zero(rest)));
    if (object.pending > 0)
      continue;
    endPhase(state);
    state.phaseBit = !state.phaseBit;
    object.pending = object.expected;
  }
}

/// What a relaxed operation of the lanes publishes.
View OrderCheck::fencedView(Warp &warp, uint32_t lanes) {
  View fenced;
  WarpState &state = stateOf(warp);
  addFenced(warp, state, state.releaseFences, lanes, fenced.generic);
  addFenced(warp, state, state.initFences, lanes, fenced.inits);
  addFenced(warp, state, state.proxyFences, lanes, fenced.async);
  for (const LaneGroup &group : state.groups)
    if (group.lanes & lanes) {
      fenced.generic.join(group.view.fencedGeneric);
      fenced.async.join(group.view.fencedAsync);
      fenced.inits.join(group.view.inits);
      fenced.maps.join(group.view.maps);
    }
  return fenced;
}

/// Ordinary stores must not touch a living object.
void OrderCheck::checkMbarrierBytes(Accessor &who, Cta &cta, uint64_t offset,
                                    uint64_t bytes) {
  if (who.record.method == Method::Mbarrier)
    return;
  CtaState &home = stateOf(*cta.cluster).ctas[cta.rank];
  if (home.mbarriers.empty())
    return;
  for (uint64_t at = offset / objectBytes;
       at <= (offset + bytes - 1) / objectBytes; ++at) {
    if (!home.mbarrierAt[at])
      continue;
    auto lane = static_cast<uint32_t>(std::countr_zero(who.lanes));
    MbarrierState &state =
        home.mbarriers.at(static_cast<uint32_t>(at * objectBytes));
    Finding found = finding(Kind::Barrier, *who.inst, *who.warp, lane,
                            "an mbarrier object is overwritten that no "
                            "mbarrier.inval has ended");
    uint64_t bits;
    std::memcpy(&bits, cta.shared + at * objectBytes, sizeof bits);
    if (isIdle(bits)) {
      found.severity = Severity::Formal;
      state.live = false;
      state.overwrittenPc = who.record.pc;
      home.mbarrierAt[at] = false;
    }
    nameShared(found, cta, at * objectBytes);
    setOther(found, stateOf(*cta.cluster), state.initWarp, state.initLane,
             state.initPc);
    report(std::move(found));
  }
}

} // namespace tilewright::sim::check
