//===- Roles.h - How the roles of a CTA share its SM ------------*- C++ -*-===//
// Our kernels divide a CTA into one producer warpgroup and some of math. What
// each may hold is fixed here, once: autotune counts with it which tiles fit,
// and the lowering writes it on the roles.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TARGET_ROLES_H
#define TILEWRIGHT_IR_TARGET_ROLES_H

#include "ir/target/Target.h"

namespace tilewright::target {

/// Registers per thread.
struct RoleRegisters {
  int64_t producer, math;
};

/// What a producer and `mathWarpgroups` beside it get, where the CTA has an SM
/// to itself. `target` hands out budgets.
RoleRegisters getRoleRegisters(const Target &target, int64_t mathWarpgroups);

/// Shared memory that is kept free beside a kernel's tiles for its barriers and
/// the scratch of its reductions.
inline constexpr int64_t barrierBytes = 1024;

} // namespace tilewright::target

#endif // TILEWRIGHT_IR_TARGET_ROLES_H
