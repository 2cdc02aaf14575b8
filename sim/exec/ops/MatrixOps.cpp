//===- MatrixOps.cpp - Tensor-core instructions ---------------------------===//

#include "sim/exec/ops/MatrixOps.h"

#include "sim/exec/Memory.h"

#include <bit>

namespace tilewright::sim {

static Status illegal(const Inst &inst, Warp &warp, std::string message) {
  return warp.fault(inst, ErrorKind::IllegalInstruction, std::move(message));
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

/// The queue of the warp's warpgroup; null after a fault.
static WgmmaQueue *queueOf(const Inst &inst, Warp &warp) {
  uint32_t group = warp.index / warpgroupWarps;
  if ((group + 1) * warpgroupWarps > warp.cta->warps.size()) {
    illegal(inst, warp, "the block has no whole warpgroup here");
    return nullptr;
  }
  return &warp.cta->wgmma[group];
}

/// Runs the oldest operation, which all four warps have issued.
static Status runOldest(const Inst &inst, Warp &warp, WgmmaQueue &queue) {
  uint32_t first = warp.index / warpgroupWarps * warpgroupWarps;
  const WgmmaQueue::Issue lead = queue.issues[0].front();
  const auto &spec = *static_cast<const WgmmaSpec *>(lead.inst->aux);
  WarpgroupRegisters d, a;
  d.offset = spec.d.data();
  a.offset = spec.a.data();
  for (uint32_t w = 0; w < warpgroupWarps; ++w) {
    const WgmmaQueue::Issue &issue = queue.issues[w].front();
    if (issue.inst != lead.inst || issue.scaleD != lead.scaleD ||
        issue.descriptorB != lead.descriptorB ||
        issue.descriptorA != lead.descriptorA)
      return illegal(inst, warp,
                     "the warps of a warpgroup issue different wgmma "
                     "operations");
    Warp &member = warp.cta->warps[first + w];
    d.warp[w] = a.warp[w] =
        reinterpret_cast<uint32_t *>(member.rows32.data() + issue.frameBase);
  }
  SharedWindow shared{reinterpret_cast<const uint8_t *>(warp.cta->shared),
                      warp.cta->sharedSize};
  WgmmaResult result = runWgmma(spec.op, d, lead.scaleD, a, lead.descriptorA,
                                lead.descriptorB, shared);
  for (auto &issues : queue.issues)
    issues.erase(issues.begin());
  ++queue.completed;
  if (result.fault != WgmmaFault::None)
    return warp.fault(
        inst, ErrorKind::IllegalAddress,
        std::string("descriptor of ") +
            (result.fault == WgmmaFault::AOutOfBounds ? "A" : "B") +
            " leaves shared memory at address " +
            std::to_string(result.address));
  return Status::Next;
}

Status runWgmmaIssue(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!warp.converged(inst, status))
    return status;
  if (warp.mask != allLanes)
    return illegal(inst, warp, "wgmma in a warp that has lost lanes");
  WgmmaQueue *queue = queueOf(inst, warp);
  if (!queue)
    return Status::Fault;
  const auto &spec = *static_cast<const WgmmaSpec *>(inst.aux);
  WgmmaQueue::Issue issue;
  issue.inst = &inst;
  issue.frameBase = warp.frame().base32;
  if (!spec.op.aInRegisters)
    issue.descriptorA = warp.row64<uint64_t>(inst.a)[0];
  issue.descriptorB = warp.row64<uint64_t>(inst.b)[0];
  uint32_t scale = warp.predicates[inst.c];
  scale = inst.imm ? ~scale : scale;
  if (scale != 0 && scale != allLanes)
    return illegal(inst, warp, "scale-d differs between lanes");
  issue.scaleD = scale != 0;
  queue->issues[warp.index % warpgroupWarps].push_back(issue);
  ++warp.wgmmaIssued;
  ++warp.cta->cluster->events;
  // Products may also be as late as the wait for them.
  if (warp.cta->cluster->random.oneIn(2) || !queue->ready())
    return Status::Next;
  return runOldest(inst, warp, *queue);
}

Status runWgmmaFence(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  warp.converged(inst, status);
  return status;
}

Status runWgmmaCommit(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!warp.converged(inst, status))
    return status;
  warp.wgmmaGroups.push_back(warp.wgmmaIssued);
  return Status::Next;
}

Status runWgmmaWait(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!warp.converged(inst, status))
    return status;
  size_t inFlight = static_cast<size_t>(inst.imm);
  std::vector<uint32_t> &groups = warp.wgmmaGroups;
  if (groups.size() <= inFlight)
    return Status::Next;
  WgmmaQueue *queue = queueOf(inst, warp);
  if (!queue)
    return Status::Fault;
  size_t finished = groups.size() - inFlight;
  while (static_cast<int32_t>(queue->completed - groups[finished - 1]) < 0) {
    if (!queue->ready())
      return warp.block(WaitKind::Wgmma);
    if (runOldest(inst, warp, *queue) == Status::Fault)
      return Status::Fault;
  }
  groups.erase(groups.begin(),
               groups.begin() + static_cast<ptrdiff_t>(finished));
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// mma.sync
//===----------------------------------------------------------------------===//

/// Registers of the largest form.
static constexpr size_t maxFragment = 8;

Status runMma(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!warp.converged(inst, status))
    return status;
  if (warp.mask != allLanes)
    return illegal(inst, warp, "mma in a warp that has lost lanes");
  const auto &spec = *static_cast<const MmaSpec *>(inst.aux);
  auto row = [&](Ref ref) -> void * {
    return spec.row64 ? static_cast<void *>(warp.row64<uint64_t>(ref))
                      : static_cast<void *>(warp.row32<uint32_t>(ref));
  };
  void *d[maxFragment];
  const void *a[maxFragment], *b[maxFragment], *c[maxFragment];
  for (size_t i = 0; i < spec.d.size(); ++i)
    d[i] = row(spec.d[i]);
  for (size_t i = 0; i < spec.a.size(); ++i)
    a[i] = row(spec.a[i]);
  for (size_t i = 0; i < spec.b.size(); ++i)
    b[i] = row(spec.b[i]);
  for (size_t i = 0; i < spec.c.size(); ++i)
    c[i] = row(spec.c[i]);
  runMmaSync(spec.op, d, a, b, c);
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// ldmatrix, stmatrix, movmatrix
//===----------------------------------------------------------------------===//

/// Rows of 16 bytes, eight to a matrix; only lanes that give one matter.
static bool resolveRows(const Inst &inst, Warp &warp, int count,
                        uint8_t **rows) {
  uint32_t all = warp.mask;
  warp.mask = count == 4 ? allLanes : (1u << (8 * count)) - 1;
  LanePointers pointers;
  bool ok = resolveSlow(inst, warp, 16, pointers);
  warp.mask = all;
  for (int i = 0; ok && i < 8 * count; ++i)
    rows[i] = reinterpret_cast<uint8_t *>(pointers.at[i]);
  return ok;
}

static bool ready(const Inst &inst, Warp &warp, Status &status) {
  if (!warp.converged(inst, status))
    return false;
  if (warp.mask != allLanes) {
    status = illegal(inst, warp, "matrix access in a warp that has lost lanes");
    return false;
  }
  return true;
}

Status runLoadMatrix(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const MatrixMoveSpec *>(inst.aux);
  uint8_t *rows[laneCount];
  if (!resolveRows(inst, warp, spec.count, rows))
    return Status::Fault;
  uint32_t *registers[4];
  for (int i = 0; i < spec.count; ++i)
    registers[i] = warp.row32<uint32_t>(spec.registers[i]);
  loadMatrix(spec.count, spec.transpose, rows, registers);
  return Status::Next;
}

Status runStoreMatrix(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const MatrixMoveSpec *>(inst.aux);
  uint8_t *rows[laneCount];
  if (!resolveRows(inst, warp, spec.count, rows))
    return Status::Fault;
  const uint32_t *registers[4];
  for (int i = 0; i < spec.count; ++i)
    registers[i] = warp.row32<uint32_t>(spec.registers[i]);
  storeMatrix(spec.count, spec.transpose, rows, registers);
  return Status::Next;
}

Status runTransposeMatrix(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  transposeMatrix(warp.row32<uint32_t>(inst.d), warp.row32<uint32_t>(inst.a));
  return Status::Next;
}

} // namespace tilewright::sim
