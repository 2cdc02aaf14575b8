//===- Perturb.h - Approximations that spend their whole error --*- C++ -*-===//
//
// The ISA bounds the error of ex2.approx and its kin; the engine computes them
// nearly exactly, silicon does not. A program that is right on the engine may
// lean on that luck. In perturb mode (TILEWRIGHT_SIM_PERTURB) each result is as
// wrong as the ISA allows, up or down by a hash of the seed and the operands.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_PERTURB_H
#define TILEWRIGHT_SIM_EXEC_OPS_PERTURB_H

#include "sim/exec/Inst.h"
#include "sim/exec/ops/Select.h"

namespace tilewright::sim {

struct PerturbSpec {
  FloatOp op = FloatOp::Ex2;
  ptx::Type type = ptx::Type::F32;
  bool ftz = false;
  uint64_t seed = 0;
};

/// Whether the ISA gives a bound for the instruction's error.
bool canPerturb(FloatOp op, ptx::Type type, const FloatOptions &options);

/// Runs after the instruction: d its result, a and b copies of its operands (b
/// may be noRef), aux a PerturbSpec.
Status runPerturb(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_PERTURB_H
