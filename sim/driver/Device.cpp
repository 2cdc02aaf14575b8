//===- Device.cpp - One simulated board -----------------------------------===//

#include "sim/driver/Device.h"

#include <cmath>
#include <cstdio>

namespace tilewright::sim::driver {

static DeviceConfig makeConfig(const Sku &sku) {
  DeviceConfig config;
  config.arch = sku.arch;
  config.smCount = uint32_t(sku.smCount);
  config.sharedPerSm = uint32_t(sku.sharedMemoryPerSmBytes);
  config.sharedPerBlock = uint32_t(sku.sharedMemoryPerBlockBytes);
  config.sharedPerBlockOptin = uint32_t(sku.sharedMemoryPerBlockOptinBytes);
  config.sharedReservedPerBlock =
      uint32_t(sku.sharedMemoryReservedPerBlockBytes);
  config.sharedAllocationUnit = uint32_t(sku.sharedMemoryAllocationUnitBytes);
  config.regsPerSm = uint32_t(sku.registersPerSm);
  config.regsPerBlock = uint32_t(sku.registersPerBlock);
  config.maxThreadsPerSm = uint32_t(sku.threadsPerSm);
  config.maxThreadsPerBlock = uint32_t(sku.threadsPerBlockMax);
  config.maxBlocksPerSm = uint32_t(sku.blocksPerSm);
  config.maxClusterSize = uint32_t(sku.blocksPerClusterMax);
  config.clockKhz = uint32_t(sku.clockMhz.max * 1000);
  return config;
}

Device::Device(int ordinal, Sku skuFigures, uint64_t arenaBase,
               uint64_t arenaBytes)
    : ordinal(ordinal), sku(std::move(skuFigures)), config(makeConfig(sku)),
      arena(arenaBase, arenaBytes), defaultPool(std::make_shared<MemoryPool>()),
      currentPool(defaultPool) {
  defaultPool->device = this;
  defaultPool->isDefault = true;
}

CUuuid Device::uuid() const {
  // FNV-1a over the name: the same board and ordinal always get the same id.
  uint64_t hash = 0xcbf29ce484222325u;
  for (char c : sku.name + "#" + std::to_string(ordinal))
    hash = (hash ^ uint8_t(c)) * 0x100000001b3u;
  CUuuid uuid{};
  for (int i = 0; i < 8; ++i) {
    uuid.bytes[i] = char(hash >> (8 * i));
    uuid.bytes[8 + i] = char((hash * 0x9e3779b97f4a7c15u) >> (8 * i));
  }
  return uuid;
}

std::string Device::pciBusId() const {
  char text[32];
  snprintf(text, sizeof text, "0000:%02X:00.0", unsigned(ordinal) + 1);
  return text;
}

/// Figures of the board.
static std::optional<int> skuAttribute(const Sku &sku, int attribute) {
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    return int(sku.threadsPerBlockMax);
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return int(sku.sharedMemoryPerBlockBytes);
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return int(sku.sharedMemoryPerBlockOptinBytes);
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return int(sku.sharedMemoryPerSmBytes);
  case CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK:
    return int(sku.sharedMemoryReservedPerBlockBytes);
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    return int(sku.threadsPerWarp);
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
    return int(sku.registersPerBlock);
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    return int(sku.registersPerSm);
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
    return int(sku.clockMhz.max * 1000);
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
  case CU_DEVICE_ATTRIBUTE_LOCALITY_DOMAIN_MULTIPROCESSOR_COUNT:
    return int(sku.smCount);
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
    return int(sku.memoryClockMhz * 1000);
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    return int(sku.memoryBusBits);
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    return int(sku.l2Mb << 20);
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    return int(sku.threadsPerSm);
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR:
    return int(sku.blocksPerSm);
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return sku.computeCapabilityMajor;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return sku.computeCapabilityMinor;
  case CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO:
    return int(std::lround(sku.scalarOpsPerSmClock.at("fp32_fma") /
                           sku.scalarOpsPerSmClock.at("fp64_fma")));
  case CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_TENSOR_MAP_ACCESS_SUPPORTED:
    return sku.hasClusters();
  default:
    return std::nullopt;
  }
}

/// What this driver can do, whatever the board.
static std::optional<int> driverAttribute(int attribute) {
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_GPU_OVERLAP:
  case CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_MANAGED_ACCESS:
  case CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH:
  case CU_DEVICE_ATTRIBUTE_HOST_REGISTER_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_64_BIT_STREAM_MEM_OPS:
  case CU_DEVICE_ATTRIBUTE_CAN_USE_STREAM_WAIT_VALUE_NOR:
  case CU_DEVICE_ATTRIBUTE_UNIFIED_FUNCTION_POINTERS:
  case CU_DEVICE_ATTRIBUTE_MEM_SYNC_DOMAIN_COUNT:
  case CU_DEVICE_ATTRIBUTE_LOCALITY_DOMAIN_COUNT:
    return 1;
  case CU_DEVICE_ATTRIBUTE_HOST_NUMA_ID:
  case CU_DEVICE_ATTRIBUTE_NUMA_ID:
    return -1;
  default:
    return std::nullopt;
  }
}

std::optional<int> Device::attribute(int attribute) const {
  if (attribute <= 0 || attribute >= CU_DEVICE_ATTRIBUTE_MAX)
    return std::nullopt;
  if (std::optional<int> value = skuAttribute(sku, attribute))
    return value;
  if (std::optional<int> value =
          archAttribute(sku.computeCapabilityMajor, attribute))
    return value;
  if (std::optional<int> value = driverAttribute(attribute))
    return value;
  if (attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID)
    return ordinal + 1;
  // Everything else is a feature that this driver does not have.
  return 0;
}

} // namespace tilewright::sim::driver
