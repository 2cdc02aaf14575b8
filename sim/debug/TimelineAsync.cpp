//===- TimelineAsync.cpp - Asynchronous operations of a launch ------------===//
//
// An operation's span begins where it is issued and ends where somebody first
// knows that it is done: a wait for the phase or the group that it belongs to.
//
//===----------------------------------------------------------------------===//

#include "sim/debug/TimelineObserver.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/MatrixOps.h"

#include <algorithm>
#include <bit>
#include <tuple>
#include <utility>

namespace tilewright::sim::debug {

static uint32_t firstLane(uint32_t lanes) {
  return static_cast<uint32_t>(std::countr_zero(lanes));
}

TimelineObserver::Operation TimelineObserver::operation(const Inst &inst,
                                                        const Warp &warp,
                                                        std::string name,
                                                        uint64_t bytes) const {
  Operation made;
  made.place = placeOf(warp);
  made.name = std::move(name);
  made.details = "\"ptx_line\":" + std::to_string(lineOf(inst));
  if (bytes)
    made.details += ",\"bytes\":" + std::to_string(bytes);
  return made;
}

/// `how` is plain text without quotes.
void TimelineObserver::finish(const Operation &operation,
                              const std::string &how) {
  TimelinePlace to = operation.place;
  to.step = steps;
  add(Kind::Operation, operation.place, to, operation.name,
      operation.details + ",\"ended_by\":\"" + how + "\"");
}

//===----------------------------------------------------------------------===//
// Issue
//===----------------------------------------------------------------------===//

void TimelineObserver::issueOperations(const Inst &inst, const Effect &effect,
                                       Warp &warp) {
  switch (effect.kind) {
  case EffectKind::TensorCopy:
    return issueBoxes(inst, warp);
  case EffectKind::BulkCopy:
    return issueBulk(inst, warp);
  case EffectKind::AsyncCopy:
    return issueAsyncCopy(inst, warp);
  case EffectKind::StoreAsync:
    return issueStoreAsync(inst, warp);
  case EffectKind::WgmmaIssue:
    return issueWgmma(inst, warp);
  case EffectKind::AsyncArrive:
    return attachCopies(inst, warp);
  default:
    return;
  }
}

/// Hangs an operation on the mbarrier that tells of its end, in `target`'s
/// shared memory where a multicast reaches it, and in the phase that was
/// current before the instruction.
void TimelineObserver::attach(const Inst &inst, Warp &warp, uint32_t lane,
                              Ref mbarrier, const Cta *target,
                              Operation operation) {
  Span span;
  Mbarrier *object = nullptr;
  if (locate(inst, warp, lane, ptx::Space::SharedCluster,
             warp.row64<uint64_t>(mbarrier)[lane], sizeof(uint64_t), span))
    object = mbarrierAt(target ? target : span.cta, span.address);
  if (!object)
    return finish(operation, "nothing that is known");
  uint64_t phase = object->phases;
  for (const auto &[each, before] : mbarriersBefore)
    if (each == object)
      phase = before;
  object->operations.push_back({phase, std::move(operation)});
}

static std::string coordinatesText(const BoxTransfer &box) {
  std::string text = ",\"coordinates\":[";
  for (uint32_t i = 0; i < box.map.rank; ++i)
    text += (i ? "," : "") + std::to_string(box.coordinates[i]);
  return text + "]";
}

void TimelineObserver::issueBoxes(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  for (const BoxTransfer &box : footprint.boxes) {
    Operation made = operation(inst, warp, spec.load ? "TMA load" : "TMA store",
                               box.map.boxBytes());
    made.details += coordinatesText(box);
    if (!spec.load) {
      groupsOf(warp, Unit::Bulk, box.shared.lane)
          .open.push_back(std::move(made));
      continue;
    }
    // A multicast shows in each block that it reaches.
    if (box.shared.cta != warp.cta) {
      made.details += ",\"issued_by_rank\":" + std::to_string(warp.cta->rank);
      made.place.block = blockOf(*box.shared.cta);
    }
    attach(inst, warp, box.shared.lane, spec.mbarrier,
           spec.ctaMask == noRef ? nullptr : box.shared.cta, std::move(made));
  }
}

void TimelineObserver::issueBulk(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  bool toGlobal = spec.to == ptx::Space::Global;
  for (const CopySpans &copy : footprint.copies) {
    Operation made = operation(
        inst, warp, toGlobal ? "bulk store" : "bulk load", copy.to.bytes);
    if (spec.completion == BulkCompletion::Group) {
      groupsOf(warp, Unit::Bulk, copy.from.lane)
          .open.push_back(std::move(made));
      continue;
    }
    if (copy.to.cta && copy.to.cta != warp.cta) {
      made.details += ",\"issued_by_rank\":" + std::to_string(warp.cta->rank);
      made.place.block = blockOf(*copy.to.cta);
    }
    attach(inst, warp, copy.from.lane, spec.mbarrier,
           spec.ctaMask == noRef ? nullptr : copy.to.cta, std::move(made));
  }
}

/// The lanes of a warp make one operation; its first lane's groups stand for
/// all.
void TimelineObserver::issueAsyncCopy(const Inst &inst, Warp &warp) {
  uint64_t bytes = 0;
  for (const CopySpans &copy : footprint.copies)
    bytes += copy.to.bytes;
  groupsOf(warp, Unit::Copy, firstLane(warp.mask))
      .open.push_back(operation(inst, warp, "cp.async", bytes));
}

void TimelineObserver::issueStoreAsync(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const StoreAsyncSpec *>(inst.aux);
  for (const Span &span : footprint.spans)
    attach(inst, warp, span.lane, spec.mbarrier, nullptr,
           operation(inst, warp, "st.async", span.bytes));
}

/// The four warps issue one operation; the first one stands for it.
void TimelineObserver::issueWgmma(const Inst &inst, Warp &warp) {
  if (warp.index % warpgroupWarps != 0)
    return;
  const WgmmaOp &op = static_cast<const WgmmaSpec *>(inst.aux)->op;
  Operation made = operation(
      inst, warp,
      "wgmma of warpgroup " + std::to_string(warp.index / warpgroupWarps), 0);
  made.details += ",\"shape\":\"m" + std::to_string(WgmmaOp::m) + "n" +
                  std::to_string(op.n) + "k" + std::to_string(op.k()) + "\"";
  groupsOf(warp, Unit::Wgmma, 0).open.push_back(std::move(made));
}

/// cp.async.mbarrier.arrive: what the warp has copied so far takes part in the
/// mbarrier's phase.
void TimelineObserver::attachCopies(const Inst &inst, Warp &warp) {
  uint32_t lane = firstLane(warp.mask);
  Mbarrier *object = mbarrierOf(inst, warp, lane);
  if (!object)
    return;
  uint64_t phase = object->phases;
  for (const auto &[each, before] : mbarriersBefore)
    if (each == object)
      phase = before;
  Groups &all = groupsOf(warp, Unit::Copy, lane);
  all.committed.push_back(std::move(all.open));
  for (std::vector<Operation> &group : all.committed)
    for (Operation &each : group)
      object->operations.push_back({phase, std::move(each)});
  all = {};
}

//===----------------------------------------------------------------------===//
// Completion
//===----------------------------------------------------------------------===//

/// Commits and waits of groups.
void TimelineObserver::finishGroups(const Effect &effect, Warp &warp) {
  Unit unit = Unit::Copy;
  bool commits = false;
  switch (effect.kind) {
  case EffectKind::AsyncCommit:
    commits = true;
    break;
  case EffectKind::AsyncWait:
    break;
  case EffectKind::BulkCommit:
    commits = true;
    [[fallthrough]];
  case EffectKind::BulkWait:
    unit = Unit::Bulk;
    break;
  case EffectKind::WgmmaCommit:
    commits = true;
    [[fallthrough]];
  case EffectKind::WgmmaWait:
    unit = Unit::Wgmma;
    break;
  default:
    return;
  }
  const char *how = effect.readsOnly ? "a wait for its reads" : "a wait";
  for (uint32_t lane = 0; lane < laneCount; ++lane) {
    auto found = groups.find({&warp, unit, lane});
    if (found == groups.end() ||
        !(unit == Unit::Wgmma || warp.mask >> lane & 1))
      continue;
    Groups &all = found->second;
    if (commits || effect.all)
      all.committed.push_back(std::exchange(all.open, {}));
    if (commits)
      continue;
    size_t pending = effect.all ? 0 : effect.pending;
    while (all.committed.size() > pending) {
      for (const Operation &each : all.committed.front())
        finish(each, how);
      all.committed.pop_front();
    }
  }
}

/// Operations of phases that a wait found complete.
void TimelineObserver::finishWaited(const Inst &inst, Warp &warp) {
  uint32_t complete = warp.predicates[inst.d] & warp.mask;
  const Mbarrier *previous = nullptr;
  for (; complete; complete &= complete - 1) {
    Mbarrier *object = mbarrierOf(inst, warp, firstLane(complete));
    if (!object || object == previous)
      continue;
    previous = object;
    std::vector<std::pair<uint64_t, Operation>> left;
    for (auto &[phase, each] : object->operations)
      if (phase < object->phases)
        finish(each, "a wait for phase " + std::to_string(phase));
      else
        left.push_back({phase, std::move(each)});
    object->operations = std::move(left);
  }
}

/// What nobody waited for, of one cluster or of all, in an order that does not
/// depend on where things lie in the host's memory.
void TimelineObserver::abandonOperations(Cluster *only) {
  static const std::string how = "the end, without a wait";
  std::vector<Operation> left;
  auto take = [&](std::vector<Operation> &from) {
    for (Operation &each : from)
      left.push_back(std::move(each));
  };
  for (auto entry = groups.begin(); entry != groups.end();) {
    auto &[key, all] = *entry;
    if (only && key.warp->cta->cluster != only) {
      ++entry;
      continue;
    }
    for (std::vector<Operation> &group : all.committed)
      take(group);
    take(all.open);
    entry = groups.erase(entry);
  }
  for (auto &[cluster, state] : clusters)
    if (!only || cluster == only)
      for (Mbarrier &each : state.mbarriers)
        for (auto &[phase, operation] : each.operations)
          left.push_back(std::move(operation));
  auto key = [](const Operation &each) {
    return std::tie(each.place.step, each.place.block, each.place.warp,
                    each.name, each.details);
  };
  std::sort(
      left.begin(), left.end(),
      [&](const Operation &a, const Operation &b) { return key(a) < key(b); });
  for (const Operation &each : left)
    finish(each, how);
}

} // namespace tilewright::sim::debug
