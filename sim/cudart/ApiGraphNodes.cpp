//===- ApiGraphNodes.cpp - What the nodes of graphs do --------------------===//

#include "sim/cudart/Registry.h"

#include <cstring>

using namespace tilewright::sim::cudart;

static_assert(sizeof(cudaMemsetParams) == sizeof(CUDA_MEMSET_NODE_PARAMS));
static_assert(sizeof(cudaHostNodeParams) == sizeof(CUDA_HOST_NODE_PARAMS));

static CUcontext currentContext() {
  CUcontext context = nullptr;
  cuCtxGetCurrent(&context);
  return context;
}

/// The driver's form of a kernel node.
static cudaError_t describeKernel(const cudaKernelNodeParams *parameters,
                                  CUDA_KERNEL_NODE_PARAMS &kernel) {
  kernel = CUDA_KERNEL_NODE_PARAMS{};
  if (!parameters)
    return cudaErrorInvalidValue;
  kernel.gridDimX = parameters->gridDim.x;
  kernel.gridDimY = parameters->gridDim.y;
  kernel.gridDimZ = parameters->gridDim.z;
  kernel.blockDimX = parameters->blockDim.x;
  kernel.blockDimY = parameters->blockDim.y;
  kernel.blockDimZ = parameters->blockDim.z;
  kernel.sharedMemBytes = parameters->sharedMemBytes;
  kernel.kernelParams = parameters->kernelParams;
  kernel.extra = parameters->extra;
  return Registry::instance().findFunction(parameters->func, kernel.func);
}

cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                   const cudaGraphNode_t *dependencies,
                                   size_t count,
                                   const cudaKernelNodeParams *parameters) {
  return withContext([&] {
    CUDA_KERNEL_NODE_PARAMS kernel;
    cudaError_t error = describeKernel(parameters, kernel);
    return error ? error
                 : errorOf(cuGraphAddKernelNode(node, graph, dependencies,
                                                count, &kernel));
  });
}

cudaError_t cudaGraphKernelNodeGetParams(cudaGraphNode_t node,
                                         cudaKernelNodeParams *parameters) {
  return withContext([&] {
    CUDA_KERNEL_NODE_PARAMS kernel{};
    CUresult result = cuGraphKernelNodeGetParams(node, &kernel);
    if (result == CUDA_SUCCESS && !parameters)
      return CUDA_ERROR_INVALID_VALUE;
    if (result != CUDA_SUCCESS)
      return result;
    parameters->func =
        const_cast<void *>(Registry::instance().hostOf(kernel.func));
    parameters->gridDim = {kernel.gridDimX, kernel.gridDimY, kernel.gridDimZ};
    parameters->blockDim = {kernel.blockDimX, kernel.blockDimY,
                            kernel.blockDimZ};
    parameters->sharedMemBytes = kernel.sharedMemBytes;
    parameters->kernelParams = kernel.kernelParams;
    parameters->extra = kernel.extra;
    return CUDA_SUCCESS;
  });
}

cudaError_t
cudaGraphKernelNodeSetParams(cudaGraphNode_t node,
                             const cudaKernelNodeParams *parameters) {
  return withContext([&] {
    CUDA_KERNEL_NODE_PARAMS kernel;
    cudaError_t error = describeKernel(parameters, kernel);
    return error ? error : errorOf(cuGraphKernelNodeSetParams(node, &kernel));
  });
}

cudaError_t
cudaGraphExecKernelNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                 const cudaKernelNodeParams *parameters) {
  return withContext([&] {
    CUDA_KERNEL_NODE_PARAMS kernel;
    cudaError_t error = describeKernel(parameters, kernel);
    return error ? error
                 : errorOf(cuGraphExecKernelNodeSetParams(exec, node, &kernel));
  });
}

cudaError_t
cudaGraphKernelNodeSetAttribute(cudaGraphNode_t node,
                                cudaLaunchAttributeID attribute,
                                const cudaLaunchAttributeValue *value) {
  return withContext([&] {
    return cuGraphKernelNodeSetAttribute(
        node, static_cast<CUkernelNodeAttrID>(attribute),
        reinterpret_cast<const CUkernelNodeAttrValue *>(value));
  });
}

cudaError_t cudaGraphKernelNodeGetAttribute(cudaGraphNode_t node,
                                            cudaLaunchAttributeID attribute,
                                            cudaLaunchAttributeValue *value) {
  return withContext([&] {
    return cuGraphKernelNodeGetAttribute(
        node, static_cast<CUkernelNodeAttrID>(attribute),
        reinterpret_cast<CUkernelNodeAttrValue *>(value));
  });
}

static cudaError_t addCopy(cudaGraphNode_t *node, cudaGraph_t graph,
                           const cudaGraphNode_t *dependencies, size_t count,
                           const cudaMemcpy3DParms &parameters) {
  CUDA_MEMCPY3D copy;
  cudaError_t error = describeCopy(parameters, copy);
  return error ? error
               : errorOf(cuGraphAddMemcpyNode(node, graph, dependencies, count,
                                              &copy, currentContext()));
}

cudaError_t cudaGraphAddMemcpyNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                   const cudaGraphNode_t *dependencies,
                                   size_t count,
                                   const cudaMemcpy3DParms *parameters) {
  return withContext([&] {
    return parameters ? addCopy(node, graph, dependencies, count, *parameters)
                      : cudaErrorInvalidValue;
  });
}

cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t *node, cudaGraph_t graph,
                                     const cudaGraphNode_t *dependencies,
                                     size_t count, void *target,
                                     const void *source, size_t bytes,
                                     cudaMemcpyKind kind) {
  return withContext([&] {
    return addCopy(node, graph, dependencies, count,
                   flatCopy(target, source, bytes, kind));
  });
}

cudaError_t cudaGraphAddMemcpyNodeToSymbol(cudaGraphNode_t *node,
                                           cudaGraph_t graph,
                                           const cudaGraphNode_t *dependencies,
                                           size_t count, const void *symbol,
                                           const void *source, size_t bytes,
                                           size_t offset, cudaMemcpyKind kind) {
  void *target = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, target))
    return error;
  return cudaGraphAddMemcpyNode1D(node, graph, dependencies, count, target,
                                  source, bytes, kind);
}

cudaError_t cudaGraphAddMemcpyNodeFromSymbol(
    cudaGraphNode_t *node, cudaGraph_t graph,
    const cudaGraphNode_t *dependencies, size_t count, void *target,
    const void *symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  void *source = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, source))
    return error;
  return cudaGraphAddMemcpyNode1D(node, graph, dependencies, count, target,
                                  source, bytes, kind);
}

cudaError_t cudaGraphMemcpyNodeGetParams(cudaGraphNode_t node,
                                         cudaMemcpy3DParms *parameters) {
  return withContext([&] {
    CUDA_MEMCPY3D copy{};
    CUresult result = cuGraphMemcpyNodeGetParams(node, &copy);
    if (result == CUDA_SUCCESS && !parameters)
      return CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
      describeCopy(copy, *parameters);
    return result;
  });
}

static cudaError_t setCopy(cudaGraphNode_t node,
                           const cudaMemcpy3DParms &parameters) {
  CUDA_MEMCPY3D copy;
  cudaError_t error = describeCopy(parameters, copy);
  return error ? error : errorOf(cuGraphMemcpyNodeSetParams(node, &copy));
}

cudaError_t cudaGraphMemcpyNodeSetParams(cudaGraphNode_t node,
                                         const cudaMemcpy3DParms *parameters) {
  return withContext([&] {
    return parameters ? setCopy(node, *parameters) : cudaErrorInvalidValue;
  });
}

cudaError_t cudaGraphMemcpyNodeSetParams1D(cudaGraphNode_t node, void *target,
                                           const void *source, size_t bytes,
                                           cudaMemcpyKind kind) {
  return withContext(
      [&] { return setCopy(node, flatCopy(target, source, bytes, kind)); });
}

cudaError_t cudaGraphMemcpyNodeSetParamsToSymbol(cudaGraphNode_t node,
                                                 const void *symbol,
                                                 const void *source,
                                                 size_t bytes, size_t offset,
                                                 cudaMemcpyKind kind) {
  void *target = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, target))
    return error;
  return cudaGraphMemcpyNodeSetParams1D(node, target, source, bytes, kind);
}

cudaError_t cudaGraphMemcpyNodeSetParamsFromSymbol(cudaGraphNode_t node,
                                                   void *target,
                                                   const void *symbol,
                                                   size_t bytes, size_t offset,
                                                   cudaMemcpyKind kind) {
  void *source = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, source))
    return error;
  return cudaGraphMemcpyNodeSetParams1D(node, target, source, bytes, kind);
}

static cudaError_t setExecCopy(cudaGraphExec_t exec, cudaGraphNode_t node,
                               const cudaMemcpy3DParms &parameters) {
  CUDA_MEMCPY3D copy;
  cudaError_t error = describeCopy(parameters, copy);
  return error ? error
               : errorOf(cuGraphExecMemcpyNodeSetParams(exec, node, &copy,
                                                        currentContext()));
}

cudaError_t
cudaGraphExecMemcpyNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                 const cudaMemcpy3DParms *parameters) {
  return withContext([&] {
    return parameters ? setExecCopy(exec, node, *parameters)
                      : cudaErrorInvalidValue;
  });
}

cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t exec,
                                               cudaGraphNode_t node,
                                               void *target, const void *source,
                                               size_t bytes,
                                               cudaMemcpyKind kind) {
  return withContext([&] {
    return setExecCopy(exec, node, flatCopy(target, source, bytes, kind));
  });
}

cudaError_t cudaGraphExecMemcpyNodeSetParamsToSymbol(
    cudaGraphExec_t exec, cudaGraphNode_t node, const void *symbol,
    const void *source, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  void *target = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, target))
    return error;
  return cudaGraphExecMemcpyNodeSetParams1D(exec, node, target, source, bytes,
                                            kind);
}

cudaError_t cudaGraphExecMemcpyNodeSetParamsFromSymbol(
    cudaGraphExec_t exec, cudaGraphNode_t node, void *target,
    const void *symbol, size_t bytes, size_t offset, cudaMemcpyKind kind) {
  void *source = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, source))
    return error;
  return cudaGraphExecMemcpyNodeSetParams1D(exec, node, target, source, bytes,
                                            kind);
}

static const CUDA_MEMSET_NODE_PARAMS *
driverFill(const cudaMemsetParams *parameters) {
  return reinterpret_cast<const CUDA_MEMSET_NODE_PARAMS *>(parameters);
}

cudaError_t cudaGraphAddMemsetNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                   const cudaGraphNode_t *dependencies,
                                   size_t count,
                                   const cudaMemsetParams *parameters) {
  return withContext([&] {
    return cuGraphAddMemsetNode(node, graph, dependencies, count,
                                driverFill(parameters), currentContext());
  });
}

cudaError_t cudaGraphMemsetNodeGetParams(cudaGraphNode_t node,
                                         cudaMemsetParams *parameters) {
  return withContext([&] {
    return cuGraphMemsetNodeGetParams(
        node, reinterpret_cast<CUDA_MEMSET_NODE_PARAMS *>(parameters));
  });
}

cudaError_t cudaGraphMemsetNodeSetParams(cudaGraphNode_t node,
                                         const cudaMemsetParams *parameters) {
  return withContext(
      [&] { return cuGraphMemsetNodeSetParams(node, driverFill(parameters)); });
}

cudaError_t
cudaGraphExecMemsetNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                                 const cudaMemsetParams *parameters) {
  return withContext([&] {
    return cuGraphExecMemsetNodeSetParams(exec, node, driverFill(parameters),
                                          currentContext());
  });
}

static const CUDA_HOST_NODE_PARAMS *
driverHost(const cudaHostNodeParams *parameters) {
  return reinterpret_cast<const CUDA_HOST_NODE_PARAMS *>(parameters);
}

cudaError_t cudaGraphAddHostNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                 const cudaGraphNode_t *dependencies,
                                 size_t count,
                                 const cudaHostNodeParams *parameters) {
  return withContext([&] {
    return cuGraphAddHostNode(node, graph, dependencies, count,
                              driverHost(parameters));
  });
}

cudaError_t cudaGraphHostNodeGetParams(cudaGraphNode_t node,
                                       cudaHostNodeParams *parameters) {
  return withContext([&] {
    return cuGraphHostNodeGetParams(
        node, reinterpret_cast<CUDA_HOST_NODE_PARAMS *>(parameters));
  });
}

cudaError_t cudaGraphHostNodeSetParams(cudaGraphNode_t node,
                                       const cudaHostNodeParams *parameters) {
  return withContext(
      [&] { return cuGraphHostNodeSetParams(node, driverHost(parameters)); });
}

cudaError_t
cudaGraphExecHostNodeSetParams(cudaGraphExec_t exec, cudaGraphNode_t node,
                               const cudaHostNodeParams *parameters) {
  return withContext([&] {
    return cuGraphExecHostNodeSetParams(exec, node, driverHost(parameters));
  });
}

cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                       const cudaGraphNode_t *dependencies,
                                       size_t count, cudaGraph_t child) {
  return withContext([&] {
    return cuGraphAddChildGraphNode(node, graph, dependencies, count, child);
  });
}

cudaError_t cudaGraphChildGraphNodeGetGraph(cudaGraphNode_t node,
                                            cudaGraph_t *graph) {
  return withContext(
      [&] { return cuGraphChildGraphNodeGetGraph(node, graph); });
}

cudaError_t cudaGraphExecChildGraphNodeSetParams(cudaGraphExec_t exec,
                                                 cudaGraphNode_t node,
                                                 cudaGraph_t child) {
  return withContext(
      [&] { return cuGraphExecChildGraphNodeSetParams(exec, node, child); });
}

cudaError_t cudaGraphAddEmptyNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                  const cudaGraphNode_t *dependencies,
                                  size_t count) {
  return withContext(
      [&] { return cuGraphAddEmptyNode(node, graph, dependencies, count); });
}

cudaError_t cudaGraphAddEventRecordNode(cudaGraphNode_t *node,
                                        cudaGraph_t graph,
                                        const cudaGraphNode_t *dependencies,
                                        size_t count, cudaEvent_t event) {
  return withContext([&] {
    return cuGraphAddEventRecordNode(node, graph, dependencies, count, event);
  });
}

cudaError_t cudaGraphAddEventWaitNode(cudaGraphNode_t *node, cudaGraph_t graph,
                                      const cudaGraphNode_t *dependencies,
                                      size_t count, cudaEvent_t event) {
  return withContext([&] {
    return cuGraphAddEventWaitNode(node, graph, dependencies, count, event);
  });
}

cudaError_t cudaGraphEventRecordNodeGetEvent(cudaGraphNode_t node,
                                             cudaEvent_t *event) {
  return withContext(
      [&] { return cuGraphEventRecordNodeGetEvent(node, event); });
}

cudaError_t cudaGraphEventRecordNodeSetEvent(cudaGraphNode_t node,
                                             cudaEvent_t event) {
  return withContext(
      [&] { return cuGraphEventRecordNodeSetEvent(node, event); });
}

cudaError_t cudaGraphEventWaitNodeGetEvent(cudaGraphNode_t node,
                                           cudaEvent_t *event) {
  return withContext([&] { return cuGraphEventWaitNodeGetEvent(node, event); });
}

cudaError_t cudaGraphEventWaitNodeSetEvent(cudaGraphNode_t node,
                                           cudaEvent_t event) {
  return withContext([&] { return cuGraphEventWaitNodeSetEvent(node, event); });
}

cudaError_t cudaGraphExecEventRecordNodeSetEvent(cudaGraphExec_t exec,
                                                 cudaGraphNode_t node,
                                                 cudaEvent_t event) {
  return withContext(
      [&] { return cuGraphExecEventRecordNodeSetEvent(exec, node, event); });
}

cudaError_t cudaGraphExecEventWaitNodeSetEvent(cudaGraphExec_t exec,
                                               cudaGraphNode_t node,
                                               cudaEvent_t event) {
  return withContext(
      [&] { return cuGraphExecEventWaitNodeSetEvent(exec, node, event); });
}

/// The driver's form of a node of any kind. Kinds whose structures are the
/// driver's own, byte for byte, are copied as they are.
static cudaError_t describeNode(const cudaGraphNodeParams *parameters,
                                CUgraphNodeParams &node) {
  static_assert(sizeof(cudaGraphNodeParams) == sizeof(CUgraphNodeParams));
  if (!parameters)
    return cudaErrorInvalidValue;
  node = CUgraphNodeParams{};
  node.type = static_cast<CUgraphNodeType>(parameters->type);
  switch (parameters->type) {
  case cudaGraphNodeTypeKernel: {
    const cudaKernelNodeParamsV2 &from = parameters->kernel;
    cudaKernelNodeParams plain{from.func,         from.gridDim,
                               from.blockDim,     from.sharedMemBytes,
                               from.kernelParams, from.extra};
    CUDA_KERNEL_NODE_PARAMS kernel;
    if (cudaError_t error = describeKernel(&plain, kernel))
      return error;
    static_assert(sizeof kernel == sizeof node.kernel);
    memcpy(&node.kernel, &kernel, sizeof kernel);
    return cudaSuccess;
  }
  case cudaGraphNodeTypeMemcpy:
    node.memcpy.copyCtx = currentContext();
    return describeCopy(parameters->memcpy.copyParams, node.memcpy.copyParams);
  case cudaGraphNodeTypeMemset:
    memcpy(&node.memset, &parameters->memset, sizeof(CUDA_MEMSET_NODE_PARAMS));
    node.memset.ctx = currentContext();
    return cudaSuccess;
  default:
    memcpy(&node, parameters, sizeof node);
    return cudaSuccess;
  }
}

cudaError_t cudaGraphAddNode(cudaGraphNode_t *node, cudaGraph_t graph,
                             const cudaGraphNode_t *dependencies,
                             const cudaGraphEdgeData *edges, size_t count,
                             cudaGraphNodeParams *parameters) {
  return withContext([&] {
    CUgraphNodeParams driver;
    if (cudaError_t error = describeNode(parameters, driver))
      return error;
    return errorOf(cuGraphAddNode(
        node, graph, dependencies,
        reinterpret_cast<const CUgraphEdgeData *>(edges), count, &driver));
  });
}
