//===- Run.cpp - Running a grid on the host's cores -----------------------===//
//
// A cluster is a task of one host thread, so what its CTAs share needs no
// locks. A thread runs one cluster until it is done, blocked or has had its
// slice; only then does it start another, up to the number that the device
// holds at once. Kernels whose CTAs are independent therefore run one after
// another in warm caches, and kernels whose CTAs wait for each other make
// progress.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Cta.h"
#include "sim/exec/Environment.h"
#include "sim/exec/LoopWatch.h"
#include "sim/exec/Observer.h"
#include "sim/exec/StoreBuffer.h"
#include "sim/exec/Turns.h"
#include "sim/tensor/FloatEnvironment.h"
#include "sim/tensor/MatrixType.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <system_error>
#include <thread>
#include <unordered_map>

namespace tilewright::sim {

/// Instructions that a warp runs before the next one has its turn.
static constexpr uint32_t warpSlice = 4096;
/// The same for observers that want short turns. Longer than a polling loop, so
/// that one is still seen to come round (see decode/Layout.cpp).
static constexpr uint32_t shortSlice = 64;
/// Start of shared memory in the host; the largest swizzle pattern.
static constexpr uint32_t sharedAlignment = 1024;
/// Rounds over a cluster's warps before another cluster has its turn.
static constexpr uint32_t clusterSlice = 64;
/// Rounds in which waits timed out and nothing else happened.
static constexpr uint32_t idleRoundsLimit = 64;
/// A slice that ends in a polling loop after fewer instructions did only poll.
static constexpr uint64_t spinInstructions = 128;
/// Turns of every resident cluster that all only poll.
static constexpr uint64_t spinLimit = 100000;

/// An adversarial schedule moves an asynchronous operation after one in so many
/// slices.
static constexpr uint32_t asyncStepEvery = 4;

namespace {

enum class ClusterEnd : uint8_t {
  Slice,
  Pause, ///< inside of a slice, where a schedule lets others run
  Spinning,
  Waiting, ///< for launches that this one depends on
  Done,
  Fault
};

/// Where a cluster's grid coordinates and those of its CTAs come from.
struct GridShape {
  Dim3 grid, cluster;
  Dim3 clusterId(uint64_t linear) const {
    uint32_t nx = grid.x / cluster.x, ny = grid.y / cluster.y;
    return {static_cast<uint32_t>(linear % nx),
            static_cast<uint32_t>(linear / nx % ny),
            static_cast<uint32_t>(linear / nx / ny)};
  }
  Dim3 ctaId(const Dim3 &clusterId, uint32_t rank) const {
    return {clusterId.x * cluster.x + rank % cluster.x,
            clusterId.y * cluster.y + rank / cluster.x % cluster.y,
            clusterId.z * cluster.z + rank / cluster.x / cluster.y};
  }
  uint64_t clusters() const { return grid.count() / cluster.count(); }
};

/// One cluster's warps and the round robin over them.
class ClusterTask {
public:
  ClusterTask(LaunchContext &launch, const GridShape &shape, uint64_t linear);
  ~ClusterTask();
  ClusterTask(const ClusterTask &) = delete;
  ClusterEnd run();
  void addStats(LaunchStats &stats) const;
  void reportDeadlock(const Warp *endless = nullptr);
  void reportOverdue();

private:
  std::string placesOfWarps(const char *moving, const Warp *endless) const;
  struct Round {
    bool progressed = false, spun = false, live = false;
  };
  ClusterEnd runRounds();
  bool runRound(Round &round);
  bool runWarp(Warp &warp, Round &round);
  bool runSlice(Warp &warp, uint32_t budget, bool &spun);
  bool runShuffledRound(Round &round);
  bool stepAsync();
  bool writeHeldStore();
  bool waitsForGrids() const;
  void timeOutWaits();

  LaunchContext &launch;
  Cluster cluster;
  const uint32_t slice;
  std::unordered_map<const Warp *, LoopWatch> watches;
  uint32_t idleRounds = 0;
  uint32_t roundsLeft = 0, spinningRounds = 0; ///< of the slice
  uint64_t eventsAtTimeOut = 0;
  uint64_t eventsAtSpin = 0;
};

} // namespace

/// CTAs of finished clusters. Their buffers are large, and the host's kernel
/// takes longer to give fresh pages than a small CTA takes to run.
static std::mutex poolMutex;
static std::vector<std::vector<Cta>> pool;
static constexpr size_t poolLimit = 16;
/// Local memory of a warp that is worth keeping.
static constexpr size_t pooledLocalBytes = 256 * 1024;

static std::vector<Cta> takeCtas(uint32_t count) {
  std::vector<Cta> ctas;
  {
    std::lock_guard<std::mutex> lock(poolMutex);
    if (!pool.empty()) {
      ctas = std::move(pool.back());
      pool.pop_back();
    }
  }
  ctas.resize(count);
  return ctas;
}

static void giveCtas(std::vector<Cta> ctas) {
  // Deep recursion leaves local memory behind that hardly anybody needs again.
  for (Cta &cta : ctas)
    for (Warp &warp : cta.warps)
      if (warp.local.capacity() > pooledLocalBytes)
        warp.local = std::vector<std::byte>();
  std::lock_guard<std::mutex> lock(poolMutex);
  if (pool.size() < poolLimit)
    pool.push_back(std::move(ctas));
}

static void startCta(Cta &cta, Cluster &cluster, uint32_t rank,
                     const Dim3 &id) {
  LaunchContext &launch = *cluster.launch;
  cta.cluster = &cluster;
  cta.launch = &launch;
  cta.rank = rank;
  cta.id = id;
  // Aligned like the hardware's window, so that swizzles agree.
  cta.sharedStorage.assign(launch.sharedBytes + sharedAlignment, std::byte(0));
  auto address = reinterpret_cast<uintptr_t>(cta.sharedStorage.data());
  cta.shared = cta.sharedStorage.data() + (-address & (sharedAlignment - 1));
  cta.sharedSize = launch.sharedBytes;
  std::fill(std::begin(cta.barriers), std::end(cta.barriers), NamedBarrier());
  cta.triggered = false;
  cta.wgmma.assign((launch.warpsPerCta + warpgroupWarps - 1) / warpgroupWarps,
                   WgmmaQueue());
  cta.warps.resize(launch.warpsPerCta);
  for (uint32_t w = 0; w < launch.warpsPerCta; ++w) {
    Warp &warp = cta.warps[w];
    warp.cta = &cta;
    warp.launch = &launch;
    warp.index = w;
    uint32_t left = launch.blockThreads - w * laneCount;
    uint32_t lanes = left >= laneCount ? allLanes : (1u << left) - 1;
    warp.start(*launch.entry, lanes);
  }
}

ClusterTask::ClusterTask(LaunchContext &launch, const GridShape &shape,
                         uint64_t linear)
    : launch(launch),
      slice(launch.observer && launch.observer->wantsShortTurns() ? shortSlice
                                                                  : warpSlice) {
  cluster.launch = &launch;
  cluster.linear = linear;
  cluster.random.start(launch.scheduleSeed, linear);
  cluster.id = shape.clusterId(linear);
  cluster.ctas = takeCtas(launch.clusterCtas);
  for (uint32_t rank = 0; rank < launch.clusterCtas; ++rank)
    startCta(cluster.ctas[rank], cluster, rank, shape.ctaId(cluster.id, rank));
  if (launch.observer)
    launch.observer->clusterStarts(cluster);
}

ClusterTask::~ClusterTask() {
  if (launch.stores)
    launch.stores->leave(cluster);
  giveCtas(std::move(cluster.ctas));
}

/// Runs the warp, and says whether it only polled. False after a fault.
bool ClusterTask::runSlice(Warp &warp, uint32_t budget, bool &spun) {
  uint64_t before = warp.instructions;
  SliceEnd end = warp.run(budget);
  if (end == SliceEnd::Fault)
    return false;
  spun =
      end == SliceEnd::Yielded && warp.instructions - before < spinInstructions;
  if (end != SliceEnd::Budget)
    return true;
  switch (watches[&warp].look(warp)) {
  case LoopWatch::Verdict::Fault:
    return false;
  case LoopWatch::Verdict::Forever:
    reportDeadlock(&warp);
    return false;
  case LoopWatch::Verdict::Repeats:
    spun = true;
    return true;
  case LoopWatch::Verdict::Moves:
    return true;
  }
  return true;
}

/// One slice of a warp. False after a fault.
bool ClusterTask::runWarp(Warp &warp, Round &round) {
  if (warp.done())
    return true;
  uint64_t before = warp.instructions;
  uint32_t idleBefore = warp.idle;
  // Mostly short turns, where an adversary does most harm.
  uint32_t budget =
      cluster.random.active()
          ? 1 + cluster.random.below(2u << cluster.random.below(9))
          : slice;
  bool spun = false;
  if (!runSlice(warp, budget, spun))
    return false;
  round.spun |= spun;
  round.progressed |= !spun && warp.instructions != before;
  if (warp.idle != idleBefore) {
    warp.cta->checkBarriers();
    cluster.checkBarrier();
    ++cluster.events;
    round.progressed = true;
  }
  round.live |= !warp.done();
  if (launch.stores)
    launch.stores->step();
  return !cluster.random.oneIn(asyncStepEvery) || stepAsync();
}

/// Lets an asynchronous operation go on. False after a fault.
bool ClusterTask::stepAsync() {
  return cluster.async.empty() || cluster.async.step(cluster.random);
}

/// Of any cluster. False when no store is held.
bool ClusterTask::writeHeldStore() {
  if (!launch.stores || launch.stores->empty())
    return false;
  launch.stores->writeSome();
  return true;
}

/// Somebody waits for grids that others are running.
bool ClusterTask::waitsForGrids() const {
  const LaunchTurns *turns = launch.launch->turns;
  if (!turns || turns->arePrerequisitesComplete())
    return false;
  for (const Cta &cta : cluster.ctas)
    for (const Warp &warp : cta.warps)
      for (const Strand &strand : warp.strands)
        if (strand.wait == WaitKind::Grid)
          return true;
  return false;
}

/// One slice of every warp. False after a fault.
bool ClusterTask::runRound(Round &round) {
  if (cluster.random.active())
    return runShuffledRound(round);
  for (Cta &cta : cluster.ctas)
    for (Warp &warp : cta.warps)
      if (!runWarp(warp, round))
        return false;
  return true;
}

/// The same in any order.
bool ClusterTask::runShuffledRound(Round &round) {
  std::vector<Warp *> order;
  for (Cta &cta : cluster.ctas)
    for (Warp &warp : cta.warps)
      order.push_back(&warp);
  for (size_t left = order.size(); left > 0; --left) {
    size_t chosen = cluster.random.below(static_cast<uint32_t>(left));
    std::swap(order[chosen], order[left - 1]);
    if (!runWarp(*order[left - 1], round))
      return false;
  }
  return true;
}

/// A potentially blocking wait may return false at any time; when nobody else
/// can move, it does.
void ClusterTask::timeOutWaits() {
  for (Cta &cta : cluster.ctas)
    for (Warp &warp : cta.warps)
      for (Strand &strand : warp.strands)
        if (strand.wait == WaitKind::Mbarrier)
          strand.timedOut = true;
}

/// What a strand does; `moving` where it does not wait.
static const char *waitText(WaitKind kind, const char *moving) {
  switch (kind) {
  case WaitKind::Convergence:
    return "waits for other lanes of its warp";
  case WaitKind::Barrier:
    return "waits at a barrier";
  case WaitKind::ClusterBarrier:
    return "waits at the cluster's barrier";
  case WaitKind::Mbarrier:
    return "waits for an mbarrier's phase";
  case WaitKind::Wgmma:
    return "waits for a wgmma that not all warps of its warpgroup issued";
  case WaitKind::Grid:
    return "waits for the launches that this one depends on";
  case WaitKind::None:
    break;
  }
  return moving;
}

/// One line for each place where warps are; of those that do not wait, `moving`
/// says what they do. `endless` is known never to leave its loop.
std::string ClusterTask::placesOfWarps(const char *moving,
                                       const Warp *endless) const {
  static constexpr uint32_t maxLines = 32;
  const ptx::Source &source = launch.program->source;
  std::string text;
  uint32_t shown = 0;
  for (const Cta &cta : cluster.ctas)
    for (const Warp &warp : cta.warps)
      for (const Strand &strand : warp.strands) {
        if (++shown > maxLines)
          continue;
        const Inst &inst = launch.program->code[strand.pc];
        text += "\n  block (" + std::to_string(cta.id.x) + "," +
                std::to_string(cta.id.y) + "," + std::to_string(cta.id.z) +
                ") warp " + std::to_string(warp.index) + " " +
                (&warp == endless ? "loops forever"
                                  : waitText(strand.wait, moving)) +
                ", " + source.name() + ":" +
                std::to_string(source.position(inst.location).line) + ": " +
                std::string(source.lineText(inst.location));
      }
  return text;
}

void ClusterTask::reportDeadlock(const Warp *endless) {
  std::string text = "deadlock in kernel '" + launch.launch->kernel->name +
                     "'" + placesOfWarps("polls", endless);
  if (launch.observer)
    launch.observer->deadlocked(cluster, text);
  launch.fail(cluster.linear, ErrorKind::Deadlock, std::move(text));
}

void ClusterTask::reportOverdue() {
  std::string text = "kernel '" + launch.launch->kernel->name +
                     "' has not ended within " +
                     std::to_string(launch.timeLimit.count()) + " s" +
                     placesOfWarps("runs", nullptr);
  if (launch.observer)
    launch.observer->overdue(cluster);
  launch.fail(cluster.linear, ErrorKind::Deadlock, std::move(text));
}

ClusterEnd ClusterTask::run() {
  if (roundsLeft == 0) {
    roundsLeft = clusterSlice;
    spinningRounds = 0;
  }
  ClusterEnd end = runRounds();
  if (end != ClusterEnd::Pause)
    roundsLeft = 0;
  return end;
}

ClusterEnd ClusterTask::runRounds() {
  uint32_t pauseAt = 0;
  if (cluster.random.active())
    pauseAt = roundsLeft -
              std::min(roundsLeft,
                       1 + cluster.random.below(2u << cluster.random.below(6)));
  while (roundsLeft-- > pauseAt) {
    Round round;
    uint64_t triggered = launch.triggeredCtas;
    if (!runRound(round) || launch.failed.load(std::memory_order_relaxed))
      return ClusterEnd::Fault;
    if (!round.live) {
      if (!cluster.async.drain(cluster.random))
        return ClusterEnd::Fault;
      if (launch.stores)
        launch.stores->leave(cluster);
      if (launch.observer)
        launch.observer->clusterEnds(cluster);
      if (launch.launch->turns)
        for (const Cta &cta : cluster.ctas)
          launch.triggeredCtas += !cta.triggered;
      return ClusterEnd::Done;
    }
    // Right behind it is where a dependent does most harm.
    if (launch.triggeredCtas != triggered)
      return ClusterEnd::Pause;
    if (!round.progressed && !cluster.async.empty()) {
      if (!stepAsync())
        return ClusterEnd::Fault;
      continue;
    }
    if (!round.progressed && writeHeldStore())
      continue;
    if (round.progressed) {
      // After a time-out, coming back to the same wait is no progress.
      if (idleRounds == 0 || cluster.events != eventsAtTimeOut)
        idleRounds = 0;
      spinningRounds = 0;
      continue;
    }
    if (round.spun) {
      if (++spinningRounds <= 1)
        continue;
      if (cluster.events == eventsAtSpin)
        return ClusterEnd::Spinning;
      eventsAtSpin = cluster.events;
      return ClusterEnd::Slice;
    }
    if (waitsForGrids())
      return ClusterEnd::Waiting;
    if (++idleRounds > idleRoundsLimit) {
      reportDeadlock();
      return ClusterEnd::Fault;
    }
    eventsAtTimeOut = cluster.events;
    timeOutWaits();
  }
  ++roundsLeft;
  return roundsLeft ? ClusterEnd::Pause : ClusterEnd::Slice;
}

void ClusterTask::addStats(LaunchStats &stats) const {
  for (const Cta &cta : cluster.ctas)
    for (const Warp &warp : cta.warps) {
      stats.warpInstructions += warp.instructions;
      stats.threadInstructions += warp.threadInstructions;
    }
}

//===----------------------------------------------------------------------===//
// Host threads
//===----------------------------------------------------------------------===//

namespace {

/// What the host threads of one launch share.
struct GridRun {
  GridRun(LaunchContext &launch, GridShape shape)
      : launch(launch), shape(shape), total(shape.clusters()),
        order(total, launch.scheduleSeed) {}
  LaunchContext &launch;
  GridShape shape;
  uint64_t total;
  SchedulePermutation order;  ///< in which clusters start
  uint64_t residentLimit = 1; ///< clusters that the device holds at once
  std::atomic<uint64_t> next{0};
  std::atomic<uint64_t> resident{0};
  /// Slices in which a cluster did something.
  std::atomic<uint64_t> progress{0};
  std::mutex mutex;
  LaunchStats stats;
};

/// One host thread's clusters.
class Worker {
public:
  explicit Worker(GridRun &grid) : grid(grid) {
    random.start(grid.launch.scheduleSeed, ~uint64_t(0));
  }
  void run();

private:
  bool startOne();
  void nextTurn();
  void takeTurns();
  void retire();
  bool spunTooLong();

  GridRun &grid;
  ScheduleRandom random;
  std::vector<std::unique_ptr<ClusterTask>> active;
  size_t turn = 0;
  LaunchStats stats;
  uint64_t spins = 0;
  std::chrono::steady_clock::time_point spinsSince;
  uint64_t progressSeen = 0;
  bool hasTriggered = false;
};

} // namespace

bool Worker::startOne() {
  if (grid.resident.fetch_add(1) >= grid.residentLimit) {
    grid.resident.fetch_sub(1);
    return false;
  }
  uint64_t linear = grid.next.fetch_add(1);
  if (linear >= grid.total) {
    grid.resident.fetch_sub(1);
    return false;
  }
  active.push_back(std::make_unique<ClusterTask>(grid.launch, grid.shape,
                                                 grid.order(linear)));
  return true;
}

/// Others may be what this one waits for: one that is new, or the next.
void Worker::nextTurn() {
  if (!random.oneIn(2) && startOne())
    turn = active.size() - 1;
  else if (random.active())
    turn = random.below(static_cast<uint32_t>(active.size()));
  else
    turn = (turn + 1) % active.size();
}

/// With other launches, where some run beside this one.
void Worker::takeTurns() {
  LaunchContext &launch = grid.launch;
  LaunchTurns *turns = launch.launch->turns;
  if (!turns)
    return;
  if (!hasTriggered && launch.triggeredCtas == launch.launch->grid.count()) {
    hasTriggered = true;
    turns->triggered();
  }
  turns->pass(random);
  // Who is late is the one that is waited for.
  if (!turns->arePrerequisitesComplete())
    launch.started = std::chrono::steady_clock::now();
  if (turns->isAborted())
    launch.fail(0, ErrorKind::InvalidLaunch,
                "a launch that this one depends on has failed");
}

void Worker::retire() {
  active[turn]->addStats(stats);
  active.erase(active.begin() + static_cast<ptrdiff_t>(turn));
  grid.resident.fetch_sub(1);
  if (turn >= active.size())
    turn = 0;
}

/// All clusters of all threads have polled memory for long and nobody changed
/// it: a deadlock by spinning.
bool Worker::spunTooLong() {
  uint64_t progress = grid.progress.load(std::memory_order_relaxed);
  if (progress != progressSeen) {
    progressSeen = progress;
    spins = 0;
    return false;
  }
  if (++spins <= spinLimit * active.size())
    return false;
  const LaunchTurns *turns = grid.launch.launch->turns;
  if (turns && !turns->isAlone()) {
    spins = 0;
    return false;
  }
  // Somebody outside of the grid may still write; leave that one the core.
  auto now = std::chrono::steady_clock::now();
  if (spins == spinLimit * active.size() + 1)
    spinsSince = now;
  if (now - spinsSince >= grid.launch.launch->spinTimeout)
    return true;
  std::this_thread::sleep_for(std::chrono::microseconds(50));
  return false;
}

void Worker::run() {
  DefaultFloatEnvironment environment;
  while (!grid.launch.failed.load(std::memory_order_relaxed)) {
    if (active.empty()) {
      if (startOne())
        continue;
      if (grid.next.load() >= grid.total)
        break;
      std::this_thread::yield();
      continue;
    }
    takeTurns();
    if (grid.launch.isOverdue()) {
      active[turn]->reportOverdue();
      break;
    }
    switch (active[turn]->run()) {
    case ClusterEnd::Done:
      grid.progress.fetch_add(1, std::memory_order_relaxed);
      retire();
      continue;
    case ClusterEnd::Fault:
      continue;
    case ClusterEnd::Slice:
      grid.progress.fetch_add(1, std::memory_order_relaxed);
      break;
    case ClusterEnd::Pause:
    case ClusterEnd::Waiting:
      break;
    case ClusterEnd::Spinning:
      if (spunTooLong()) {
        active[turn]->reportDeadlock();
        continue;
      }
      break;
    }
    nextTurn();
  }
  std::lock_guard<std::mutex> lock(grid.mutex);
  grid.stats.warpInstructions += stats.warpInstructions;
  grid.stats.threadInstructions += stats.threadInstructions;
}

namespace {
/// A launch's own, else the environment's, else 0.
struct Choices {
  uint64_t schedule = 0, timeout = 0, threads = 0;
};
} // namespace

static Result<Choices> choicesOf(const Launch &launch) {
  Choices choices{launch.scheduleSeed,
                  static_cast<uint64_t>(launch.timeLimit.count()),
                  launch.hostThreads};
  std::pair<uint64_t &, const NumberVariable &> all[] = {
      {choices.schedule, scheduleVariable},
      {choices.timeout, timeoutVariable},
      {choices.threads, threadsVariable}};
  for (auto &[choice, variable] : all) {
    if (choice)
      continue;
    Result<std::optional<uint64_t>> number = readNumber(variable);
    if (!number)
      return number.error();
    choice = number->value_or(0);
  }
  return choices;
}

static uint32_t hostThreads(const LaunchContext &launch, uint64_t threads,
                            uint64_t clusters) {
  if (launch.scheduleSeed || launch.observer)
    return 1;
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  return static_cast<uint32_t>(std::min({threads, clusters, uint64_t(1024)}));
}

//===----------------------------------------------------------------------===//
// Limits
//===----------------------------------------------------------------------===//

uint32_t maxActiveBlocksPerSm(const Kernel &kernel, const DeviceConfig &config,
                              uint32_t blockThreads,
                              uint32_t dynamicSharedBytes) {
  if (blockThreads == 0 || blockThreads > kernel.maxThreadsPerBlock)
    return 0;
  uint32_t warps = (blockThreads + laneCount - 1) / laneCount;
  uint32_t shared = kernel.staticSharedBytes + dynamicSharedBytes;
  if (shared > config.sharedPerBlockOptin)
    return 0;
  if (uint64_t(kernel.regs) * warps * laneCount > config.regsPerBlock)
    return 0;
  uint32_t blocks = config.maxBlocksPerSm;
  blocks = std::min(blocks, config.maxThreadsPerSm / (warps * laneCount));
  blocks = std::min(blocks, config.sharedPerSm /
                                (shared + config.sharedReservedPerBlock));
  if (kernel.regs)
    blocks =
        std::min(blocks, config.regsPerSm / (kernel.regs * warps * laneCount));
  // The compiler promised as many.
  return std::max(blocks, 1u);
}

namespace {
struct alignas(128) ParamLine {
  std::byte bytes[128];
};
} // namespace

static std::string sizeText(const Dim3 &dim) {
  return "(" + std::to_string(dim.x) + "," + std::to_string(dim.y) + "," +
         std::to_string(dim.z) + ")";
}

/// A launch for which the host has too little memory fails like any other.
static void runWorker(GridRun &grid) {
  try {
    Worker(grid).run();
  } catch (const std::bad_alloc &) {
    grid.launch.fail(grid.total, ErrorKind::OutOfMemory,
                     "the host has no memory left for this launch");
  }
}

static void runWorkers(GridRun &grid, uint32_t count) {
  std::vector<std::thread> threads;
  while (threads.size() + 1 < count)
    try {
      threads.emplace_back([&grid] { runWorker(grid); });
    } catch (const std::system_error &) {
      break; // no more to be had: those that there are do the work
    }
  runWorker(grid);
  for (std::thread &thread : threads)
    thread.join();
}

/// Empty, or why the launch cannot be.
static std::string checkLaunch(const Launch &launch, const DeviceConfig &config,
                               const Dim3 &cluster) {
  const Kernel &kernel = *launch.kernel;
  uint64_t threads = launch.block.count();
  if (threads == 0 || launch.grid.count() == 0)
    return "empty grid " + sizeText(launch.grid) + " or block " +
           sizeText(launch.block);
  if (threads > kernel.maxThreadsPerBlock)
    return "block " + sizeText(launch.block) + " has more than " +
           std::to_string(kernel.maxThreadsPerBlock) + " threads";
  if (kernel.requiredBlock && !(*kernel.requiredBlock == launch.block))
    return "block " + sizeText(launch.block) + " is not the required " +
           sizeText(*kernel.requiredBlock);
  uint64_t shared =
      uint64_t(kernel.staticSharedBytes) + launch.dynamicSharedBytes;
  if (shared > config.sharedPerBlockOptin)
    return std::to_string(shared) + " bytes of shared memory are more than " +
           std::to_string(config.sharedPerBlockOptin);
  if (launch.params.size() < kernel.totalParamBytes)
    return "parameters of " + std::to_string(launch.params.size()) +
           " bytes are less than " + std::to_string(kernel.totalParamBytes);
  if (cluster.count() == 0 ||
      cluster.count() > std::max(config.maxClusterSize, 1u))
    return "cluster " + sizeText(cluster) + " is not between 1 and " +
           std::to_string(config.maxClusterSize) + " blocks";
  if (launch.grid.x % cluster.x || launch.grid.y % cluster.y ||
      launch.grid.z % cluster.z)
    return "grid " + sizeText(launch.grid) + " is no multiple of the cluster " +
           sizeText(cluster);
  return {};
}

Result<LaunchStats> run(const Launch &launch, const DeviceConfig &config,
                        const GlobalMemory &memory) {
  const Kernel &kernel = *launch.kernel;
  Dim3 cluster = kernel.requiredCluster.value_or(launch.cluster);
  if (std::string why = checkLaunch(launch, config, cluster); !why.empty())
    return Error{ErrorKind::InvalidLaunch,
                 "launch of '" + kernel.name + "': " + why};
  Result<Choices> choices = choicesOf(launch);
  if (!choices)
    return choices.error();
  LaunchContext context;
  context.launch = &launch;
  context.config = &config;
  context.memory = memory;
  context.program = kernel.code->program;
  context.entry = kernel.code->entry;
  // Tensor maps among the parameters are aligned as on a device.
  std::vector<ParamLine> params((kernel.totalParamBytes + sizeof(ParamLine)) /
                                sizeof(ParamLine));
  if (kernel.totalParamBytes)
    std::memcpy(params.data(), launch.params.data(), kernel.totalParamBytes);
  context.params = params.data()->bytes;
  context.paramBytes = kernel.totalParamBytes;
  context.blockThreads = static_cast<uint32_t>(launch.block.count());
  context.warpsPerCta = (context.blockThreads + laneCount - 1) / laneCount;
  context.cluster = cluster;
  context.clusterCtas = static_cast<uint32_t>(cluster.count());
  context.staticSharedEnd = kernel.code->sharedEnd;
  uint32_t align = kernel.code->dynamicAlign;
  context.sharedBytes = ((kernel.code->sharedEnd + align - 1) & ~(align - 1)) +
                        launch.dynamicSharedBytes;
  context.localBytesPerThread = kernel.localBytesPerThread;
  context.scheduleSeed = choices->schedule;
  context.timeLimit = std::chrono::seconds(choices->timeout);
  context.started = std::chrono::steady_clock::now();
  if (context.scheduleSeed)
    context.stores = std::make_unique<StoreBuffer>(context.scheduleSeed);

  context.observer = launch.observer;
  if (context.observer) {
    context.watch =
        context.observer->watchesAll() ? Watch::Everything : Watch::Effects;
    context.observer->launchStarts(context);
  }

  GridRun grid(context, {launch.grid, cluster});
  uint32_t perSm =
      std::max(1u, maxActiveBlocksPerSm(kernel, config, context.blockThreads,
                                        launch.dynamicSharedBytes));
  grid.residentLimit = std::max<uint64_t>(1, uint64_t(perSm) * config.smCount /
                                                 context.clusterCtas);

  runWorkers(grid, hostThreads(context, choices->threads, grid.total));
  if (context.stores)
    context.stores->writeAll();
  if (context.observer)
    context.observer->launchEnds(context);
  if (context.failed)
    return context.error;
  return grid.stats;
}

} // namespace tilewright::sim
