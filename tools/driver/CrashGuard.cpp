//===- CrashGuard.cpp - Code that may crash, without the process ----------===//

#include "tools/driver/CrashGuard.h"

#include "llvm/Support/CrashRecoveryContext.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

#include <csignal>
#include <cstring>
#include <mutex>
#include <vector>

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

/// Lets the handlers run where the stack is full: a recursion without end is a
/// crash like any other.
static void useOtherStack() {
  for (int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP}) {
    struct sigaction action;
    sigaction(signal, nullptr, &action);
    action.sa_flags |= SA_ONSTACK;
    sigaction(signal, &action, nullptr);
  }
}

namespace {
/// A second stack for the handlers of one thread.
class SignalStack {
public:
  SignalStack() {
    stack_t stack{};
    stack.ss_sp = memory.data();
    stack.ss_size = memory.size();
    sigaltstack(&stack, nullptr);
  }
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

private:
  std::vector<char> memory = std::vector<char>(1 << 16);
};
} // namespace

static void enable() {
  static std::once_flag once;
  std::call_once(once, [] {
    CrashRecoveryContext::Enable();
    llvm::install_fatal_error_handler(handleFatalError);
    useOtherStack();
  });
  static thread_local SignalStack stack;
  (void)stack;
}

std::optional<std::string> runGuarded(llvm::function_ref<void()> body) {
  enable();
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
