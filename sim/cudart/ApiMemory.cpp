//===- ApiMemory.cpp - Allocation, pools, pointers ------------------------===//

#include "sim/cudart/Runtime.h"

using namespace tilewright::sim::cudart;

static CUdeviceptr *slotOf(void **out) {
  return reinterpret_cast<CUdeviceptr *>(out);
}
static CUdeviceptr addressOf(const void *pointer) {
  return reinterpret_cast<CUdeviceptr>(pointer);
}

cudaError_t cudaMemGetInfo(size_t *free, size_t *total) {
  return withContext([&] { return cuMemGetInfo(free, total); });
}

cudaError_t cudaMalloc(void **out, size_t bytes) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = nullptr;
    // The runtime, unlike the driver, gives nothing for nothing.
    return bytes == 0 ? CUDA_SUCCESS : cuMemAlloc(slotOf(out), bytes);
  });
}

cudaError_t cudaFree(void *pointer) {
  return withContext([&] { return cuMemFree(addressOf(pointer)); });
}

cudaError_t cudaMallocManaged(void **out, size_t bytes, unsigned flags) {
  return withContext(
      [&] { return cuMemAllocManaged(slotOf(out), bytes, flags); });
}

/// What a thread of any device loads at once.
static constexpr unsigned kWidestElement = 16;

cudaError_t cudaMallocPitch(void **out, size_t *pitch, size_t width,
                            size_t height) {
  return withContext([&] {
    if (!out || !pitch)
      return CUDA_ERROR_INVALID_VALUE;
    *out = nullptr;
    if (width == 0 || height == 0)
      return CUDA_SUCCESS;
    return cuMemAllocPitch(slotOf(out), pitch, width, height, kWidestElement);
  });
}

cudaError_t cudaMalloc3D(cudaPitchedPtr *out, cudaExtent extent) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = {nullptr, 0, extent.width, extent.height};
    if (extent.width == 0 || extent.height == 0 || extent.depth == 0)
      return CUDA_SUCCESS;
    if (extent.height > SIZE_MAX / extent.depth)
      return CUDA_ERROR_OUT_OF_MEMORY;
    return cuMemAllocPitch(slotOf(&out->ptr), &out->pitch, extent.width,
                           extent.height * extent.depth, kWidestElement);
  });
}

cudaError_t cudaMallocHost(void **out, size_t bytes) {
  return cudaHostAlloc(out, bytes, cudaHostAllocDefault);
}

cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = nullptr;
    return bytes == 0 ? CUDA_SUCCESS : cuMemHostAlloc(out, bytes, flags);
  });
}

cudaError_t cudaFreeHost(void *pointer) {
  return withContext([&] { return cuMemFreeHost(pointer); });
}

cudaError_t cudaHostRegister(void *pointer, size_t bytes, unsigned flags) {
  return withContext([&] { return cuMemHostRegister(pointer, bytes, flags); });
}

cudaError_t cudaHostUnregister(void *pointer) {
  return withContext([&] { return cuMemHostUnregister(pointer); });
}

cudaError_t cudaHostGetDevicePointer(void **out, void *pointer,
                                     unsigned flags) {
  return withContext(
      [&] { return cuMemHostGetDevicePointer(slotOf(out), pointer, flags); });
}

cudaError_t cudaHostGetFlags(unsigned *flags, void *pointer) {
  return withContext([&] { return cuMemHostGetFlags(flags, pointer); });
}

static_assert(sizeof(cudaMemLocation) == sizeof(CUmemLocation));

static CUmemLocation driverLocation(const cudaMemLocation &location) {
  CUmemLocation result{};
  result.type = static_cast<CUmemLocationType>(location.type);
  result.id = location.id;
  return result;
}

cudaError_t cudaMemAdvise(const void *pointer, size_t bytes,
                          cudaMemoryAdvise advice, cudaMemLocation location) {
  return withContext([&] {
    return cuMemAdvise(addressOf(pointer), bytes,
                       static_cast<CUmem_advise>(advice),
                       driverLocation(location));
  });
}

cudaError_t cudaMemPrefetchAsync(const void *pointer, size_t bytes,
                                 cudaMemLocation location, unsigned flags,
                                 cudaStream_t stream) {
  return withContext([&] {
    return cuMemPrefetchAsync(addressOf(pointer), bytes,
                              driverLocation(location), flags,
                              streamOf(stream));
  });
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes *out,
                                     const void *pointer) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    unsigned type = 0, isManaged = 0;
    int device = cudaInvalidDeviceId;
    CUdeviceptr onDevice = 0;
    void *onHost = nullptr;
    CUpointer_attribute names[] = {
        CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_POINTER_ATTRIBUTE_IS_MANAGED,
        CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL,
        CU_POINTER_ATTRIBUTE_DEVICE_POINTER, CU_POINTER_ATTRIBUTE_HOST_POINTER};
    void *values[] = {&type, &isManaged, &device, &onDevice, &onHost};
    CUresult result = cuPointerGetAttributes(sizeof names / sizeof *names,
                                             names, values, addressOf(pointer));
    if (result != CUDA_SUCCESS)
      return result;
    *out = cudaPointerAttributes{};
    out->device = device;
    out->devicePointer = reinterpret_cast<void *>(onDevice);
    out->hostPointer = onHost;
    if (isManaged) {
      out->type = cudaMemoryTypeManaged;
    } else if (type == 0) {
      out->type = cudaMemoryTypeUnregistered;
      out->device = cudaInvalidDeviceId;
      out->hostPointer = const_cast<void *>(pointer);
    } else {
      out->type = static_cast<cudaMemoryType>(type);
    }
    return CUDA_SUCCESS;
  });
}

cudaError_t cudaMallocAsync(void **out, size_t bytes, cudaStream_t stream) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = nullptr;
    return bytes == 0 ? CUDA_SUCCESS
                      : cuMemAllocAsync(slotOf(out), bytes, streamOf(stream));
  });
}

cudaError_t cudaMallocFromPoolAsync(void **out, size_t bytes,
                                    cudaMemPool_t pool, cudaStream_t stream) {
  return withContext([&] {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = nullptr;
    return bytes == 0 ? CUDA_SUCCESS
                      : cuMemAllocFromPoolAsync(slotOf(out), bytes, pool,
                                                streamOf(stream));
  });
}

cudaError_t cudaFreeAsync(void *pointer, cudaStream_t stream) {
  return withContext([&] {
    return pointer ? cuMemFreeAsync(addressOf(pointer), streamOf(stream))
                   : CUDA_SUCCESS;
  });
}

static_assert(sizeof(cudaMemPoolProps) == sizeof(CUmemPoolProps));
static_assert(sizeof(cudaMemAccessDesc) == sizeof(CUmemAccessDesc));

cudaError_t cudaMemPoolCreate(cudaMemPool_t *pool,
                              const cudaMemPoolProps *properties) {
  return withContext([&] {
    return cuMemPoolCreate(
        pool, reinterpret_cast<const CUmemPoolProps *>(properties));
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  return withContext([&] { return cuMemPoolDestroy(pool); });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t bytes) {
  return withContext([&] { return cuMemPoolTrimTo(pool, bytes); });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool,
                                    cudaMemPoolAttr attribute, void *value) {
  return withContext([&] {
    return cuMemPoolSetAttribute(
        pool, static_cast<CUmemPool_attribute>(attribute), value);
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool,
                                    cudaMemPoolAttr attribute, void *value) {
  return withContext([&] {
    return cuMemPoolGetAttribute(
        pool, static_cast<CUmemPool_attribute>(attribute), value);
  });
}

cudaError_t cudaMemPoolSetAccess(cudaMemPool_t pool,
                                 const cudaMemAccessDesc *list, size_t count) {
  return withContext([&] {
    return cuMemPoolSetAccess(
        pool, reinterpret_cast<const CUmemAccessDesc *>(list), count);
  });
}

cudaError_t cudaMemPoolGetAccess(cudaMemAccessFlags *flags, cudaMemPool_t pool,
                                 cudaMemLocation *location) {
  return withContext([&] {
    return cuMemPoolGetAccess(reinterpret_cast<CUmemAccess_flags *>(flags),
                              pool,
                              reinterpret_cast<CUmemLocation *>(location));
  });
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t *pool, int device) {
  return guarded([&] { return cuDeviceGetDefaultMemPool(pool, device); });
}

cudaError_t cudaDeviceGetMemPool(cudaMemPool_t *pool, int device) {
  return guarded([&] { return cuDeviceGetMemPool(pool, device); });
}

cudaError_t cudaDeviceSetMemPool(int device, cudaMemPool_t pool) {
  return guarded([&] { return cuDeviceSetMemPool(device, pool); });
}

/// The pool of a place; only devices have one.
template <typename Call>
static cudaError_t withDevicePool(const cudaMemLocation *location,
                                  cudaMemAllocationType type,
                                  const Call &call) {
  return guarded([&] {
    if (!location || type != cudaMemAllocationTypePinned ||
        location->type != cudaMemLocationTypeDevice)
      return cudaErrorNotSupported;
    return errorOf(call(location->id));
  });
}

cudaError_t cudaMemGetDefaultMemPool(cudaMemPool_t *pool,
                                     cudaMemLocation *location,
                                     cudaMemAllocationType type) {
  return withDevicePool(location, type, [&](int device) {
    return cuDeviceGetDefaultMemPool(pool, device);
  });
}

cudaError_t cudaMemGetMemPool(cudaMemPool_t *pool, cudaMemLocation *location,
                              cudaMemAllocationType type) {
  return withDevicePool(location, type, [&](int device) {
    return cuDeviceGetMemPool(pool, device);
  });
}

cudaError_t cudaMemSetMemPool(cudaMemLocation *location,
                              cudaMemAllocationType type, cudaMemPool_t pool) {
  return withDevicePool(location, type, [&](int device) {
    return cuDeviceSetMemPool(device, pool);
  });
}
