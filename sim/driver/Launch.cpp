//===- Launch.cpp - Checks a launch against device and function -----------===//

#include "sim/driver/Api.h"

#include <cstring>

namespace tilewright::sim::driver {
namespace {

/// What a launch's attributes ask for.
struct LaunchWishes {
  Dim3 cluster{0, 0, 0};
  bool cooperative = false, dependent = false;
};

} // namespace

static CUresult readAttributes(const CUlaunchConfig &config,
                               LaunchWishes &wishes) {
  if (config.numAttrs != 0 && !config.attrs)
    return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const CUlaunchAttributeValue &value = config.attrs[i].value;
    switch (config.attrs[i].id) {
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
      wishes.cluster = {value.clusterDim.x, value.clusterDim.y,
                        value.clusterDim.z};
      if (wishes.cluster.count() == 0)
        return CUDA_ERROR_INVALID_VALUE;
      break;
    case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
      wishes.cooperative = value.cooperative != 0;
      break;
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION:
      wishes.dependent = value.programmaticStreamSerializationAllowed != 0;
      break;
    // Hints.
    case CU_LAUNCH_ATTRIBUTE_IGNORE:
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_CLUSTER_DIMENSION:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
    case CU_LAUNCH_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
      break;
    // Recorded by whoever enqueues the launch.
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
      break;
    default:
      return CUDA_ERROR_NOT_SUPPORTED;
    }
  }
  return CUDA_SUCCESS;
}

static CUresult checkShape(const Device &device, const Dim3 &grid,
                           const Dim3 &block) {
  auto within = [&](uint32_t value, int attribute) {
    return value != 0 &&
           value <= uint32_t(device.attribute(attribute).value_or(0));
  };
  bool fits = within(grid.x, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X) &&
              within(grid.y, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y) &&
              within(grid.z, CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z) &&
              within(block.x, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X) &&
              within(block.y, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y) &&
              within(block.z, CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z) &&
              block.count() <= device.config.maxThreadsPerBlock;
  return fits ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/// Settles the cluster's shape between the launch, the function's attributes
/// and the kernel's own directive.
static CUresult settleCluster(const Function &function,
                              const FunctionAttributes &attributes,
                              const Dim3 &asked, KernelOperation &operation) {
  const sim::Kernel &kernel = *function.kernel;
  const Device &device = function.context->device;
  Dim3 cluster = asked;
  if (cluster.count() == 0 && attributes.clusterWidth > 0)
    cluster = {uint32_t(attributes.clusterWidth),
               std::max(1u, uint32_t(attributes.clusterHeight)),
               std::max(1u, uint32_t(attributes.clusterDepth))};
  if (kernel.requiredCluster) {
    if (cluster.count() != 0 && cluster != *kernel.requiredCluster)
      return CUDA_ERROR_INVALID_CLUSTER_SIZE;
    cluster = *kernel.requiredCluster;
  }
  if (cluster.count() == 0) {
    if (kernel.explicitCluster)
      return CUDA_ERROR_INVALID_CLUSTER_SIZE;
    cluster = {1, 1, 1};
  }
  uint64_t limit = uint64_t(attributes.nonPortableCluster
                                ? device.sku.blocksPerClusterMax
                                : device.sku.blocksPerClusterPortable);
  if (cluster.count() > limit ||
      (kernel.maxClusterRank && cluster.count() > kernel.maxClusterRank) ||
      operation.grid.x % cluster.x != 0 || operation.grid.y % cluster.y != 0 ||
      operation.grid.z % cluster.z != 0)
    return CUDA_ERROR_INVALID_CLUSTER_SIZE;
  operation.cluster = cluster;
  return CUDA_SUCCESS;
}

static CUresult checkResources(const Function &function,
                               const FunctionAttributes &attributes,
                               const KernelOperation &operation) {
  const sim::Kernel &kernel = *function.kernel;
  const DeviceConfig &config = function.context->device.config;
  uint64_t threads = operation.block.count();
  if (kernel.requiredBlock && *kernel.requiredBlock != operation.block)
    return CUDA_ERROR_INVALID_VALUE;
  if (operation.dynamicSharedBytes > function.dynamicSharedLimit(attributes))
    return CUDA_ERROR_INVALID_VALUE;
  if (kernel.maxThreadsPerBlock && threads > kernel.maxThreadsPerBlock)
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  uint32_t resident = maxActiveBlocksPerSm(kernel, config, uint32_t(threads),
                                           operation.dynamicSharedBytes);
  if (resident == 0)
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  if (operation.cooperative &&
      operation.grid.count() > uint64_t(resident) * config.smCount)
    return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
  return CUDA_SUCCESS;
}

/// Parameters come as an array of pointers, or packed in a buffer.
static CUresult packParameters(const sim::Kernel &kernel, void **kernelParams,
                               void **extra, std::vector<std::byte> &packed) {
  if (kernelParams && extra)
    return CUDA_ERROR_INVALID_VALUE;
  packed.assign(kernel.totalParamBytes, std::byte(0));
  if (kernel.params.empty())
    return CUDA_SUCCESS;
  if (kernelParams) {
    for (size_t i = 0; i < kernel.params.size(); ++i) {
      if (!kernelParams[i])
        return CUDA_ERROR_INVALID_VALUE;
      memcpy(packed.data() + kernel.params[i].offset, kernelParams[i],
             kernel.params[i].size);
    }
    return CUDA_SUCCESS;
  }
  if (!extra)
    return CUDA_ERROR_INVALID_VALUE;
  const void *buffer = nullptr;
  size_t bytes = 0;
  for (; *extra != CU_LAUNCH_PARAM_END; extra += 2) {
    if (*extra == CU_LAUNCH_PARAM_BUFFER_POINTER)
      buffer = extra[1];
    else if (*extra == CU_LAUNCH_PARAM_BUFFER_SIZE && extra[1])
      bytes = *static_cast<size_t *>(extra[1]);
    else
      return CUDA_ERROR_INVALID_VALUE;
  }
  const sim::KernelParam &last = kernel.params.back();
  if (!buffer || bytes < last.offset + last.size)
    return CUDA_ERROR_INVALID_VALUE;
  memcpy(packed.data(), buffer, std::min<size_t>(bytes, packed.size()));
  return CUDA_SUCCESS;
}

CUresult makeKernelOperation(const std::shared_ptr<Context> &context,
                             CUfunction handle, const CUlaunchConfig &config,
                             void **kernelParams, void **extra,
                             KernelOperation &operation) {
  std::shared_ptr<Function> function;
  if (CUresult error = resolveFunction(context, handle, function))
    return error;
  if (function->context != context)
    return CUDA_ERROR_INVALID_HANDLE;
  LaunchWishes wishes;
  if (CUresult error = readAttributes(config, wishes))
    return error;
  FunctionAttributes attributes = function->currentAttributes();
  operation.function = function;
  operation.grid = {config.gridDimX, config.gridDimY, config.gridDimZ};
  operation.block = {config.blockDimX, config.blockDimY, config.blockDimZ};
  operation.dynamicSharedBytes = config.sharedMemBytes;
  operation.cooperative = wishes.cooperative;
  operation.dependent = wishes.dependent;
  if (CUresult error =
          checkShape(context->device, operation.grid, operation.block))
    return error;
  if (CUresult error =
          settleCluster(*function, attributes, wishes.cluster, operation))
    return error;
  if (CUresult error = checkResources(*function, attributes, operation))
    return error;
  return packParameters(*function->kernel, kernelParams, extra,
                        operation.params);
}

} // namespace tilewright::sim::driver
