//===- Operation.cpp - Executes what streams and graphs hold --------------===//

#include "sim/driver/Operation.h"

#include "sim/driver/Api.h"
#include "sim/driver/Driver.h"
#include "sim/driver/Ordering.h"
#include "sim/driver/Overlap.h"

#include <atomic>
#include <cstring>

namespace tilewright::sim::driver {

/// A kernel may poll what the host or another stream is going to write; after
/// this long it is reported as a deadlock.
static constexpr std::chrono::seconds kSpinTimeout{10};

namespace {
/// What a cooperative grid finds through %envreg1 and %envreg2: its size in
/// bytes, and the word at which the blocks meet.
struct GridWorkspace {
  uint32_t bytes = sizeof(GridWorkspace);
  uint32_t barrier = 0;
};

/// The workspace of one launch, in the device's memory.
class PlacedWorkspace {
public:
  PlacedWorkspace(Context &context, bool isNeeded) : context(context) {
    if (!isNeeded)
      return;
    address = context.device.arena.allocate(sizeof(GridWorkspace),
                                            Arena::kGranularity, &context,
                                            makeTag(MemoryKind::Device, 0));
    if (!address)
      return;
    new (reinterpret_cast<void *>(address)) GridWorkspace;
    if (Checks *checks = Driver::instance().checks.get())
      checks->filled({address}, {sizeof(GridWorkspace)});
  }
  ~PlacedWorkspace() {
    if (address)
      context.device.arena.release(address);
  }
  PlacedWorkspace(const PlacedWorkspace &) = delete;

  uint64_t address = 0;

private:
  Context &context;
};
} // namespace

/// Runs a kernel before the eyes of the checks, of tools of debugging and of
/// `other`, if there is one; what nobody watches runs on all cores.
static Result<LaunchStats> runWatched(Launch &launch,
                                      const DeviceConfig &config,
                                      const GlobalMemory &memory,
                                      std::unique_ptr<Observer> other) {
  Driver &driver = Driver::instance();
  if (!driver.checks && !driver.debugging && !other)
    return run(launch, config, memory);
  std::optional<Result<LaunchStats>> stats;
  {
    ObserverList observers;
    if (driver.debugging)
      driver.debugging->addObservers(observers, launch);
    if (driver.checks)
      driver.checks->addObservers(observers);
    observers.add(std::move(other));
    if (!observers.empty())
      launch.observer = &observers;
    stats = run(launch, config, memory);
  }
  if (driver.debugging)
    driver.debugging->launchEnded();
  if (driver.checks)
    driver.checks->launchEnded();
  return std::move(*stats);
}

static void executeKernel(const KernelOperation &kernel, Context &context) {
  Driver &driver = Driver::instance();
  PlacedWorkspace workspace(context, kernel.cooperative);
  if (kernel.cooperative && !workspace.address) {
    context.fail(CUDA_ERROR_OUT_OF_MEMORY,
                 "no memory for the workspace of a cooperative launch");
    return;
  }
  Launch launch;
  launch.kernel = kernel.function->kernel;
  launch.grid = kernel.grid;
  launch.block = kernel.block;
  launch.cluster = kernel.cluster;
  launch.dynamicSharedBytes = kernel.dynamicSharedBytes;
  launch.params = kernel.params;
  launch.cooperative = kernel.cooperative;
  launch.gridWorkspace = workspace.address;
  launch.spinTimeout = kSpinTimeout;
  launch.turns = OverlapTurns::current();
  if (OrderedRun *ordered = OrderedRun::current())
    ordered->owner = kernel.function->image;
  GlobalMemory memory{driver.space.base(), driver.space.size()};
  const DeviceConfig &config = context.device.config;
  auto runOnce = [&](std::unique_ptr<Observer> other) {
    return runWatched(launch, config, memory, std::move(other));
  };
  Result<LaunchStats> stats =
      driver.schedules ? driver.schedules->run(launch, config, memory, runOnce)
                       : runOnce(nullptr);
  if (!stats)
    context.fail(resultOf(stats.error()), "kernel '" + launch.kernel->name +
                                              "': " + stats.error().message);
}

/// A runtime clears gigabytes of cache before it writes the first byte: pages
/// that are given back read as zero, and cost nothing until they are used.
static bool fillByDiscarding(const FillOperation &fill) {
  constexpr uint64_t worthwhile = uint64_t(16) << 20;
  constexpr uint64_t edge = uint64_t(64) << 10; // a multiple of every page size
  uint64_t bytes = fill.extent.width, begin = fill.target.address;
  uint64_t first = (begin + edge - 1) / edge * edge;
  uint64_t last = (begin + bytes) / edge * edge;
  if (fill.value != 0 || bytes < worthwhile || fill.extent.height != 1 ||
      fill.extent.depth != 1 || !Driver::instance().space.contains(begin))
    return false;
  discardPages(first, last - first);
  memset(reinterpret_cast<void *>(begin), 0, first - begin);
  memset(reinterpret_cast<void *>(last), 0, begin + bytes - last);
  return true;
}

static void executeCopy(const CopyOperation &copy) {
  PitchedBox source = copy.source;
  if (copy.staged)
    source.address = reinterpret_cast<uint64_t>(copy.staged->data());
  copyBox(copy.target, source, copy.extent);
  if (Checks *checks = Driver::instance().checks.get())
    checks->copied(copy.target, source, copy.extent);
}

static bool isSatisfied(const MemoryValueOperation &operation) {
  uint64_t value =
      operation.bytes == 8
          ? __atomic_load_n(reinterpret_cast<uint64_t *>(operation.address),
                            __ATOMIC_ACQUIRE)
          : __atomic_load_n(reinterpret_cast<uint32_t *>(operation.address),
                            __ATOMIC_ACQUIRE);
  uint64_t mask = operation.bytes == 8 ? ~uint64_t(0) : 0xffffffffu;
  switch (operation.flags & 3) {
  case CU_STREAM_WAIT_VALUE_GEQ:
    return operation.bytes == 8 ? int64_t(value - operation.value) >= 0
                                : int32_t(value - operation.value) >= 0;
  case CU_STREAM_WAIT_VALUE_EQ:
    return value == (operation.value & mask);
  case CU_STREAM_WAIT_VALUE_AND:
    return (value & operation.value & mask) != 0;
  default: // CU_STREAM_WAIT_VALUE_NOR
    return (~(value | operation.value) & mask) != 0;
  }
}

static void executeMemoryValue(const MemoryValueOperation &operation,
                               Context &context) {
  if (operation.isWait) {
    while (!isSatisfied(operation) && context.error() == CUDA_SUCCESS &&
           !Driver::instance().scheduler.isStopping())
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    // Whoever wrote the value, and what it waited for, is unknown.
    currentWaitedFor(nullptr);
    return;
  }
  if (Checks *checks = Driver::instance().checks.get())
    checks->filled({operation.address}, {operation.bytes});
  if (operation.bytes == 8)
    __atomic_store_n(reinterpret_cast<uint64_t *>(operation.address),
                     operation.value, __ATOMIC_RELEASE);
  else
    __atomic_store_n(reinterpret_cast<uint32_t *>(operation.address),
                     uint32_t(operation.value), __ATOMIC_RELEASE);
}

/// Host functions may not call the driver; while one runs, every call of this
/// thread is refused.
template <typename Call>
static void callHost(const Call &call) {
  ThreadState &state = threadState();
  // It may tell the rest of the program.
  hostSawCurrent();
  state.inHostFunction = true;
  call();
  state.inHostFunction = false;
}

static void stampEvent(Event &event) {
  auto recording = std::make_shared<EventRecording>();
  recording->time = std::chrono::steady_clock::now();
  hostSawCurrent();
  std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
  event.recording = std::move(recording);
  event.capture.reset();
}

static void waitForEvent(Event &event) {
  TaskHandle task;
  {
    std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
    if (event.recording)
      task = event.recording->recorded.task;
  }
  Driver::instance().scheduler.wait(task);
  currentWaitedFor(task);
}

static void executeProgram(const GraphProgram &program, Context &context,
                           bool enabled) {
  for (const ProgramStep &step : program.steps) {
    if (context.error() != CUDA_SUCCESS)
      return;
    if (step.child) {
      executeProgram(*step.child, context, enabled && step.enabled);
      continue;
    }
    OrderedRun run(OrderedTask::nextStep());
    if (enabled && step.enabled)
      execute(step.operation, context);
  }
  OrderedRun end(OrderedTask::nextStep());
}

namespace {
struct Executor {
  Context &context;

  void operator()(const EmptyOperation &) const {}
  void operator()(const KernelOperation &kernel) const {
    executeKernel(kernel, context);
  }
  void operator()(const CopyOperation &copy) const { executeCopy(copy); }
  void operator()(const FillOperation &fill) const {
    if (!fillByDiscarding(fill))
      fillBox(fill.target, fill.extent, fill.value, fill.valueBytes);
    if (Checks *checks = Driver::instance().checks.get())
      checks->filled(fill.target, fill.extent);
  }
  void operator()(const HostOperation &host) const {
    callHost([&] { host.function(host.userData); });
  }
  void operator()(const CallbackOperation &callback) const {
    callHost([&] {
      callback.callback(callback.stream, context.error(), callback.userData);
    });
  }
  void operator()(const EventRecordOperation &record) const {
    stampEvent(*record.event);
  }
  void operator()(const EventWaitOperation &wait) const {
    waitForEvent(*wait.event);
  }
  void operator()(const MemoryValueOperation &value) const {
    executeMemoryValue(value, context);
  }
  void operator()(const FreeOperation &free) const { freePooled(free.address); }
  void operator()(const ChildGraphOperation &) const {
    // Compiled into the step's own program.
  }
  void operator()(const ProgramOperation &program) const {
    executeProgram(*program.program, context, true);
  }
};
} // namespace

void execute(const Operation &operation, Context &context) {
  std::visit(Executor{context}, operation);
}

} // namespace tilewright::sim::driver
