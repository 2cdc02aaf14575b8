//===- Environment.h - Numbers that the environment chooses -----*- C++ -*-===//
//
// Programs that do not know the simulator choose through the environment. What
// is no such number is refused: taken for none, it would look like a run under
// the chosen schedule or limit that never was.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_ENVIRONMENT_H
#define TILEWRIGHT_SIM_EXEC_ENVIRONMENT_H

#include "sim/exec/Result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tilewright::sim {

struct NumberVariable {
  const char *name;
  const char *meaning; ///< "a seed"
  uint64_t least, most;
};
extern const NumberVariable threadsVariable, timeoutVariable, scheduleVariable,
    perturbVariable;

/// Nothing where the variable is unset or empty.
Result<std::optional<uint64_t>> readNumber(const NumberVariable &variable);

/// The first of the variables that is wrong, and how; empty if none is.
std::string checkNumbers();

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_ENVIRONMENT_H
