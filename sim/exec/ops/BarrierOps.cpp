//===- BarrierOps.cpp - bar, barrier and barrier.cluster ------------------===//

#include "sim/exec/ops/BarrierOps.h"

#include "sim/exec/Cta.h"

#include <bit>

namespace tilewright::sim {

/// The barrier that an instruction names, with its thread count checked and
/// set; null after a fault.
static NamedBarrier *findBarrier(const Inst &inst, Warp &warp) {
  int lane = std::countr_zero(warp.mask);
  uint32_t index = warp.row32<uint32_t>(inst.a)[lane];
  if (index >= namedBarriers) {
    warp.fault(inst, ErrorKind::IllegalInstruction,
               "there is no barrier " + std::to_string(index));
    return nullptr;
  }
  NamedBarrier &barrier = warp.cta->barriers[index];
  uint32_t expected = inst.b == noRef ? 0 : warp.row32<uint32_t>(inst.b)[lane];
  if (inst.b != noRef && (expected == 0 || expected % laneCount)) {
    warp.fault(inst, ErrorKind::IllegalInstruction,
               "barrier for " + std::to_string(expected) +
                   " threads, which is no multiple of the warp size");
    return nullptr;
  }
  if (barrier.arrived && barrier.expected != expected) {
    warp.fault(inst, ErrorKind::IllegalInstruction,
               "barrier " + std::to_string(index) + " is in use for " +
                   std::to_string(barrier.expected) + " threads, not " +
                   std::to_string(expected));
    return nullptr;
  }
  barrier.expected = expected;
  return &barrier;
}

/// Arrivals count whole warps where the program gives a count.
static uint32_t arrivingThreads(const Inst &inst, const Warp &warp) {
  if (inst.b != noRef && warp.mask == warp.live())
    return laneCount;
  return static_cast<uint32_t>(std::popcount(warp.mask));
}

/// Arrives once, then waits for the phase to end. True when it has.
static bool arriveAndWait(const Inst &inst, Warp &warp, NamedBarrier *&barrier,
                          Status &status, bool isReduction) {
  Strand &strand = warp.strand();
  if (!strand.arrived) {
    if ((inst.imm & barrierAligned) && !warp.converged(inst, status))
      return false;
    barrier = findBarrier(inst, warp);
    if (!barrier) {
      status = Status::Fault;
      return false;
    }
    strand.token = barrier->phase;
    strand.arrived = true;
    if (isReduction) {
      uint32_t value = warp.predicates[inst.c];
      value = (inst.imm & barrierNegate ? ~value : value) & warp.mask;
      barrier->count += static_cast<uint32_t>(std::popcount(value));
      barrier->all &= value == warp.mask;
      barrier->any |= value != 0;
    }
    warp.cta->arrive(*barrier, arrivingThreads(inst, warp));
    ++warp.cta->cluster->events;
  }
  uint32_t index = warp.row32<uint32_t>(inst.a)[std::countr_zero(warp.mask)];
  barrier = &warp.cta->barriers[index];
  if (barrier->phase == strand.token) {
    status = warp.block(WaitKind::Barrier);
    return false;
  }
  strand.arrived = false;
  return true;
}

Status runBarrierSync(const Inst &inst, Warp &warp) {
  NamedBarrier *barrier = nullptr;
  Status status = Status::Next;
  arriveAndWait(inst, warp, barrier, status, false);
  return status;
}

Status runBarrierArrive(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if ((inst.imm & barrierAligned) && !warp.converged(inst, status))
    return status;
  NamedBarrier *barrier = findBarrier(inst, warp);
  if (!barrier)
    return Status::Fault;
  warp.cta->arrive(*barrier, arrivingThreads(inst, warp));
  ++warp.cta->cluster->events;
  return Status::Next;
}

Status runBarrierPopc(const Inst &inst, Warp &warp) {
  NamedBarrier *barrier = nullptr;
  Status status = Status::Next;
  if (!arriveAndWait(inst, warp, barrier, status, true))
    return status;
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    d[std::countr_zero(lanes)] = barrier->lastCount;
  return Status::Next;
}

static void writeResult(const Inst &inst, Warp &warp, bool value) {
  if (inst.d == noRef)
    return;
  uint32_t &row = warp.predicates[inst.d];
  row = value ? row | warp.mask : row & ~warp.mask;
}

Status runBarrierAnd(const Inst &inst, Warp &warp) {
  NamedBarrier *barrier = nullptr;
  Status status = Status::Next;
  if (arriveAndWait(inst, warp, barrier, status, true))
    writeResult(inst, warp, barrier->lastAll);
  return status;
}

Status runBarrierOr(const Inst &inst, Warp &warp) {
  NamedBarrier *barrier = nullptr;
  Status status = Status::Next;
  if (arriveAndWait(inst, warp, barrier, status, true))
    writeResult(inst, warp, barrier->lastAny);
  return status;
}

//===----------------------------------------------------------------------===//
// barrier.cluster
//===----------------------------------------------------------------------===//

Status runClusterArrive(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if ((inst.imm & barrierAligned) && !warp.converged(inst, status))
    return status;
  Cluster &cluster = *warp.cta->cluster;
  warp.clusterToken = cluster.barrierPhase;
  cluster.barrierArrived += static_cast<uint32_t>(std::popcount(warp.mask));
  ++cluster.events;
  cluster.checkBarrier();
  return Status::Next;
}

Status runClusterWait(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if ((inst.imm & barrierAligned) && !warp.converged(inst, status))
    return status;
  Cluster &cluster = *warp.cta->cluster;
  if (cluster.barrierPhase == warp.clusterToken)
    return warp.block(WaitKind::ClusterBarrier);
  ++cluster.events;
  return Status::Next;
}

} // namespace tilewright::sim
