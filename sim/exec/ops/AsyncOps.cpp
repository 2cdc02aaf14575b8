//===- AsyncOps.cpp - Asynchronous copies ---------------------------------===//

#include "sim/exec/ops/AsyncOps.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim {

using ptx::Space;

static Status faultAt(const Inst &inst, Warp &warp, int lane,
                      std::string message) {
  return warp.fault(inst, static_cast<uint32_t>(lane),
                    ErrorKind::IllegalAddress, std::move(message));
}

static uint64_t read64(const Warp &warp, Ref ref, int lane) {
  return warp.row64<uint64_t>(ref)[lane];
}
static uint32_t read32(const Warp &warp, Ref ref, int lane) {
  return warp.row32<uint32_t>(ref)[lane];
}

/// Adds completed bytes to an mbarrier. Null, or what is wrong.
static const char *completeBytes(Warp &warp, uint64_t address, uint64_t bytes) {
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

/// The same offset in shared memory of CTA `rank`.
static uint64_t inCta(uint64_t address, uint32_t rank) {
  return (address & clusterOffsetMask) | uint64_t(rank + 1) << clusterRankShift;
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

static const char *copyOne(const Inst &inst, Warp &warp, int lane,
                           const AsyncCopySpec &spec) {
  const char *error = nullptr;
  uint64_t to = read64(warp, inst.a, lane), from = read64(warp, inst.b, lane);
  if ((to | from) & (spec.bytes - 1))
    return "misaligned address";
  std::byte *destination = sharedPointer(warp, to, spec.bytes, error);
  if (!destination)
    return error;
  uint32_t bytes = spec.bytes;
  if (spec.sourceBytes != noRef)
    bytes = std::min(bytes, read32(warp, spec.sourceBytes, lane));
  if (spec.ignore != noRef) {
    bool ignored = warp.predicates[spec.ignore] >> lane & 1;
    if (ignored != spec.ignoreNegated)
      bytes = 0;
  }
  if (bytes) {
    const std::byte *source =
        hostPointer(inst, warp, lane, Space::Global, from, bytes, error);
    if (!source)
      return error;
    std::memcpy(destination, source, bytes);
  }
  std::memset(destination + bytes, 0, spec.bytes - bytes);
  return nullptr;
}

Status runAsyncCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const AsyncCopySpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (const char *error = copyOne(inst, warp, lane, spec))
      return faultAt(inst, warp, lane, error);
  }
  return Status::Next;
}

Status runAsyncArrive(const Inst &inst, Warp &warp) {
  // Prior copies are complete. Without .noinc the arrival was added to the
  // pending count first, so nothing changes.
  bool noinc = inst.target;
  if (!noinc)
    return Status::Next;
  LanePointers pointers;
  if (!resolveSlow(inst, warp, 8, pointers))
    return Status::Fault;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    uint64_t before = 0;
    if (const char *error =
            updateMbarrier(pointers.at[lane], 1, 0, 0, false, before))
      return faultAt(inst, warp, lane, error);
  }
  ++warp.cta->cluster->events;
  return Status::Next;
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

static const char *bulkTo(const Inst &inst, Warp &warp, int lane,
                          const BulkSpec &spec, uint64_t destination,
                          uint64_t mbarrier, const std::byte *from,
                          uint32_t size) {
  const char *error = nullptr;
  std::byte *to =
      hostPointer(inst, warp, lane, spec.to, destination, size, error);
  if (!to)
    return error;
  if (spec.reduces)
    error = reduceBytes(spec, to, from, size);
  else if (spec.byteMask != noRef)
    copyMasked(to, from, size, read32(warp, spec.byteMask, lane));
  else
    std::memmove(to, from, size);
  if (!error && spec.completion == BulkCompletion::Mbarrier)
    error = completeBytes(warp, mbarrier, size);
  return error;
}

static const char *bulkOne(const Inst &inst, Warp &warp, int lane,
                           const BulkSpec &spec) {
  uint64_t to = read64(warp, spec.destination, lane);
  uint64_t from = read64(warp, spec.source, lane);
  uint32_t size = read32(warp, spec.size, lane);
  uint64_t mbarrier =
      spec.mbarrier == noRef ? 0 : read64(warp, spec.mbarrier, lane);
  // ISA 9.7.9.25.4.1: addresses and size are multiples of 16.
  if ((to | from | size) & 15)
    return "bulk copy with an address or size that is no multiple of 16";
  if (size == 0)
    return nullptr;
  const char *error = nullptr;
  const std::byte *source =
      hostPointer(inst, warp, lane, spec.from, from, size, error);
  if (!source)
    return error;
  if (spec.ctaMask == noRef)
    return bulkTo(inst, warp, lane, spec, to, mbarrier, source, size);
  for (uint32_t ctas = read32(warp, spec.ctaMask, lane) & 0xffff; ctas;
       ctas &= ctas - 1) {
    uint32_t rank = static_cast<uint32_t>(std::countr_zero(ctas));
    if (rank >= warp.launch->clusterCtas)
      return "multicast to a CTA that the cluster does not have";
    error = bulkTo(inst, warp, lane, spec, inCta(to, rank),
                   inCta(mbarrier, rank), source, size);
    if (error)
      return error;
  }
  return nullptr;
}

Status runBulkCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (const char *error = bulkOne(inst, warp, lane, spec))
      return faultAt(inst, warp, lane, error);
  }
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

static std::string tensorLoad(Warp &warp, int lane, const TensorCopySpec &spec,
                              const TensorMap &map, const int32_t *coordinates,
                              uint64_t shared) {
  uint64_t mbarrier = read64(warp, spec.mbarrier, lane);
  if (spec.ctaMask == noRef)
    return loadInto(warp, map, coordinates, shared, mbarrier);
  for (uint32_t ctas = read32(warp, spec.ctaMask, lane) & 0xffff; ctas;
       ctas &= ctas - 1) {
    uint32_t rank = static_cast<uint32_t>(std::countr_zero(ctas));
    if (rank >= warp.launch->clusterCtas)
      return "multicast to a CTA that the cluster does not have";
    std::string error = loadInto(warp, map, coordinates, inCta(shared, rank),
                                 inCta(mbarrier, rank));
    if (!error.empty())
      return error;
  }
  return {};
}

static std::string tensorStore(Warp &warp, const TensorCopySpec &spec,
                               const TensorMap &map, const int32_t *coordinates,
                               uint64_t shared) {
  if (ctaOfShared(warp, shared) != warp.cta)
    return "source outside of the CTA's shared memory";
  uint32_t address = static_cast<uint32_t>(shared & clusterOffsetMask);
  if (!spec.reduces)
    return storeTensorBox(map, coordinates, address, sharedOf(*warp.cta),
                          globalOf(warp))
        .error;
  if (const char *error = checkTensorReduction(map.type, spec.reduction))
    return error;
  // One reduction at a time: it is not atomic by itself.
  std::lock_guard<std::mutex> lock(warp.launch->reductionMutex);
  return reduceTensorBox(map, spec.reduction, coordinates, address,
                         sharedOf(*warp.cta), globalOf(warp))
      .error;
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

static std::string tensorOne(const Inst &inst, Warp &warp, int lane,
                             const TensorCopySpec &spec) {
  const char *error = nullptr;
  uint64_t address = read64(warp, spec.map, lane);
  if (address & 63)
    return "misaligned tensor map";
  const std::byte *bytes = hostPointer(inst, warp, lane, Space::None, address,
                                       tensorMapBytes, error);
  if (!bytes)
    return std::string("tensor map: ") + error;
  std::string wrong;
  const TensorMap *decoded = cachedMap(*warp.cta, bytes, wrong);
  if (!decoded)
    return "tensor map: " + wrong;
  const TensorMap &map = *decoded;
  if (map.rank != spec.rank)
    return "tensor map of rank " + std::to_string(map.rank) +
           " in an instruction of rank " + std::to_string(spec.rank);
  int32_t coordinates[maxTensorRank] = {};
  for (uint32_t i = 0; i < spec.rank; ++i)
    coordinates[i] =
        static_cast<int32_t>(read32(warp, spec.coordinates[i], lane));
  uint64_t shared = read64(warp, spec.shared, lane);
  if (shared & (map.sharedAlignment() - 1))
    return "misaligned shared-memory address";
  return spec.load ? tensorLoad(warp, lane, spec, map, coordinates, shared)
                   : tensorStore(warp, spec, map, coordinates, shared);
}

Status runTensorCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::string error = tensorOne(inst, warp, lane, spec);
    if (!error.empty())
      return faultAt(inst, warp, lane, std::move(error));
  }
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// st.async and red.async
//===----------------------------------------------------------------------===//

static const char *storeAsyncOne(Warp &warp, int lane,
                                 const StoreAsyncSpec &spec) {
  uint32_t element = ptx::typeBytes(spec.type);
  uint32_t bytes = element * spec.count;
  uint64_t address = read64(warp, spec.address, lane);
  if (address & (bytes - 1))
    return "misaligned address";
  const char *error = nullptr;
  std::byte *to = sharedPointer(warp, address, bytes, error);
  if (!to)
    return error;
  for (uint32_t i = 0; i < spec.count; ++i) {
    uint64_t value = element == 8 ? read64(warp, spec.values[i], lane)
                                  : read32(warp, spec.values[i], lane);
    if (spec.reduces)
      atomicUpdate(spec.op, spec.type, to + i * element, value, 0);
    else
      std::memcpy(to + i * element, &value, element);
  }
  return completeBytes(warp, read64(warp, spec.mbarrier, lane), bytes);
}

Status runStoreAsync(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const StoreAsyncSpec *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (const char *error = storeAsyncOne(warp, lane, spec))
      return faultAt(inst, warp, lane, error);
  }
  return Status::Next;
}

} // namespace tilewright::sim
