//===- Checker.h - The observers of one checked launch --------------------===//
#ifndef TILEWRIGHT_SIM_CHECK_CHECKER_H
#define TILEWRIGHT_SIM_CHECK_CHECKER_H

namespace tilewright::sim {
class ObserverList;
} // namespace tilewright::sim

namespace tilewright::sim::check {

class MemoryState;
class Session;
struct TouchedParts;

/// Adds the checks that `session` has on, for its next launch. `touched`, which
/// may be null, gets what that does to global memory.
void addChecks(Session &session, MemoryState &memory, ObserverList &observers,
               TouchedParts *touched);

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_CHECKER_H
