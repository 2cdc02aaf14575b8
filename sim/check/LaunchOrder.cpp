//===- LaunchOrder.cpp - Order between launches and copies ----------------===//

#include "sim/check/LaunchOrder.h"

#include <algorithm>

namespace tilewright::sim::check {

/// Operations of a chain are ordered one behind the other: usually a stream.
struct LaunchOrder::Operation {
  uint64_t number = 0; ///< in the order of submission
  std::vector<Handle> dependencies;
  Clock clock; ///< of what is ordered before it, and of itself
  uint32_t chain = 0;
  uint64_t time = 0;      ///< in its chain; 0 before it starts
  uint64_t seenAt = 0;    ///< submissions before the host saw it; 0: not yet
  uint64_t startedAt = 0; ///< submissions before it started
  bool writesForHost = false;
  Touched touched;
  std::shared_ptr<const void> owner;
};

/// Operations that are kept at most; the oldest are forgotten.
static constexpr size_t mostKept = 1024;
/// Findings of one pair of operations.
static constexpr size_t mostFindings = 64;

void Touched::add(uint64_t address, uint64_t bytes, uint32_t toucher) {
  std::vector<Run> &runs = touchers[toucher].writes ? writes : reads;
  if (!runs.empty() && runs.back().end == address &&
      runs.back().toucher == toucher)
    runs.back().end += bytes;
  else
    runs.push_back({address, address + bytes, toucher});
}

//===----------------------------------------------------------------------===//
// Clocks
//===----------------------------------------------------------------------===//

void LaunchOrder::join(Clock &into, const Clock &from) {
  if (into.size() < from.size())
    into.resize(from.size());
  for (size_t chain = 0; chain < from.size(); ++chain)
    into[chain] = std::max(into[chain], from[chain]);
}

bool LaunchOrder::isBefore(const Operation &a, const Operation &b) {
  return a.chain < b.clock.size() && b.clock[a.chain] >= a.time;
}

/// Continues a chain whose newest operation is ordered before this one.
void LaunchOrder::place(Operation &operation) {
  operation.clock.resize(std::max(operation.clock.size(), tails.size()));
  uint32_t chain = 0;
  while (chain < tails.size() && operation.clock[chain] < tails[chain])
    ++chain;
  if (chain == tails.size()) {
    tails.push_back(0);
    operation.clock.push_back(0);
  }
  operation.chain = chain;
  operation.time = operation.clock[chain] = ++tails[chain];
}

LaunchOrder::Handle
LaunchOrder::submitted(std::span<const Handle> dependencies) {
  auto operation = std::make_shared<Operation>();
  std::lock_guard<std::mutex> lock(mutex);
  operation->number = ++submissions;
  operation->clock = host;
  for (const Handle &each : dependencies)
    if (each)
      operation->dependencies.push_back(each);
  pending.insert(operation->number);
  return operation;
}

void LaunchOrder::starts(const Handle &operation) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Handle &each : operation->dependencies)
    join(operation->clock, each->clock);
  operation->dependencies.clear();
  operation->startedAt = submissions;
  place(*operation);
}

void LaunchOrder::waitedFor(const Handle &operation, const Handle &other) {
  std::lock_guard<std::mutex> lock(mutex);
  join(operation->clock, other ? other->clock : over);
}

void LaunchOrder::hostSaw(const Handle &operation) {
  std::lock_guard<std::mutex> lock(mutex);
  if (operation->seenAt || operation->time == 0)
    return;
  operation->seenAt = submissions;
  join(host, operation->clock);
  prune();
}

//===----------------------------------------------------------------------===//
// What is kept
//===----------------------------------------------------------------------===//

/// Nobody who is submitted from now on, and nobody who is under way, can be
/// unordered with what the host knew before the oldest of those was submitted.
void LaunchOrder::prune() {
  uint64_t oldest = pending.empty() ? submissions + 1 : *pending.begin();
  std::erase_if(kept, [&](const Handle &each) {
    if (!each->seenAt && each->chain < host.size() &&
        host[each->chain] >= each->time)
      each->seenAt = submissions;
    bool done = each->seenAt && each->seenAt < oldest;
    if (done) { // a stream may hold on to it as its newest
      each->touched = Touched();
      each->owner.reset();
    }
    return done;
  });
  if (kept.size() > mostKept)
    kept.erase(kept.begin(), kept.end() - mostKept);
}

static void eraseRange(std::vector<Touched::Run> &runs, uint64_t begin,
                       uint64_t end) {
  std::vector<Touched::Run> left;
  for (const Touched::Run &run : runs) {
    if (run.begin < std::min(run.end, begin))
      left.push_back({run.begin, std::min(run.end, begin), run.toucher});
    if (std::max(run.begin, end) < run.end)
      left.push_back({std::max(run.begin, end), run.end, run.toucher});
  }
  runs = std::move(left);
}

void LaunchOrder::forget(uint64_t address, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  for (const Handle &each : kept) {
    eraseRange(each->touched.writes, address, address + bytes);
    eraseRange(each->touched.reads, address, address + bytes);
  }
  std::erase_if(hostRanges, [&](const auto &range) {
    return range.first < address + bytes && address < range.second;
  });
}

void LaunchOrder::sharedWithHost(uint64_t address, uint64_t bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  hostRanges.emplace_back(address, address + bytes);
}

/// Whether it may have told the host, by a flag, how far it is.
bool LaunchOrder::tellsHost(const Operation &operation) const {
  const Touched &touched = operation.touched;
  for (const Touched::Run &run : touched.writes)
    if (touched.touchers[run.toucher].strong)
      for (const auto &[begin, end] : hostRanges)
        if (run.begin < end && begin < run.end)
          return true;
  return false;
}

static bool equalRuns(const std::vector<Touched::Run> &a,
                      const std::vector<Touched::Run> &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Touched::Run &x, const Touched::Run &y) {
                      return x.begin == y.begin && x.end == y.end &&
                             x.toucher == y.toucher;
                    });
}

bool LaunchOrder::ends(const Handle &operation, Touched touched,
                       std::shared_ptr<const void> owner) {
  bool races = false;
  std::lock_guard<std::mutex> lock(mutex);
  operation->touched = std::move(touched);
  operation->owner = std::move(owner);
  operation->writesForHost = tellsHost(*operation);
  for (const Handle &each : kept)
    if (!isBefore(*each, *operation) && !isBefore(*operation, *each))
      races |= compare(*each, *operation);
  pending.erase(operation->number);
  join(over, operation->clock);
  // Whoever is unordered with the earlier one of two that are alike is so with
  // the later one, or was there to be compared.
  std::erase_if(kept, [&](const Handle &each) {
    return isBefore(*each, *operation) && each->touched.launch != 0 &&
           operation->touched.launch != 0 &&
           each->touched.kernel == operation->touched.kernel &&
           equalRuns(each->touched.writes, operation->touched.writes) &&
           equalRuns(each->touched.reads, operation->touched.reads);
  });
  if (!operation->touched.writes.empty() || !operation->touched.reads.empty())
    kept.push_back(operation);
  prune();
  return races;
}

//===----------------------------------------------------------------------===//
// Races
//===----------------------------------------------------------------------===//

/// Calls `each(run of a, run of b)` for runs that overlap.
template <typename Each>
static void eachOverlap(const std::vector<Touched::Run> &a,
                        const std::vector<Touched::Run> &b, Each each) {
  size_t first = 0;
  for (const Touched::Run &run : a) {
    while (first < b.size() && b[first].end <= run.begin)
      ++first;
    for (size_t i = first; i < b.size() && b[i].begin < run.end; ++i)
      each(run, b[i]);
  }
}

/// Reports what two operations do to the same bytes, one of them by a write.
bool LaunchOrder::compare(const Operation &earlier, const Operation &later) {
  const Touched &a = earlier.touched, &b = later.touched;
  // The host may have learnt from flags in its own memory how far it was.
  if ((earlier.writesForHost && later.number > earlier.startedAt) ||
      (later.writesForHost && earlier.number > later.startedAt))
    return false;
  struct Pair {
    uint32_t first, second;
    uint64_t address;
  };
  std::vector<Pair> pairs;
  bool meets = false;
  auto visit = [&](const Touched::Run &x, const Touched::Run &y) {
    // Kernels that meet in flags may be ordered by them.
    if (a.touchers[x.toucher].strong && b.touchers[y.toucher].strong) {
      meets = true;
      return;
    }
    for (const Pair &known : pairs)
      if (known.first == x.toucher && known.second == y.toucher)
        return;
    if (pairs.size() < mostFindings)
      pairs.push_back({x.toucher, y.toucher, std::max(x.begin, y.begin)});
  };
  eachOverlap(a.writes, b.writes, visit);
  eachOverlap(a.writes, b.reads, visit);
  eachOverlap(a.reads, b.writes, visit);
  if (meets)
    return false;
  for (const Pair &pair : pairs)
    reportRace(earlier, a.touchers[pair.first], later, b.touchers[pair.second],
               pair.address);
  return !pairs.empty();
}

static std::string textOf(const Touched &touched, const Toucher &toucher) {
  if (touched.kernel.empty())
    return toucher.name;
  return toucher.name + " of kernel '" + demangled(touched.kernel) + "'";
}

void LaunchOrder::reportRace(const Operation &earlier, const Toucher &first,
                             const Operation &later, const Toucher &second,
                             uint64_t address) const {
  // A kernel's side comes first, since it has a line.
  bool swap = later.touched.kernel.empty();
  const Operation &mine = swap ? earlier : later;
  const Operation &theirs = swap ? later : earlier;
  const Toucher &self = swap ? first : second;
  const Toucher &other = swap ? second : first;
  Finding found;
  found.kind = Kind::Race;
  found.launch = mine.touched.launch;
  found.kernel = mine.touched.kernel;
  found.place = self.place;
  found.other = other.place;
  found.address = address;
  found.block = self.block;
  found.thread = self.thread;
  found.otherBlock = other.block;
  found.otherThread = other.thread;
  found.message = "no stream, event or wait of the host orders " +
                  std::string(mine.touched.kernel.empty() ? "the " : "this ") +
                  self.name + " and the " + textOf(theirs.touched, other) +
                  " that " + (other.writes ? "writes" : "reads") +
                  " the same bytes";
  report(std::move(found));
}

} // namespace tilewright::sim::check
