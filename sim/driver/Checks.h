//===- Checks.h - What the driver does for the checks ---------------------===//
// Tells them of memory as programs see it, hangs them on launches, and has them
// report. Exists only while a check is on.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_CHECKS_H
#define TILEWRIGHT_SIM_DRIVER_CHECKS_H

#include "sim/check/LaunchOrder.h"
#include "sim/check/MemoryState.h"
#include "sim/check/Session.h"
#include "sim/exec/Engine.h"
#include "sim/exec/ObserverList.h"
#include "sim/memory/AddressSpace.h"
#include "sim/memory/Arena.h"
#include "sim/memory/Transfer.h"

#include <memory>
#include <optional>
#include <string>

namespace tilewright::sim::driver {

class Checks final : public AllocationWatcher {
public:
  explicit Checks(check::Settings settings);

  bool findsUndefinedReads() const {
    return session.kinds().has(check::Kind::Initialization);
  }
  /// Before anything is allocated. False when the host refuses memory.
  bool open(const AddressSpace &space);
  void guard(Arena &arena);

  void allocated(const Allocation &allocation) override;
  void released(const Allocation &allocation) override;
  /// A module's variables have their names now.
  void named(const sim::Module &module, const std::string &moduleName);

  void copied(const PitchedBox &target, const PitchedBox &source,
              const Extent &extent);
  void filled(const PitchedBox &target, const Extent &extent);

  /// The host named memory that it may not name: `what` is "copy of 8 bytes".
  void hostAccess(const std::string &what, uint64_t address, uint64_t bytes);
  void hostFree(uint64_t address);

  /// Hangs the checks on the next launch.
  void addObservers(ObserverList &observers);

  /// The order of streams' work, for the check of races.
  check::LaunchOrder &order() { return launchOrder; }
  /// There is more than one stream, or dependent launches, from now on.
  void watchOrder();
  void orderEnds(const check::LaunchOrder::Handle &operation,
                 check::TouchedParts touched,
                 std::shared_ptr<const void> owner);
  void launchEnded() { session.report(); }

  void finish() { session.finish(); }

private:
  void touchRows(const PitchedBox &box, const PitchedBox &other,
                 const Extent &extent, const char *what, bool writes);

  check::Session session;
  check::MemoryState memory;
  check::LaunchOrder launchOrder;
};

/// "cuMemAlloc of 4096 bytes, allocation #7".
std::string describe(const Allocation &allocation);
/// "cuMemAlloc #7".
std::string shortName(const Allocation &allocation);

/// What the environment asks for. None without a wish, or with a wrong one,
/// when `error` says what is wrong.
std::optional<check::Settings> checksOfEnvironment(std::string &error);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_CHECKS_H
