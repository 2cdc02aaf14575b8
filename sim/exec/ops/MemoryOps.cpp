//===- MemoryOps.cpp - ld and st ------------------------------------------===//

#include "sim/exec/ops/Targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "sim/exec/ops/MemoryOps.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "sim/exec/Memory.h"
#include "sim/exec/ops/LaneLoop.h"
#include "sim/exec/ops/Select.h"

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace tilewright::sim {
namespace HWY_NAMESPACE {

using ptx::Space;

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

/// Host pointers of the lanes when all of them lie in [base, base + size) of
/// the address space and are aligned; false to leave it to resolveSlow.
template <typename RowType>
HWY_INLINE bool resolveIn(const Inst &inst, const Warp &warp, uint32_t bytes,
                          std::byte *host, uint64_t base, uint64_t size,
                          LanePointers &out) {
  if (size < bytes)
    return false;
  const RowType *a = rowOf<RowType>(warp, inst.a);
  RowType offset = static_cast<RowType>(static_cast<int64_t>(inst.imm) -
                                        static_cast<int64_t>(base));
  RowType last = static_cast<RowType>(size - bytes);
  uint32_t lanes = warp.mask;
  int lead = std::countr_zero(lanes);
  RowType first = a[lead];
  uint64_t bad = 0, notUniform = 0, notContiguous = 0;
  RowType unaligned = static_cast<RowType>(bytes - 1);
  RowType misaligned = 0;
  RowType alignBase = static_cast<RowType>(base);
  if (lanes == allLanes) {
    for (int l = 0; l < laneCount; ++l) {
      RowType at = a[l] + offset;
      bad |= at > last;
      misaligned |= at + alignBase;
      notUniform |= a[l] != first;
      notContiguous |= a[l] != static_cast<RowType>(first + l * bytes);
    }
  } else {
    for (int l = 0; l < laneCount; ++l) {
      bool here = lanes >> l & 1;
      RowType at = a[l] + offset;
      bad |= here & (at > last);
      misaligned |= here ? at + alignBase : 0;
      notUniform |= here & (a[l] != first);
    }
    notContiguous = 1;
  }
  if (bad || (misaligned & unaligned))
    return false;
  out.pattern = !notUniform      ? Pattern::Uniform
                : !notContiguous ? Pattern::Contiguous
                                 : Pattern::Scattered;
  // In integers: idle lanes hold anything.
  uint64_t start = reinterpret_cast<uint64_t>(host);
  auto pointerOf = [=](RowType address) HWY_ATTR {
    return reinterpret_cast<std::byte *>(
        start + static_cast<RowType>(address + offset));
  };
  if (out.pattern != Pattern::Scattered) {
    out.at[0] = pointerOf(first);
    return true;
  }
  for (int l = 0; l < laneCount; ++l)
    out.at[l] = pointerOf(a[l]);
  return true;
}

HWY_INLINE bool resolveHere(const Inst &inst, Warp &warp, uint32_t bytes,
                            LanePointers &out) {
  Space space = spaceOf(inst);
  if (inst.a == noRef) {
    if (space != Space::Local) {
      // One address for all lanes: find it once.
      const char *error = nullptr;
      std::byte *pointer = nullptr;
      uint64_t address = static_cast<int64_t>(inst.imm);
      if (!(address & (bytes - 1)))
        pointer = hostPointer(inst, warp, 0, space, address, bytes, error);
      if (pointer) {
        out.at[0] = pointer;
        out.pattern = Pattern::Uniform;
        return true;
      }
    }
    return resolveSlow(inst, warp, bytes, out);
  }
  bool narrow = inst.flags & address32;
  switch (space) {
  case Space::None:
  case Space::Global:
  case Space::Const: {
    const GlobalMemory &memory = warp.launch->memory;
    if (!narrow && resolveIn<uint64_t>(inst, warp, bytes, memory.base,
                                       reinterpret_cast<uint64_t>(memory.base),
                                       memory.size, out))
      return true;
    break;
  }
  case Space::Shared:
  case Space::SharedCluster: {
    Cta &cta = *warp.cta;
    if (narrow ? resolveIn<uint32_t>(inst, warp, bytes, cta.shared, 0,
                                     cta.sharedSize, out)
               : resolveIn<uint64_t>(inst, warp, bytes, cta.shared, 0,
                                     cta.sharedSize, out))
      return true;
    break;
  }
  default:
    break;
  }
  return resolveSlow(inst, warp, bytes, out);
}

//===----------------------------------------------------------------------===//
// Data
//===----------------------------------------------------------------------===//

/// What a loaded element becomes in a register.
template <typename Element, typename RowType>
HWY_INLINE RowType widen(Element value) {
  if constexpr (std::is_signed_v<Element>)
    return static_cast<RowType>(static_cast<int64_t>(value));
  else
    return static_cast<RowType>(value);
}

template <typename Element>
HWY_INLINE Element loadElement(const std::byte *from) {
  Element value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename Element, typename RowType, int Count>
static Status load(const Inst &inst, Warp &warp) {
  constexpr uint32_t bytes = sizeof(Element) * Count;
  LanePointers pointers;
  if (!resolveHere(inst, warp, bytes, pointers))
    return Status::Fault;
  for (int i = 0; i < Count; ++i) {
    Ref ref = Count == 1 ? inst.d
                         : static_cast<const VectorRefs *>(inst.aux)->refs[i];
    RowType *d = rowOf<RowType>(warp, ref);
    const uint32_t at = i * sizeof(Element);
    switch (pointers.pattern) {
    case Pattern::Contiguous: {
      const std::byte *base = pointers.at[0] + at;
      TILEWRIGHT_LANE_LOOP
      for (int l = 0; l < laneCount; ++l)
        d[l] = widen<Element, RowType>(loadElement<Element>(base + l * bytes));
      break;
    }
    case Pattern::Uniform: {
      RowType value =
          widen<Element, RowType>(loadElement<Element>(pointers.at[0] + at));
      writeLanes<RowType>(warp, d, [=](int) HWY_ATTR { return value; });
      break;
    }
    case Pattern::Scattered:
      if (warp.mask == allLanes) {
        for (int l = 0; l < laneCount; ++l)
          d[l] = widen<Element, RowType>(
              loadElement<Element>(pointers.at[l] + at));
        break;
      }
      for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
        int l = std::countr_zero(lanes);
        d[l] =
            widen<Element, RowType>(loadElement<Element>(pointers.at[l] + at));
      }
      break;
    }
  }
  return Status::Next;
}

template <typename Element, typename RowType, int Count>
static Status store(const Inst &inst, Warp &warp) {
  constexpr uint32_t bytes = sizeof(Element) * Count;
  LanePointers pointers;
  if (!resolveHere(inst, warp, bytes, pointers))
    return Status::Fault;
  for (int i = 0; i < Count; ++i) {
    Ref ref = Count == 1 ? inst.d
                         : static_cast<const VectorRefs *>(inst.aux)->refs[i];
    const RowType *source = rowOf<RowType>(warp, ref);
    const uint32_t at = i * sizeof(Element);
    if (pointers.pattern == Pattern::Contiguous) {
      std::byte *base = pointers.at[0] + at;
      TILEWRIGHT_LANE_LOOP
      for (int l = 0; l < laneCount; ++l) {
        Element value = static_cast<Element>(source[l]);
        std::memcpy(base + l * bytes, &value, sizeof value);
      }
      continue;
    }
    bool uniform = pointers.pattern == Pattern::Uniform;
    // In lane order, so that the highest lane wins where lanes collide.
    for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
      int l = std::countr_zero(lanes);
      Element value = static_cast<Element>(source[l]);
      std::byte *to = pointers.at[uniform ? 0 : l] + at;
      std::memcpy(to, &value, sizeof value);
    }
  }
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// Selection
//===----------------------------------------------------------------------===//

template <bool IsLoad, typename Element, typename RowType>
static Handler byCount(uint32_t count) {
  switch (count) {
  case 1:
    return IsLoad ? load<Element, RowType, 1> : store<Element, RowType, 1>;
  case 2:
    return IsLoad ? load<Element, RowType, 2> : store<Element, RowType, 2>;
  case 4:
    return IsLoad ? load<Element, RowType, 4> : store<Element, RowType, 4>;
  case 8:
    if constexpr (sizeof(Element) == 4)
      return IsLoad ? load<Element, RowType, 8> : store<Element, RowType, 8>;
    return nullptr;
  default:
    return nullptr;
  }
}

template <bool IsLoad, typename RowType>
static Handler byElement(const MemorySpec &spec) {
  // A store cuts, so the sign does not matter.
  bool isSigned = spec.isSigned && IsLoad;
  switch (spec.elementBytes) {
  case 1:
    return isSigned ? byCount<IsLoad, int8_t, RowType>(spec.count)
                    : byCount<IsLoad, uint8_t, RowType>(spec.count);
  case 2:
    return isSigned ? byCount<IsLoad, int16_t, RowType>(spec.count)
                    : byCount<IsLoad, uint16_t, RowType>(spec.count);
  case 4:
    return isSigned ? byCount<IsLoad, int32_t, RowType>(spec.count)
                    : byCount<IsLoad, uint32_t, RowType>(spec.count);
  case 8:
    return byCount<IsLoad, uint64_t, RowType>(spec.count);
  default:
    return nullptr;
  }
}

Handler selectMemory(const MemorySpec &spec, bool isLoad) {
  if (spec.row64)
    return isLoad ? byElement<true, uint64_t>(spec)
                  : byElement<false, uint64_t>(spec);
  return isLoad ? byElement<true, uint32_t>(spec)
                : byElement<false, uint32_t>(spec);
}

bool resolveDispatched(const Inst &inst, Warp &warp, uint32_t bytes,
                       LanePointers &out) {
  return resolveHere(inst, warp, bytes, out);
}

} // namespace HWY_NAMESPACE
} // namespace tilewright::sim
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tilewright::sim {
HWY_EXPORT(selectMemory);
HWY_EXPORT(resolveDispatched);

Handler selectLoad(const MemorySpec &spec) {
  return HWY_DYNAMIC_DISPATCH(selectMemory)(spec, true);
}
Handler selectStore(const MemorySpec &spec) {
  return HWY_DYNAMIC_DISPATCH(selectMemory)(spec, false);
}
bool resolve(const Inst &inst, Warp &warp, uint32_t bytes, LanePointers &out) {
  return HWY_DYNAMIC_DISPATCH(resolveDispatched)(inst, warp, bytes, out);
}
} // namespace tilewright::sim
#endif
