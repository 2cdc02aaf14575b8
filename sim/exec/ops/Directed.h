//===- Directed.h - Arithmetic with a rounding direction --------*- C++ -*-===//
//
// .rz, .rm and .rp are rare, so they use the host's rounding mode one lane at a
// time. Compiled once, without vector code.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_DIRECTED_H
#define TILEWRIGHT_SIM_EXEC_OPS_DIRECTED_H

#include "sim/exec/ops/Select.h"

namespace tilewright::sim {

float directed(FloatOp op, RoundingMode mode, float a, float b, float c);
double directed(FloatOp op, RoundingMode mode, double a, double b, double c);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_DIRECTED_H
