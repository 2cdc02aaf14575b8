//===- Ordering.h - Stream work as the check of order follows it ----------===//
// Every task, and every step of a graph, is an operation of check::LaunchOrder.
// All of this is empty without that check.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_ORDERING_H
#define TILEWRIGHT_SIM_DRIVER_ORDERING_H

#include "sim/check/LaunchOrder.h"
#include "sim/driver/Cuda.h"
#include "sim/driver/Operation.h"
#include "sim/driver/Scheduler.h"

#include <memory>
#include <span>
#include <vector>

namespace tilewright::sim::driver {

/// Work that other work comes behind. When it runs, it waits for all of `task`;
/// a program may rely on no more than `link` says.
struct Predecessor {
  TaskHandle task;
  check::LaunchOrder::Link link = check::LaunchOrder::Link::Complete;
  TaskHandle launch = nullptr; ///< that the link is to, unless it is complete
};

std::vector<TaskHandle> tasksOf(std::span<const Predecessor> predecessors);

/// CUDA describes how a node comes behind another as data of a graph's edge.
check::LaunchOrder::Link linkOf(const CUgraphEdgeData &edge);
/// What a captured dependent launch gets as its edge.
inline constexpr CUgraphEdgeData programmaticEdge = {
    .from_port = CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC,
    .to_port = 0,
    .type = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC,
    .reserved = {}};

/// What the check knows a task as.
struct Ordering {
  check::LaunchOrder::Handle whole;
  /// Of a graph: its steps in the order in which they run, children's before
  /// their parent's next, each program's end last.
  std::vector<check::LaunchOrder::Handle> steps;
};

/// The check that follows order, or null while nobody asks for it.
check::LaunchOrder *watchedOrder();

/// For work that starts behind `predecessors`.
Ordering orderBehind(std::span<const Predecessor> predecessors,
                     const Operation &operation);

/// A task that runs on this thread.
class OrderedTask {
public:
  explicit OrderedTask(const Ordering &ordering);
  ~OrderedTask();
  OrderedTask(const OrderedTask &) = delete;

  /// The next step of the graph that runs on this thread.
  static check::LaunchOrder::Handle nextStep();

private:
  const Ordering &ordering;
  size_t next = 0;
  OrderedTask *const outer;
};

/// An operation that runs on this thread.
class OrderedRun {
public:
  explicit OrderedRun(check::LaunchOrder::Handle handle);
  ~OrderedRun();
  OrderedRun(const OrderedRun &) = delete;

  /// Null where nobody follows it.
  static OrderedRun *current();

  const check::LaunchOrder::Handle handle;
  check::TouchedParts touched;
  std::shared_ptr<const void> owner; ///< of the places in `touched`

private:
  OrderedRun *const outer;
};

/// What runs on this thread may have told the host how far things are.
void hostSawCurrent();
/// What runs on this thread has waited for a task; null: for one that nobody
/// knows, which may be any that is over.
void currentWaitedFor(const TaskHandle &task);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_ORDERING_H
