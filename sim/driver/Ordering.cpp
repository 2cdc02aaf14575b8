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

/// Adds the steps of a program that starts behind `before`; the end of it.
static LaunchOrder::Handle
addSteps(LaunchOrder &order, const GraphProgram &program,
         const std::vector<LaunchOrder::Handle> &before,
         std::vector<LaunchOrder::Handle> &steps) {
  std::vector<LaunchOrder::Handle> all;
  for (const ProgramStep &step : program.steps) {
    std::vector<LaunchOrder::Handle> dependencies;
    for (size_t dependency : step.dependencies)
      dependencies.push_back(all[dependency]);
    if (dependencies.empty())
      dependencies = before;
    if (step.child) {
      all.push_back(addSteps(order, *step.child, dependencies, steps));
      continue;
    }
    all.push_back(order.submitted(dependencies));
    steps.push_back(all.back());
  }
  all.insert(all.end(), before.begin(), before.end());
  steps.push_back(order.submitted(all));
  return steps.back();
}

Ordering orderBehind(std::span<const TaskHandle> dependencies,
                     const Operation &operation) {
  LaunchOrder *order = watchedOrder();
  if (!order)
    return {};
  Ordering ordering;
  std::vector<LaunchOrder::Handle> before;
  for (const TaskHandle &each : dependencies)
    if (each && each->order)
      before.push_back(each->order);
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
