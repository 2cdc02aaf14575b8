//===- Debugging.h - What the driver does for tools of debugging ----------===//
#ifndef TILEWRIGHT_SIM_DRIVER_DEBUGGING_H
#define TILEWRIGHT_SIM_DRIVER_DEBUGGING_H

#include "sim/debug/Session.h"

#include <string>

namespace tilewright::sim::driver {

/// Adds what the environment asks for to `settings`, but nothing that was
/// chosen already. False, and `error`, when a value is wrong.
bool addEnvironment(debug::Settings &settings, std::string &error);

/// The tools' view of this process.
debug::Host debugHost();

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_DEBUGGING_H
