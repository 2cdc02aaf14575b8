//===- StackOps.cpp - alloca, stacksave and stackrestore ------------------===//

#include "sim/exec/ops/StackOps.h"

#include "sim/exec/Warp.h"

#include <bit>

namespace tilewright::sim {

template <typename T>
static T *rowOf(const Warp &warp, Ref ref) {
  if constexpr (sizeof(T) == 8)
    return warp.row64<T>(ref);
  else
    return warp.row32<T>(ref);
}

template <typename T>
static Status save(const Inst &inst, Warp &warp) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    rowOf<T>(warp, inst.d)[lane] = warp.stack.pointer(lane);
  }
  return Status::Next;
}

template <typename T>
static Status restore(const Inst &inst, Warp &warp) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (!warp.stack.setPointer(lane, rowOf<T>(warp, inst.a)[lane]))
      return warp.fault(inst, static_cast<uint32_t>(lane),
                        ErrorKind::IllegalAddress,
                        "stackrestore of a value that stacksave did not give");
  }
  return Status::Next;
}

template <typename T>
static Status allocate(const Inst &inst, Warp &warp) {
  uint64_t align = static_cast<uint32_t>(inst.imm);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    uint64_t size = rowOf<T>(warp, inst.a)[lane];
    uint64_t before = warp.stack.pointer(lane);
    uint64_t address = size > before ? 0 : (before - size) & ~(align - 1);
    if (!warp.stack.setPointer(lane, address))
      return warp.fault(
          inst, static_cast<uint32_t>(lane), ErrorKind::IllegalAddress,
          "stack overflow: alloca of " + std::to_string(size) + " bytes");
    rowOf<T>(warp, inst.d)[lane] = static_cast<T>(address);
  }
  return Status::Next;
}

Status runStackSave32(const Inst &inst, Warp &warp) {
  return save<uint32_t>(inst, warp);
}
Status runStackSave64(const Inst &inst, Warp &warp) {
  return save<uint64_t>(inst, warp);
}
Status runStackRestore32(const Inst &inst, Warp &warp) {
  return restore<uint32_t>(inst, warp);
}
Status runStackRestore64(const Inst &inst, Warp &warp) {
  return restore<uint64_t>(inst, warp);
}
Status runAlloca32(const Inst &inst, Warp &warp) {
  return allocate<uint32_t>(inst, warp);
}
Status runAlloca64(const Inst &inst, Warp &warp) {
  return allocate<uint64_t>(inst, warp);
}

} // namespace tilewright::sim
