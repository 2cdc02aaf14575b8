//===- TensorMapOps.cpp - Changing tensor maps ----------------------------===//

#include "sim/exec/ops/TensorMapOps.h"

#include "sim/exec/Memory.h"

#include <bit>
#include <cstring>

namespace tilewright::sim {

using ptx::Space;

/// The map at a lane's address; null after a fault.
static std::byte *mapAt(const Inst &inst, Warp &warp, int lane, Space space,
                        uint64_t address) {
  uint32_t at = static_cast<uint32_t>(lane);
  if (address & 63) {
    warp.fault(inst, at, ErrorKind::MisalignedAddress, "misaligned tensor map");
    return nullptr;
  }
  const char *error = nullptr;
  std::byte *map =
      hostPointer(inst, warp, lane, space, address, tensorMapBytes, error);
  if (!map)
    warp.fault(inst, at, ErrorKind::IllegalAddress,
               std::string("tensor map: ") + error);
  return map;
}

Status runTensorMapReplace(const Inst &inst, Warp &warp) {
  const auto &edit = *static_cast<const TensorMapEdit *>(inst.aux);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::byte *map =
        mapAt(inst, warp, lane, spaceOf(inst), laneAddress(inst, warp, lane));
    if (!map)
      return Status::Fault;
    uint64_t value = edit.wide ? warp.row64<uint64_t>(inst.b)[lane]
                               : warp.row32<uint32_t>(inst.b)[lane];
    std::string error = replaceTensorMapField(reinterpret_cast<uint8_t *>(map),
                                              edit.field, edit.ordinal, value);
    if (!error.empty())
      return warp.fault(inst, static_cast<uint32_t>(lane),
                        ErrorKind::IllegalInstruction, std::move(error));
  }
  return Status::Next;
}

Status runTensorMapCopy(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!warp.converged(inst, status))
    return status;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    std::byte *to = mapAt(inst, warp, lane, Space::Global,
                          warp.row64<uint64_t>(inst.a)[lane]);
    const std::byte *from = to ? mapAt(inst, warp, lane, Space::Shared,
                                       warp.row64<uint64_t>(inst.b)[lane])
                               : nullptr;
    if (!from)
      return Status::Fault;
    std::memcpy(to, from, tensorMapBytes);
  }
  return Status::Next;
}

} // namespace tilewright::sim
