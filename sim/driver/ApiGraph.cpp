//===- ApiGraph.cpp - Entry points: graphs as a whole ---------------------===//

#include "sim/driver/Api.h"

#include <algorithm>
#include <cstring>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

/// Runs `body(driver, graph)` with the graph mutex held.
template <typename Body>
static CUresult withGraph(CUgraph handle, const Body &body) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Graph> graph = driver.graphs.find(handle);
    if (!graph)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(graphMutex());
    return body(driver, graph);
  });
}

/// Runs `body(node)` with the graph mutex held.
template <typename Body>
static CUresult withNode(CUgraphNode handle, const Body &body) {
  return guarded([&](Driver &) {
    std::lock_guard<std::mutex> lock(graphMutex());
    GraphNode *node = findNode(handle);
    if (!node)
      return CUDA_ERROR_INVALID_VALUE;
    return body(*node);
  });
}

CUresult cuGraphCreate(CUgraph *out, unsigned flags) {
  return guarded([&](Driver &driver) {
    if (!out || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    auto graph = std::make_shared<Graph>();
    graph->id = nextObjectId();
    driver.graphs.insert(graph);
    *out = handleOf(graph);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  return guarded([&](Driver &driver) {
    return driver.graphs.take(handle) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphClone(CUgraph *out, CUgraph handle) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle,
                   [&](Driver &driver, const std::shared_ptr<Graph> &graph) {
                     std::shared_ptr<Graph> copy = graph->clone();
                     driver.graphs.insert(copy);
                     *out = handleOf(copy);
                     return CUDA_SUCCESS;
                   });
}

CUresult cuGraphNodeFindInClone(CUgraphNode *out, CUgraphNode original,
                                CUgraph handle) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    for (const std::unique_ptr<GraphNode> &node : graph->nodes)
      if (handleOf(node->cloneOf) == original) {
        *out = handleOf(node.get());
        return CUDA_SUCCESS;
      }
    return CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphGetId(CUgraph handle, unsigned *id) {
  if (!id)
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    *id = unsigned(graph->id);
    return CUDA_SUCCESS;
  });
}

/// The convention of list queries: a null list asks for the count, a short
/// one is filled, a long one is padded with null.
static void giveNodes(const std::vector<GraphNode *> &nodes, CUgraphNode *list,
                      size_t *count) {
  if (list)
    for (size_t i = 0; i < *count; ++i)
      list[i] = i < nodes.size() ? handleOf(nodes[i]) : nullptr;
  *count = list ? std::min(*count, nodes.size()) : nodes.size();
}

CUresult cuGraphGetNodes(CUgraph handle, CUgraphNode *list, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    std::vector<GraphNode *> nodes;
    for (const std::unique_ptr<GraphNode> &node : graph->nodes)
      nodes.push_back(node.get());
    giveNodes(nodes, list, count);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphGetRootNodes(CUgraph handle, CUgraphNode *list, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    std::vector<GraphNode *> roots;
    for (const std::unique_ptr<GraphNode> &node : graph->nodes)
      if (node->dependencies.empty())
        roots.push_back(node.get());
    giveNodes(roots, list, count);
    return CUDA_SUCCESS;
  });
}

static bool areEqual(const CUgraphEdgeData &a, const CUgraphEdgeData &b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

using Edge = std::pair<const GraphNode *, const GraphNode *>;

/// Fills in the data of edges as giveNodes() does nodes. A caller that has no
/// place for it may not lose any.
static CUresult giveEdges(const std::vector<Edge> &edges, bool wantsNodes,
                          CUgraphEdgeData *data, size_t capacity) {
  if (!wantsNodes)
    return CUDA_SUCCESS;
  for (size_t i = 0; i < std::min(capacity, edges.size()); ++i) {
    CUgraphEdgeData edge = edgeOf(*edges[i].first, *edges[i].second);
    if (data)
      data[i] = edge;
    else if (!isDefault(edge))
      return CUDA_ERROR_LOSSY_QUERY;
  }
  return CUDA_SUCCESS;
}

CUresult cuGraphGetEdges_v2(CUgraph handle, CUgraphNode *from, CUgraphNode *to,
                            CUgraphEdgeData *data, size_t *count) {
  if (!count || (from == nullptr) != (to == nullptr))
    return CUDA_ERROR_INVALID_VALUE;
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    std::vector<GraphNode *> sources, targets;
    std::vector<Edge> edges;
    for (const std::unique_ptr<GraphNode> &node : graph->nodes)
      for (GraphNode *dependency : node->dependencies) {
        sources.push_back(dependency);
        targets.push_back(node.get());
        edges.emplace_back(dependency, node.get());
      }
    if (CUresult error = giveEdges(edges, from, data, *count))
      return error;
    size_t capacity = *count;
    giveNodes(sources, from, count);
    giveNodes(targets, to, &capacity);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphGetEdges(CUgraph graph, CUgraphNode *from, CUgraphNode *to,
                         size_t *count) {
  return cuGraphGetEdges_v2(graph, from, to, nullptr, count);
}

CUresult cuGraphNodeGetDependencies_v2(CUgraphNode handle, CUgraphNode *list,
                                       CUgraphEdgeData *data, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  return withNode(handle, [&](GraphNode &node) {
    std::vector<Edge> edges;
    for (const GraphNode *each : node.dependencies)
      edges.emplace_back(each, &node);
    if (CUresult error = giveEdges(edges, list, data, *count))
      return error;
    giveNodes(node.dependencies, list, count);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetDependencies(CUgraphNode node, CUgraphNode *list,
                                    size_t *count) {
  return cuGraphNodeGetDependencies_v2(node, list, nullptr, count);
}

CUresult cuGraphNodeGetDependentNodes_v2(CUgraphNode handle, CUgraphNode *list,
                                         CUgraphEdgeData *data, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  return withNode(handle, [&](GraphNode &node) {
    std::vector<Edge> edges;
    for (const GraphNode *each : node.dependents)
      edges.emplace_back(&node, each);
    if (CUresult error = giveEdges(edges, list, data, *count))
      return error;
    giveNodes(node.dependents, list, count);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetDependentNodes(CUgraphNode node, CUgraphNode *list,
                                      size_t *count) {
  return cuGraphNodeGetDependentNodes_v2(node, list, nullptr, count);
}

/// Applies `change(graph, from, to, edge)` to each listed edge.
template <typename Change>
static CUresult changeEdges(CUgraph handle, const CUgraphNode *from,
                            const CUgraphNode *to, const CUgraphEdgeData *data,
                            size_t count, const Change &change) {
  return withGraph(handle, [&](Driver &, const std::shared_ptr<Graph> &graph) {
    if (count != 0 && (!from || !to))
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < count; ++i) {
      GraphNode *source = findNode(from[i]), *target = findNode(to[i]);
      if (!source || !target || source == target || !graph->owns(source) ||
          !graph->owns(target) ||
          (data && !isValidEdge(*source, target->type, data[i])))
        return CUDA_ERROR_INVALID_VALUE;
    }
    for (size_t i = 0; i < count; ++i)
      if (!change(*graph, findNode(from[i]), findNode(to[i]),
                  data ? data[i] : CUgraphEdgeData{}))
        return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphAddDependencies_v2(CUgraph graph, const CUgraphNode *from,
                                   const CUgraphNode *to,
                                   const CUgraphEdgeData *data, size_t count) {
  return changeEdges(graph, from, to, data, count,
                     [](Graph &graph, GraphNode *source, GraphNode *target,
                        const CUgraphEdgeData &edge) {
                       return graph.addEdge(source, target, edge);
                     });
}

CUresult cuGraphAddDependencies(CUgraph graph, const CUgraphNode *from,
                                const CUgraphNode *to, size_t count) {
  return cuGraphAddDependencies_v2(graph, from, to, nullptr, count);
}

CUresult cuGraphRemoveDependencies_v2(CUgraph graph, const CUgraphNode *from,
                                      const CUgraphNode *to,
                                      const CUgraphEdgeData *data,
                                      size_t count) {
  return changeEdges(graph, from, to, data, count,
                     [](Graph &graph, GraphNode *source, GraphNode *target,
                        const CUgraphEdgeData &edge) {
                       return areEqual(edge, edgeOf(*source, *target)) &&
                              graph.removeEdge(source, target);
                     });
}

CUresult cuGraphRemoveDependencies(CUgraph graph, const CUgraphNode *from,
                                   const CUgraphNode *to, size_t count) {
  return cuGraphRemoveDependencies_v2(graph, from, to, nullptr, count);
}

CUresult cuGraphDestroyNode(CUgraphNode handle) {
  return withNode(handle, [](GraphNode &node) {
    node.graph->remove(&node);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetType(CUgraphNode handle, CUgraphNodeType *type) {
  if (!type)
    return CUDA_ERROR_INVALID_VALUE;
  return withNode(handle, [&](GraphNode &node) {
    *type = node.type;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetContainingGraph(CUgraphNode handle, CUgraph *out) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withNode(handle, [&](GraphNode &node) {
    *out = reinterpret_cast<CUgraph>(node.graph);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphNodeGetLocalId(CUgraphNode handle, unsigned *id) {
  if (!id)
    return CUDA_ERROR_INVALID_VALUE;
  return withNode(handle, [&](GraphNode &node) {
    *id = unsigned(node.id);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec *out, CUgraph handle,
                                     unsigned long long flags) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        constexpr unsigned long long known =
            CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH |
            CUDA_GRAPH_INSTANTIATE_FLAG_UPLOAD |
            CUDA_GRAPH_INSTANTIATE_FLAG_USE_NODE_PRIORITY;
        std::shared_ptr<Graph> graph = driver.graphs.find(handle);
        if (!out || !graph)
          return CUDA_ERROR_INVALID_VALUE;
        if (flags & ~known)
          return flags & CUDA_GRAPH_INSTANTIATE_FLAG_DEVICE_LAUNCH
                     ? CUDA_ERROR_NOT_SUPPORTED
                     : CUDA_ERROR_INVALID_VALUE;
        auto exec = std::make_shared<GraphExec>();
        exec->context = context;
        exec->flags = flags;
        exec->id = nextObjectId();
        {
          std::lock_guard<std::mutex> lock(graphMutex());
          if (CUresult error = compileGraph(*graph, exec->program))
            return error;
        }
        driver.graphExecs.insert(exec);
        *out = handleOf(exec);
        return CUDA_SUCCESS;
      });
}

CUresult cuGraphInstantiateWithParams(CUgraphExec *out, CUgraph graph,
                                      CUDA_GRAPH_INSTANTIATE_PARAMS *params) {
  if (!params)
    return CUDA_ERROR_INVALID_VALUE;
  CUresult result = cuGraphInstantiateWithFlags(out, graph, params->flags);
  params->hErrNode_out = nullptr;
  params->result_out = result == CUDA_SUCCESS ? CUDA_GRAPH_INSTANTIATE_SUCCESS
                                              : CUDA_GRAPH_INSTANTIATE_ERROR;
  return result;
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  return guarded([&](Driver &driver) {
    return driver.graphExecs.take(handle) ? CUDA_SUCCESS
                                          : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphExecGetFlags(CUgraphExec handle, cuuint64_t *flags) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<GraphExec> exec = driver.graphExecs.find(handle);
    if (!flags || !exec)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = exec->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphExecGetId(CUgraphExec handle, unsigned *id) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<GraphExec> exec = driver.graphExecs.find(handle);
    if (!id || !exec)
      return CUDA_ERROR_INVALID_VALUE;
    *id = unsigned(exec->id);
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphUpload(CUgraphExec handle, CUstream stream) {
  return withStream(stream, [&](Driver &driver,
                                const std::shared_ptr<Context> &,
                                const std::shared_ptr<Stream> &) {
    return driver.graphExecs.find(handle) ? CUDA_SUCCESS
                                          : CUDA_ERROR_INVALID_VALUE;
  });
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream streamHandle) {
  return withStream(streamHandle, [&](Driver &driver,
                                      const std::shared_ptr<Context> &context,
                                      const std::shared_ptr<Stream> &stream) {
    std::shared_ptr<GraphExec> exec = driver.graphExecs.find(handle);
    if (!exec)
      return CUDA_ERROR_INVALID_VALUE;
    if (exec->context != context)
      return CUDA_ERROR_INVALID_CONTEXT;
    ProgramOperation operation;
    {
      std::lock_guard<std::mutex> lock(exec->mutex);
      operation.program = exec->program;
    }
    return enqueue(context, stream, std::move(operation));
  });
}

static CUresult refuseUpdate(CUgraphExecUpdateResultInfo *info,
                             CUgraphExecUpdateResult why,
                             const GraphNode *node) {
  if (info) {
    info->result = why;
    info->errorNode = handleOf(node);
    info->errorFromNode = nullptr;
  }
  return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
}

/// Two programs of the same shape differ in parameters only.
static CUgraphExecUpdateResult compareShapes(const GraphProgram &old,
                                             const GraphProgram &fresh,
                                             const GraphNode *&node) {
  if (old.steps.size() != fresh.steps.size())
    return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
  for (size_t i = 0; i < fresh.steps.size(); ++i) {
    const ProgramStep &before = old.steps[i], &after = fresh.steps[i];
    node = after.origin;
    if (before.type != after.type)
      return CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED;
    if (before.dependencies != after.dependencies)
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    if (!before.child != !after.child)
      return CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED;
    if (!before.child)
      continue;
    const GraphNode *inner = nullptr;
    CUgraphExecUpdateResult result =
        compareShapes(*before.child, *after.child, inner);
    if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
      return result;
  }
  return CU_GRAPH_EXEC_UPDATE_SUCCESS;
}

CUresult cuGraphExecUpdate_v2(CUgraphExec execHandle, CUgraph graphHandle,
                              CUgraphExecUpdateResultInfo *info) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<GraphExec> exec = driver.graphExecs.find(execHandle);
    std::shared_ptr<Graph> graph = driver.graphs.find(graphHandle);
    if (!exec || !graph)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<const GraphProgram> fresh;
    {
      std::lock_guard<std::mutex> lock(graphMutex());
      if (CUresult error = compileGraph(*graph, fresh))
        return error;
    }
    std::lock_guard<std::mutex> lock(exec->mutex);
    const GraphNode *node = nullptr;
    CUgraphExecUpdateResult result =
        compareShapes(*exec->program, *fresh, node);
    if (result != CU_GRAPH_EXEC_UPDATE_SUCCESS)
      return refuseUpdate(info, result, node);
    // Nodes keep the identity by which the program knows them, and whether
    // they are enabled.
    auto updated = std::make_shared<GraphProgram>(*fresh);
    for (size_t i = 0; i < updated->steps.size(); ++i) {
      updated->steps[i].origin = exec->program->steps[i].origin;
      updated->steps[i].enabled = exec->program->steps[i].enabled;
    }
    exec->program = std::move(updated);
    if (info)
      *info = {CU_GRAPH_EXEC_UPDATE_SUCCESS, nullptr, nullptr};
    return CUDA_SUCCESS;
  });
}
