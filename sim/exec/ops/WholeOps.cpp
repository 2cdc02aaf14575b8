//===- WholeOps.cpp - Vector accesses in one piece ------------------------===//

#include "sim/exec/ops/WholeOps.h"

#include "sim/exec/Lanes.h"

#include <cstring>
#include <immintrin.h>

namespace tilewright::sim {

static constexpr uint32_t wholeBytes = 16;

/// Aligned accesses of 16 bytes are in one piece on every x86 with AVX.
static void loadWhole(const std::byte *from, uint32_t bytes, std::byte *to) {
  if (bytes == wholeBytes) {
    __m128i value = *reinterpret_cast<const volatile __m128i *>(from);
    std::memcpy(to, &value, sizeof value);
    return;
  }
  uint64_t value = __atomic_load_n(reinterpret_cast<const uint64_t *>(from),
                                   __ATOMIC_ACQUIRE);
  std::memcpy(to, &value, sizeof value);
}

void storeWhole(std::byte *to, uint32_t bytes, const std::byte *from) {
  if (bytes == wholeBytes) {
    __m128i value;
    std::memcpy(&value, from, sizeof value);
    *reinterpret_cast<volatile __m128i *>(to) = value;
    return;
  }
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  __atomic_store_n(reinterpret_cast<uint64_t *>(to), value, __ATOMIC_RELEASE);
}

static uint64_t extend(uint64_t value, const MemorySpec &spec) {
  uint32_t unused = 64 - 8 * spec.elementBytes;
  value <<= unused;
  return spec.isSigned
             ? static_cast<uint64_t>(static_cast<int64_t>(value) >> unused)
             : value >> unused;
}

static void writeRegister(Warp &warp, const WholeSpec &spec, uint32_t number,
                          int lane, uint64_t value) {
  Ref ref = spec.refs.refs[number];
  if (spec.memory.row64)
    warp.row64<uint64_t>(ref)[lane] = value;
  else
    warp.row32<uint32_t>(ref)[lane] = static_cast<uint32_t>(value);
}

static uint64_t readRegister(const Warp &warp, const WholeSpec &spec,
                             uint32_t number, int lane) {
  Ref ref = spec.refs.refs[number];
  return spec.memory.row64 ? warp.row64<uint64_t>(ref)[lane]
                           : warp.row32<uint32_t>(ref)[lane];
}

/// Calls `move(lane, memory)` for each lane that takes part, once all their
/// addresses are known to be right.
template <typename Move>
static Status forLanes(const Inst &inst, Warp &warp, uint32_t bytes,
                       const Move &move) {
  LanePointers pointers;
  if (!resolveSlow(inst, warp, bytes, pointers))
    return Status::Fault;
  eachLane(warp.mask, [&](uint32_t lane) {
    move(static_cast<int>(lane), pointers.at[lane]);
  });
  return Status::Next;
}

Status runWholeLoad(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const WholeSpec *>(inst.aux);
  uint32_t element = spec.memory.elementBytes;
  uint32_t bytes = element * spec.memory.count;
  return forLanes(inst, warp, bytes, [&](int lane, const std::byte *from) {
    std::byte whole[wholeBytes];
    loadWhole(from, bytes, whole);
    for (uint32_t i = 0; i < spec.memory.count; ++i) {
      uint64_t value = 0;
      std::memcpy(&value, whole + i * element, element);
      writeRegister(warp, spec, i, lane, extend(value, spec.memory));
    }
  });
}

Status runWholeStore(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const WholeSpec *>(inst.aux);
  uint32_t element = spec.memory.elementBytes;
  uint32_t bytes = element * spec.memory.count;
  return forLanes(inst, warp, bytes, [&](int lane, std::byte *to) {
    std::byte whole[wholeBytes];
    for (uint32_t i = 0; i < spec.memory.count; ++i) {
      uint64_t value = readRegister(warp, spec, i, lane);
      std::memcpy(whole + i * element, &value, element);
    }
    storeWhole(to, bytes, whole);
  });
}

} // namespace tilewright::sim
