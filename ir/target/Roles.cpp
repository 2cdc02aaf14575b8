//===- Roles.cpp - How the roles of a CTA share its SM --------------------===//

#include "ir/target/Roles.h"

#include <algorithm>
#include <cassert>

namespace tilewright::target {

// Issuing copies takes few registers.
static constexpr int64_t producerRegisters = 40;
// Above this, nothing is gained: the accumulators of the largest tile fit.
static constexpr int64_t mathRegistersMax = 240;

RoleRegisters getRoleRegisters(const Target &target, int64_t mathWarpgroups) {
  const ThreadLimits &threads = target.threads;
  assert(threads.budgetStep > 0 && mathWarpgroups > 0);
  int64_t perGroup = threads.registersPerSm / threads.threadsPerGroup();
  int64_t share = (perGroup - producerRegisters) / mathWarpgroups;
  int64_t math = std::min(share, mathRegistersMax);
  return {producerRegisters, math / threads.budgetStep * threads.budgetStep};
}

} // namespace tilewright::target
