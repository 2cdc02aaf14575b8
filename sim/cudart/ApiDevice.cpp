//===- ApiDevice.cpp - Devices --------------------------------------------===//

#include "sim/cudart/Runtime.h"

#include <algorithm>

using namespace tilewright::sim::cudart;

cudaError_t cudaGetDeviceCount(int *count) {
  return guarded([&] {
    return count ? cuDeviceGetCount(count) : CUDA_ERROR_INVALID_VALUE;
  });
}

cudaError_t cudaGetDevice(int *device) {
  return guarded([&] {
    if (!device)
      return cudaErrorInvalidValue;
    *device = currentDevice();
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return guarded([&] {
    if (!isDevice(device))
      return cudaErrorInvalidDevice;
    threadState().device = device;
    return makePrimaryCurrent(device);
  });
}

cudaError_t cudaInitDevice(int device, unsigned deviceFlags, unsigned flags) {
  return guarded([&] {
    if (!isDevice(device))
      return cudaErrorInvalidDevice;
    if (flags & cudaInitDeviceFlagsAreValid)
      if (CUresult error = cuDevicePrimaryCtxSetFlags(device, deviceFlags))
        return errorOf(error);
    CUcontext context = nullptr;
    return primaryContext(device, context);
  });
}

cudaError_t cudaSetDeviceFlags(unsigned flags) {
  return guarded(
      [&] { return cuDevicePrimaryCtxSetFlags(currentDevice(), flags); });
}

cudaError_t cudaGetDeviceFlags(unsigned *flags) {
  return guarded([&] {
    int isActive = 0;
    return cuDevicePrimaryCtxGetState(currentDevice(), flags, &isActive);
  });
}

cudaError_t cudaDeviceReset() {
  return guarded([&] {
    threadState().lastError = cudaSuccess;
    return cuDevicePrimaryCtxReset(currentDevice());
  });
}

cudaError_t cudaDeviceSynchronize() {
  return withContext([] { return cuCtxSynchronize(); });
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
  return withContext(
      [&] { return cuCtxSetLimit(static_cast<CUlimit>(limit), value); });
}

cudaError_t cudaDeviceGetLimit(size_t *value, cudaLimit limit) {
  return withContext(
      [&] { return cuCtxGetLimit(value, static_cast<CUlimit>(limit)); });
}

cudaError_t cudaDeviceGetCacheConfig(cudaFuncCache *config) {
  return withContext([&] {
    return cuCtxGetCacheConfig(reinterpret_cast<CUfunc_cache *>(config));
  });
}

cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache config) {
  return withContext(
      [&] { return cuCtxSetCacheConfig(static_cast<CUfunc_cache>(config)); });
}

cudaError_t cudaDeviceGetSharedMemConfig(cudaSharedMemConfig *config) {
  return withContext([&] {
    if (!config)
      return cudaErrorInvalidValue;
    *config = cudaSharedMemBankSizeFourByte;
    return cudaSuccess;
  });
}

/// Banks have had one width since Maxwell.
cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) {
  return withContext([] { return cudaSuccess; });
}

cudaError_t cudaCtxResetPersistingL2Cache() {
  return withContext([] { return cuCtxResetPersistingL2Cache(); });
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
  return withContext(
      [&] { return cuCtxGetStreamPriorityRange(least, greatest); });
}

cudaError_t cudaDeviceGetByPCIBusId(int *device, const char *id) {
  return guarded([&] { return cuDeviceGetByPCIBusId(device, id); });
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int length, int device) {
  return guarded([&] { return cuDeviceGetPCIBusId(id, length, device); });
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute,
                                   int device) {
  return guarded([&] {
    return cuDeviceGetAttribute(
        value, static_cast<CUdevice_attribute>(attribute), device);
  });
}

cudaError_t cudaDeviceGetP2PAttribute(int *value, cudaDeviceP2PAttr attribute,
                                      int source, int target) {
  return guarded([&] {
    return cuDeviceGetP2PAttribute(
        value, static_cast<CUdevice_P2PAttribute>(attribute), source, target);
  });
}

cudaError_t cudaDeviceCanAccessPeer(int *canAccess, int device, int peer) {
  return guarded(
      [&] { return cuDeviceCanAccessPeer(canAccess, device, peer); });
}

cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  return withContext([&] {
    if (!isDevice(peer))
      return cudaErrorInvalidDevice;
    CUcontext context = nullptr;
    cudaError_t error = primaryContext(peer, context);
    return error ? error : errorOf(cuCtxEnablePeerAccess(context, flags));
  });
}

cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  return withContext([&] {
    if (!isDevice(peer))
      return cudaErrorInvalidDevice;
    CUcontext context = nullptr;
    cudaError_t error = primaryContext(peer, context);
    return error ? error : errorOf(cuCtxDisablePeerAccess(context));
  });
}

namespace {
/// An integer member of the properties and where it comes from.
struct PropertySource {
  int cudaDeviceProp::*member;
  CUdevice_attribute attribute;
};
struct SizePropertySource {
  size_t cudaDeviceProp::*member;
  CUdevice_attribute attribute;
};
} // namespace

#define PROPERTY(member, attribute)                                            \
  {&cudaDeviceProp::member, CU_DEVICE_ATTRIBUTE_##attribute}

static const PropertySource kProperties[] = {
    PROPERTY(regsPerBlock, MAX_REGISTERS_PER_BLOCK),
    PROPERTY(warpSize, WARP_SIZE),
    PROPERTY(maxThreadsPerBlock, MAX_THREADS_PER_BLOCK),
    PROPERTY(major, COMPUTE_CAPABILITY_MAJOR),
    PROPERTY(minor, COMPUTE_CAPABILITY_MINOR),
    PROPERTY(multiProcessorCount, MULTIPROCESSOR_COUNT),
    PROPERTY(integrated, INTEGRATED),
    PROPERTY(canMapHostMemory, CAN_MAP_HOST_MEMORY),
    PROPERTY(maxTexture1D, MAXIMUM_TEXTURE1D_WIDTH),
    PROPERTY(maxTexture1DMipmap, MAXIMUM_TEXTURE1D_MIPMAPPED_WIDTH),
    PROPERTY(maxTextureCubemap, MAXIMUM_TEXTURECUBEMAP_WIDTH),
    PROPERTY(maxSurface1D, MAXIMUM_SURFACE1D_WIDTH),
    PROPERTY(maxSurfaceCubemap, MAXIMUM_SURFACECUBEMAP_WIDTH),
    PROPERTY(concurrentKernels, CONCURRENT_KERNELS),
    PROPERTY(ECCEnabled, ECC_ENABLED),
    PROPERTY(pciBusID, PCI_BUS_ID),
    PROPERTY(pciDeviceID, PCI_DEVICE_ID),
    PROPERTY(pciDomainID, PCI_DOMAIN_ID),
    PROPERTY(tccDriver, TCC_DRIVER),
    PROPERTY(asyncEngineCount, ASYNC_ENGINE_COUNT),
    PROPERTY(unifiedAddressing, UNIFIED_ADDRESSING),
    PROPERTY(memoryBusWidth, GLOBAL_MEMORY_BUS_WIDTH),
    PROPERTY(l2CacheSize, L2_CACHE_SIZE),
    PROPERTY(persistingL2CacheMaxSize, MAX_PERSISTING_L2_CACHE_SIZE),
    PROPERTY(maxThreadsPerMultiProcessor, MAX_THREADS_PER_MULTIPROCESSOR),
    PROPERTY(streamPrioritiesSupported, STREAM_PRIORITIES_SUPPORTED),
    PROPERTY(globalL1CacheSupported, GLOBAL_L1_CACHE_SUPPORTED),
    PROPERTY(localL1CacheSupported, LOCAL_L1_CACHE_SUPPORTED),
    PROPERTY(regsPerMultiprocessor, MAX_REGISTERS_PER_MULTIPROCESSOR),
    PROPERTY(managedMemory, MANAGED_MEMORY),
    PROPERTY(isMultiGpuBoard, MULTI_GPU_BOARD),
    PROPERTY(multiGpuBoardGroupID, MULTI_GPU_BOARD_GROUP_ID),
    PROPERTY(hostNativeAtomicSupported, HOST_NATIVE_ATOMIC_SUPPORTED),
    PROPERTY(pageableMemoryAccess, PAGEABLE_MEMORY_ACCESS),
    PROPERTY(concurrentManagedAccess, CONCURRENT_MANAGED_ACCESS),
    PROPERTY(computePreemptionSupported, COMPUTE_PREEMPTION_SUPPORTED),
    PROPERTY(canUseHostPointerForRegisteredMem,
             CAN_USE_HOST_POINTER_FOR_REGISTERED_MEM),
    PROPERTY(cooperativeLaunch, COOPERATIVE_LAUNCH),
    PROPERTY(pageableMemoryAccessUsesHostPageTables,
             PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES),
    PROPERTY(directManagedMemAccessFromHost,
             DIRECT_MANAGED_MEM_ACCESS_FROM_HOST),
    PROPERTY(maxBlocksPerMultiProcessor, MAX_BLOCKS_PER_MULTIPROCESSOR),
    PROPERTY(accessPolicyMaxWindowSize, MAX_ACCESS_POLICY_WINDOW_SIZE),
    PROPERTY(hostRegisterSupported, HOST_REGISTER_SUPPORTED),
    PROPERTY(sparseCudaArraySupported, SPARSE_CUDA_ARRAY_SUPPORTED),
    PROPERTY(hostRegisterReadOnlySupported, READ_ONLY_HOST_REGISTER_SUPPORTED),
    PROPERTY(timelineSemaphoreInteropSupported,
             TIMELINE_SEMAPHORE_INTEROP_SUPPORTED),
    PROPERTY(memoryPoolsSupported, MEMORY_POOLS_SUPPORTED),
    PROPERTY(gpuDirectRDMASupported, GPU_DIRECT_RDMA_SUPPORTED),
    PROPERTY(gpuDirectRDMAWritesOrdering, GPU_DIRECT_RDMA_WRITES_ORDERING),
    PROPERTY(deferredMappingCudaArraySupported,
             DEFERRED_MAPPING_CUDA_ARRAY_SUPPORTED),
    PROPERTY(ipcEventSupported, IPC_EVENT_SUPPORTED),
    PROPERTY(clusterLaunch, CLUSTER_LAUNCH),
    PROPERTY(unifiedFunctionPointers, UNIFIED_FUNCTION_POINTERS),
    PROPERTY(deviceNumaConfig, NUMA_CONFIG),
    PROPERTY(deviceNumaId, NUMA_ID),
    PROPERTY(mpsEnabled, MPS_ENABLED),
    PROPERTY(hostNumaId, HOST_NUMA_ID),
};

static const SizePropertySource kSizeProperties[] = {
    PROPERTY(sharedMemPerBlock, MAX_SHARED_MEMORY_PER_BLOCK),
    PROPERTY(memPitch, MAX_PITCH),
    PROPERTY(totalConstMem, TOTAL_CONSTANT_MEMORY),
    PROPERTY(textureAlignment, TEXTURE_ALIGNMENT),
    PROPERTY(texturePitchAlignment, TEXTURE_PITCH_ALIGNMENT),
    PROPERTY(surfaceAlignment, SURFACE_ALIGNMENT),
    PROPERTY(sharedMemPerMultiprocessor, MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
    PROPERTY(sharedMemPerBlockOptin, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN),
    PROPERTY(reservedSharedMemPerBlock, RESERVED_SHARED_MEMORY_PER_BLOCK),
};
#undef PROPERTY

/// Zero for what this device does not say.
static int attributeOf(int device, int attribute) {
  int value = 0;
  cuDeviceGetAttribute(&value, static_cast<CUdevice_attribute>(attribute),
                       device);
  return value;
}

/// Attributes whose numbers follow one another, into an array.
template <size_t N>
static void fillRow(int (&row)[N], int device, CUdevice_attribute first) {
  for (size_t i = 0; i < N; ++i)
    row[i] = attributeOf(device, int(first) + int(i));
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *out, int device) {
  return guarded([&] {
    if (!out)
      return cudaErrorInvalidValue;
    if (!isDevice(device))
      return cudaErrorInvalidDevice;
    cudaDeviceProp &p = *out = cudaDeviceProp{};
    cuDeviceGetName(p.name, sizeof p.name, device);
    cuDeviceGetUuid(reinterpret_cast<CUuuid *>(&p.uuid), device);
    cuDeviceTotalMem(&p.totalGlobalMem, device);
    for (const PropertySource &source : kProperties)
      p.*source.member = attributeOf(device, source.attribute);
    for (const SizePropertySource &source : kSizeProperties)
      p.*source.member = size_t(attributeOf(device, source.attribute));
    fillRow(p.maxThreadsDim, device, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X);
    fillRow(p.maxGridSize, device, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X);
    fillRow(p.maxTexture2D, device,
            CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE2D_WIDTH);
    fillRow(p.maxTexture3D, device,
            CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE3D_WIDTH);
    p.memoryPoolSupportedHandleTypes = unsigned(attributeOf(
        device, CU_DEVICE_ATTRIBUTE_MEMPOOL_SUPPORTED_HANDLE_TYPES));
    p.gpuDirectRDMAFlushWritesOptions = unsigned(attributeOf(
        device, CU_DEVICE_ATTRIBUTE_GPU_DIRECT_RDMA_FLUSH_WRITES_OPTIONS));
    return cudaSuccess;
  });
}
