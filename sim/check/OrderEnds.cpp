//===- OrderEnds.cpp - Blocks that end, faults, deadlocks -----------------===//

#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::check {

//===----------------------------------------------------------------------===//
// Other blocks of a cluster
//===----------------------------------------------------------------------===//

/// An access to another block's shared memory: that block must have started,
/// and not exited.
void OrderCheck::remoteAccess(Accessor &who, Cta &cta) {
  remoteOperation(*who.inst, *who.warp, who.lanes, cta, who.record.agent,
                  who.record.time);
}

void OrderCheck::remoteOperation(const Inst &inst, Warp &warp, uint32_t lanes,
                                 Cta &cta, uint32_t agent, uint32_t time) {
  std::vector<RemoteAccess> &remote =
      stateOf(*cta.cluster).ctas[cta.rank].remote;
  WarpState &state = stateOf(warp);
  uint32_t pc = pcOf(inst);
  RemoteAccess *same = nullptr;
  for (RemoteAccess &known : remote) {
    if (known.agent != agent || known.warp != state.agent || known.pc != pc)
      continue;
    if (known.time == time)
      same = &known;
    else // An older one of the same lanes is ordered before this one.
      known.lanes &= ~lanes;
  }
  if (same && (lanes & ~same->lanes) == 0)
    return;
  if (same) {
    same->lanes |= lanes;
  } else {
    std::erase_if(remote,
                  [](const RemoteAccess &known) { return known.lanes == 0; });
    remote.push_back({agent, lanes, time, state.agent, pc});
  }
  const char *missing = nullptr;
  if (cta.liveThreads() == 0)
    missing = "the block whose shared memory this operation uses has exited";
  else if (!knowsStart(state, lanes, cta.rank))
    missing = "nothing, such as a cluster barrier, orders this operation "
              "behind the start of the block whose shared memory it uses";
  if (!missing)
    return;
  Finding found =
      finding(Kind::Cluster, inst, warp,
              static_cast<uint32_t>(std::countr_zero(lanes)), missing);
  found.object = "shared memory of another block of the cluster";
  found.otherBlock = cta.id;
  report(std::move(found));
}

/// Whether anything that the lanes know comes from a thread of that block.
bool OrderCheck::knowsStart(const WarpState &state, uint32_t lanes,
                            uint32_t rank) const {
  if (state.clusterStarted)
    return true;
  uint32_t first = rank * launch->warpsPerCta;
  uint32_t end = first + launch->warpsPerCta;
  for (const LaneGroup &group : state.groups) {
    const ClockRef &clock = group.view.generic;
    if (!(group.lanes & lanes) || !clock)
      continue;
    for (uint32_t warp = first; warp < end; ++warp)
      if (clock->wholeTime(warp))
        return true;
    for (const Partial &each : clock->partial)
      if (each.agent >= first && each.agent < end)
        return true;
  }
  return false;
}

/// Everything that the block's threads knew when they exited.
View OrderCheck::lastView(Cta &cta) {
  View last;
  for (Warp &warp : cta.warps) {
    WarpState &state = stateOf(warp);
    for (const LaneGroup &group : state.groups)
      last.join(group.view);
    last.generic.edit().raise(state.agent, state.time);
  }
  return last;
}

void OrderCheck::clusterLeftovers(ClusterState &cluster) {
  for (Cta &cta : cluster.cluster->ctas) {
    CtaState &state = cluster.ctas[cta.rank];
    Warp &witness = cta.warps[0];
    View last = lastView(cta);
    if (touched && !state.triggered)
      addTrigger(last);
    for (const RemoteAccess &access : state.remote) {
      if (last.generic.covers(access.agent, access.lanes, access.time))
        continue;
      uint32_t rank = access.warp / launch->warpsPerCta;
      Warp &other =
          cluster.cluster->ctas[rank].warps[access.warp % launch->warpsPerCta];
      Finding found = finding(
          Kind::Cluster, code(access.pc), other,
          static_cast<uint32_t>(std::countr_zero(access.lanes)),
          "nothing, such as a cluster barrier, keeps the block whose shared "
          "memory this operation uses from exiting before it");
      found.object = "shared memory of another block of the cluster";
      found.otherBlock = cta.id;
      report(std::move(found));
    }
    mbarrierLeftovers(cluster, cta, witness, last);
    bulkLeftovers(cluster, cta);
  }
}

void OrderCheck::mbarrierLeftovers(ClusterState &cluster, Cta &cta,
                                   Warp &witness, const View &last) {
  for (auto &[offset, state] : cluster.ctas[cta.rank].mbarriers) {
    Mbarrier object;
    uint64_t bits;
    std::memcpy(&bits, cta.shared + offset, sizeof bits);
    if (!state.live || !Mbarrier::decode(bits, object))
      continue;
    settle(cta, offset, state);
    std::string message;
    uint32_t pc = state.initPc;
    if (object.transactions != 0) {
      message = "the block exits while the mbarrier's phase " +
                std::to_string(state.phases) + " has " +
                std::to_string(object.transactions) +
                " bytes expected and not completed";
      if (state.lastExpectPc)
        pc = state.lastExpectPc;
    } else if (state.lastAsyncPhase &&
               !last.generic.covers(state.agent, allLanes,
                                    state.lastAsyncPhase)) {
      message = "the block exits without a wait for the phase that this copy "
                "into its shared memory completes";
      pc = state.lastAsyncPc;
    }
    if (message.empty())
      continue;
    Finding found =
        finding(Kind::Barrier, code(pc), witness, 0, std::move(message));
    found.thread.reset();
    nameShared(found, cta, offset);
    report(std::move(found));
  }
}

/// Bulk copies that may still read shared memory when the block is gone.
void OrderCheck::bulkLeftovers(ClusterState &cluster, Cta &cta) {
  for (Warp &warp : cta.warps) {
    WarpState &state =
        cluster.warps[cta.rank * launch->warpsPerCta + warp.index];
    for (const auto &[lane, groups] : state.bulk)
      if (groups.lastRead > groups.read)
        report(finding(Kind::Barrier, code(groups.lastReadPc), warp, lane,
                       "the block exits without a cp.async.bulk.wait_group "
                       "for this operation, which may still read its shared "
                       "memory"));
  }
}

//===----------------------------------------------------------------------===//
// Faults
//===----------------------------------------------------------------------===//

static bool contains(const std::string &text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void OrderCheck::faulted(const Inst &inst, Warp &warp, uint32_t lane,
                         ErrorKind error, const std::string &message) {
  if (error != ErrorKind::IllegalInstruction)
    return;
  Kind kind = Kind::Barrier;
  bool diverged = contains(message, "needs all its lanes") ||
                  contains(message, "lost lanes");
  EffectKind effect = kindOf(inst);
  switch (effect) {
  case EffectKind::BarrierSync:
  case EffectKind::BarrierArrive:
  case EffectKind::AsyncArrive:
  case EffectKind::ClusterArrive:
  case EffectKind::ClusterWait:
    break;
  case EffectKind::BulkCopy:
  case EffectKind::TensorCopy:
  case EffectKind::StoreAsync:
    if (!contains(message, "mbarrier"))
      return;
    break;
  case EffectKind::WgmmaIssue:
  case EffectKind::WgmmaFence:
  case EffectKind::WgmmaCommit:
  case EffectKind::WgmmaWait:
    kind = Kind::Wgmma;
    break;
  default:
    if (!isMbarrier(effect) && !diverged)
      return;
    break;
  }
  if (diverged)
    kind = Kind::Divergence;
  report(finding(kind, inst, warp, lane, message));
}

//===----------------------------------------------------------------------===//
// Deadlocks
//===----------------------------------------------------------------------===//

/// What the strand waits for, and who should have come.
std::string OrderCheck::waitingText(Warp &warp, const Strand &strand) {
  const Inst &inst = launch->program->code[strand.pc];
  switch (strand.wait) {
  case WaitKind::Convergence: {
    uint32_t missing = strand.token & ~strand.mask;
    std::string text = "waits for lanes of its warp that do not come:";
    for (uint32_t lanes = missing; lanes; lanes &= lanes - 1)
      text += " " + std::to_string(std::countr_zero(lanes));
    return text;
  }
  case WaitKind::Barrier: {
    warp.pc = strand.pc;
    const NamedBarrier &barrier =
        warp.cta->barriers[warp.row32<uint32_t>(
                               inst.a)[std::countr_zero(strand.mask)] %
                           namedBarriers];
    uint32_t expected =
        barrier.expected ? barrier.expected : warp.cta->liveThreads();
    return "waits at a barrier where " + std::to_string(barrier.arrived) +
           " of " + std::to_string(expected) + " threads have arrived";
  }
  case WaitKind::ClusterBarrier: {
    const Cluster &cluster = *warp.cta->cluster;
    return "waits at the cluster's barrier where " +
           std::to_string(cluster.barrierArrived) + " of " +
           std::to_string(cluster.liveThreads()) + " threads have arrived";
  }
  case WaitKind::Mbarrier:
    return mbarrierText(warp, strand);
  case WaitKind::Wgmma:
    return "waits for a wgmma that not all warps of its warpgroup issued";
  case WaitKind::Grid:
    return "waits for the launches that this one depends on";
  case WaitKind::None:
    break;
  }
  return "polls memory that nobody changes";
}

/// The mbarrier that a strand waits at; null where none is known to be.
MbarrierState *OrderCheck::waitedMbarrier(Warp &warp, const Strand &strand,
                                          const std::byte *&at, Cta *&cta,
                                          uint32_t &offset) {
  const Inst &inst = launch->program->code[strand.pc];
  int lane = std::countr_zero(strand.mask);
  warp.useFrame(strand.frame);
  const char *error = nullptr;
  at = hostPointer(inst, warp, lane, spaceOf(inst),
                   laneAddress(inst, warp, lane), sizeof(uint64_t), error);
  return at ? mbarrierAt(warp, at, cta, offset) : nullptr;
}

std::string OrderCheck::mbarrierText(Warp &warp, const Strand &strand) {
  const std::byte *at = nullptr;
  Cta *cta = nullptr;
  uint32_t offset = 0;
  MbarrierState *state = waitedMbarrier(warp, strand, at, cta, offset);
  Mbarrier object;
  uint64_t bits = 0;
  if (at)
    std::memcpy(&bits, at, sizeof bits);
  if (!state || !Mbarrier::decode(bits, object))
    return "waits for an mbarrier's phase";
  std::string text = "waits for phase " + std::to_string(state->phases) +
                     " of the mbarrier at shared address " +
                     std::to_string(offset) + ", which lacks ";
  if (object.pending)
    text += std::to_string(object.pending) + " of " +
            std::to_string(object.expected) + " arrivals";
  if (object.transactions)
    text += (object.pending ? " and " : "") +
            std::to_string(object.transactions) + " bytes";
  return text;
}

static std::string tupleText(const Dim3 &dim) {
  return "(" + std::to_string(dim.x) + "," + std::to_string(dim.y) + "," +
         std::to_string(dim.z) + ")";
}

void OrderCheck::deadlocked(Cluster &cluster, const std::string &) {
  static constexpr size_t maxLines = 16;
  Finding found;
  std::string text;
  size_t lines = 0;
  bool diverged = false;
  for (Cta &cta : cluster.ctas)
    for (Warp &warp : cta.warps)
      for (const Strand &strand : warp.strands) {
        const Inst &inst = launch->program->code[strand.pc];
        auto lane = static_cast<uint32_t>(std::countr_zero(strand.mask));
        warp.useFrame(strand.frame);
        std::string line = waitingText(warp, strand);
        if (!found.place || (strand.wait == WaitKind::Convergence && !diverged))
          found = finding(Kind::Deadlock, inst, warp, lane, line);
        diverged |= strand.wait == WaitKind::Convergence;
        phaseFinding(warp, strand);
        if (++lines > maxLines)
          continue;
        const ptx::Source &source = launch->program->source;
        text += "\n  block " + tupleText(cta.id) + " warp " +
                std::to_string(warp.index) + " " + line + ", line " +
                std::to_string(source.position(inst.location).line);
      }
  if (lines > maxLines)
    text += "\n  and " + std::to_string(lines - maxLines) + " more";
  transactionFindings(cluster);
  if (diverged) {
    Finding divergence = found;
    divergence.kind = Kind::Divergence;
    divergence.message =
        "this instruction needs lanes of the warp that went another way";
    report(std::move(divergence));
  }
  found.kind = Kind::Deadlock;
  found.message = "nobody can move: this thread " + found.message + text;
  report(std::move(found));
}

void OrderCheck::overdue(Cluster &cluster) {
  for (Cta &cta : cluster.ctas)
    for (Warp &warp : cta.warps) {
      if (warp.done())
        continue;
      const Strand &strand = warp.strands[warp.current];
      warp.useFrame(strand.frame);
      return report(
          finding(Kind::Deadlock, launch->program->code[strand.pc], warp,
                  static_cast<uint32_t>(std::countr_zero(strand.mask)),
                  "the kernel has not ended within its time limit, and this "
                  "thread is here"));
    }
}

/// Phases that lack bytes, or have too many, are miscounted.
void OrderCheck::transactionFindings(Cluster &cluster) {
  for (Cta &cta : cluster.ctas)
    for (auto &[offset, state] : stateOf(cluster).ctas[cta.rank].mbarriers) {
      Mbarrier object;
      uint64_t bits;
      std::memcpy(&bits, cta.shared + offset, sizeof bits);
      if (!state.live || !Mbarrier::decode(bits, object) ||
          object.transactions == 0)
        continue;
      uint32_t pc = state.lastExpectPc ? state.lastExpectPc : state.lastAsyncPc;
      int64_t more = object.transactions;
      Finding found = finding(
          Kind::Barrier, code(pc), cta.warps[0], 0,
          more > 0 ? std::to_string(more) + " more bytes were expected than "
                                            "copies complete in this phase"
                   : std::to_string(-more) + " more bytes were completed than "
                                             "expected in this phase");
      found.thread.reset();
      nameShared(found, cta, offset);
      if (state.lastAsyncPhase && pc != state.lastAsyncPc)
        found.other = {&launch->program->source,
                       code(state.lastAsyncPc).location};
      report(std::move(found));
    }
}

/// A warp that waits for a parity which two phases have had meanwhile.
void OrderCheck::phaseFinding(Warp &warp, const Strand &strand) {
  if (strand.wait != WaitKind::Mbarrier)
    return;
  const std::byte *at = nullptr;
  Cta *cta = nullptr;
  uint32_t offset = 0;
  MbarrierState *state = waitedMbarrier(warp, strand, at, cta, offset);
  if (!state)
    return;
  settle(*cta, offset, *state);
  auto seen = state->seen.find(stateOf(warp).agent);
  uint32_t last = seen == state->seen.end() ? 0 : seen->second;
  if (state->phases < last + 2)
    return;
  Finding found = finding(
      Kind::Barrier, launch->program->code[strand.pc], warp,
      static_cast<uint32_t>(std::countr_zero(strand.mask)),
      "a phase is lost: the mbarrier has completed " +
          std::to_string(state->phases - last) +
          " phases since this warp last saw one, so the parity it waits for "
          "stands for a later phase");
  nameShared(found, *cta, offset);
  report(std::move(found));
}

} // namespace tilewright::sim::check
