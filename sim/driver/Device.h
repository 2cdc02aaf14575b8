//===- Device.h - One simulated board -------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_DEVICE_H
#define TILEWRIGHT_SIM_DRIVER_DEVICE_H

#include "sim/driver/Cuda.h"
#include "sim/exec/Engine.h"
#include "sim/memory/Arena.h"
#include "sim/sku/Sku.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

namespace tilewright::sim::driver {

class Context;
class Device;

/// What an allocation is; the low bits of Allocation::tag.
enum class MemoryKind : uint32_t {
  Device,         ///< cuMemAlloc
  Pool,           ///< cuMemAllocAsync and its kin
  ModuleVariable, ///< .global and .const variables
  PinnedHost,     ///< cuMemHostAlloc
  Managed,        ///< cuMemAllocManaged
};

inline uint32_t makeTag(MemoryKind kind, uint32_t flags) {
  return uint32_t(kind) | flags << 8;
}
inline MemoryKind kindOf(const Allocation &allocation) {
  return MemoryKind(allocation.tag & 0xff);
}
inline uint32_t flagsOf(const Allocation &allocation) {
  return allocation.tag >> 8;
}

/// A pool of stream-ordered memory. Blocks come straight from the device's
/// arena; the pool keeps the books that programs ask for.
struct MemoryPool {
  Device *device = nullptr;
  bool isDefault = false;
  std::atomic<uint64_t> releaseThreshold{0}, used{0}, usedHigh{0};
  /// Reuse policies: followEventDependencies, allowOpportunistic,
  /// allowInternalDependencies.
  std::array<std::atomic<int>, 3> reuse{1, 1, 1};
};

class Device {
public:
  Device(int ordinal, Sku sku, uint64_t arenaBase, uint64_t arenaBytes);

  /// Reads any CU_DEVICE_ATTRIBUTE_*; none when there is no such attribute.
  std::optional<int> attribute(int attribute) const;
  CUuuid uuid() const;
  std::string pciBusId() const;

  const int ordinal;
  const Sku sku;
  const DeviceConfig config;
  Arena arena;

  std::mutex mutex; ///< guards what follows
  std::shared_ptr<Context> primary;
  unsigned primaryReferences = 0, primaryFlags = 0;
  std::shared_ptr<MemoryPool> defaultPool, currentPool;
};

/// Attributes that belong to the architecture and not to the board, such as
/// texture limits. None when the attribute is not one of those.
std::optional<int> archAttribute(int computeCapabilityMajor, int attribute);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_DEVICE_H
