//===- ApiPool.cpp - Entry points: stream-ordered memory and its pools ----===//

#include "sim/driver/Api.h"

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

namespace tilewright::sim::driver {

/// Which pool a block came from; a block's tag holds the low bits of its id.
struct PoolBlocks {
  std::mutex mutex;
  std::map<uint64_t, std::pair<std::weak_ptr<MemoryPool>, uint64_t>> blocks;
};

static PoolBlocks &poolBlocks() {
  static PoolBlocks *blocks = new PoolBlocks;
  return *blocks;
}

void freePooled(uint64_t address) {
  {
    PoolBlocks &table = poolBlocks();
    std::lock_guard<std::mutex> lock(table.mutex);
    auto it = table.blocks.find(address);
    if (it != table.blocks.end()) {
      if (std::shared_ptr<MemoryPool> pool = it->second.first.lock())
        pool->used -= it->second.second;
      table.blocks.erase(it);
    }
  }
  Driver &driver = Driver::instance();
  Arena *arena = driver.arenaOf(address);
  // Freed twice on a stream: the second time is met here.
  if (arena && !arena->release(address) && driver.checks)
    driver.checks->hostFree(address);
}

} // namespace tilewright::sim::driver

static CUresult allocateFrom(const std::shared_ptr<MemoryPool> &pool,
                             const std::shared_ptr<Context> &context,
                             const std::shared_ptr<Stream> &stream,
                             size_t bytes, CUdeviceptr *out) {
  {
    // The address is known at once, so a graph could not own the block.
    std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
    if (stream->capture) {
      stream->capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  }
  Arena &arena = pool->device->arena;
  auto allocate = [&] {
    return arena.allocate(bytes, Arena::kGranularity, context.get(),
                          makeTag(MemoryKind::Pool, 0));
  };
  uint64_t address = allocate();
  if (!address) {
    // Blocks whose stream-ordered free has not run yet come back first.
    synchronizeContext(*context);
    address = allocate();
  }
  if (!address)
    return CUDA_ERROR_OUT_OF_MEMORY;
  uint64_t used = pool->used += bytes;
  uint64_t high = pool->usedHigh;
  while (used > high && !pool->usedHigh.compare_exchange_weak(high, used)) {
  }
  PoolBlocks &table = poolBlocks();
  std::lock_guard<std::mutex> lock(table.mutex);
  table.blocks[address] = {pool, bytes};
  *out = address;
  return CUDA_SUCCESS;
}

CUresult cuMemAllocAsync(CUdeviceptr *out, size_t bytes, CUstream handle) {
  return withStream(handle,
                    [&](Driver &, const std::shared_ptr<Context> &context,
                        const std::shared_ptr<Stream> &stream) {
                      if (!out || bytes == 0)
                        return CUDA_ERROR_INVALID_VALUE;
                      std::shared_ptr<MemoryPool> pool;
                      {
                        std::lock_guard<std::mutex> lock(context->device.mutex);
                        pool = context->device.currentPool;
                      }
                      return allocateFrom(pool, context, stream, bytes, out);
                    });
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *out, size_t bytes,
                                 CUmemoryPool poolHandle, CUstream handle) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    std::shared_ptr<MemoryPool> pool = driver.pools.find(poolHandle);
    if (!out || bytes == 0 || !pool)
      return CUDA_ERROR_INVALID_VALUE;
    return allocateFrom(pool, context, stream, bytes, out);
  });
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream handle) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    if (address == 0)
      return CUDA_SUCCESS;
    std::optional<Allocation> allocation = driver.findAllocation(address);
    if (!allocation || allocation->address != address ||
        (kindOf(*allocation) != MemoryKind::Pool &&
         kindOf(*allocation) != MemoryKind::Device)) {
      if (driver.checks)
        driver.checks->hostFree(address);
      return CUDA_ERROR_INVALID_VALUE;
    }
    return enqueue(context, stream, FreeOperation{address});
  });
}

CUresult cuMemPoolCreate(CUmemoryPool *out, const CUmemPoolProps *properties) {
  return guarded([&](Driver &driver) {
    if (!out || !properties)
      return CUDA_ERROR_INVALID_VALUE;
    if (properties->location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
        properties->handleTypes != CU_MEM_HANDLE_TYPE_NONE)
      return CUDA_ERROR_NOT_SUPPORTED;
    Device *device = driver.device(properties->location.id);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    auto pool = std::make_shared<MemoryPool>();
    pool->device = device;
    driver.pools.insert(pool);
    *out = handleOf(pool);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolDestroy(CUmemoryPool handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<MemoryPool> pool = driver.pools.find(handle);
    if (!pool || pool->isDefault)
      return CUDA_ERROR_INVALID_VALUE;
    driver.pools.take(handle);
    std::lock_guard<std::mutex> lock(pool->device->mutex);
    if (pool->device->currentPool == pool)
      pool->device->currentPool = pool->device->defaultPool;
    return CUDA_SUCCESS;
  });
}

/// Runs `body(device)` for a pool query of one device.
template <typename Body>
static CUresult withPoolDevice(const void *output, CUdevice ordinal,
                               const Body &body) {
  return guarded([&](Driver &driver) {
    if (!output)
      return CUDA_ERROR_INVALID_VALUE;
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> lock(device->mutex);
    body(*device);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *out, CUdevice ordinal) {
  return withPoolDevice(out, ordinal, [&](Device &device) {
    *out = handleOf(device.defaultPool);
  });
}

CUresult cuDeviceGetMemPool(CUmemoryPool *out, CUdevice ordinal) {
  return withPoolDevice(out, ordinal, [&](Device &device) {
    *out = handleOf(device.currentPool);
  });
}

CUresult cuDeviceSetMemPool(CUdevice ordinal, CUmemoryPool handle) {
  return guarded([&](Driver &driver) {
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::shared_ptr<MemoryPool> pool = driver.pools.find(handle);
    if (!pool || pool->device != device)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(device->mutex);
    device->currentPool = pool;
    return CUDA_SUCCESS;
  });
}

/// Index of a reuse policy in MemoryPool::reuse, or -1.
static int reuseIndex(CUmemPool_attribute attribute) {
  switch (attribute) {
  case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES:
    return 0;
  case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC:
    return 1;
  case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES:
    return 2;
  default:
    return -1;
  }
}

CUresult cuMemPoolGetAttribute(CUmemoryPool handle,
                               CUmemPool_attribute attribute, void *value) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<MemoryPool> pool = driver.pools.find(handle);
    if (!pool || !value)
      return CUDA_ERROR_INVALID_VALUE;
    if (int index = reuseIndex(attribute); index >= 0) {
      *static_cast<int *>(value) = pool->reuse[size_t(index)];
      return CUDA_SUCCESS;
    }
    auto *number = static_cast<cuuint64_t *>(value);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      *number = pool->releaseThreshold;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT:
    case CU_MEMPOOL_ATTR_USED_MEM_CURRENT:
      *number = pool->used;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      *number = pool->usedHigh;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuMemPoolSetAttribute(CUmemoryPool handle,
                               CUmemPool_attribute attribute, void *value) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<MemoryPool> pool = driver.pools.find(handle);
    if (!pool || !value)
      return CUDA_ERROR_INVALID_VALUE;
    if (int index = reuseIndex(attribute); index >= 0) {
      pool->reuse[size_t(index)] = *static_cast<int *>(value) != 0;
      return CUDA_SUCCESS;
    }
    cuuint64_t number = *static_cast<cuuint64_t *>(value);
    switch (attribute) {
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD:
      pool->releaseThreshold = number;
      return CUDA_SUCCESS;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH:
    case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
      if (number != 0)
        return CUDA_ERROR_INVALID_VALUE;
      pool->usedHigh = pool->used.load();
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuMemPoolTrimTo(CUmemoryPool handle, size_t bytesToKeep) {
  return guarded([&](Driver &driver) {
    return driver.pools.find(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemPoolSetAccess(CUmemoryPool handle, const CUmemAccessDesc *map,
                            size_t count) {
  return guarded([&](Driver &driver) {
    if (!driver.pools.find(handle) || (!map && count != 0))
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i)
      if (map[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE ||
          !driver.device(map[i].location.id))
        return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool handle,
                            CUmemLocation *location) {
  return guarded([&](Driver &driver) {
    if (!flags || !location || !driver.pools.find(handle))
      return CUDA_ERROR_INVALID_VALUE;
    *flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    return CUDA_SUCCESS;
  });
}
