//===- Memory.cpp - From a lane's address to host memory ------------------===//

#include "sim/exec/Memory.h"

#include <bit>
#include <cstdio>

namespace tilewright::sim {

using ptx::Space;

uint64_t laneAddress(const Inst &inst, const Warp &warp, int lane) {
  uint64_t offset = static_cast<int64_t>(inst.imm);
  if (inst.a == noRef)
    return offset;
  if (inst.flags & address32)
    return static_cast<uint32_t>(warp.row32<uint32_t>(inst.a)[lane] + offset);
  return warp.row64<uint64_t>(inst.a)[lane] + offset;
}

Cta *ctaOfShared(Warp &warp, uint64_t address) {
  uint64_t rank = address >> clusterRankShift;
  if (rank == 0)
    return warp.cta;
  Cluster &cluster = *warp.cta->cluster;
  return rank <= cluster.ctas.size() ? &cluster.ctas[rank - 1] : nullptr;
}

std::byte *sharedPointer(Warp &warp, uint64_t address, uint64_t bytes,
                         const char *&error) {
  Cta *cta = ctaOfShared(warp, address);
  uint64_t offset = address & clusterOffsetMask;
  if (!cta || offset >= cta->sharedSize || bytes > cta->sharedSize - offset) {
    error = "address outside of shared memory";
    return nullptr;
  }
  return cta->shared + offset;
}

static std::byte *localPointer(Warp &warp, int lane, uint64_t address,
                               uint64_t bytes, const char *&error) {
  if (address >= LocalStack::top - LocalStack::limit)
    if (std::byte *taken = warp.stack.at(lane, address, bytes))
      return taken;
  if (address >= warp.localBytes || bytes > warp.localBytes - address) {
    error = "address outside of local memory";
    return nullptr;
  }
  return warp.localMemory(lane) + address;
}

static std::byte *paramPointer(Warp &warp, uint64_t address, uint64_t bytes,
                               const char *&error) {
  uint32_t size = warp.launch->paramBytes;
  if (address >= size || bytes > size - address) {
    error = "address outside of the kernel's parameters";
    return nullptr;
  }
  return const_cast<std::byte *>(warp.launch->params) + address;
}

std::byte *hostPointer(const Inst &inst, Warp &warp, int lane, Space space,
                       uint64_t address, uint64_t bytes, const char *&error) {
  switch (space) {
  case Space::None:
    if (warp.launch->memory.contains(address, bytes))
      return reinterpret_cast<std::byte *>(address);
    if (address - sharedWindow < windowSize)
      return sharedPointer(warp, address - sharedWindow, bytes, error);
    if (address - localWindow < windowSize)
      return localPointer(warp, lane, address - localWindow, bytes, error);
    if (address - paramWindow < windowSize)
      return paramPointer(warp, address - paramWindow, bytes, error);
    error = "address outside of every allocation";
    return nullptr;
  case Space::Global:
  case Space::Const:
    if (warp.launch->memory.contains(address, bytes))
      return reinterpret_cast<std::byte *>(address);
    error = "address outside of global memory";
    return nullptr;
  case Space::Shared:
  case Space::SharedCluster:
    return sharedPointer(warp, address, bytes, error);
  case Space::Local:
    if (inst.flags & addressInFrame)
      address += warp.frame().localBase;
    return localPointer(warp, lane, address, bytes, error);
  case Space::Param:
    return paramPointer(warp, address, bytes, error);
  default:
    error = "unknown state space";
    return nullptr;
  }
}

bool resolveSlow(const Inst &inst, Warp &warp, uint32_t bytes,
                 LanePointers &out) {
  Space space = spaceOf(inst);
  out.pattern = Pattern::Scattered;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    uint64_t address = laneAddress(inst, warp, lane);
    const char *error = nullptr;
    ErrorKind kind = ErrorKind::IllegalAddress;
    if (address & (bytes - 1)) {
      error = "misaligned address";
      kind = ErrorKind::MisalignedAddress;
    } else {
      out.at[lane] =
          hostPointer(inst, warp, lane, space, address, bytes, error);
    }
    if (error) {
      char text[96];
      std::snprintf(text, sizeof text, "%s: 0x%llx, access of %u bytes", error,
                    static_cast<unsigned long long>(address), bytes);
      warp.fault(inst, static_cast<uint32_t>(lane), kind, text);
      return false;
    }
  }
  return true;
}

} // namespace tilewright::sim
