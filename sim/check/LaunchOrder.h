//===- LaunchOrder.h - Order between launches and copies --------*- C++ -*-===//
//
// Work of different streams runs at the same time unless something orders it:
// events, the default stream, edges of graphs, the host when it has waited.
// Follows that order with vector clocks over streams, keeps what each operation
// touched in global memory until all later ones are ordered behind it, and
// reports operations that touch the same bytes at the same time.
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

/// Thread-safe.
class LaunchOrder {
public:
  struct Operation;
  using Handle = std::shared_ptr<Operation>;
  using Report = std::function<void(Finding)>;

  explicit LaunchOrder(Report report) : report(std::move(report)) {}

  /// Nothing is followed before a program has more than the default stream.
  bool isWatching() const { return watching.load(); }
  void watch() { watching = true; }

  /// Work that starts when `dependencies` are over, of which null ones are
  /// ignored, and behind all that the host has waited for.
  Handle submitted(std::span<const Handle> dependencies);
  /// Its dependencies are over.
  void starts(const Handle &operation);
  /// It has waited for `other` besides; null: for all that is over.
  void waitedFor(const Handle &operation, const Handle &other);
  /// It is over, and has touched this. `owner` keeps the places alive. True if
  /// it races with another one.
  bool ends(const Handle &operation, Touched touched,
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
  static bool isBefore(const Operation &a, const Operation &b);
  void place(Operation &operation);
  bool tellsHost(const Operation &operation) const;
  bool compare(const Operation &earlier, const Operation &later);
  void reportRace(const Operation &earlier, const Toucher &first,
                  const Operation &later, const Toucher &second,
                  uint64_t address) const;
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
