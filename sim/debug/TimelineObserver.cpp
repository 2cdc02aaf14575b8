//===- TimelineObserver.cpp - Rows and barriers of a launch ---------------===//

#include "sim/debug/TimelineObserver.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::debug {

static uint32_t firstLane(uint32_t lanes) {
  return static_cast<uint32_t>(std::countr_zero(lanes));
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

uint32_t TimelineObserver::lineOf(const Inst &inst) const {
  return launch->program->source.position(inst.location).line;
}

uint32_t TimelineObserver::blockOf(const Cta &cta) const {
  const Dim3 &grid = launch->launch->grid;
  return cta.id.x + grid.x * (cta.id.y + grid.y * cta.id.z);
}

TimelinePlace TimelineObserver::placeOf(const Warp &warp) const {
  return {blockOf(*warp.cta), warp.index, steps};
}

/// A place in shared memory by the variable that lies there.
std::string TimelineObserver::nameOf(const Cta &cta, uint64_t offset,
                                     const Cta *seenFrom) const {
  std::string name = "shared+" + std::to_string(offset);
  if (offset >= launch->staticSharedEnd)
    name = "dynamic shared+" + std::to_string(offset - launch->staticSharedEnd);
  for (const SharedVariable &each :
       launch->launch->kernel->code->sharedVariables)
    if (offset >= each.offset && offset - each.offset < each.size)
      name = each.name + "+" + std::to_string(offset - each.offset);
  if (&cta != seenFrom)
    name += " of rank " + std::to_string(cta.rank);
  return name;
}

void TimelineObserver::add(TimelineEvent event) {
  if (room == 0) {
    if (trace.dropped++ == 0)
      trace.firstDropped = event.from.step;
    return;
  }
  --room;
  trace.events.push_back(std::move(event));
}

void TimelineObserver::add(Kind kind, const TimelinePlace &from,
                           const TimelinePlace &to, std::string name,
                           std::string details) {
  add({kind, from, to, std::move(name), std::move(details)});
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

void TimelineObserver::launchStarts(LaunchContext &context) {
  launch = &context;
  room = timeline.room();
  trace.kernel = context.launch->kernel->name;
  trace.grid = context.launch->grid;
  trace.block = context.launch->block;
  trace.cluster = context.cluster;
}

void TimelineObserver::clusterEnds(Cluster &cluster) {
  lastWarp = nullptr;
  abandonOperations(&cluster);
  for (const Cta &cta : cluster.ctas) {
    uint32_t block = blockOf(cta);
    auto begin = rows.lower_bound({block, 0});
    auto end = rows.lower_bound({block + 1, 0});
    for (auto row = begin; row != end; ++row)
      closeRun(row->second, steps);
    rows.erase(begin, end);
  }
  clusters.erase(&cluster);
}

/// After a fault or a deadlock, warps are left where they stand.
void TimelineObserver::launchEnds(LaunchContext &context) {
  abandonOperations(nullptr);
  for (auto &[key, row] : rows) {
    closeRun(row, row.waits ? row.waitSince : steps);
    TimelinePlace from = row.place, to = row.place;
    from.step = row.waitSince;
    to.step = steps;
    if (row.waits && to.step > from.step)
      add(Kind::Wait, from, to, "waits: " + row.reason,
          "\"ptx_line\":" + std::to_string(row.line) + ",\"ends\":false");
  }
  trace.steps = steps;
  trace.failed = context.failed;
  timeline.add(std::move(trace));
}

void TimelineObserver::before(const Inst &inst, const Effect &effect,
                              Warp &warp) {
  if (effect.kind == EffectKind::None)
    return;
  findPhases(inst, effect, warp);
  switch (effect.kind) {
  case EffectKind::AsyncCopy:
  case EffectKind::BulkCopy:
  case EffectKind::TensorCopy:
  case EffectKind::StoreAsync:
    footprint.find(inst, effect, warp);
    break;
  default:
    break;
  }
}

void TimelineObserver::after(const Inst &inst, const Effect &effect, Warp &warp,
                             Status status) {
  if (status == Status::Fault)
    return;
  if (status == Status::Block)
    startWait(inst, effect, warp);
  else
    endWait(inst, effect, warp);
  // A warp that blocks may have arrived before.
  if (effect.kind != EffectKind::None)
    lookAtBarriers(inst, effect, warp);
  if (status == Status::Block)
    return;
  if (effect.kind != EffectKind::None) {
    issueOperations(inst, effect, warp);
    finishGroups(effect, warp);
    if (effect.kind == EffectKind::MbarrierWait)
      finishWaited(inst, warp);
  }
  ++rowOf(warp).executed;
  ++steps;
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

TimelineObserver::Row &TimelineObserver::rowOf(const Warp &warp) {
  if (&warp == lastWarp)
    return *lastRow;
  TimelinePlace place = placeOf(warp);
  auto [entry, isNew] = rows.try_emplace({place.block, place.warp});
  if (isNew) {
    entry->second.place = place;
    entry->second.since = steps;
  }
  lastWarp = &warp;
  lastRow = &entry->second;
  return *lastRow;
}

void TimelineObserver::closeRun(Row &row, uint64_t end) {
  if (end <= row.since || row.executed == 0)
    return;
  TimelinePlace from = row.place, to = row.place;
  from.step = row.since;
  to.step = end;
  add(Kind::Run, from, to, "runs",
      "\"instructions\":" + std::to_string(row.executed));
  row.executed = 0;
}

/// What a blocked warp waits for.
std::string TimelineObserver::reasonOf(const Inst &inst, const Effect &effect,
                                       Warp &warp) {
  switch (warp.strand().wait) {
  case WaitKind::Convergence:
    return "lanes of the warp";
  case WaitKind::Barrier:
    return "barrier " +
           std::to_string(warp.row32<uint32_t>(inst.a)[firstLane(warp.mask)]);
  case WaitKind::ClusterBarrier:
    return "cluster barrier";
  case WaitKind::Wgmma:
    return "wgmma";
  case WaitKind::Grid:
    return "prerequisite grids";
  case WaitKind::Mbarrier:
    if (Mbarrier *object = mbarrierOf(inst, warp, firstLane(warp.mask)))
      return "mbarrier " + nameOf(*object->cta, object->offset, warp.cta) +
             " phase " + std::to_string(object->phases);
    return "mbarrier";
  case WaitKind::None:
    break;
  }
  return "something";
}

void TimelineObserver::startWait(const Inst &inst, const Effect &effect,
                                 Warp &warp) {
  Row &row = rowOf(warp);
  if (row.waits)
    return;
  row.waits = true;
  row.waitSince = steps;
  row.reason = reasonOf(inst, effect, warp);
  row.line = lineOf(inst);
  row.inst = &inst;
}

/// A warp runs again, with these lanes or, where it was apart, with others.
void TimelineObserver::endWait(const Inst &inst, const Effect &effect,
                               Warp &warp) {
  Row &row = rowOf(warp);
  if (!row.waits)
    return;
  row.waits = false;
  if (steps == row.waitSince)
    return;
  closeRun(row, row.waitSince);
  TimelinePlace from = row.place, to = row.place;
  from.step = row.waitSince;
  to.step = row.since = steps;
  add(Kind::Wait, from, to, "waits: " + row.reason,
      "\"ptx_line\":" + std::to_string(row.line) + ",\"ends\":true");
  if (&inst != row.inst)
    return;
  if (Completion by = completionOf(inst, effect, warp))
    add(Kind::Release, *by, to, row.reason, "");
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// Instructions after which an mbarrier's phase may be complete.
static bool movesMbarriers(EffectKind kind) {
  switch (kind) {
  case EffectKind::MbarrierArrive:
  case EffectKind::MbarrierComplete:
  case EffectKind::AsyncArrive:
  case EffectKind::BulkCopy:
  case EffectKind::TensorCopy:
  case EffectKind::StoreAsync:
  case EffectKind::MbarrierWait:
  case EffectKind::AsyncWait:
    return true;
  default:
    return false;
  }
}

static bool isNamedBarrier(EffectKind kind) {
  return kind == EffectKind::BarrierSync || kind == EffectKind::BarrierArrive;
}

static uint32_t barrierIndex(const Inst &inst, const Warp &warp) {
  return warp.row32<uint32_t>(inst.a)[firstLane(warp.mask)];
}

void TimelineObserver::findPhases(const Inst &inst, const Effect &effect,
                                  Warp &warp) {
  if (effect.kind == EffectKind::ClusterArrive)
    phaseBefore = warp.cta->cluster->barrierPhase;
  if (isNamedBarrier(effect.kind))
    if (uint32_t index = barrierIndex(inst, warp); index < namedBarriers)
      phaseBefore = warp.cta->barriers[index].phase;
  mbarriersBefore.clear();
  if (movesMbarriers(effect.kind))
    for (Mbarrier &each : clusters[warp.cta->cluster].mbarriers)
      mbarriersBefore.push_back({&each, each.phases});
}

void TimelineObserver::addPhase(const Warp &warp, const std::string &name,
                                uint64_t phase) {
  TimelinePlace at = placeOf(warp);
  add(Kind::Phase, at, at, name + " complete",
      "\"phase\":" + std::to_string(phase));
}

void TimelineObserver::lookAtBarriers(const Inst &inst, const Effect &effect,
                                      Warp &warp) {
  Cluster &cluster = *warp.cta->cluster;
  ClusterState &state = clusters[&cluster];
  if (effect.kind == EffectKind::ClusterArrive &&
      cluster.barrierPhase != phaseBefore) {
    state.clusterBarrier = placeOf(warp);
    addPhase(warp, "cluster barrier", phaseBefore);
  }
  if (isNamedBarrier(effect.kind)) {
    uint32_t index = barrierIndex(inst, warp);
    if (warp.cta->barriers[index].phase != phaseBefore) {
      state.named[{warp.cta->rank, index}] = placeOf(warp);
      addPhase(warp, "barrier " + std::to_string(index), phaseBefore);
    }
  }
  if (effect.kind == EffectKind::MbarrierInit)
    addMbarriers(inst, warp);
  else if (movesMbarriers(effect.kind))
    scanMbarriers(effect, warp);
}

void TimelineObserver::addMbarriers(const Inst &inst, Warp &warp) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    uint32_t lane = firstLane(lanes);
    Span span;
    if (!locate(inst, warp, lane, spaceOf(inst),
                laneAddress(inst, warp, static_cast<int>(lane)),
                sizeof(uint64_t), span) ||
        !span.cta)
      continue;
    Mbarrier *object = mbarrierAt(span.cta, span.address);
    if (!object) {
      std::deque<Mbarrier> &all = clusters[warp.cta->cluster].mbarriers;
      object = &all.emplace_back();
    }
    for (const auto &[phase, each] : object->operations)
      finish(each, "the mbarrier was initialized again");
    *object = {};
    object->cta = const_cast<Cta *>(span.cta);
    object->offset = span.address;
  }
}

TimelineObserver::Mbarrier *TimelineObserver::mbarrierAt(const Cta *cta,
                                                         uint64_t offset) {
  auto state = clusters.find(cta->cluster);
  if (state == clusters.end())
    return nullptr;
  for (Mbarrier &each : state->second.mbarriers)
    if (each.cta == cta && each.offset == offset)
      return &each;
  return nullptr;
}

/// The object at a lane's address.
TimelineObserver::Mbarrier *
TimelineObserver::mbarrierOf(const Inst &inst, Warp &warp, uint32_t lane) {
  Span span;
  if (!locate(inst, warp, lane, spaceOf(inst),
              laneAddress(inst, warp, static_cast<int>(lane)), sizeof(uint64_t),
              span) ||
      !span.cta)
    return nullptr;
  return mbarrierAt(span.cta, span.address);
}

/// Phases that are complete since the last look. Under a schedule that holds
/// operations back it is not known who completed them.
void TimelineObserver::scanMbarriers(const Effect &effect, Warp &warp) {
  bool known = effect.kind != EffectKind::MbarrierWait &&
               effect.kind != EffectKind::AsyncWait &&
               !warp.cta->cluster->random.active();
  for (Mbarrier &each : clusters[warp.cta->cluster].mbarriers) {
    uint64_t bits = 0;
    std::memcpy(&bits, each.cta->shared + each.offset, sizeof bits);
    sim::Mbarrier object;
    if (!sim::Mbarrier::decode(bits, object) || object.phase == each.parity)
      continue;
    each.parity = object.phase;
    ++each.phases;
    each.last = known ? Completion(placeOf(warp)) : std::nullopt;
    if (known)
      addPhase(warp, "mbarrier " + nameOf(*each.cta, each.offset, warp.cta),
               each.phases - 1);
  }
}

/// Who released a warp that waited at `inst`.
TimelineObserver::Completion
TimelineObserver::completionOf(const Inst &inst, const Effect &effect,
                               Warp &warp) {
  ClusterState &state = clusters[warp.cta->cluster];
  switch (effect.kind) {
  case EffectKind::ClusterWait:
    return state.clusterBarrier;
  case EffectKind::BarrierSync:
    if (auto found =
            state.named.find({warp.cta->rank, barrierIndex(inst, warp)});
        found != state.named.end())
      return found->second;
    return std::nullopt;
  case EffectKind::MbarrierWait: {
    // A wait that timed out was released by nobody.
    uint32_t complete = warp.predicates[inst.d] & warp.mask;
    Mbarrier *object =
        complete ? mbarrierOf(inst, warp, firstLane(complete)) : nullptr;
    return object ? object->last : std::nullopt;
  }
  default:
    return std::nullopt;
  }
}

} // namespace tilewright::sim::debug
