//===- ApiLaunch.cpp - Entry points: launches, occupancy, tensor maps -----===//

#include "sim/driver/Api.h"

#include "sim/async/TensorMap.h"

#include <cstring>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

/// Events that a launch's attributes ask for. They happen when the launch is
/// complete, but do not say so to the check of order.
static CUresult recordLaunchEvents(Driver &driver,
                                   const std::shared_ptr<Context> &context,
                                   const std::shared_ptr<Stream> &stream,
                                   const CUlaunchConfig &config) {
  for (unsigned i = 0; i < config.numAttrs; ++i) {
    const CUlaunchAttributeValue &value = config.attrs[i].value;
    CUevent handle = nullptr;
    CUgraphEdgeData edge{};
    switch (config.attrs[i].id) {
    case CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_EVENT:
      handle = value.programmaticEvent.event;
      edge.type = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC;
      edge.from_port = value.programmaticEvent.triggerAtBlockStart
                           ? CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER
                           : CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC;
      break;
    case CU_LAUNCH_ATTRIBUTE_LAUNCH_COMPLETION_EVENT:
      handle = value.launchCompletionEvent.event;
      edge.from_port = CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER;
      break;
    default:
      continue;
    }
    std::shared_ptr<Event> event = driver.events.find(handle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    if (CUresult error = recordEvent(context, stream, event, 0, edge))
      return error;
  }
  return CUDA_SUCCESS;
}

static CUresult launch(const CUlaunchConfig &config, CUfunction function,
                       void **kernelParams, void **extra) {
  return withStream(config.hStream, [&](Driver &driver,
                                        const std::shared_ptr<Context> &context,
                                        const std::shared_ptr<Stream> &stream) {
    KernelOperation operation;
    if (CUresult error = makeKernelOperation(context, function, config,
                                             kernelParams, extra, operation))
      return error;
    if (CUresult error = enqueue(context, stream, std::move(operation)))
      return error;
    return recordLaunchEvents(driver, context, stream, config);
  });
}

static CUlaunchConfig makeConfig(const Dim3 &grid, const Dim3 &block,
                                 unsigned sharedBytes, CUstream stream) {
  CUlaunchConfig config{};
  config.gridDimX = grid.x;
  config.gridDimY = grid.y;
  config.gridDimZ = grid.z;
  config.blockDimX = block.x;
  config.blockDimY = block.y;
  config.blockDimZ = block.z;
  config.sharedMemBytes = sharedBytes;
  config.hStream = stream;
  return config;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream,
                        void **kernelParams, void **extra) {
  return launch(makeConfig({gridX, gridY, gridZ}, {blockX, blockY, blockZ},
                           sharedBytes, stream),
                function, kernelParams, extra);
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction function,
                          void **kernelParams, void **extra) {
  if (!config)
    return CUDA_ERROR_INVALID_VALUE;
  return launch(*config, function, kernelParams, extra);
}

CUresult cuLaunchCooperativeKernel(CUfunction function, unsigned gridX,
                                   unsigned gridY, unsigned gridZ,
                                   unsigned blockX, unsigned blockY,
                                   unsigned blockZ, unsigned sharedBytes,
                                   CUstream stream, void **kernelParams) {
  CUlaunchAttribute attribute{};
  attribute.id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
  attribute.value.cooperative = 1;
  CUlaunchConfig config = makeConfig(
      {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, stream);
  config.attrs = &attribute;
  config.numAttrs = 1;
  return launch(config, function, kernelParams, nullptr);
}

/// Runs `body(context, function)` for an occupancy query.
template <typename Body>
static CUresult withKernel(CUfunction handle, const Body &body) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    std::shared_ptr<Function> function;
    if (CUresult error = resolveFunction(context, handle, function))
      return error;
    return body(*context, *function);
  });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
    int *blocks, CUfunction handle, int blockSize, size_t sharedBytes,
    unsigned flags) {
  return withKernel(handle, [&](Context &context, Function &function) {
    const DeviceConfig &config = context.device.config;
    if (!blocks || blockSize <= 0 ||
        uint64_t(blockSize) > config.maxThreadsPerBlock ||
        flags > CU_OCCUPANCY_DISABLE_CACHING_OVERRIDE)
      return CUDA_ERROR_INVALID_VALUE;
    *blocks = 0;
    if (sharedBytes + function.kernel->staticSharedBytes <=
        config.sharedPerBlockOptin)
      *blocks =
          int(maxActiveBlocksPerSm(*function.kernel, config,
                                   uint32_t(blockSize), uint32_t(sharedBytes)));
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks,
                                                     CUfunction function,
                                                     int blockSize,
                                                     size_t sharedBytes) {
  return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
      blocks, function, blockSize, sharedBytes, CU_OCCUPANCY_DEFAULT);
}

CUresult cuOccupancyMaxPotentialBlockSizeWithFlags(
    int *minGridSize, int *blockSize, CUfunction handle,
    CUoccupancyB2DSize sharedBytesOfBlock, size_t sharedBytes,
    int blockSizeLimit, unsigned flags) {
  return withKernel(handle, [&](Context &context, Function &function) {
    if (!minGridSize || !blockSize || blockSizeLimit < 0)
      return CUDA_ERROR_INVALID_VALUE;
    const DeviceConfig &config = context.device.config;
    const Kernel &kernel = *function.kernel;
    uint32_t warp = uint32_t(context.device.sku.threadsPerWarp);
    uint32_t limit = kernel.maxThreadsPerBlock ? kernel.maxThreadsPerBlock
                                               : config.maxThreadsPerBlock;
    if (blockSizeLimit > 0)
      limit = std::min(limit, uint32_t(blockSizeLimit));
    uint32_t bestThreads = 0, bestSize = 0, bestBlocks = 0;
    // From large to small, so that the largest of equally good sizes wins.
    for (uint32_t size = limit; size > 0;
         size = size % warp ? size / warp * warp : size - warp) {
      size_t shared =
          sharedBytesOfBlock ? sharedBytesOfBlock(int(size)) : sharedBytes;
      if (shared + kernel.staticSharedBytes > config.sharedPerBlockOptin)
        continue;
      uint32_t blocks =
          maxActiveBlocksPerSm(kernel, config, size, uint32_t(shared));
      if (blocks * size <= bestThreads)
        continue;
      bestThreads = blocks * size;
      bestSize = size;
      bestBlocks = blocks;
    }
    *blockSize = int(bestSize);
    *minGridSize = int(bestBlocks * config.smCount);
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxPotentialBlockSize(int *minGridSize, int *blockSize,
                                          CUfunction function,
                                          CUoccupancyB2DSize sharedBytesOfBlock,
                                          size_t sharedBytes,
                                          int blockSizeLimit) {
  return cuOccupancyMaxPotentialBlockSizeWithFlags(
      minGridSize, blockSize, function, sharedBytesOfBlock, sharedBytes,
      blockSizeLimit, CU_OCCUPANCY_DEFAULT);
}

CUresult cuOccupancyAvailableDynamicSMemPerBlock(size_t *bytes,
                                                 CUfunction handle, int blocks,
                                                 int blockSize) {
  return withKernel(handle, [&](Context &context, Function &function) {
    const DeviceConfig &config = context.device.config;
    if (!bytes || blocks <= 0 || blockSize <= 0 ||
        uint64_t(blockSize) > config.maxThreadsPerBlock)
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t unit =
        uint64_t(context.device.sku.sharedMemoryAllocationUnitBytes);
    uint64_t share = config.sharedPerSm / uint64_t(blocks) / unit * unit;
    uint64_t taken =
        config.sharedReservedPerBlock + function.kernel->staticSharedBytes;
    uint64_t largest =
        config.sharedPerBlockOptin - function.kernel->staticSharedBytes;
    *bytes = share > taken ? std::min(share - taken, largest) : 0;
    return CUDA_SUCCESS;
  });
}

/// Reads the cluster's shape of a query.
static CUresult clusterOf(const CUlaunchConfig &config, Function &function,
                          uint64_t &blocks) {
  blocks = 1;
  for (unsigned i = 0; i < config.numAttrs; ++i)
    if (config.attrs[i].id == CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION) {
      const auto &dim = config.attrs[i].value.clusterDim;
      blocks = uint64_t(dim.x) * dim.y * dim.z;
    }
  if (function.kernel->requiredCluster)
    blocks = function.kernel->requiredCluster->count();
  return blocks == 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

/// Clusters of `blocks` CTAs that fit at once: a cluster stays inside one GPC.
static uint64_t activeClusters(Context &context, Function &function,
                               const CUlaunchConfig &config, uint64_t blocks) {
  const Sku &sku = context.device.sku;
  uint64_t threads =
      uint64_t(config.blockDimX) * config.blockDimY * config.blockDimZ;
  if (threads == 0 || threads > context.device.config.maxThreadsPerBlock)
    return 0;
  uint64_t perSm =
      maxActiveBlocksPerSm(*function.kernel, context.device.config,
                           uint32_t(threads), config.sharedMemBytes);
  uint64_t clusters = 0;
  for (int64_t gpc = 0; gpc < sku.gpcCount; ++gpc) {
    int64_t sms = sku.smCount * (gpc + 1) / sku.gpcCount -
                  sku.smCount * gpc / sku.gpcCount;
    clusters += uint64_t(sms) * perSm / blocks;
  }
  return clusters;
}

CUresult cuOccupancyMaxActiveClusters(int *clusters, CUfunction handle,
                                      const CUlaunchConfig *config) {
  return withKernel(handle, [&](Context &context, Function &function) {
    if (!clusters || !config || (config->numAttrs && !config->attrs))
      return CUDA_ERROR_INVALID_VALUE;
    uint64_t blocks = 1;
    if (CUresult error = clusterOf(*config, function, blocks))
      return error;
    if (blocks > uint64_t(context.device.sku.blocksPerClusterMax))
      return CUDA_ERROR_INVALID_CLUSTER_SIZE;
    *clusters = int(activeClusters(context, function, *config, blocks));
    return CUDA_SUCCESS;
  });
}

CUresult cuOccupancyMaxPotentialClusterSize(int *size, CUfunction handle,
                                            const CUlaunchConfig *config) {
  return withKernel(handle, [&](Context &context, Function &function) {
    if (!size || !config)
      return CUDA_ERROR_INVALID_VALUE;
    const Sku &sku = context.device.sku;
    int64_t blocks = function.currentAttributes().nonPortableCluster
                         ? sku.blocksPerClusterMax
                         : sku.blocksPerClusterPortable;
    while (blocks > 1 &&
           activeClusters(context, function, *config, uint64_t(blocks)) == 0)
      blocks /= 2;
    *size = int(blocks);
    return CUDA_SUCCESS;
  });
}

CUresult cuTensorMapEncodeTiled(
    CUtensorMap *map, CUtensorMapDataType dataType, cuuint32_t rank,
    void *globalAddress, const cuuint64_t *globalDim,
    const cuuint64_t *globalStrides, const cuuint32_t *boxDim,
    const cuuint32_t *elementStrides, CUtensorMapInterleave interleave,
    CUtensorMapSwizzle swizzle, CUtensorMapL2promotion l2Promotion,
    CUtensorMapFloatOOBfill oobFill) {
  if (!map)
    return CUDA_ERROR_INVALID_VALUE;
  static_assert(sizeof(CUtensorMap) == tensorMapBytes);
  TensorMapArguments arguments;
  arguments.dataType = uint32_t(dataType);
  arguments.rank = rank;
  arguments.globalAddress = reinterpret_cast<uint64_t>(globalAddress);
  arguments.globalDim = globalDim;
  arguments.globalStrides = globalStrides;
  arguments.boxDim = boxDim;
  arguments.elementStrides = elementStrides;
  arguments.interleave = uint32_t(interleave);
  arguments.swizzle = uint32_t(swizzle);
  arguments.l2Promotion = uint32_t(l2Promotion);
  arguments.oobFill = uint32_t(oobFill);
  std::string error =
      encodeTensorMap(arguments, reinterpret_cast<uint8_t *>(map));
  if (error.empty())
    return CUDA_SUCCESS;
  printMessage("cuTensorMapEncodeTiled: " + error);
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuTensorMapReplaceAddress(CUtensorMap *map, void *globalAddress) {
  if (!map)
    return CUDA_ERROR_INVALID_VALUE;
  std::string error =
      replaceTensorMapAddress(reinterpret_cast<uint8_t *>(map),
                              reinterpret_cast<uint64_t>(globalAddress));
  if (error.empty())
    return CUDA_SUCCESS;
  printMessage("cuTensorMapReplaceAddress: " + error);
  return CUDA_ERROR_INVALID_VALUE;
}
