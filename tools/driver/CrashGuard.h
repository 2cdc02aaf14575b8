//===- CrashGuard.h - Code that may crash, without the process ------------===//
// LLVM ends the process where it meets what it cannot do ("Cannot select"), and
// any pass may have a bug. Both should leave a reproducer behind, and that
// takes a process that goes on.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_CRASHGUARD_H
#define TILEWRIGHT_TOOLS_DRIVER_CRASHGUARD_H

#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <string>

namespace tilewright {

/// Runs `body`. If it crashes, or LLVM reports a fatal error in it, returns
/// how, in words: the first line says what, others may follow. Nothing is
/// unwound then: what `body` held is leaked, what it was changing is half
/// changed, and the process should end soon. May be nested; threads that `body`
/// starts need guards of their own.
std::optional<std::string> runGuarded(llvm::function_ref<void()> body);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_CRASHGUARD_H
