//===- LaunchOrder.h - Order between launches and copies --------*- C++ -*-===//
//
// Work of different streams runs at the same time unless something orders it:
// events, the default stream, edges of graphs, the host when it has waited.
// Follows that order with vector clocks over streams, keeps what each operation
// touched in global memory until all later ones are ordered behind it, and
// reports operations that touch the same bytes at the same time.
//
// A dependent launch (CUDA: programmatic dependent launch; ISA 9.7.13.13) may
// start before its prerequisites are over. It is behind what their starts were
// behind, and what its threads do behind a griddepcontrol.wait is behind the
// prerequisites as well: two parts of one operation, each with its order.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_LAUNCHORDER_H
#define TILEWRIGHT_SIM_CHECK_LAUNCHORDER_H

#include "sim/check/Finding.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tilewright::sim::check {

/// What one instruction of a launch, or a copy, did to global memory.
struct Toucher {
  Place place; ///< none for what is no kernel's
  std::string name;
  bool writes = false;
  /// Nobody sees it half done: strong, for the whole device or more.
  bool strong = false;
  std::optional<Dim3> block, thread; ///< the first one
};

/// Everything that an operation touched.
struct Touched {
  struct Run {
    uint64_t begin, end;
    uint32_t toucher;
  };
  std::string kernel; ///< empty for copies and fills
  uint64_t launch = 0;
  std::vector<Toucher> touchers;
  /// In the order of addresses; those of one list do not overlap.
  std::vector<Run> writes, reads;

  /// Bytes behind all that were added before, or the same place again.
  void add(uint64_t address, uint64_t bytes, uint32_t toucher);
};

/// How a launch took part in programmatic dependent launch.
struct Dependence {
  bool isDependent = false; ///< its prerequisites may run beside it
  bool waited = false;      ///< one of its threads has waited for them
  bool triggered = false;   ///< one of its blocks has let dependents start
  /// A block has done so, or has ended, without a wait before it.
  bool triggeredEarly = false;
};

/// What an operation touched. A dependent launch that waits has two parts.
struct TouchedParts {
  Dependence dependence;
  Touched early; ///< what no griddepcontrol.wait comes before
  Touched rest;
};

/// Thread-safe.
class LaunchOrder {
public:
  struct Operation;
  using Handle = std::shared_ptr<Operation>;
  using Report = std::function<void(Finding)>;

  /// How much of one operation comes before another.
  enum class Link : uint8_t {
    Complete,
    /// What came before its start, and what a griddepcontrol.wait waits for.
    Programmatic,
    Start, ///< what came before its start
  };
  struct Dependency {
    Handle handle;
    Link link = Link::Complete;
  };

  explicit LaunchOrder(Report report) : report(std::move(report)) {}

  /// Nothing is followed before a program has more than the default stream.
  bool isWatching() const { return watching.load(); }
  void watch() { watching = true; }

  /// Work that starts behind `dependencies`, of which null ones are ignored,
  /// and behind all that the host has waited for.
  Handle submitted(std::span<const Dependency> dependencies);
  /// Its complete dependencies are over, the others have started. True if it is
  /// a dependent launch.
  bool starts(const Handle &operation);
  /// It has waited for `other` besides; null: for all that is over.
  void waitedFor(const Handle &operation, const Handle &other);
  /// It is over, its dependencies have ended before, and has touched this.
  /// `owner` keeps the places alive. True if it races with another one.
  bool ends(const Handle &operation, TouchedParts touched,
            std::shared_ptr<const void> owner);
  /// The host has seen that it is over; so has all that is submitted later.
  void hostSaw(const Handle &operation);

  /// What was touched there is no longer the same memory.
  void forget(uint64_t address, uint64_t bytes);
  /// The host can watch this memory while kernels run.
  void sharedWithHost(uint64_t address, uint64_t bytes);

private:
  using Clock = std::vector<uint64_t>; ///< by chain
  static void join(Clock &into, const Clock &from);
  static bool isBefore(const Operation &operation, const Clock &clock);
  /// What an operation did, and what is ordered before that.
  struct Part {
    const Touched *touched;
    const Clock *before;
  };
  static std::vector<Part> partsOf(const Operation &operation);
  /// Accesses of two operations to the same bytes, by their touchers.
  struct Meeting {
    Part first, second;
    uint32_t firstToucher, secondToucher;
    uint64_t address;
  };
  void place(Operation &operation);
  void endDependent(Operation &operation);
  bool tellsHost(const Operation &operation) const;
  bool compare(const Operation &earlier, const Operation &later);
  static bool meet(const Part &first, const Part &second,
                   std::vector<Meeting> &meetings);
  void reportRace(const Operation &earlier, const Operation &later,
                  const Meeting &meeting) const;
  void prune();

  const Report report;
  std::atomic<bool> watching{false};

  std::mutex mutex;
  uint64_t submissions = 0;
  std::set<uint64_t> pending;  ///< numbers of operations that are not over
  std::vector<uint64_t> tails; ///< by chain: its newest operation
  Clock host;                  ///< what the host has waited for
  Clock over;                  ///< everything that is over
  std::vector<Handle> kept;    ///< over, and not ordered before all to come
  std::vector<std::pair<uint64_t, uint64_t>> hostRanges;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_LAUNCHORDER_H
