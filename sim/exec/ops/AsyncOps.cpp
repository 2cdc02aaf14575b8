//===- AsyncOps.cpp - cp.async, st.async and groups -----------------------===//

#include "sim/exec/ops/AsyncOps.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncIssue.h"
#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace tilewright::sim {

using ptx::Space;

const char *completeBytes(Warp &warp, uint64_t address, uint64_t bytes) {
  const char *error = nullptr;
  if (address & 7)
    return "misaligned mbarrier";
  std::byte *object = sharedPointer(warp, address, 8, error);
  if (!object)
    return error;
  uint64_t before = 0;
  ++warp.cta->cluster->events;
  return updateMbarrier(object, 0, 0, static_cast<int64_t>(bytes), false,
                        before);
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static AsyncTrack trackOf(const Inst &inst) {
  return inst.flags & asyncBulk ? AsyncTrack::Bulk : AsyncTrack::Copy;
}

Status runAsyncCommit(const Inst &inst, Warp &warp) {
  if (isDeferred(warp))
    warp.cta->cluster->async.commit(warp, trackOf(inst));
  return Status::Next;
}

Status runAsyncWait(const Inst &inst, Warp &warp) {
  if (!isDeferred(warp))
    return Status::Next;
  Cluster &cluster = *warp.cta->cluster;
  AsyncQueue::Wait wait;
  wait.track = trackOf(inst);
  wait.all = inst.flags & asyncAll;
  wait.readsOnly = inst.flags & asyncReadsOnly;
  wait.pending = static_cast<uint32_t>(inst.imm);
  return cluster.async.wait(warp, wait, cluster.random) ? Status::Next
                                                        : Status::Fault;
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

static const char *copyTo(std::byte *destination, const std::byte *source,
                          uint32_t bytes, uint32_t allBytes) {
  if (bytes)
    std::memcpy(destination, source, bytes);
  std::memset(destination + bytes, 0, allBytes - bytes);
  return nullptr;
}

uint32_t bytesRead(const AsyncCopySpec &spec, const Warp &warp, uint32_t lane) {
  if (spec.ignore != noRef &&
      bool(warp.predicates[spec.ignore] >> lane & 1) != spec.ignoreNegated)
    return 0;
  return spec.sourceBytes == noRef
             ? spec.bytes
             : std::min(spec.bytes, read32(warp, spec.sourceBytes, lane));
}

static Status copyOne(const Inst &inst, Warp &warp, int lane,
                      const AsyncCopySpec &spec) {
  const char *error = nullptr;
  uint64_t to = read64(warp, inst.a, lane), from = read64(warp, inst.b, lane);
  if ((to | from) & (spec.bytes - 1))
    return faultAt(inst, warp, lane, "misaligned address");
  std::byte *destination = sharedPointer(warp, to, spec.bytes, error);
  if (!destination)
    return faultAt(inst, warp, lane, error);
  uint32_t allBytes = spec.bytes;
  uint32_t bytes = bytesRead(spec, warp, static_cast<uint32_t>(lane));
  const std::byte *source = nullptr;
  if (bytes)
    source = hostPointer(inst, warp, lane, Space::Global, from, bytes, error);
  if (error)
    return faultAt(inst, warp, lane, error);
  return issue(inst, warp, lane, AsyncTrack::Copy,
               [=] { return copyTo(destination, source, bytes, allBytes); });
}

Status runAsyncCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const AsyncCopySpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (copyOne(inst, warp, std::countr_zero(lanes), spec) == Status::Fault)
      return Status::Fault;
  return Status::Next;
}

static std::string arriveAt(std::byte *object, Cluster *cluster) {
  uint64_t before = 0;
  ++cluster->events;
  return textOf(updateMbarrier(object, 1, 0, 0, false, before));
}

/// Without .noinc the arrival is first added to the pending count.
static Status arriveAfterCopies(const Inst &inst, Warp &warp, int lane,
                                std::byte *object, bool noinc) {
  Mbarrier barrier;
  uint64_t bits;
  std::memcpy(&bits, object, sizeof bits);
  if (!noinc && Mbarrier::decode(bits, barrier)) {
    ++barrier.pending;
    bits = barrier.encode();
    std::memcpy(object, &bits, sizeof bits);
  }
  AsyncOp op = opOf(inst, warp, lane, AsyncTrack::None);
  op.afterCopies = true;
  Cluster *cluster = warp.cta->cluster;
  op.write = [=] { return arriveAt(object, cluster); };
  return defer(std::move(op));
}

Status runAsyncArrive(const Inst &inst, Warp &warp) {
  bool noinc = inst.target;
  LanePointers pointers;
  if (!resolveSlow(inst, warp, 8, pointers))
    return Status::Fault;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::byte *object = pointers.at[lane];
    if (isDeferred(warp)) {
      if (arriveAfterCopies(inst, warp, lane, object, noinc) == Status::Fault)
        return Status::Fault;
      continue;
    }
    // Prior copies are complete, so what would be added is taken back at once.
    std::string error = noinc ? arriveAt(object, warp.cta->cluster) : "";
    if (!error.empty())
      return faultAt(inst, warp, lane, std::move(error));
  }
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// st.async and red.async
//===----------------------------------------------------------------------===//

static const char *storeValues(Warp &warp, const StoreAsyncSpec &spec,
                               std::byte *to,
                               const std::array<uint64_t, 4> &values,
                               uint64_t mbarrier) {
  uint32_t element = ptx::typeBytes(spec.type);
  for (uint32_t i = 0; i < spec.count; ++i)
    if (spec.reduces)
      atomicUpdate(spec.op, spec.type, to + i * element, values[i], 0);
    else
      std::memcpy(to + i * element, &values[i], element);
  return completeBytes(warp, mbarrier, element * spec.count);
}

static Status storeAsyncOne(const Inst &inst, Warp &warp, int lane,
                            const StoreAsyncSpec &spec) {
  uint32_t element = ptx::typeBytes(spec.type);
  uint32_t bytes = element * spec.count;
  uint64_t address = read64(warp, spec.address, lane);
  if (address & (bytes - 1))
    return faultAt(inst, warp, lane, "misaligned address");
  const char *error = nullptr;
  std::byte *to = sharedPointer(warp, address, bytes, error);
  if (!to)
    return faultAt(inst, warp, lane, error);
  std::array<uint64_t, 4> values{};
  for (uint32_t i = 0; i < spec.count; ++i)
    values[i] = element == 8 ? read64(warp, spec.values[i], lane)
                             : read32(warp, spec.values[i], lane);
  uint64_t mbarrier = read64(warp, spec.mbarrier, lane);
  return issue(inst, warp, lane, AsyncTrack::None, [=, &warp, &spec] {
    return storeValues(warp, spec, to, values, mbarrier);
  });
}

Status runStoreAsync(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const StoreAsyncSpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (storeAsyncOne(inst, warp, std::countr_zero(lanes), spec) ==
        Status::Fault)
      return Status::Fault;
  return Status::Next;
}

} // namespace tilewright::sim
