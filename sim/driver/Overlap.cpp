//===- Overlap.cpp - Dependent launches beside their primaries ------------===//

#include "sim/driver/Overlap.h"

#include "sim/driver/Driver.h"
#include "sim/exec/Environment.h"
#include "sim/exec/Schedule.h"

#include <algorithm>

namespace tilewright::sim::driver {

/// How long a launch waits for the host to submit a dependent. Its own run is
/// the same whether one comes; a host that takes longer gets it run behind.
static constexpr std::chrono::milliseconds hostPatience{1000};
/// How long a thread for a dependent may take to start.
static constexpr std::chrono::seconds startPatience{2};

/// The launches of a chain that run at the moment, of which one has its turn.
struct TurnTable {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<const Overlap *> players; ///< in the order in which they came
  const Overlap *turn = nullptr;
  uint64_t joined = 0;
};

static thread_local Overlap *currentOverlap = nullptr;

static bool hasSeed() {
  Result<std::optional<uint64_t>> seed = readNumber(scheduleVariable);
  return seed && seed->value_or(0) != 0;
}

std::shared_ptr<Overlap>
Overlap::make(const Operation &operation,
              const std::shared_ptr<Overlap> &primary) {
  const auto *launch = std::get_if<KernelOperation>(&operation);
  // Comparing schedules repeats each launch by itself.
  if (!launch || Driver::instance().schedules || !hasSeed() ||
      (!primary && !launch->function->kernel->controlsGrids))
    return nullptr;
  return std::make_shared<Overlap>(primary);
}

Overlap::Overlap(const std::shared_ptr<Overlap> &primary)
    : table(primary ? primary->table : std::make_shared<TurnTable>()),
      primary(primary) {}

//===----------------------------------------------------------------------===//
// Turns
//===----------------------------------------------------------------------===//

void Overlap::join() {
  std::unique_lock<std::mutex> lock(table->mutex);
  table->players.push_back(this);
  ++table->joined;
  if (!table->turn)
    table->turn = this;
  table->changed.notify_all();
  table->changed.wait(lock, [&] { return table->turn == this; });
}

void Overlap::leave(bool failed) {
  std::lock_guard<std::mutex> lock(table->mutex);
  isComplete = true;
  hasFailed = failed;
  std::erase(table->players, this);
  table->turn = table->players.empty() ? nullptr : table->players.front();
  table->changed.notify_all();
}

void Overlap::pass(ScheduleRandom &random) {
  std::unique_lock<std::mutex> lock(table->mutex);
  size_t count = table->players.size();
  if (count < 2)
    return;
  table->turn = table->players[random.below(static_cast<uint32_t>(count))];
  if (table->turn == this)
    return;
  table->changed.notify_all();
  table->changed.wait(lock, [&] { return table->turn == this; });
}

/// Dependents are there before this launch goes on, so that a seed gives the
/// same run again.
void Overlap::triggered() {
  Driver &driver = Driver::instance();
  TaskHandle own;
  {
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    own = task.lock();
  }
  if (!own)
    return;
  uint64_t before;
  {
    std::lock_guard<std::mutex> lock(table->mutex);
    before = table->joined;
  }
  size_t started = driver.scheduler.release(*own, hostPatience);
  std::unique_lock<std::mutex> lock(table->mutex);
  table->changed.wait_for(lock, startPatience,
                          [&] { return table->joined >= before + started; });
}

bool Overlap::isAlone() const {
  std::lock_guard<std::mutex> lock(table->mutex);
  return table->players.size() < 2;
}

bool Overlap::arePrerequisitesComplete() const {
  std::lock_guard<std::mutex> lock(table->mutex);
  return !primary || primary->isComplete;
}

bool Overlap::isAborted() const {
  std::lock_guard<std::mutex> lock(table->mutex);
  return primary && primary->hasFailed;
}

//===----------------------------------------------------------------------===//
// Ends
//===----------------------------------------------------------------------===//

void Overlap::awaitPrimary() {
  std::unique_lock<std::mutex> lock(table->mutex);
  table->changed.wait(lock, [&] { return !primary || primary->isOver; });
  primary.reset();
}

void Overlap::end() {
  std::lock_guard<std::mutex> lock(table->mutex);
  isOver = true;
  table->changed.notify_all();
}

OverlapTurns::OverlapTurns(Overlap *launch, Context &context)
    : launch(launch), context(context) {
  if (launch)
    launch->join();
  currentOverlap = launch;
}

OverlapTurns::~OverlapTurns() {
  currentOverlap = nullptr;
  if (!launch)
    return;
  launch->leave(context.error() != CUDA_SUCCESS);
  launch->awaitPrimary();
}

Overlap *OverlapTurns::current() { return currentOverlap; }

} // namespace tilewright::sim::driver
