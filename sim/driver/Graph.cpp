//===- Graph.cpp - Graphs of operations, and their executable form --------===//

#include "sim/driver/Graph.h"

#include "sim/driver/Driver.h"
#include "sim/driver/Ordering.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <queue>
#include <unordered_set>

namespace tilewright::sim::driver {

std::mutex &graphMutex() {
  static std::mutex *mutex = new std::mutex;
  return *mutex;
}

uint64_t nextObjectId() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

namespace {
/// Every live node. It has a mutex of its own because the last owner of a
/// graph may be work that ends on any thread.
struct LiveNodes {
  std::mutex mutex;
  std::unordered_set<const GraphNode *> nodes;

  void insert(const GraphNode *node) {
    std::lock_guard<std::mutex> lock(mutex);
    nodes.insert(node);
  }
  void erase(const GraphNode *node) {
    std::lock_guard<std::mutex> lock(mutex);
    nodes.erase(node);
  }
  bool contains(const GraphNode *node) {
    std::lock_guard<std::mutex> lock(mutex);
    return nodes.count(node) != 0;
  }
};
} // namespace

static LiveNodes &liveNodes() {
  static LiveNodes *live = new LiveNodes;
  return *live;
}

GraphNode *findNode(CUgraphNode handle) {
  auto *node = reinterpret_cast<GraphNode *>(handle);
  return liveNodes().contains(node) ? node : nullptr;
}

Graph::~Graph() {
  for (const std::unique_ptr<GraphNode> &node : nodes)
    liveNodes().erase(node.get());
}

GraphNode *Graph::add(CUgraphNodeType type, Operation operation,
                      const std::vector<GraphNode *> &dependencies) {
  auto node = std::make_unique<GraphNode>();
  node->graph = this;
  node->id = nextId++;
  node->type = type;
  node->operation = std::move(operation);
  GraphNode *added = node.get();
  nodes.push_back(std::move(node));
  liveNodes().insert(added);
  for (GraphNode *dependency : dependencies)
    addEdge(dependency, added);
  return added;
}

static void detach(std::vector<GraphNode *> &list, GraphNode *node) {
  list.erase(std::remove(list.begin(), list.end(), node), list.end());
}

void Graph::remove(GraphNode *node) {
  for (GraphNode *dependency : node->dependencies)
    detach(dependency->dependents, node);
  for (GraphNode *dependent : node->dependents)
    detach(dependent->dependencies, node), dependent->edges.erase(node);
  liveNodes().erase(node);
  std::erase_if(nodes, [&](const std::unique_ptr<GraphNode> &candidate) {
    return candidate.get() == node;
  });
}

bool Graph::owns(const GraphNode *node) const { return node->graph == this; }

CUgraphEdgeData edgeOf(const GraphNode &from, const GraphNode &to) {
  auto found = to.edges.find(&from);
  return found == to.edges.end() ? CUgraphEdgeData{} : found->second;
}

bool isDefault(const CUgraphEdgeData &edge) {
  static constexpr CUgraphEdgeData none{};
  return std::memcmp(&edge, &none, sizeof edge) == 0;
}

bool isValidEdge(const GraphNode &from, CUgraphNodeType to,
                 const CUgraphEdgeData &edge) {
  CUgraphEdgeData rest = edge;
  rest.from_port = rest.type = 0;
  bool fromKernel = from.type == CU_GRAPH_NODE_TYPE_KERNEL;
  if (isDefault(edge))
    return true;
  if (!isDefault(rest) || !fromKernel)
    return false;
  bool isLaunchOrder = edge.from_port == CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER;
  if (edge.type == CU_GRAPH_DEPENDENCY_TYPE_DEFAULT)
    return isLaunchOrder;
  return edge.type == CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC &&
         to == CU_GRAPH_NODE_TYPE_KERNEL &&
         (isLaunchOrder ||
          edge.from_port == CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC);
}

bool Graph::addEdge(GraphNode *from, GraphNode *to,
                    const CUgraphEdgeData &edge) {
  auto &list = to->dependencies;
  if (std::find(list.begin(), list.end(), from) != list.end())
    return false;
  list.push_back(from);
  from->dependents.push_back(to);
  if (!isDefault(edge))
    to->edges[from] = edge;
  return true;
}

bool Graph::removeEdge(GraphNode *from, GraphNode *to) {
  auto &list = to->dependencies;
  if (std::find(list.begin(), list.end(), from) == list.end())
    return false;
  detach(list, from);
  detach(from->dependents, to);
  to->edges.erase(from);
  return true;
}

std::shared_ptr<Graph> Graph::clone() const {
  auto copy = std::make_shared<Graph>();
  copy->id = nextObjectId();
  std::map<const GraphNode *, GraphNode *> twin;
  for (const std::unique_ptr<GraphNode> &node : nodes) {
    Operation operation = node->operation;
    if (auto *child = std::get_if<ChildGraphOperation>(&operation))
      child->graph = child->graph->clone();
    GraphNode *added = copy->add(node->type, std::move(operation), {});
    added->id = node->id;
    added->cloneOf = node.get();
    twin[node.get()] = added;
  }
  for (const std::unique_ptr<GraphNode> &node : nodes)
    for (GraphNode *dependency : node->dependencies)
      copy->addEdge(twin[dependency], twin[node.get()],
                    edgeOf(*dependency, *node));
  copy->nextId = nextId;
  return copy;
}

bool Graph::order(std::vector<GraphNode *> &sorted) const {
  sorted.clear();
  auto later = [](const GraphNode *a, const GraphNode *b) {
    return a->id > b->id;
  };
  std::priority_queue<GraphNode *, std::vector<GraphNode *>, decltype(later)>
      ready(later);
  std::map<const GraphNode *, size_t> missing;
  for (const std::unique_ptr<GraphNode> &node : nodes) {
    missing[node.get()] = node->dependencies.size();
    if (node->dependencies.empty())
      ready.push(node.get());
  }
  while (!ready.empty()) {
    GraphNode *node = ready.top();
    ready.pop();
    sorted.push_back(node);
    for (GraphNode *dependent : node->dependents)
      if (--missing[dependent] == 0)
        ready.push(dependent);
  }
  return sorted.size() == nodes.size();
}

CUresult compileGraph(const Graph &graph,
                      std::shared_ptr<const GraphProgram> &program) {
  std::vector<GraphNode *> sorted;
  if (!graph.order(sorted))
    return CUDA_ERROR_INVALID_VALUE;
  if (Checks *checks = Driver::instance().checks.get())
    checks->watchOrder();
  auto compiled = std::make_shared<GraphProgram>();
  std::map<const GraphNode *, size_t> position;
  for (const GraphNode *node : sorted) {
    ProgramStep step;
    step.origin = node;
    step.type = node->type;
    step.operation = node->operation;
    for (const GraphNode *dependency : node->dependencies)
      step.dependencies.push_back(
          {position[dependency], linkOf(edgeOf(*dependency, *node))});
    std::sort(step.dependencies.begin(), step.dependencies.end());
    if (const auto *child =
            std::get_if<ChildGraphOperation>(&node->operation)) {
      if (CUresult error = compileGraph(*child->graph, step.child))
        return error;
      step.operation = EmptyOperation{};
    }
    position[node] = compiled->steps.size();
    compiled->steps.push_back(std::move(step));
  }
  program = std::move(compiled);
  return CUDA_SUCCESS;
}

} // namespace tilewright::sim::driver
