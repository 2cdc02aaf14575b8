//===- Graph.h - Graphs of operations, and their executable form ----------===//
#ifndef TILEWRIGHT_SIM_DRIVER_GRAPH_H
#define TILEWRIGHT_SIM_DRIVER_GRAPH_H

#include "sim/check/LaunchOrder.h"
#include "sim/driver/Cuda.h"
#include "sim/driver/Operation.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tilewright::sim::driver {

class Graph;

struct GraphNode {
  Graph *graph = nullptr;
  uint64_t id = 0; ///< creation order in the graph
  CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
  Operation operation;
  std::vector<GraphNode *> dependencies, dependents;
  /// Of edges from dependencies that are not of the default kind.
  std::map<const GraphNode *, CUgraphEdgeData> edges;
  const GraphNode *cloneOf = nullptr;
  /// The array that cuGraphKernelNodeGetParams gives out.
  std::vector<void *> paramPointers;
};

/// Guarded by the driver's graph mutex, as the API promises no more than
/// thread safety of the process.
class Graph {
public:
  ~Graph();

  /// Appends a node after `dependencies`, which belong to this graph.
  GraphNode *add(CUgraphNodeType type, Operation operation,
                 const std::vector<GraphNode *> &dependencies);
  void remove(GraphNode *node);
  bool owns(const GraphNode *node) const;
  /// False when the edge is already there (or, for removal, is not).
  bool addEdge(GraphNode *from, GraphNode *to,
               const CUgraphEdgeData &edge = {});
  bool removeEdge(GraphNode *from, GraphNode *to);
  /// A copy of all nodes and edges; child graphs are copied too.
  std::shared_ptr<Graph> clone() const;
  /// Ready nodes in order of creation; empty with a cycle.
  bool order(std::vector<GraphNode *> &sorted) const;

  std::vector<std::unique_ptr<GraphNode>> nodes;
  uint64_t nextId = 0;
  uint64_t id = 0;
};

CUgraphEdgeData edgeOf(const GraphNode &from, const GraphNode &to);
bool isDefault(const CUgraphEdgeData &edge);
/// Whether a node of type `to` may come so behind `from`.
bool isValidEdge(const GraphNode &from, CUgraphNodeType to,
                 const CUgraphEdgeData &edge);

/// An earlier step that one comes behind.
struct StepDependency {
  size_t step;
  check::LaunchOrder::Link link;
  auto operator<=>(const StepDependency &) const = default;
};

/// One step of an executable graph.
struct ProgramStep {
  const GraphNode *origin = nullptr; ///< identity only; may be gone
  CUgraphNodeType type = CU_GRAPH_NODE_TYPE_EMPTY;
  std::vector<StepDependency> dependencies;
  Operation operation;
  std::shared_ptr<const GraphProgram> child;
  bool enabled = true;
};

/// A graph in an order that honours its edges. Immutable once it is launched:
/// an update makes a new one, and launches in flight keep theirs.
struct GraphProgram {
  std::vector<ProgramStep> steps;
};

class GraphExec {
public:
  std::shared_ptr<Context> context;
  uint64_t flags = 0, id = 0;
  std::mutex mutex;
  std::shared_ptr<const GraphProgram> program; ///< guarded by `mutex`
};

/// Compiles a graph; `failed` gets a node when one cannot be run.
CUresult compileGraph(const Graph &graph,
                      std::shared_ptr<const GraphProgram> &program);

/// The mutex that guards every graph.
std::mutex &graphMutex();

/// The live node behind a handle, or null. The graph mutex is held.
GraphNode *findNode(CUgraphNode handle);

uint64_t nextObjectId();

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_GRAPH_H
