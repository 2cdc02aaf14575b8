//===- Scheduler.h - Runs stream work in dependency order -----------------===//
// Streams and events become a graph of tasks. A task runs when everything it
// depends on is done, on a thread of an elastic pool: work that blocks (a
// kernel that spins on a flag of another stream, a host function) never keeps
// independent work from running.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_SCHEDULER_H
#define TILEWRIGHT_SIM_DRIVER_SCHEDULER_H

#include "sim/check/LaunchOrder.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

namespace tilewright::sim::driver {

class Scheduler;

/// One unit of work. Everything in it is guarded by its scheduler's mutex,
/// apart from `body`, which belongs to whoever runs the task.
class Task {
public:
  enum class Kind {
    Pooled, ///< runs on a pool thread
    Light,  ///< short: runs on the thread that finished its last dependency
    Caller, ///< runs on the thread that submitted it
  };

  /// How checks follow it, or null. Set by whoever submits it, under the stream
  /// mutex.
  check::LaunchOrder::Handle order;

private:
  friend class Scheduler;
  std::function<void()> body;
  std::vector<std::shared_ptr<Task>> successors;
  /// Those that may start when this one is released.
  std::vector<std::shared_ptr<Task>> dependents;
  unsigned pending = 0;
  Kind kind = Kind::Pooled;
  bool ready = false, done = false, awaited = false, released = false;
};

using TaskHandle = std::shared_ptr<Task>;

class Scheduler {
public:
  ~Scheduler();

  /// Queues `body` behind `dependencies`, of which null ones are ignored, and
  /// behind the release of `primary` unless that is null.
  TaskHandle submit(std::function<void()> body,
                    std::span<const TaskHandle> dependencies, Task::Kind kind,
                    const TaskHandle &primary = nullptr);
  /// Lets those start that wait for no more than this of a task that runs; how
  /// many they are. Before, waits for a while until somebody comes behind the
  /// task or waits for it, since its own thread is often ahead of the one that
  /// submits.
  size_t release(Task &task, std::chrono::milliseconds patience);
  /// Waits until a Caller task's dependencies are done, then runs it here.
  void runHere(const TaskHandle &task);
  void wait(const TaskHandle &task);
  /// For whoever asks in the program's name: it knows then.
  bool isDone(const TaskHandle &task);
  /// For ourselves.
  bool hasEnded(const TaskHandle &task);
  /// Drops what has not started and waits for what has. Called once, when the
  /// process exits; later submissions are dropped.
  void shutDown();
  /// Called when somebody has waited for a task, or has seen it done. Set
  /// before the first task.
  std::function<void(const Task &)> seen;
  /// For work that waits for something outside, and must not hold up the end.
  bool isStopping() const { return stopping.load(); }

private:
  /// Marks `task` done and collects what became runnable: Light tasks are run
  /// before it returns; one Pooled task may be returned for the caller to run.
  TaskHandle finish(TaskHandle task, bool callerIsWorker);
  void makeReady(const TaskHandle &task);
  bool addWorker();
  void workerLoop();
  static void runBody(Task &task);

  std::mutex mutex;
  std::condition_variable workAvailable, progress;
  std::deque<TaskHandle> readyQueue;
  std::vector<TaskHandle> lightQueue;
  std::vector<std::thread> workers;
  size_t idleWorkers = 0;
  std::atomic<bool> stopping{false}; ///< written under the mutex
};

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_SCHEDULER_H
