//===- SimDebug.h - Options of tilewright sim that look into kernels ------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_SIMDEBUG_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_SIMDEBUG_H

#include <CLI/CLI.hpp>

#include <map>
#include <string>

namespace tilewright {

/// What was asked for, by the option's name without its dashes.
using SimDebugFlags = std::map<std::string, std::string>;

void addSimDebugOptions(CLI::App &sim, SimDebugFlags &flags);

/// Asks the driver library, already opened, whether it takes them; it says on
/// stderr what is wrong.
bool acceptsSimDebug(void *driver, const SimDebugFlags &flags);

/// The variables by which the program's driver hears of them.
void addSimDebugVariables(const SimDebugFlags &flags,
                          std::map<std::string, std::string> &variables);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_SIMDEBUG_H
