//===- UndefinedReads.h - Reads of registers that nothing wrote -*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_DECODE_UNDEFINEDREADS_H
#define TILEWRIGHT_SIM_EXEC_DECODE_UNDEFINEDREADS_H

#include "sim/ptx/Ast.h"

#include <string_view>
#include <unordered_map>

namespace tilewright::sim {

/// Instructions, by location, that use a register as an address, as a guard or
/// as the value that they store, although on no path to them anything was
/// written to it; and the register. A register that was computed from such a
/// one alone is in the same state. Compilers leave reads of undefined registers
/// behind whose value does not matter, in copies and selections; those are not
/// among these.
std::unordered_map<ptx::Location, std::string_view>
findUndefinedReads(const ptx::Function &function);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_DECODE_UNDEFINEDREADS_H
