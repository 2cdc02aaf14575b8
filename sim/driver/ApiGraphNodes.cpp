//===- ApiGraphNodes.cpp - Entry points: nodes and their parameters -------===//

#include "sim/driver/Api.h"

#include <cstring>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

/// Adds a node; `operation` was checked before.
static CUresult addNode(CUgraphNode *out, CUgraph handle,
                        const CUgraphNode *dependencies, size_t count,
                        CUgraphNodeType type, Operation operation) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Graph> graph = driver.graphs.find(handle);
    if (!out || !graph || (count != 0 && !dependencies))
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(graphMutex());
    std::vector<GraphNode *> before;
    for (size_t i = 0; i < count; ++i) {
      GraphNode *node = findNode(dependencies[i]);
      if (!node || !graph->owns(node))
        return CUDA_ERROR_INVALID_VALUE;
      before.push_back(node);
    }
    *out = handleOf(graph->add(type, std::move(operation), before));
    return CUDA_SUCCESS;
  });
}

/// Runs `body(node, operation)` for a node that holds an `Op`.
template <typename Op, typename Body>
static CUresult withNodeOf(CUgraphNode handle, const Body &body) {
  return guarded([&](Driver &) {
    std::lock_guard<std::mutex> lock(graphMutex());
    GraphNode *node = findNode(handle);
    Op *operation = node ? std::get_if<Op>(&node->operation) : nullptr;
    return operation ? body(*node, *operation) : CUDA_ERROR_INVALID_VALUE;
  });
}

/// What a node's attributes said stays when its parameters change.
static void keepAttributes(const KernelOperation &from, KernelOperation &to) {
  to.cooperative = from.cooperative;
  bool fits = to.grid.x % from.cluster.x == 0 &&
              to.grid.y % from.cluster.y == 0 &&
              to.grid.z % from.cluster.z == 0;
  if (fits && to.cluster.count() == 1)
    to.cluster = from.cluster;
}

/// Changes the step that came from `node`. A program that a launch still holds
/// is copied first; `change` says whether the step may change like that.
template <typename Change>
static CUresult changeStep(CUgraphExec execHandle, CUgraphNode node,
                           const Change &change) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<GraphExec> exec = driver.graphExecs.find(execHandle);
    if (!exec)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(exec->mutex);
    bool isShared = exec->program.use_count() > 1;
    auto program = isShared
                       ? std::make_shared<GraphProgram>(*exec->program)
                       : std::const_pointer_cast<GraphProgram>(exec->program);
    for (ProgramStep &step : program->steps) {
      if (handleOf(step.origin) != node)
        continue;
      if (!change(step))
        return CUDA_ERROR_INVALID_VALUE;
      exec->program = std::move(program);
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

template <typename Op>
static void replace(Op &old, Op operation) {
  if constexpr (std::is_same_v<Op, KernelOperation>)
    keepAttributes(old, operation);
  old = std::move(operation);
}

template <typename Op>
static CUresult replaceStep(CUgraphExec exec, CUgraphNode node, Op operation) {
  return changeStep(exec, node, [&](ProgramStep &step) {
    Op *old = std::get_if<Op>(&step.operation);
    if (old)
      replace(*old, std::move(operation));
    return old != nullptr;
  });
}

//===----------------------------------------------------------------------===//
// Operations from parameters
//===----------------------------------------------------------------------===//

static CUresult makeOperation(const CUDA_KERNEL_NODE_PARAMS *params,
                              KernelOperation &operation) {
  return withContext([&](Driver &driver,
                         const std::shared_ptr<Context> &current) {
    if (!params)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context =
        params->ctx ? driver.contexts.find(params->ctx) : current;
    CUfunction function = params->func
                              ? params->func
                              : reinterpret_cast<CUfunction>(params->kern);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    CUlaunchConfig config{};
    config.gridDimX = params->gridDimX;
    config.gridDimY = params->gridDimY;
    config.gridDimZ = params->gridDimZ;
    config.blockDimX = params->blockDimX;
    config.blockDimY = params->blockDimY;
    config.blockDimZ = params->blockDimZ;
    config.sharedMemBytes = params->sharedMemBytes;
    return makeKernelOperation(context, function, config, params->kernelParams,
                               params->extra, operation);
  });
}

static CUresult makeOperation(const CUDA_MEMCPY3D *params,
                              CopyOperation &operation) {
  return guarded([&](Driver &) {
    return params ? makeCopyOperation(*params, operation)
                  : CUDA_ERROR_INVALID_VALUE;
  });
}

static CUresult makeOperation(const CUDA_MEMSET_NODE_PARAMS *params,
                              FillOperation &operation) {
  return guarded([&](Driver &) {
    if (!params || (params->elementSize != 1 && params->elementSize != 2 &&
                    params->elementSize != 4))
      return CUDA_ERROR_INVALID_VALUE;
    return makeFillOperation(params->dst, params->pitch, params->value,
                             params->elementSize, params->width, params->height,
                             operation);
  });
}

static CUresult makeOperation(const CUDA_HOST_NODE_PARAMS *params,
                              HostOperation &operation) {
  if (!params || !params->fn)
    return CUDA_ERROR_INVALID_VALUE;
  operation = {params->fn, params->userData};
  return CUDA_SUCCESS;
}

template <typename Op, typename Params>
static CUresult addNodeOf(CUgraphNode *out, CUgraph graph,
                          const CUgraphNode *dependencies, size_t count,
                          CUgraphNodeType type, const Params *params) {
  Op operation{};
  if (CUresult error = makeOperation(params, operation))
    return error;
  return addNode(out, graph, dependencies, count, type, std::move(operation));
}

template <typename Op, typename Params>
static CUresult setNode(CUgraphNode node, const Params *params) {
  Op operation{};
  if (CUresult error = makeOperation(params, operation))
    return error;
  return withNodeOf<Op>(node, [&](GraphNode &, Op &old) {
    replace(old, std::move(operation));
    return CUDA_SUCCESS;
  });
}

template <typename Op, typename Params>
static CUresult setStep(CUgraphExec exec, CUgraphNode node,
                        const Params *params) {
  Op operation{};
  if (CUresult error = makeOperation(params, operation))
    return error;
  return replaceStep(exec, node, std::move(operation));
}

/// What a node of an `Op` was made with, as `describe(operation)` says it.
template <typename Op, typename Params, typename Describe>
static CUresult getParams(CUgraphNode node, Params *params,
                          const Describe &describe) {
  if (!params)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<Op>(node, [&](GraphNode &, Op &operation) {
    describe(operation);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphAddEmptyNode(CUgraphNode *out, CUgraph graph,
                             const CUgraphNode *dependencies, size_t count) {
  return addNode(out, graph, dependencies, count, CU_GRAPH_NODE_TYPE_EMPTY,
                 EmptyOperation{});
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

CUresult cuGraphAddKernelNode_v2(CUgraphNode *out, CUgraph graph,
                                 const CUgraphNode *dependencies, size_t count,
                                 const CUDA_KERNEL_NODE_PARAMS *params) {
  return addNodeOf<KernelOperation>(out, graph, dependencies, count,
                                    CU_GRAPH_NODE_TYPE_KERNEL, params);
}

CUresult cuGraphKernelNodeGetParams_v2(CUgraphNode handle,
                                       CUDA_KERNEL_NODE_PARAMS *params) {
  if (!params)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<KernelOperation>(
      handle, [&](GraphNode &node, KernelOperation &kernel) {
        node.paramPointers.clear();
        for (const KernelParam &param : kernel.function->kernel->params)
          node.paramPointers.push_back(kernel.params.data() + param.offset);
        *params = {};
        params->func = handleOf(kernel.function);
        params->gridDimX = kernel.grid.x;
        params->gridDimY = kernel.grid.y;
        params->gridDimZ = kernel.grid.z;
        params->blockDimX = kernel.block.x;
        params->blockDimY = kernel.block.y;
        params->blockDimZ = kernel.block.z;
        params->sharedMemBytes = kernel.dynamicSharedBytes;
        params->kernelParams = node.paramPointers.data();
        params->ctx = handleOf(kernel.function->context);
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphKernelNodeSetParams_v2(CUgraphNode node,
                                       const CUDA_KERNEL_NODE_PARAMS *params) {
  return setNode<KernelOperation>(node, params);
}

CUresult
cuGraphExecKernelNodeSetParams_v2(CUgraphExec exec, CUgraphNode node,
                                  const CUDA_KERNEL_NODE_PARAMS *params) {
  return setStep<KernelOperation>(exec, node, params);
}

CUresult cuGraphKernelNodeSetAttribute(CUgraphNode handle,
                                       CUkernelNodeAttrID attribute,
                                       const CUkernelNodeAttrValue *value) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<KernelOperation>(
      handle, [&](GraphNode &, KernelOperation &kernel) {
        switch (attribute) {
        case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION: {
          Dim3 cluster{value->clusterDim.x, value->clusterDim.y,
                       value->clusterDim.z};
          const Sku &sku = kernel.function->context->device.sku;
          if (cluster.count() == 0 ||
              cluster.count() > uint64_t(sku.blocksPerClusterMax) ||
              kernel.grid.x % cluster.x || kernel.grid.y % cluster.y ||
              kernel.grid.z % cluster.z)
            return CUDA_ERROR_INVALID_VALUE;
          kernel.cluster = cluster;
          return CUDA_SUCCESS;
        }
        case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
          kernel.cooperative = value->cooperative != 0;
          return CUDA_SUCCESS;
        case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
        case CU_LAUNCH_ATTRIBUTE_PRIORITY:
        case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
          return CUDA_SUCCESS;
        default:
          return CUDA_ERROR_INVALID_VALUE;
        }
      });
}

CUresult cuGraphKernelNodeGetAttribute(CUgraphNode handle,
                                       CUkernelNodeAttrID attribute,
                                       CUkernelNodeAttrValue *value) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<KernelOperation>(
      handle, [&](GraphNode &, KernelOperation &kernel) {
        memset(value, 0, sizeof *value);
        switch (attribute) {
        case CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION:
          value->clusterDim = {kernel.cluster.x, kernel.cluster.y,
                               kernel.cluster.z};
          return CUDA_SUCCESS;
        case CU_LAUNCH_ATTRIBUTE_COOPERATIVE:
          value->cooperative = kernel.cooperative;
          return CUDA_SUCCESS;
        case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
        case CU_LAUNCH_ATTRIBUTE_PRIORITY:
        case CU_LAUNCH_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
          return CUDA_SUCCESS;
        default:
          return CUDA_ERROR_INVALID_VALUE;
        }
      });
}

//===----------------------------------------------------------------------===//
// Copies, fills, host functions
//===----------------------------------------------------------------------===//

CUresult cuGraphAddMemcpyNode(CUgraphNode *out, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              const CUDA_MEMCPY3D *params, CUcontext) {
  return addNodeOf<CopyOperation>(out, graph, dependencies, count,
                                  CU_GRAPH_NODE_TYPE_MEMCPY, params);
}

CUresult cuGraphMemcpyNodeGetParams(CUgraphNode node, CUDA_MEMCPY3D *params) {
  return getParams<CopyOperation>(
      node, params, [&](CopyOperation &copy) { *params = *copy.description; });
}

CUresult cuGraphMemcpyNodeSetParams(CUgraphNode node,
                                    const CUDA_MEMCPY3D *params) {
  return setNode<CopyOperation>(node, params);
}

CUresult cuGraphExecMemcpyNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_MEMCPY3D *params,
                                        CUcontext) {
  return setStep<CopyOperation>(exec, node, params);
}

CUresult cuGraphAddMemsetNode(CUgraphNode *out, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              const CUDA_MEMSET_NODE_PARAMS *params,
                              CUcontext) {
  return addNodeOf<FillOperation>(out, graph, dependencies, count,
                                  CU_GRAPH_NODE_TYPE_MEMSET, params);
}

CUresult cuGraphMemsetNodeGetParams(CUgraphNode node,
                                    CUDA_MEMSET_NODE_PARAMS *params) {
  return getParams<FillOperation>(node, params, [&](FillOperation &fill) {
    params->dst = fill.target.address;
    params->pitch = fill.target.rowPitch;
    params->value = fill.value;
    params->elementSize = fill.valueBytes;
    params->width = fill.extent.width / fill.valueBytes;
    params->height = fill.extent.height;
  });
}

CUresult cuGraphMemsetNodeSetParams(CUgraphNode node,
                                    const CUDA_MEMSET_NODE_PARAMS *params) {
  return setNode<FillOperation>(node, params);
}

CUresult cuGraphExecMemsetNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                        const CUDA_MEMSET_NODE_PARAMS *params,
                                        CUcontext) {
  return setStep<FillOperation>(exec, node, params);
}

CUresult cuGraphAddHostNode(CUgraphNode *out, CUgraph graph,
                            const CUgraphNode *dependencies, size_t count,
                            const CUDA_HOST_NODE_PARAMS *params) {
  return addNodeOf<HostOperation>(out, graph, dependencies, count,
                                  CU_GRAPH_NODE_TYPE_HOST, params);
}

CUresult cuGraphHostNodeGetParams(CUgraphNode node,
                                  CUDA_HOST_NODE_PARAMS *params) {
  return getParams<HostOperation>(node, params, [&](HostOperation &host) {
    params->fn = host.function;
    params->userData = host.userData;
  });
}

CUresult cuGraphHostNodeSetParams(CUgraphNode node,
                                  const CUDA_HOST_NODE_PARAMS *params) {
  return setNode<HostOperation>(node, params);
}

CUresult cuGraphExecHostNodeSetParams(CUgraphExec exec, CUgraphNode node,
                                      const CUDA_HOST_NODE_PARAMS *params) {
  return setStep<HostOperation>(exec, node, params);
}

//===----------------------------------------------------------------------===//
// Graphs and events
//===----------------------------------------------------------------------===//

CUresult cuGraphAddChildGraphNode(CUgraphNode *out, CUgraph graph,
                                  const CUgraphNode *dependencies, size_t count,
                                  CUgraph childHandle) {
  ChildGraphOperation operation;
  CUresult result = guarded([&](Driver &driver) {
    std::shared_ptr<Graph> child = driver.graphs.find(childHandle);
    if (!child || childHandle == graph)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(graphMutex());
    operation.graph = child->clone();
    return CUDA_SUCCESS;
  });
  if (result != CUDA_SUCCESS)
    return result;
  return addNode(out, graph, dependencies, count, CU_GRAPH_NODE_TYPE_GRAPH,
                 std::move(operation));
}

CUresult cuGraphChildGraphNodeGetGraph(CUgraphNode handle, CUgraph *out) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<ChildGraphOperation>(
      handle, [&](GraphNode &, ChildGraphOperation &child) {
        // The node goes on owning it; destroying the handle does no harm.
        Driver &driver = Driver::instance();
        if (!driver.graphs.find(child.graph.get()))
          driver.graphs.insert(child.graph);
        *out = handleOf(child.graph);
        return CUDA_SUCCESS;
      });
}

/// Event nodes differ in their operation only.
template <typename Op>
static CUresult addEventNode(CUgraphNode *out, CUgraph graph,
                             const CUgraphNode *dependencies, size_t count,
                             CUgraphNodeType type, CUevent handle) {
  std::shared_ptr<Event> event = Driver::instance().events.find(handle);
  if (!event)
    return CUDA_ERROR_INVALID_VALUE;
  return addNode(out, graph, dependencies, count, type, Op{event});
}

template <typename Op>
static CUresult getNodeEvent(CUgraphNode handle, CUevent *out) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<Op>(handle, [&](GraphNode &, Op &operation) {
    *out = handleOf(operation.event);
    return CUDA_SUCCESS;
  });
}

template <typename Op>
static CUresult setNodeEvent(CUgraphNode handle, CUevent eventHandle) {
  std::shared_ptr<Event> event = Driver::instance().events.find(eventHandle);
  if (!event)
    return CUDA_ERROR_INVALID_VALUE;
  return withNodeOf<Op>(handle, [&](GraphNode &, Op &operation) {
    operation.event = event;
    return CUDA_SUCCESS;
  });
}

template <typename Op>
static CUresult setStepEvent(CUgraphExec exec, CUgraphNode node,
                             CUevent handle) {
  std::shared_ptr<Event> event = Driver::instance().events.find(handle);
  return event ? replaceStep(exec, node, Op{event}) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphAddEventRecordNode(CUgraphNode *out, CUgraph graph,
                                   const CUgraphNode *dependencies,
                                   size_t count, CUevent event) {
  return addEventNode<EventRecordOperation>(
      out, graph, dependencies, count, CU_GRAPH_NODE_TYPE_EVENT_RECORD, event);
}
CUresult cuGraphAddEventWaitNode(CUgraphNode *out, CUgraph graph,
                                 const CUgraphNode *dependencies, size_t count,
                                 CUevent event) {
  return addEventNode<EventWaitOperation>(out, graph, dependencies, count,
                                          CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
}
CUresult cuGraphEventRecordNodeGetEvent(CUgraphNode node, CUevent *event) {
  return getNodeEvent<EventRecordOperation>(node, event);
}
CUresult cuGraphEventWaitNodeGetEvent(CUgraphNode node, CUevent *event) {
  return getNodeEvent<EventWaitOperation>(node, event);
}
CUresult cuGraphEventRecordNodeSetEvent(CUgraphNode node, CUevent event) {
  return setNodeEvent<EventRecordOperation>(node, event);
}
CUresult cuGraphEventWaitNodeSetEvent(CUgraphNode node, CUevent event) {
  return setNodeEvent<EventWaitOperation>(node, event);
}
CUresult cuGraphExecEventRecordNodeSetEvent(CUgraphExec exec, CUgraphNode node,
                                            CUevent event) {
  return setStepEvent<EventRecordOperation>(exec, node, event);
}
CUresult cuGraphExecEventWaitNodeSetEvent(CUgraphExec exec, CUgraphNode node,
                                          CUevent event) {
  return setStepEvent<EventWaitOperation>(exec, node, event);
}

/// Only steps that do something on the device can be switched off.
static bool canBeDisabled(const ProgramStep &step) {
  return step.type == CU_GRAPH_NODE_TYPE_KERNEL ||
         step.type == CU_GRAPH_NODE_TYPE_MEMCPY ||
         step.type == CU_GRAPH_NODE_TYPE_MEMSET;
}

CUresult cuGraphNodeSetEnabled(CUgraphExec exec, CUgraphNode node,
                               unsigned enabled) {
  return changeStep(exec, node, [&](ProgramStep &step) {
    if (canBeDisabled(step))
      step.enabled = enabled != 0;
    return canBeDisabled(step);
  });
}

CUresult cuGraphNodeGetEnabled(CUgraphExec exec, CUgraphNode node,
                               unsigned *enabled) {
  if (!enabled)
    return CUDA_ERROR_INVALID_VALUE;
  return changeStep(exec, node, [&](ProgramStep &step) {
    *enabled = step.enabled;
    return canBeDisabled(step);
  });
}

static CUresult addNodeOfType(CUgraphNode *out, CUgraph graph,
                              const CUgraphNode *dependencies, size_t count,
                              CUgraphNodeParams *params) {
  switch (params->type) {
  case CU_GRAPH_NODE_TYPE_KERNEL: {
    CUDA_KERNEL_NODE_PARAMS kernel{};
    static_assert(sizeof kernel <= sizeof params->kernel);
    memcpy(&kernel, &params->kernel, sizeof kernel);
    return cuGraphAddKernelNode_v2(out, graph, dependencies, count, &kernel);
  }
  case CU_GRAPH_NODE_TYPE_MEMCPY:
    return cuGraphAddMemcpyNode(out, graph, dependencies, count,
                                &params->memcpy.copyParams,
                                params->memcpy.copyCtx);
  case CU_GRAPH_NODE_TYPE_MEMSET: {
    CUDA_MEMSET_NODE_PARAMS fill{};
    memcpy(&fill, &params->memset, sizeof fill);
    return cuGraphAddMemsetNode(out, graph, dependencies, count, &fill,
                                params->memset.ctx);
  }
  case CU_GRAPH_NODE_TYPE_HOST: {
    CUDA_HOST_NODE_PARAMS host{params->host.fn, params->host.userData};
    return cuGraphAddHostNode(out, graph, dependencies, count, &host);
  }
  case CU_GRAPH_NODE_TYPE_GRAPH:
    return cuGraphAddChildGraphNode(out, graph, dependencies, count,
                                    params->graph.graph);
  case CU_GRAPH_NODE_TYPE_EMPTY:
    return cuGraphAddEmptyNode(out, graph, dependencies, count);
  case CU_GRAPH_NODE_TYPE_WAIT_EVENT:
    return cuGraphAddEventWaitNode(out, graph, dependencies, count,
                                   params->eventWait.event);
  case CU_GRAPH_NODE_TYPE_EVENT_RECORD:
    return cuGraphAddEventRecordNode(out, graph, dependencies, count,
                                     params->eventRecord.event);
  default:
    return CUDA_ERROR_NOT_SUPPORTED;
  }
}

/// The edges of a node that is about to be added. The graph mutex is held.
static bool areValidEdges(const CUgraphNode *dependencies,
                          const CUgraphEdgeData *data, size_t count,
                          CUgraphNodeType type) {
  for (size_t i = 0; i < count; ++i) {
    const GraphNode *from = findNode(dependencies[i]);
    if (!from || !isValidEdge(*from, type, data[i]))
      return false;
  }
  return true;
}

CUresult cuGraphAddNode_v2(CUgraphNode *out, CUgraph graph,
                           const CUgraphNode *dependencies,
                           const CUgraphEdgeData *data, size_t count,
                           CUgraphNodeParams *params) {
  if (!params || !out || (count != 0 && !dependencies))
    return CUDA_ERROR_INVALID_VALUE;
  if (!data)
    return addNodeOfType(out, graph, dependencies, count, params);
  {
    std::lock_guard<std::mutex> lock(graphMutex());
    if (!areValidEdges(dependencies, data, count, params->type))
      return CUDA_ERROR_INVALID_VALUE;
  }
  if (CUresult error = addNodeOfType(out, graph, dependencies, count, params))
    return error;
  std::lock_guard<std::mutex> lock(graphMutex());
  for (size_t i = 0; i < count; ++i)
    if (GraphNode *node = findNode(*out); node && !isDefault(data[i]))
      node->edges[findNode(dependencies[i])] = data[i];
  return CUDA_SUCCESS;
}

CUresult cuGraphAddNode(CUgraphNode *out, CUgraph graph,
                        const CUgraphNode *dependencies, size_t count,
                        CUgraphNodeParams *params) {
  return cuGraphAddNode_v2(out, graph, dependencies, nullptr, count, params);
}
