//===- ApiLaunch.cpp - Launches, function attributes, occupancy -----------===//

#include "sim/cudart/Registry.h"

#include <iterator>

using namespace tilewright::sim::cudart;

/// A launch's attributes are the driver's, byte for byte.
static_assert(sizeof(cudaLaunchAttribute) == sizeof(CUlaunchAttribute));
static_assert(int(cudaLaunchAttributeClusterDimension) ==
              int(CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION));
static_assert(int(cudaLaunchAttributePreferredSharedMemoryCarveout) ==
              int(CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT));

static CUlaunchConfig driverConfig(const cudaLaunchConfig_t &config) {
  CUlaunchConfig result{};
  result.gridDimX = config.gridDim.x;
  result.gridDimY = config.gridDim.y;
  result.gridDimZ = config.gridDim.z;
  result.blockDimX = config.blockDim.x;
  result.blockDimY = config.blockDim.y;
  result.blockDimZ = config.blockDim.z;
  result.sharedMemBytes = unsigned(config.dynamicSmemBytes);
  result.hStream = streamOf(config.stream);
  result.attrs = reinterpret_cast<CUlaunchAttribute *>(config.attrs);
  result.numAttrs = config.numAttrs;
  return result;
}

/// True when the device cannot run blocks or grids of that shape, which the
/// runtime tells apart from other invalid arguments.
static bool isImpossibleShape(const CUlaunchConfig &config) {
  int device = currentDevice();
  auto exceeds = [&](unsigned long long value, CUdevice_attribute attribute) {
    int limit = 0;
    cuDeviceGetAttribute(&limit, attribute, device);
    return value == 0 || value > static_cast<unsigned long long>(limit);
  };
  unsigned long long threads =
      1ull * config.blockDimX * config.blockDimY * config.blockDimZ;
  return exceeds(config.gridDimX, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X) ||
         exceeds(config.gridDimY, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y) ||
         exceeds(config.gridDimZ, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z) ||
         exceeds(config.blockDimX, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X) ||
         exceeds(config.blockDimY, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y) ||
         exceeds(config.blockDimZ, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z) ||
         exceeds(threads, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
}

static cudaError_t launch(const cudaLaunchConfig_t &config, const void *host,
                          void **arguments) {
  if (config.dynamicSmemBytes > UINT32_MAX)
    return cudaErrorInvalidValue;
  // The function of the current context: a stream of another one is an error.
  CUfunction function = nullptr;
  if (cudaError_t error = Registry::instance().findFunction(host, function))
    return error;
  CUlaunchConfig driver = driverConfig(config);
  CUresult result = cuLaunchKernelEx(&driver, function, arguments, nullptr);
  if (result == CUDA_ERROR_INVALID_VALUE && isImpossibleShape(driver))
    return cudaErrorInvalidConfiguration;
  return errorOf(result);
}

cudaError_t cudaLaunchKernel(const void *host, dim3 grid, dim3 block,
                             void **arguments, size_t sharedBytes,
                             cudaStream_t stream) {
  return withContext([&] {
    cudaLaunchConfig_t config{grid, block, sharedBytes, stream, nullptr, 0};
    return launch(config, host, arguments);
  });
}

cudaError_t cudaLaunchCooperativeKernel(const void *host, dim3 grid, dim3 block,
                                        void **arguments, size_t sharedBytes,
                                        cudaStream_t stream) {
  return withContext([&] {
    cudaLaunchAttribute cooperative{};
    cooperative.id = cudaLaunchAttributeCooperative;
    cooperative.val.cooperative = 1;
    cudaLaunchConfig_t config{grid,   block,        sharedBytes,
                              stream, &cooperative, 1};
    return launch(config, host, arguments);
  });
}

cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *config,
                                const void *host, void **arguments) {
  return withContext([&] {
    return config ? launch(*config, host, arguments) : cudaErrorInvalidValue;
  });
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function,
                               void *data) {
  return withContext(
      [&] { return cuLaunchHostFunc(streamOf(stream), function, data); });
}

cudaError_t cudaLaunchHostFunc_v2(cudaStream_t stream, cudaHostFn_t function,
                                  void *data, unsigned syncMode) {
  if (syncMode != 0) {
    static std::atomic<bool> wasNamed{false};
    return refuseCall("cudaLaunchHostFunc_v2 with a mode", wasNamed);
  }
  return cudaLaunchHostFunc(stream, function, data);
}

/// Runs `body(function)` with the driver's function behind a host symbol.
template <typename Body>
static cudaError_t withFunction(const void *host, const Body &body) {
  return withContext([&] {
    CUfunction function = nullptr;
    cudaError_t error = Registry::instance().findFunction(host, function);
    return error ? error : errorOf(body(function));
  });
}

cudaError_t cudaFuncSetCacheConfig(const void *host, cudaFuncCache config) {
  return withFunction(host, [&](CUfunction function) {
    return cuFuncSetCacheConfig(function, static_cast<CUfunc_cache>(config));
  });
}

cudaError_t cudaFuncSetSharedMemConfig(const void *host,
                                       cudaSharedMemConfig config) {
  return withFunction(host, [](CUfunction) { return cudaSuccess; });
}

cudaError_t cudaFuncSetAttribute(const void *host, cudaFuncAttribute attribute,
                                 int value) {
  return withFunction(host, [&](CUfunction function) {
    return cuFuncSetAttribute(
        function, static_cast<CUfunction_attribute>(attribute), value);
  });
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *attributes,
                                  const void *host) {
  return withFunction(host, [&](CUfunction function) {
    if (!attributes)
      return cudaErrorInvalidValue;
    auto get = [&](CUfunction_attribute attribute) {
      int value = 0;
      cuFuncGetAttribute(&value, attribute, function);
      return value;
    };
    cudaFuncAttributes &a = *attributes = cudaFuncAttributes{};
    a.sharedSizeBytes = size_t(get(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES));
    a.constSizeBytes = size_t(get(CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES));
    a.localSizeBytes = size_t(get(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES));
    a.maxThreadsPerBlock = get(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    a.numRegs = get(CU_FUNC_ATTRIBUTE_NUM_REGS);
    a.ptxVersion = get(CU_FUNC_ATTRIBUTE_PTX_VERSION);
    a.binaryVersion = get(CU_FUNC_ATTRIBUTE_BINARY_VERSION);
    a.cacheModeCA = get(CU_FUNC_ATTRIBUTE_CACHE_MODE_CA);
    a.maxDynamicSharedSizeBytes =
        get(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
    a.preferredShmemCarveout =
        get(CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT);
    a.clusterDimMustBeSet = get(CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET);
    a.requiredClusterWidth = get(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH);
    a.requiredClusterHeight = get(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT);
    a.requiredClusterDepth = get(CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH);
    a.clusterSchedulingPolicyPreference =
        get(CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE);
    a.nonPortableClusterSizeAllowed =
        get(CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
    return cudaSuccess;
  });
}

cudaError_t cudaFuncGetName(const char **name, const void *host) {
  return withFunction(
      host, [&](CUfunction function) { return cuFuncGetName(name, function); });
}

cudaError_t cudaFuncGetParamInfo(const void *host, size_t index, size_t *offset,
                                 size_t *size) {
  return withFunction(host, [&](CUfunction function) {
    return cuFuncGetParamInfo(function, index, offset, size);
  });
}

cudaError_t cudaFuncGetParamCount(const void *host, size_t *count) {
  return withFunction(host, [&](CUfunction function) {
    return cuFuncGetParamCount(function, count);
  });
}

cudaError_t cudaGetFuncBySymbol(cudaFunction_t *out, const void *host) {
  return withFunction(host, [&](CUfunction function) {
    if (!out)
      return cudaErrorInvalidValue;
    *out = function;
    return cudaSuccess;
  });
}

cudaError_t cudaGetKernel(cudaKernel_t *out, const void *host) {
  return withContext([&] {
    CUkernel kernel = nullptr;
    cudaError_t error = Registry::instance().findKernel(host, kernel);
    if (!error && !out)
      return cudaErrorInvalidValue;
    if (!error)
      *out = kernel;
    return error;
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, const void *host, int blockSize, size_t sharedBytes,
    unsigned flags) {
  return withFunction(host, [&](CUfunction function) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks, function, blockSize, sharedBytes, flags);
  });
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                          const void *host,
                                                          int blockSize,
                                                          size_t sharedBytes) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      blocks, host, blockSize, sharedBytes, cudaOccupancyDefault);
}

cudaError_t cudaOccupancyAvailableDynamicSMemPerBlock(size_t *bytes,
                                                      const void *host,
                                                      int blocks,
                                                      int blockSize) {
  return withFunction(host, [&](CUfunction function) {
    return cuOccupancyAvailableDynamicSMemPerBlock(bytes, function, blocks,
                                                   blockSize);
  });
}

cudaError_t
cudaOccupancyMaxPotentialClusterSize(int *size, const void *host,
                                     const cudaLaunchConfig_t *config) {
  return withFunction(host, [&](CUfunction function) {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    CUlaunchConfig driver = driverConfig(*config);
    return cuOccupancyMaxPotentialClusterSize(size, function, &driver);
  });
}

cudaError_t cudaOccupancyMaxActiveClusters(int *clusters, const void *host,
                                           const cudaLaunchConfig_t *config) {
  return withFunction(host, [&](CUfunction function) {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    CUlaunchConfig driver = driverConfig(*config);
    return cuOccupancyMaxActiveClusters(clusters, function, &driver);
  });
}
