//===- BulkOps.cpp - Bulk and tensor copies -------------------------------===//

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncIssue.h"
#include "sim/exec/ops/AsyncOps.h"

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <vector>

namespace tilewright::sim {

using ptx::Space;

/// The same offset in shared memory of CTA `rank`.
static uint64_t inCta(uint64_t address, uint32_t rank) {
  return (address & clusterOffsetMask) | uint64_t(rank + 1) << clusterRankShift;
}

//===----------------------------------------------------------------------===//
// cp.async.bulk
//===----------------------------------------------------------------------===//

static const char *reduceBytes(const BulkSpec &spec, std::byte *to,
                               const std::byte *from, uint32_t size) {
  uint32_t element = ptx::typeBytes(spec.type);
  if (size % element)
    return "size is no multiple of the element";
  for (uint32_t at = 0; at < size; at += element) {
    uint64_t value = 0;
    std::memcpy(&value, from + at, element);
    if (spec.op == AtomicOp::Add && spec.type == ptx::Type::F32)
      atomicAddFlushing(to + at, static_cast<uint32_t>(value));
    else
      atomicUpdate(spec.op, spec.type, to + at, value, 0);
  }
  return nullptr;
}

static void copyMasked(std::byte *to, const std::byte *from, uint32_t size,
                       uint32_t byteMask) {
  for (uint32_t i = 0; i < size; ++i)
    if (byteMask >> (i % 16) & 1)
      to[i] = from[i];
}

namespace {
/// A lane's operands.
struct BulkCall {
  uint64_t to = 0, from = 0, mbarrier = 0;
  uint32_t size = 0, ctaMask = 0, byteMask = 0;
};
} // namespace

static const char *bulkTo(const Inst &inst, Warp &warp, int lane,
                          const BulkSpec &spec, const BulkCall &call,
                          const std::byte *from) {
  const char *error = nullptr;
  std::byte *to =
      hostPointer(inst, warp, lane, spec.to, call.to, call.size, error);
  if (!to)
    return error;
  if (spec.reduces)
    error = reduceBytes(spec, to, from, call.size);
  else if (spec.byteMask != noRef)
    copyMasked(to, from, call.size, call.byteMask);
  else
    std::memmove(to, from, call.size);
  if (!error && spec.completion == BulkCompletion::Mbarrier)
    error = completeBytes(warp, call.mbarrier, call.size);
  return error;
}

static const char *bulkToAll(const Inst &inst, Warp &warp, int lane,
                             const BulkSpec &spec, const BulkCall &call,
                             const std::byte *source) {
  if (spec.ctaMask == noRef)
    return bulkTo(inst, warp, lane, spec, call, source);
  for (uint32_t ctas = call.ctaMask & 0xffff; ctas; ctas &= ctas - 1) {
    uint32_t rank = static_cast<uint32_t>(std::countr_zero(ctas));
    if (rank >= warp.launch->clusterCtas)
      return "multicast to a CTA that the cluster does not have";
    BulkCall one = call;
    one.to = inCta(call.to, rank);
    one.mbarrier = inCta(call.mbarrier, rank);
    if (const char *error = bulkTo(inst, warp, lane, spec, one, source))
      return error;
  }
  return nullptr;
}

/// The source may be read long before the destination is written.
static Status deferBulk(const Inst &inst, Warp &warp, int lane,
                        const BulkSpec &spec, const BulkCall &call,
                        const std::byte *source) {
  bool grouped = spec.completion == BulkCompletion::Group;
  AsyncOp op =
      opOf(inst, warp, lane, grouped ? AsyncTrack::Bulk : AsyncTrack::None);
  auto taken = std::make_shared<std::vector<std::byte>>();
  op.read = [=] {
    taken->assign(source, source + call.size);
    return std::string();
  };
  op.write = [&inst, &warp, &spec, lane, call, taken] {
    return textOf(bulkToAll(inst, warp, lane, spec, call, taken->data()));
  };
  return defer(std::move(op));
}

static BulkCall bulkCall(const Warp &warp, int lane, const BulkSpec &spec) {
  BulkCall call;
  call.to = read64(warp, spec.destination, lane);
  call.from = read64(warp, spec.source, lane);
  call.size = read32(warp, spec.size, lane);
  if (spec.mbarrier != noRef)
    call.mbarrier = read64(warp, spec.mbarrier, lane);
  if (spec.ctaMask != noRef)
    call.ctaMask = read32(warp, spec.ctaMask, lane);
  if (spec.byteMask != noRef)
    call.byteMask = read32(warp, spec.byteMask, lane);
  return call;
}

static Status bulkOne(const Inst &inst, Warp &warp, int lane,
                      const BulkSpec &spec) {
  BulkCall call = bulkCall(warp, lane, spec);
  // ISA 9.7.9.25.4.1: addresses and size are multiples of 16.
  if ((call.to | call.from | call.size) & 15)
    return faultAt(
        inst, warp, lane,
        "bulk copy with an address or size that is no multiple of 16");
  if (call.size == 0)
    return Status::Next;
  const char *error = nullptr;
  const std::byte *source =
      hostPointer(inst, warp, lane, spec.from, call.from, call.size, error);
  if (source && isDeferred(warp))
    return deferBulk(inst, warp, lane, spec, call, source);
  if (source)
    error = bulkToAll(inst, warp, lane, spec, call, source);
  return error ? faultAt(inst, warp, lane, error) : Status::Next;
}

Status runBulkCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (bulkOne(inst, warp, std::countr_zero(lanes), spec) == Status::Fault)
      return Status::Fault;
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// cp.async.bulk.tensor
//===----------------------------------------------------------------------===//

static uint8_t *translateGlobal(void *context, uint64_t address, uint64_t size,
                                bool) {
  const auto &memory = *static_cast<const GlobalMemory *>(context);
  return memory.contains(address, size) ? reinterpret_cast<uint8_t *>(address)
                                        : nullptr;
}

static GlobalAccess globalOf(Warp &warp) {
  return {const_cast<GlobalMemory *>(&warp.launch->memory), translateGlobal};
}

static SharedSpan sharedOf(const Cta &cta) {
  return {reinterpret_cast<uint8_t *>(cta.shared), cta.sharedSize};
}

static std::string loadInto(Warp &warp, const TensorMap &map,
                            const int32_t *coordinates, uint64_t shared,
                            uint64_t mbarrier) {
  const Cta *cta = ctaOfShared(warp, shared);
  if (!cta)
    return "destination in a CTA that the cluster does not have";
  TransferResult result = loadTensorBox(
      map, coordinates, static_cast<uint32_t>(shared & clusterOffsetMask),
      sharedOf(*cta), globalOf(warp));
  if (!result.error.empty())
    return result.error;
  if (const char *error = completeBytes(warp, mbarrier, result.bytes))
    return error;
  return {};
}

namespace {
/// A lane's operands.
struct TensorCall {
  const TensorMap *map = nullptr;
  std::array<int32_t, maxTensorRank> coordinates{};
  uint64_t shared = 0, mbarrier = 0;
  uint32_t ctaMask = 0;
};
} // namespace

static std::string tensorLoad(Warp &warp, const TensorCopySpec &spec,
                              const TensorCall &call) {
  const int32_t *coordinates = call.coordinates.data();
  if (spec.ctaMask == noRef)
    return loadInto(warp, *call.map, coordinates, call.shared, call.mbarrier);
  for (uint32_t ctas = call.ctaMask & 0xffff; ctas; ctas &= ctas - 1) {
    uint32_t rank = static_cast<uint32_t>(std::countr_zero(ctas));
    if (rank >= warp.launch->clusterCtas)
      return "multicast to a CTA that the cluster does not have";
    std::string error =
        loadInto(warp, *call.map, coordinates, inCta(call.shared, rank),
                 inCta(call.mbarrier, rank));
    if (!error.empty())
      return error;
  }
  return {};
}

/// `source` is the CTA's shared memory, or what it was when it was read.
static std::string tensorStore(Warp &warp, const TensorCopySpec &spec,
                               const TensorCall &call, SharedSpan source) {
  uint32_t address = static_cast<uint32_t>(call.shared & clusterOffsetMask);
  const int32_t *coordinates = call.coordinates.data();
  if (!spec.reduces)
    return storeTensorBox(*call.map, coordinates, address, source,
                          globalOf(warp))
        .error;
  if (const char *error = checkTensorReduction(call.map->type, spec.reduction))
    return error;
  // One reduction at a time: it is not atomic by itself.
  std::lock_guard<std::mutex> lock(warp.launch->reductionMutex);
  return reduceTensorBox(*call.map, spec.reduction, coordinates, address,
                         source, globalOf(warp))
      .error;
}

/// Loads complete in one step; a store's source is read some time before the
/// tensor is written.
static Status deferTensor(const Inst &inst, Warp &warp, int lane,
                          const TensorCopySpec &spec, TensorCall call) {
  auto map = std::make_shared<TensorMap>(*call.map);
  call.map = map.get();
  AsyncOp op =
      opOf(inst, warp, lane, spec.load ? AsyncTrack::None : AsyncTrack::Bulk);
  if (spec.load) {
    op.write = [&warp, &spec, call, map] {
      return tensorLoad(warp, spec, call);
    };
  } else {
    auto taken = std::make_shared<std::vector<std::byte>>();
    op.read = [&warp, taken] {
      const Cta &cta = *warp.cta;
      taken->assign(cta.shared, cta.shared + cta.sharedSize);
      return std::string();
    };
    op.write = [&warp, &spec, call, map, taken] {
      return tensorStore(warp, spec, call,
                         {reinterpret_cast<uint8_t *>(taken->data()),
                          static_cast<uint32_t>(taken->size())});
    };
  }
  return defer(std::move(op));
}

/// Decoding validates everything, and a CTA uses few maps many times.
static const TensorMap *cachedMap(Cta &cta, const std::byte *bytes,
                                  std::string &wrong) {
  for (const TensorMapCache &entry : cta.maps)
    if (std::memcmp(entry.bytes, bytes, tensorMapBytes) == 0)
      return &entry.map;
  TensorMapCache &entry = cta.maps[cta.nextMap++ % std::size(cta.maps)];
  // The decoder may rely on the alignment that the instruction asks for.
  alignas(64) uint8_t aligned[tensorMapBytes];
  std::memcpy(aligned, bytes, tensorMapBytes);
  wrong = decodeTensorMap(aligned, entry.map);
  if (!wrong.empty()) {
    std::memset(entry.bytes, 0, tensorMapBytes);
    return nullptr;
  }
  std::memcpy(entry.bytes, bytes, tensorMapBytes);
  return &entry.map;
}

/// The tensor map that an instruction names; null and `wrong` if it is none.
static const TensorMap *mapOf(const Inst &inst, Warp &warp, int lane,
                              const TensorCopySpec &spec, std::string &wrong) {
  const char *error = nullptr;
  uint64_t address = read64(warp, spec.map, lane);
  if (address & 63) {
    wrong = "misaligned tensor map";
    return nullptr;
  }
  const std::byte *bytes = hostPointer(inst, warp, lane, Space::None, address,
                                       tensorMapBytes, error);
  const TensorMap *map = bytes ? cachedMap(*warp.cta, bytes, wrong) : nullptr;
  if (!map) {
    wrong = "tensor map: " + (bytes ? wrong : std::string(error));
    return nullptr;
  }
  if (map->rank == spec.rank)
    return map;
  wrong = "tensor map of rank " + std::to_string(map->rank) +
          " in an instruction of rank " + std::to_string(spec.rank);
  return nullptr;
}

static TensorCall tensorCall(const Warp &warp, int lane,
                             const TensorCopySpec &spec, const TensorMap *map) {
  TensorCall call;
  call.map = map;
  for (uint32_t i = 0; i < spec.rank; ++i)
    call.coordinates[i] =
        static_cast<int32_t>(read32(warp, spec.coordinates[i], lane));
  call.shared = read64(warp, spec.shared, lane);
  if (spec.mbarrier != noRef)
    call.mbarrier = read64(warp, spec.mbarrier, lane);
  if (spec.ctaMask != noRef)
    call.ctaMask = read32(warp, spec.ctaMask, lane);
  return call;
}

static Status tensorOne(const Inst &inst, Warp &warp, int lane,
                        const TensorCopySpec &spec) {
  std::string wrong;
  const TensorMap *map = mapOf(inst, warp, lane, spec, wrong);
  if (!map)
    return faultAt(inst, warp, lane, std::move(wrong));
  TensorCall call = tensorCall(warp, lane, spec, map);
  if (call.shared & (map->sharedAlignment() - 1))
    return faultAt(inst, warp, lane, "misaligned shared-memory address");
  if (!spec.load && ctaOfShared(warp, call.shared) != warp.cta)
    return faultAt(inst, warp, lane,
                   "source outside of the CTA's shared memory");
  if (isDeferred(warp))
    return deferTensor(inst, warp, lane, spec, call);
  wrong = spec.load ? tensorLoad(warp, spec, call)
                    : tensorStore(warp, spec, call, sharedOf(*warp.cta));
  return wrong.empty() ? Status::Next
                       : faultAt(inst, warp, lane, std::move(wrong));
}

Status runTensorCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (tensorOne(inst, warp, std::countr_zero(lanes), spec) == Status::Fault)
      return Status::Fault;
  return Status::Next;
}

} // namespace tilewright::sim
