//===- ApiMemory.cpp - Entry points: allocation ---------------------------===//

#include "sim/driver/Api.h"

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!free || !total)
      return CUDA_ERROR_INVALID_VALUE;
    const Arena &arena = context->device.arena;
    *total = arena.totalBytes();
    *free = arena.totalBytes() - arena.usedBytes();
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAlloc_v2(CUdeviceptr *out, size_t bytes) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!out || bytes == 0)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = refuseDuringCapture())
      return error;
    uint64_t address = context->device.arena.allocate(
        bytes, Arena::kGranularity, context.get(),
        makeTag(MemoryKind::Device, 0));
    if (!address)
      return CUDA_ERROR_OUT_OF_MEMORY;
    *out = address;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *out, size_t *pitch, size_t width,
                            size_t height, unsigned elementBytes) {
  if (!out || !pitch || width == 0 || height == 0 ||
      (elementBytes != 4 && elementBytes != 8 && elementBytes != 16))
    return CUDA_ERROR_INVALID_VALUE;
  if (width > SIZE_MAX - Arena::kGranularity)
    return CUDA_ERROR_OUT_OF_MEMORY;
  size_t row = (width + Arena::kGranularity - 1) / Arena::kGranularity *
               Arena::kGranularity;
  if (height > SIZE_MAX / row)
    return CUDA_ERROR_OUT_OF_MEMORY;
  CUresult result = cuMemAlloc_v2(out, row * height);
  if (result == CUDA_SUCCESS)
    *pitch = row;
  return result;
}

/// Device work may still use the block, so it goes when that work is done.
static CUresult freeAfterWork(Context &context, Arena &arena,
                              uint64_t address) {
  synchronizeContext(context);
  return arena.release(address) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// What is not the start of a block in use; freed already, say.
static CUresult refuseFree(Driver &driver, uint64_t address) {
  if (driver.checks)
    driver.checks->hostFree(address);
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
  return withContext([&](Driver &driver,
                         const std::shared_ptr<Context> &context) {
    if (address == 0)
      return CUDA_SUCCESS;
    std::optional<Allocation> allocation = driver.findAllocation(address);
    if (!allocation || allocation->address != address)
      return refuseFree(driver, address);
    MemoryKind kind = kindOf(*allocation);
    if (kind == MemoryKind::PinnedHost || kind == MemoryKind::ModuleVariable)
      return CUDA_ERROR_INVALID_VALUE;
    if (CUresult error = refuseDuringCapture())
      return error;
    if (kind == MemoryKind::Pool) {
      synchronizeContext(*context);
      freePooled(address);
      return CUDA_SUCCESS;
    }
    return freeAfterWork(*context, *driver.arenaOf(address), address);
  });
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *size,
                                 CUdeviceptr address) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    std::optional<Allocation> allocation = driver.findAllocation(address);
    if (!allocation)
      return CUDA_ERROR_NOT_FOUND;
    if (base)
      *base = allocation->address;
    if (size)
      *size = allocation->size;
    return CUDA_SUCCESS;
  });
}

static CUresult allocateHost(void **out, size_t bytes, unsigned flags) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        constexpr unsigned known = CU_MEMHOSTALLOC_PORTABLE |
                                   CU_MEMHOSTALLOC_DEVICEMAP |
                                   CU_MEMHOSTALLOC_WRITECOMBINED;
        if (!out || bytes == 0 || (flags & ~known))
          return CUDA_ERROR_INVALID_VALUE;
        uint64_t page = 4096;
        uint64_t address = driver.hostArena->allocate(
            bytes, page, context.get(), makeTag(MemoryKind::PinnedHost, flags));
        if (!address)
          return CUDA_ERROR_OUT_OF_MEMORY;
        *out = reinterpret_cast<void *>(address);
        return CUDA_SUCCESS;
      });
}

CUresult cuMemAllocHost_v2(void **out, size_t bytes) {
  return allocateHost(out, bytes, CU_MEMHOSTALLOC_DEVICEMAP);
}

CUresult cuMemHostAlloc(void **out, size_t bytes, unsigned flags) {
  return allocateHost(out, bytes, flags);
}

static std::optional<Allocation> findPinned(Driver &driver,
                                            const void *pointer) {
  std::optional<Allocation> allocation =
      driver.findAllocation(reinterpret_cast<uint64_t>(pointer));
  if (allocation && kindOf(*allocation) != MemoryKind::PinnedHost)
    allocation.reset();
  return allocation;
}

CUresult cuMemFreeHost(void *pointer) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        if (!pointer)
          return CUDA_SUCCESS;
        std::optional<Allocation> allocation = findPinned(driver, pointer);
        uint64_t address = reinterpret_cast<uint64_t>(pointer);
        if (!allocation || allocation->address != address)
          return refuseFree(driver, address);
        return freeAfterWork(*context, *driver.hostArena, address);
      });
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *out, void *pointer,
                                      unsigned flags) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!out || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t address = reinterpret_cast<uint64_t>(pointer);
    if (!findPinned(driver, pointer) && !driver.isRegistered(address, 1))
      return CUDA_ERROR_INVALID_VALUE;
    *out = address;
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostGetFlags(unsigned *flags, void *pointer) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    std::optional<Allocation> allocation = findPinned(driver, pointer);
    if (!allocation)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = flagsOf(*allocation);
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostRegister_v2(void *pointer, size_t bytes, unsigned flags) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    constexpr unsigned known =
        CU_MEMHOSTREGISTER_PORTABLE | CU_MEMHOSTREGISTER_DEVICEMAP |
        CU_MEMHOSTREGISTER_IOMEMORY | CU_MEMHOSTREGISTER_READ_ONLY;
    uint64_t address = reinterpret_cast<uint64_t>(pointer);
    if (!pointer || bytes == 0 || (flags & ~known) ||
        bytes > UINT64_MAX - address)
      return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_MEMHOSTREGISTER_IOMEMORY)
      return CUDA_ERROR_NOT_SUPPORTED;
    if (driver.space.contains(address))
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    std::lock_guard<std::mutex> lock(driver.registeredMutex);
    auto next = driver.registered.lower_bound(address);
    if (next != driver.registered.end() && next->first < address + bytes)
      return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    if (next != driver.registered.begin()) {
      --next;
      if (address - next->first < next->second.size)
        return CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED;
    }
    driver.registered[address] = {bytes, flags};
    return CUDA_SUCCESS;
  });
}

CUresult cuMemHostUnregister(void *pointer) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        if (!pointer)
          return CUDA_ERROR_INVALID_VALUE;
        synchronizeContext(*context);
        std::lock_guard<std::mutex> lock(driver.registeredMutex);
        return driver.registered.erase(reinterpret_cast<uint64_t>(pointer)) != 0
                   ? CUDA_SUCCESS
                   : CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED;
      });
}

CUresult cuMemAllocManaged(CUdeviceptr *out, size_t bytes, unsigned flags) {
  return withContext([&](Driver &driver,
                         const std::shared_ptr<Context> &context) {
    if (!out || bytes == 0 ||
        (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST))
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t address =
        driver.hostArena->allocate(bytes, Arena::kGranularity, context.get(),
                                   makeTag(MemoryKind::Managed, flags));
    if (!address)
      return CUDA_ERROR_OUT_OF_MEMORY;
    *out = address;
    return CUDA_SUCCESS;
  });
}

/// Hints about where managed memory should be: there is one place only.
static CUresult acceptManagedHint(CUdeviceptr address, size_t bytes) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    std::optional<Allocation> allocation = driver.findAllocation(address);
    bool isManaged = allocation && allocation->contains(address, bytes) &&
                     kindOf(*allocation) == MemoryKind::Managed;
    return isManaged && bytes != 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuMemAdvise_v2(CUdeviceptr address, size_t bytes, CUmem_advise advice,
                        CUmemLocation location) {
  return acceptManagedHint(address, bytes);
}

CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes,
                               CUmemLocation location, unsigned flags,
                               CUstream stream) {
  if (flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  return acceptManagedHint(address, bytes);
}

CUresult cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address,
                                size_t bytes, unsigned flags) {
  return withStream(stream, [&](Driver &driver,
                                const std::shared_ptr<Context> &,
                                const std::shared_ptr<Stream> &) {
    std::optional<Allocation> allocation = driver.findAllocation(address);
    return allocation && kindOf(*allocation) == MemoryKind::Managed
               ? CUDA_SUCCESS
               : CUDA_ERROR_INVALID_VALUE;
  });
}

namespace {
/// One pointer, as attribute queries see it.
struct PointerFacts {
  std::optional<Allocation> allocation;
  bool registered = false;
  uint64_t address = 0;
  Device *device = nullptr;
  CUcontext context = nullptr;

  bool isHost() const {
    return registered ||
           (allocation && kindOf(*allocation) == MemoryKind::PinnedHost);
  }
  bool isManaged() const {
    return allocation && kindOf(*allocation) == MemoryKind::Managed;
  }
};
} // namespace

static PointerFacts factsOf(Driver &driver, uint64_t address) {
  PointerFacts facts;
  facts.address = address;
  facts.allocation = driver.findAllocation(address);
  facts.registered = driver.isRegistered(address, 1);
  if (facts.allocation)
    if (std::shared_ptr<Context> owner =
            driver.contexts.find(facts.allocation->owner)) {
      facts.context = handleOf(owner);
      facts.device = &owner->device;
    }
  return facts;
}

template <typename T>
static CUresult put(void *target, T value) {
  *static_cast<T *>(target) = value;
  return CUDA_SUCCESS;
}

static CUresult pointerAttribute(void *data, CUpointer_attribute attribute,
                                 const PointerFacts &facts) {
  switch (attribute) {
  case CU_POINTER_ATTRIBUTE_CONTEXT:
    return put(data, facts.context);
  case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
    return put(data, unsigned(facts.isHost() ? CU_MEMORYTYPE_HOST
                                             : CU_MEMORYTYPE_DEVICE));
  case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
    return put(data, CUdeviceptr(facts.address));
  case CU_POINTER_ATTRIBUTE_HOST_POINTER:
    if (!facts.isHost() && !facts.isManaged())
      return CUDA_ERROR_INVALID_VALUE;
    return put(data, reinterpret_cast<void *>(facts.address));
  case CU_POINTER_ATTRIBUTE_BUFFER_ID:
    return put(data, facts.allocation ? uint64_t(facts.allocation->id) : 0);
  case CU_POINTER_ATTRIBUTE_IS_MANAGED:
    return put(data, facts.isManaged());
  case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
    return put(data, facts.device ? facts.device->ordinal : 0);
  case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
    return put(data, CUdeviceptr(facts.allocation ? facts.allocation->address
                                                  : facts.address));
  case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
    return put(data,
               facts.allocation ? size_t(facts.allocation->size) : size_t(0));
  case CU_POINTER_ATTRIBUTE_MAPPED:
    return put(data, true);
  case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS:
  case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE:
  case CU_POINTER_ATTRIBUTE_IS_GPU_DIRECT_RDMA_CAPABLE:
    return put(data, false);
  case CU_POINTER_ATTRIBUTE_ALLOWED_HANDLE_TYPES:
    return put(data, uint64_t(0));
  case CU_POINTER_ATTRIBUTE_ACCESS_FLAGS:
    return put(data, unsigned(CU_POINTER_ATTRIBUTE_ACCESS_FLAG_READWRITE));
  case CU_POINTER_ATTRIBUTE_MEMPOOL_HANDLE: {
    bool pooled =
        facts.allocation && kindOf(*facts.allocation) == MemoryKind::Pool;
    if (!pooled || !facts.device)
      return put(data, CUmemoryPool(nullptr));
    std::lock_guard<std::mutex> lock(facts.device->mutex);
    return put(data, handleOf(facts.device->defaultPool));
  }
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute,
                               CUdeviceptr pointer) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!data)
      return CUDA_ERROR_INVALID_VALUE;
    PointerFacts facts = factsOf(driver, pointer);
    if (!facts.allocation && !facts.registered)
      return CUDA_ERROR_INVALID_VALUE;
    return pointerAttribute(data, attribute, facts);
  });
}

CUresult cuPointerGetAttributes(unsigned count, CUpointer_attribute *attributes,
                                void **data, CUdeviceptr pointer) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!attributes || !data || count == 0)
      return CUDA_ERROR_INVALID_VALUE;
    PointerFacts facts = factsOf(driver, pointer);
    // Unlike the call for one attribute, a foreign pointer is no error here:
    // it reads as zero.
    bool isForeign = !facts.allocation && !facts.registered;
    for (unsigned i = 0; i < count; ++i) {
      if (!data[i])
        return CUDA_ERROR_INVALID_VALUE;
      if (isForeign && attributes[i] == CU_POINTER_ATTRIBUTE_MEMORY_TYPE)
        put(data[i], 0u);
      else if (isForeign &&
               attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL)
        put(data[i], -2);
      else if (isForeign && attributes[i] == CU_POINTER_ATTRIBUTE_MAPPED)
        put(data[i], false);
      else if (isForeign &&
               attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_POINTER)
        put(data[i], uint64_t(0));
      // Device memory has no host pointer, which is no error here either.
      else if (attributes[i] == CU_POINTER_ATTRIBUTE_HOST_POINTER &&
               !facts.isHost() && !facts.isManaged())
        put(data[i], uint64_t(0));
      else if (CUresult error = pointerAttribute(data[i], attributes[i], facts))
        if (!isForeign)
          return error;
    }
    return CUDA_SUCCESS;
  });
}

CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute,
                               CUdeviceptr pointer) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!value || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS ||
        !driver.findAllocation(pointer))
      return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}
