//===- StackOps.h - alloca, stacksave and stackrestore ----------*- C++ -*-===//
//
// ISA 9.7.17. What `alloca` takes lies in local memory above everything that is
// declared, in a stack of each lane that grows down.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_STACKOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_STACKOPS_H

#include "sim/exec/Inst.h"

namespace tilewright::sim {

// d = the stack pointer.
Status runStackSave32(const Inst &inst, Warp &warp);
Status runStackSave64(const Inst &inst, Warp &warp);
// The stack pointer = a.
Status runStackRestore32(const Inst &inst, Warp &warp);
Status runStackRestore64(const Inst &inst, Warp &warp);
// d = address of a bytes; imm is the alignment.
Status runAlloca32(const Inst &inst, Warp &warp);
Status runAlloca64(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_STACKOPS_H
