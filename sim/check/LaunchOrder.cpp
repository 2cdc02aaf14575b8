//===- LaunchOrder.cpp - Order between launches and copies ----------------===//

#include "sim/check/LaunchOrder.h"

#include <algorithm>

namespace tilewright::sim::check {

/// Operations of a chain are ordered one behind the other: usually a stream.
struct LaunchOrder::Operation {
  uint64_t number = 0; ///< in the order of submission
  std::vector<Dependency> dependencies;
  Clock start;    ///< what comes before its start
  Clock behind;   ///< of a dependent launch: and before what it waited for
  Clock complete; ///< what whoever knows that it is complete knows, with itself
  Clock whole;    ///< and what the prerequisites that it did not wait for did
  /// What has ended before its start although nothing orders memory so.
  Clock inTime;
  uint32_t chain = 0;
  uint64_t time = 0;      ///< in its chain; 0 while that is not known
  uint64_t seenAt = 0;    ///< submissions before the host saw it; 0: not yet
  uint64_t startedAt = 0; ///< submissions before it started
  bool writesForHost = false;
  TouchedParts touched;
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

bool LaunchOrder::isBefore(const Operation &operation, const Clock &clock) {
  return operation.chain < clock.size() &&
         clock[operation.chain] >= operation.time;
}

/// Continues a chain whose newest operation is known to whoever knows that this
/// one is complete.
void LaunchOrder::place(Operation &operation) {
  Clock &known = operation.complete;
  known.resize(std::max(known.size(), tails.size()));
  uint32_t chain = 0;
  while (chain < tails.size() && known[chain] < tails[chain])
    ++chain;
  if (chain == tails.size()) {
    tails.push_back(0);
    known.push_back(0);
  }
  operation.chain = chain;
  operation.time = known[chain] = ++tails[chain];
  join(operation.whole, known);
}

LaunchOrder::Handle
LaunchOrder::submitted(std::span<const Dependency> dependencies) {
  auto operation = std::make_shared<Operation>();
  std::lock_guard<std::mutex> lock(mutex);
  operation->number = ++submissions;
  operation->start = host;
  for (const Dependency &each : dependencies)
    if (each.handle)
      operation->dependencies.push_back(each);
  pending.insert(operation->number);
  return operation;
}

bool LaunchOrder::starts(const Handle &operation) {
  std::lock_guard<std::mutex> lock(mutex);
  bool &isDependent = operation->touched.dependence.isDependent;
  for (const auto &[before, link] : operation->dependencies) {
    join(operation->start,
         link == Link::Complete ? before->whole : before->start);
    isDependent |= link == Link::Programmatic;
  }
  operation->startedAt = submissions;
  operation->complete = operation->start;
  // What a dependent one hands on depends on its waits.
  if (!isDependent)
    place(*operation);
  return isDependent;
}

/// What has ended when a dependent of `primary` starts: all CTAs of that have
/// ended, or have let it start, some of them behind a wait of their own.
static const std::vector<uint64_t> &
endedInTime(const Dependence &primary, const std::vector<uint64_t> &inTime,
            const std::vector<uint64_t> &behind,
            const std::vector<uint64_t> &complete) {
  if (!primary.triggered)
    return complete;
  return primary.isDependent && !primary.triggeredEarly ? behind : inTime;
}

void LaunchOrder::endDependent(Operation &operation) {
  operation.behind = operation.start;
  for (const auto &[before, link] : operation.dependencies) {
    if (link != Link::Programmatic)
      continue;
    join(operation.behind, before->complete);
    join(operation.whole, before->whole);
    join(operation.inTime, before->inTime);
    join(operation.inTime,
         endedInTime(before->touched.dependence, before->inTime, before->behind,
                     before->complete));
  }
  if (operation.touched.dependence.waited)
    operation.complete = operation.behind;
  place(operation);
}

void LaunchOrder::waitedFor(const Handle &operation, const Handle &other) {
  std::lock_guard<std::mutex> lock(mutex);
  for (Clock *each :
       {&operation->start, &operation->complete, &operation->whole})
    join(*each, other ? other->whole : over);
}

void LaunchOrder::hostSaw(const Handle &operation) {
  std::lock_guard<std::mutex> lock(mutex);
  if (operation->seenAt || operation->time == 0)
    return;
  operation->seenAt = submissions;
  join(host, operation->whole);
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
      each->touched = {each->touched.dependence, {}, {}};
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
  for (const Handle &each : kept)
    for (Touched *part : {&each->touched.early, &each->touched.rest}) {
      eraseRange(part->writes, address, address + bytes);
      eraseRange(part->reads, address, address + bytes);
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
  for (const Touched *part :
       {&operation.touched.early, &operation.touched.rest})
    for (const Touched::Run &run : part->writes)
      if (part->touchers[run.toucher].strong)
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

/// Whether two launches of one kernel touched the same bytes in the same ways.
static bool areAlike(const TouchedParts &a, const TouchedParts &b) {
  if (a.rest.launch == 0 || b.rest.launch == 0 ||
      a.rest.kernel != b.rest.kernel)
    return false;
  return equalRuns(a.rest.writes, b.rest.writes) &&
         equalRuns(a.rest.reads, b.rest.reads) &&
         equalRuns(a.early.writes, b.early.writes) &&
         equalRuns(a.early.reads, b.early.reads);
}

static bool isEmpty(const Touched &touched) {
  return touched.writes.empty() && touched.reads.empty();
}

bool LaunchOrder::ends(const Handle &operation, TouchedParts touched,
                       std::shared_ptr<const void> owner) {
  bool races = false;
  std::lock_guard<std::mutex> lock(mutex);
  touched.dependence.isDependent = operation->touched.dependence.isDependent;
  operation->touched = std::move(touched);
  operation->owner = std::move(owner);
  operation->writesForHost = tellsHost(*operation);
  join(operation->inTime, operation->start);
  if (operation->touched.dependence.isDependent)
    endDependent(*operation);
  operation->dependencies.clear();
  for (const Handle &each : kept)
    races |= compare(*each, *operation);
  pending.erase(operation->number);
  join(over, operation->whole);
  // Whoever is unordered with the earlier one of two that are alike is so with
  // the later one, or was there to be compared.
  std::erase_if(kept, [&](const Handle &each) {
    return isBefore(*each, operation->complete) &&
           areAlike(each->touched, operation->touched);
  });
  if (!isEmpty(operation->touched.early) || !isEmpty(operation->touched.rest))
    kept.push_back(operation);
  prune();
  return races;
}

//===----------------------------------------------------------------------===//
// Races
//===----------------------------------------------------------------------===//

std::vector<LaunchOrder::Part>
LaunchOrder::partsOf(const Operation &operation) {
  const TouchedParts &touched = operation.touched;
  if (!touched.dependence.isDependent || !touched.dependence.waited)
    return {{&touched.rest, &operation.start}};
  return {{&touched.early, &operation.start},
          {&touched.rest, &operation.behind}};
}

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

/// Adds what both do to the same bytes, one of them by a write. False if they
/// access some place by strong operations: kernels that meet in flags may be
/// ordered by them.
bool LaunchOrder::meet(const Part &first, const Part &second,
                       std::vector<Meeting> &meetings) {
  const Touched &a = *first.touched, &b = *second.touched;
  size_t begin = meetings.size();
  bool haveFlags = false;
  auto visit = [&](const Touched::Run &x, const Touched::Run &y) {
    if (a.touchers[x.toucher].strong && b.touchers[y.toucher].strong) {
      haveFlags = true;
      return;
    }
    for (size_t i = begin; i < meetings.size(); ++i)
      if (meetings[i].firstToucher == x.toucher &&
          meetings[i].secondToucher == y.toucher)
        return;
    if (meetings.size() < mostFindings)
      meetings.push_back(
          {first, second, x.toucher, y.toucher, std::max(x.begin, y.begin)});
  };
  eachOverlap(a.writes, b.writes, visit);
  eachOverlap(a.writes, b.reads, visit);
  eachOverlap(a.reads, b.writes, visit);
  return !haveFlags;
}

bool LaunchOrder::compare(const Operation &earlier, const Operation &later) {
  if (isBefore(earlier, later.start) || isBefore(later, earlier.start))
    return false;
  // The host may have learnt from flags in its own memory how far it was.
  if ((earlier.writesForHost && later.number > earlier.startedAt) ||
      (later.writesForHost && earlier.number > later.startedAt))
    return false;
  std::vector<Meeting> meetings;
  for (const Part &first : partsOf(earlier))
    for (const Part &second : partsOf(later))
      if (!isBefore(earlier, *second.before) &&
          !isBefore(later, *first.before) && !meet(first, second, meetings))
        return false;
  for (const Meeting &meeting : meetings)
    reportRace(earlier, later, meeting);
  return !meetings.empty();
}

static std::string textOf(const Touched &touched, const Toucher &toucher) {
  std::string text = toucher.name;
  if (!touched.kernel.empty())
    text += " of kernel '" + demangled(touched.kernel) + "'";
  return text + " that " + (toucher.writes ? "writes" : "reads") +
         " the same bytes";
}

/// Of a dependent launch, and of what only a wait orders it behind.
static std::string waitText(const Toucher &self, const std::string &other,
                            bool waited, bool isInTime) {
  std::string text =
      waited ? "the griddepcontrol.wait before this " + self.name +
                   " waits for the launch before, none of whose threads has "
                   "waited for the "
             : "no griddepcontrol.wait, of this thread or of one that it "
               "synchronizes with, orders this " +
                   self.name + " of a dependent launch behind the ";
  return text + other +
         (isInTime ? "; it starts late enough, which orders no memory"
                   : "; griddepcontrol.launch_dependents orders no memory");
}

void LaunchOrder::reportRace(const Operation &earlier, const Operation &later,
                             const Meeting &meeting) const {
  const Touched &first = *meeting.first.touched;
  const Touched &second = *meeting.second.touched;
  // A kernel comes first, since it has a line.
  bool swap = second.kernel.empty();
  const Touched &mine = swap ? first : second, &theirs = swap ? second : first;
  const Toucher &a = first.touchers[meeting.firstToucher];
  const Toucher &b = second.touchers[meeting.secondToucher];
  const Toucher &self = swap ? a : b, &other = swap ? b : a;
  Finding found;
  found.kind = Kind::Race;
  found.launch = mine.launch;
  found.kernel = mine.kernel;
  found.place = self.place;
  found.other = other.place;
  found.address = meeting.address;
  found.block = self.block;
  found.thread = self.thread;
  found.otherBlock = other.block;
  found.otherThread = other.thread;
  std::string otherText = textOf(theirs, other);
  // The stream orders them so, and only the lack of a wait does not.
  if (isBefore(earlier, later.whole)) {
    bool isInTime = isBefore(earlier, later.inTime);
    if (isInTime)
      found.severity = Severity::Formal;
    found.message = waitText(self, otherText,
                             meeting.second.before == &later.behind, isInTime);
  } else {
    found.message = "no stream, event or wait of the host orders " +
                    std::string(mine.kernel.empty() ? "the " : "this ") +
                    self.name + " and the " + otherText;
  }
  report(std::move(found));
}

} // namespace tilewright::sim::check
