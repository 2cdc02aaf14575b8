//===- CrashGuard.cpp - Code that may crash, without the process ----------===//

#include "tools/driver/CrashGuard.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstring>
#include <mutex>

using llvm::CrashRecoveryContext;

namespace tilewright {

// The reason of LLVM's last fatal error on this thread.
static thread_local std::string fatalReason;

// A code that is no shell's, and no signal's.
static constexpr int kFatalError = 1;
// How a CrashRecoveryContext says that there was a signal, as shells do.
static constexpr int kSignalBase = 128;

static void handleFatalError(void *, const char *reason, bool) {
  if (CrashRecoveryContext *guard = CrashRecoveryContext::GetCurrent()) {
    fatalReason = reason;
    guard->HandleExit(kFatalError);
  }
  // Outside of all guards: what LLVM does without a handler.
  llvm::errs() << "LLVM ERROR: " << reason << "\n";
  std::abort();
}

static void enableOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    CrashRecoveryContext::Enable();
    llvm::install_fatal_error_handler(handleFatalError);
  });
}

std::optional<std::string> runGuarded(llvm::function_ref<void()> body) {
  enableOnce();
  CrashRecoveryContext guard;
  fatalReason.clear();
  if (guard.RunSafely(body))
    return std::nullopt;
  if (!fatalReason.empty())
    return "LLVM reports a fatal error: " + fatalReason;
  if (guard.RetCode > kSignalBase)
    return std::string("crashed: ") + strsignal(guard.RetCode - kSignalBase);
  return "ended the process";
}

} // namespace tilewright
