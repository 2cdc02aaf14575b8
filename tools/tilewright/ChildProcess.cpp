//===- ChildProcess.cpp - Runs a program and waits for it -----------------===//

#include "tools/tilewright/ChildProcess.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/wait.h>
#include <unistd.h>

namespace tilewright {

static constexpr int kSignalBase = 128;

static volatile sig_atomic_t childToSignal = 0;

extern "C" void passOn(int signal) {
  if (childToSignal > 0)
    kill(pid_t(childToSignal), signal);
}

/// In the child: never returns.
[[noreturn]] static void
becomeProgram(const std::vector<std::string> &command,
              const std::map<std::string, std::string> &variables,
              const sigset_t &signals) {
  for (const auto &[name, value] : variables)
    setenv(name.c_str(), value.c_str(), 1);
  // What is ignored stays so across exec; the program expects the defaults.
  for (int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGXFSZ})
    std::signal(signal, SIG_DFL);
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  std::vector<char *> arguments;
  for (const std::string &argument : command)
    arguments.push_back(const_cast<char *>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  int reason = errno;
  std::fprintf(stderr, "error: cannot run '%s': %s\n", arguments[0],
               std::strerror(reason));
  std::fflush(stderr);
  _exit(reason == ENOENT ? kNotFound : kNotExecutable);
}

int runChild(const std::vector<std::string> &command,
             const std::map<std::string, std::string> &variables) {
  // Until the handlers know the child, signals wait.
  sigset_t blocked, before;
  sigemptyset(&blocked);
  for (int signal : {SIGINT, SIGQUIT, SIGTERM, SIGHUP})
    sigaddset(&blocked, signal);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  std::fflush(nullptr);
  pid_t child = fork();
  if (child < 0) {
    std::fprintf(stderr, "error: cannot start a process: %s\n",
                 std::strerror(errno));
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return kNotExecutable;
  }
  if (child == 0)
    becomeProgram(command, variables, before);
  childToSignal = child;
  // The terminal sends these two to the program as well.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGQUIT, SIG_IGN);
  std::signal(SIGTERM, passOn);
  std::signal(SIGHUP, passOn);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  childToSignal = 0;
  return WIFSIGNALED(status) ? kSignalBase + WTERMSIG(status)
                             : WEXITSTATUS(status);
}

} // namespace tilewright
