//===- Scheduler.cpp - Runs stream work in dependency order ---------------===//

#include "sim/driver/Scheduler.h"

#include <system_error>
#include <utility>

namespace tilewright::sim::driver {

Scheduler::~Scheduler() { shutDown(); }

void Scheduler::runBody(Task &task) {
  std::function<void()> body = std::move(task.body);
  task.body = nullptr;
  if (body)
    body();
}

/// False where the host has no more threads: those that there are do the work,
/// later.
bool Scheduler::addWorker() {
  try {
    workers.emplace_back([this] { workerLoop(); });
  } catch (const std::system_error &) {
    if (workers.empty())
      throw;
    return false;
  }
  return true;
}

void Scheduler::makeReady(const TaskHandle &task) {
  task->ready = true;
  switch (task->kind) {
  case Task::Kind::Light:
    lightQueue.push_back(task);
    return;
  case Task::Kind::Caller:
    progress.notify_all();
    return;
  case Task::Kind::Pooled:
    // A worker that is idle but already promised to an earlier task is no
    // help: compare with the length of the queue.
    if (readyQueue.size() < idleWorkers || !addWorker())
      workAvailable.notify_one();
    readyQueue.push_back(task);
    return;
  }
}

TaskHandle Scheduler::submit(std::function<void()> body,
                             std::span<const TaskHandle> dependencies,
                             Task::Kind kind, const TaskHandle &primary) {
  auto task = std::make_shared<Task>();
  task->body = std::move(body);
  task->kind = kind;
  std::unique_lock<std::mutex> lock(mutex);
  if (stopping) {
    task->done = true;
    return task;
  }
  for (const TaskHandle &dependency : dependencies) {
    if (!dependency || dependency->done)
      continue;
    dependency->successors.push_back(task);
    ++task->pending;
  }
  if (primary && !primary->done) {
    // Whoever comes too late to be released waits for the end.
    (primary->released ? primary->successors : primary->dependents)
        .push_back(task);
    ++task->pending;
  }
  progress.notify_all();
  if (task->pending != 0)
    return task;
  if (kind != Task::Kind::Light) {
    makeReady(task);
    return task;
  }
  task->ready = true;
  lock.unlock();
  runBody(*task);
  finish(task, /*callerIsWorker=*/false);
  return task;
}

size_t Scheduler::release(Task &task, std::chrono::milliseconds patience) {
  std::unique_lock<std::mutex> lock(mutex);
  progress.wait_for(lock, patience, [&] {
    return !task.dependents.empty() || !task.successors.empty() ||
           task.awaited || stopping;
  });
  task.released = true;
  size_t started = 0;
  for (const TaskHandle &dependent : std::exchange(task.dependents, {})) {
    if (--dependent->pending != 0 || stopping)
      continue;
    makeReady(dependent);
    ++started;
  }
  return started;
}

TaskHandle Scheduler::finish(TaskHandle task, bool callerIsWorker) {
  std::unique_lock<std::mutex> lock(mutex);
  TaskHandle next;
  std::vector<TaskHandle> light;
  for (;;) {
    task->done = true;
    task->successors.insert(task->successors.end(), task->dependents.begin(),
                            task->dependents.end());
    task->dependents.clear();
    for (const TaskHandle &successor : task->successors) {
      if (--successor->pending != 0)
        continue;
      // The usual case, the next launch of the same stream: no hand-over.
      if (callerIsWorker && !next && successor->kind == Task::Kind::Pooled &&
          !stopping) {
        successor->ready = true;
        next = successor;
        continue;
      }
      makeReady(successor);
    }
    task->successors.clear();
    if (task->awaited)
      progress.notify_all();
    light.insert(light.end(), lightQueue.begin(), lightQueue.end());
    lightQueue.clear();
    if (light.empty())
      return next;
    task = std::move(light.back());
    light.pop_back();
    lock.unlock();
    runBody(*task);
    lock.lock();
  }
}

void Scheduler::workerLoop() {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    ++idleWorkers;
    workAvailable.wait(lock, [&] { return stopping || !readyQueue.empty(); });
    --idleWorkers;
    if (stopping)
      return;
    TaskHandle task = std::move(readyQueue.front());
    readyQueue.pop_front();
    lock.unlock();
    while (task) {
      runBody(*task);
      task = finish(std::move(task), /*callerIsWorker=*/true);
    }
    lock.lock();
  }
}

void Scheduler::runHere(const TaskHandle &task) {
  {
    std::unique_lock<std::mutex> lock(mutex);
    task->awaited = true;
    progress.wait(lock, [&] { return task->ready || task->done || stopping; });
    if (task->done || stopping)
      return;
  }
  runBody(*task);
  finish(task, /*callerIsWorker=*/false);
  if (seen)
    seen(*task);
}

void Scheduler::wait(const TaskHandle &task) {
  if (!task)
    return;
  std::unique_lock<std::mutex> lock(mutex);
  task->awaited = true;
  progress.notify_all();
  progress.wait(lock, [&] { return task->done || stopping; });
  bool done = task->done;
  lock.unlock();
  if (done && seen)
    seen(*task);
}

bool Scheduler::isDone(const TaskHandle &task) {
  if (!task)
    return true;
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (!task->done) {
      task->awaited = true;
      progress.notify_all();
      return false;
    }
  }
  if (seen)
    seen(*task);
  return true;
}

bool Scheduler::hasEnded(const TaskHandle &task) {
  std::lock_guard<std::mutex> lock(mutex);
  return !task || task->done;
}

void Scheduler::shutDown() {
  std::vector<std::thread> finished;
  {
    std::unique_lock<std::mutex> lock(mutex);
    if (stopping)
      return;
    stopping = true;
    readyQueue.clear();
    workAvailable.notify_all();
    progress.notify_all();
    finished.swap(workers);
  }
  for (std::thread &worker : finished)
    if (worker.get_id() == std::this_thread::get_id())
      worker.detach();
    else
      worker.join();
}

} // namespace tilewright::sim::driver
