//===- Ordering.cpp - Stream work as the check of order follows it --------===//

#include "sim/driver/Ordering.h"

#include "sim/driver/Driver.h"

#include <utility>

namespace tilewright::sim::driver {

using check::LaunchOrder;

static thread_local OrderedTask *currentTask = nullptr;
static thread_local OrderedRun *currentRun = nullptr;

LaunchOrder *watchedOrder() {
  Checks *checks = Driver::instance().checks.get();
  return checks && checks->order().isWatching() ? &checks->order() : nullptr;
}

std::vector<TaskHandle> tasksOf(std::span<const Predecessor> predecessors) {
  std::vector<TaskHandle> tasks;
  for (const Predecessor &each : predecessors)
    tasks.push_back(each.task);
  return tasks;
}

LaunchOrder::Link linkOf(const CUgraphEdgeData &edge) {
  if (edge.type == CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC)
    return LaunchOrder::Link::Programmatic;
  return edge.from_port == CU_GRAPH_KERNEL_NODE_PORT_LAUNCH_ORDER
             ? LaunchOrder::Link::Start
             : LaunchOrder::Link::Complete;
}

using Dependencies = std::vector<LaunchOrder::Dependency>;

/// Adds the steps of a program that starts behind `before`; the end of it.
static LaunchOrder::Handle addSteps(LaunchOrder &order,
                                    const GraphProgram &program,
                                    const Dependencies &before,
                                    std::vector<LaunchOrder::Handle> &steps) {
  Dependencies all;
  for (const ProgramStep &step : program.steps) {
    Dependencies dependencies;
    for (const auto &[number, link] : step.dependencies)
      dependencies.push_back({all[number].handle, link});
    if (dependencies.empty())
      dependencies = before;
    if (step.child) {
      all.push_back({addSteps(order, *step.child, dependencies, steps)});
      continue;
    }
    all.push_back({order.submitted(dependencies)});
    steps.push_back(all.back().handle);
  }
  all.insert(all.end(), before.begin(), before.end());
  steps.push_back(order.submitted(all));
  return steps.back();
}

Ordering orderBehind(std::span<const Predecessor> predecessors,
                     const Operation &operation) {
  LaunchOrder *order = watchedOrder();
  if (!order)
    return {};
  Ordering ordering;
  Dependencies before;
  for (const Predecessor &each : predecessors) {
    bool isComplete = each.link == LaunchOrder::Link::Complete;
    if (const TaskHandle &task = isComplete ? each.task : each.launch)
      before.push_back({task->order, each.link});
  }
  if (const auto *program = std::get_if<ProgramOperation>(&operation))
    ordering.whole =
        addSteps(*order, *program->program, before, ordering.steps);
  else
    ordering.whole = order->submitted(before);
  return ordering;
}

OrderedTask::OrderedTask(const Ordering &ordering)
    : ordering(ordering), outer(std::exchange(currentTask, this)) {}

/// Steps behind a failed one have not run; they end nevertheless.
OrderedTask::~OrderedTask() {
  currentTask = outer;
  while (next < ordering.steps.size())
    OrderedRun skipped(ordering.steps[next++]);
}

LaunchOrder::Handle OrderedTask::nextStep() {
  if (!currentTask || currentTask->next >= currentTask->ordering.steps.size())
    return nullptr;
  return currentTask->ordering.steps[currentTask->next++];
}

OrderedRun::OrderedRun(LaunchOrder::Handle handle)
    : handle(std::move(handle)), outer(currentRun) {
  if (!this->handle)
    return;
  currentRun = this;
  touched.dependence.isDependent =
      Driver::instance().checks->order().starts(this->handle);
}

OrderedRun::~OrderedRun() {
  if (!handle)
    return;
  currentRun = outer;
  Driver::instance().checks->orderEnds(handle, std::move(touched),
                                       std::move(owner));
}

OrderedRun *OrderedRun::current() { return currentRun; }

void hostSawCurrent() {
  if (currentRun)
    Driver::instance().checks->order().hostSaw(currentRun->handle);
}

void currentWaitedFor(const TaskHandle &task) {
  if (currentRun)
    Driver::instance().checks->order().waitedFor(currentRun->handle,
                                                 task ? task->order : nullptr);
}

} // namespace tilewright::sim::driver
