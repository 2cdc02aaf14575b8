//===- LaunchChecks.h - The simulator's checks under every test -*- C++ -*-===//
// Every kernel that the tests launch on the simulator runs under all checks of
// docs/simulator.md, and whatever they find fails the launch: what the ISA only
// formally forbids, too. There is no switch, and checks that did not run are a
// failure as well.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHCHECKS_H
#define TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHCHECKS_H

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringRef.h"

#include <set>
#include <string>

namespace tilewright::conformance {

class LaunchChecks {
public:
  /// The checks of this process. Before the device is opened for the first
  /// time: the driver reads what to check from the environment then, and keeps
  /// it.
  static LaunchChecks &get();

  /// What the launches since the last call did wrong, in sentences; empty when
  /// nothing. Also says so when the checks did not run.
  std::string takeFindings();

private:
  LaunchChecks();
  ~LaunchChecks();

  llvm::SmallString<128> report;
  std::set<std::string> seen;
};

} // namespace tilewright::conformance

#endif // TILEWRIGHT_TESTS_CONFORMANCE_LAUNCHCHECKS_H
