//===- ApiGraph.cpp - Graphs ----------------------------------------------===//
// Graphs, nodes and executables are the driver's own; see ApiGraphNodes.cpp
// for what a node does.
//===----------------------------------------------------------------------===//

#include "sim/cudart/Runtime.h"

using namespace tilewright::sim::cudart;

static_assert(sizeof(cudaGraphEdgeData) == sizeof(CUgraphEdgeData));
static_assert(sizeof(cudaGraphInstantiateParams) ==
              sizeof(CUDA_GRAPH_INSTANTIATE_PARAMS));
static_assert(sizeof(cudaGraphExecUpdateResultInfo) ==
              sizeof(CUgraphExecUpdateResultInfo));

static CUgraphEdgeData *driverEdges(cudaGraphEdgeData *edges) {
  return reinterpret_cast<CUgraphEdgeData *>(edges);
}
static const CUgraphEdgeData *driverEdges(const cudaGraphEdgeData *edges) {
  return reinterpret_cast<const CUgraphEdgeData *>(edges);
}

cudaError_t cudaGraphCreate(cudaGraph_t *graph, unsigned flags) {
  return withContext([&] { return cuGraphCreate(graph, flags); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  return withContext([&] { return cuGraphDestroy(graph); });
}

cudaError_t cudaGraphClone(cudaGraph_t *clone, cudaGraph_t graph) {
  return withContext([&] { return cuGraphClone(clone, graph); });
}

cudaError_t cudaGraphNodeFindInClone(cudaGraphNode_t *out, cudaGraphNode_t node,
                                     cudaGraph_t clone) {
  return withContext([&] { return cuGraphNodeFindInClone(out, node, clone); });
}

cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node,
                                 cudaGraphNodeType *type) {
  return withContext([&] {
    return cuGraphNodeGetType(node, reinterpret_cast<CUgraphNodeType *>(type));
  });
}

cudaError_t cudaGraphNodeGetContainingGraph(cudaGraphNode_t node,
                                            cudaGraph_t *graph) {
  return withContext(
      [&] { return cuGraphNodeGetContainingGraph(node, graph); });
}

cudaError_t cudaGraphNodeGetLocalId(cudaGraphNode_t node, unsigned *id) {
  return withContext([&] { return cuGraphNodeGetLocalId(node, id); });
}

cudaError_t cudaGraphGetId(cudaGraph_t graph, unsigned *id) {
  return withContext([&] { return cuGraphGetId(graph, id); });
}

cudaError_t cudaGraphExecGetId(cudaGraphExec_t exec, unsigned *id) {
  return withContext([&] { return cuGraphExecGetId(exec, id); });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t *nodes,
                              size_t *count) {
  return withContext([&] { return cuGraphGetNodes(graph, nodes, count); });
}

cudaError_t cudaGraphGetRootNodes(cudaGraph_t graph, cudaGraphNode_t *nodes,
                                  size_t *count) {
  return withContext([&] { return cuGraphGetRootNodes(graph, nodes, count); });
}

cudaError_t cudaGraphGetEdges(cudaGraph_t graph, cudaGraphNode_t *from,
                              cudaGraphNode_t *to, cudaGraphEdgeData *edges,
                              size_t *count) {
  return withContext([&] {
    return cuGraphGetEdges(graph, from, to, driverEdges(edges), count);
  });
}

cudaError_t cudaGraphNodeGetDependencies(cudaGraphNode_t node,
                                         cudaGraphNode_t *nodes,
                                         cudaGraphEdgeData *edges,
                                         size_t *count) {
  return withContext([&] {
    return cuGraphNodeGetDependencies(node, nodes, driverEdges(edges), count);
  });
}

cudaError_t cudaGraphNodeGetDependentNodes(cudaGraphNode_t node,
                                           cudaGraphNode_t *nodes,
                                           cudaGraphEdgeData *edges,
                                           size_t *count) {
  return withContext([&] {
    return cuGraphNodeGetDependentNodes(node, nodes, driverEdges(edges), count);
  });
}

cudaError_t cudaGraphAddDependencies(cudaGraph_t graph,
                                     const cudaGraphNode_t *from,
                                     const cudaGraphNode_t *to,
                                     const cudaGraphEdgeData *edges,
                                     size_t count) {
  return withContext([&] {
    return cuGraphAddDependencies(graph, from, to, driverEdges(edges), count);
  });
}

cudaError_t cudaGraphRemoveDependencies(cudaGraph_t graph,
                                        const cudaGraphNode_t *from,
                                        const cudaGraphNode_t *to,
                                        const cudaGraphEdgeData *edges,
                                        size_t count) {
  return withContext([&] {
    return cuGraphRemoveDependencies(graph, from, to, driverEdges(edges),
                                     count);
  });
}

cudaError_t cudaGraphDestroyNode(cudaGraphNode_t node) {
  return withContext([&] { return cuGraphDestroyNode(node); });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph,
                                 unsigned long long flags) {
  return cudaGraphInstantiateWithFlags(exec, graph, flags);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec,
                                          cudaGraph_t graph,
                                          unsigned long long flags) {
  return withContext(
      [&] { return cuGraphInstantiateWithFlags(exec, graph, flags); });
}

cudaError_t
cudaGraphInstantiateWithParams(cudaGraphExec_t *exec, cudaGraph_t graph,
                               cudaGraphInstantiateParams *parameters) {
  return withContext([&] {
    return cuGraphInstantiateWithParams(
        exec, graph,
        reinterpret_cast<CUDA_GRAPH_INSTANTIATE_PARAMS *>(parameters));
  });
}

cudaError_t cudaGraphExecGetFlags(cudaGraphExec_t exec,
                                  unsigned long long *flags) {
  return withContext([&] {
    return cuGraphExecGetFlags(exec, reinterpret_cast<cuuint64_t *>(flags));
  });
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t exec, cudaGraph_t graph,
                                cudaGraphExecUpdateResultInfo *info) {
  return withContext([&] {
    return cuGraphExecUpdate(
        exec, graph, reinterpret_cast<CUgraphExecUpdateResultInfo *>(info));
  });
}

cudaError_t cudaGraphUpload(cudaGraphExec_t exec, cudaStream_t stream) {
  return withContext([&] { return cuGraphUpload(exec, streamOf(stream)); });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  return withContext([&] { return cuGraphLaunch(exec, streamOf(stream)); });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  return withContext([&] { return cuGraphExecDestroy(exec); });
}

cudaError_t cudaGraphNodeSetEnabled(cudaGraphExec_t exec, cudaGraphNode_t node,
                                    unsigned isEnabled) {
  return withContext(
      [&] { return cuGraphNodeSetEnabled(exec, node, isEnabled); });
}

cudaError_t cudaGraphNodeGetEnabled(cudaGraphExec_t exec, cudaGraphNode_t node,
                                    unsigned *isEnabled) {
  return withContext(
      [&] { return cuGraphNodeGetEnabled(exec, node, isEnabled); });
}
