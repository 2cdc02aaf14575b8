//===- Commands.h - The subcommands of tilewright -------------------------===//
// Products go to stdout or to a file, messages to stderr. Each `add*` declares
// its options on the program and, when the subcommand was given, sets `action`.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H

#include <CLI/CLI.hpp>

#include <functional>
#include <string>

namespace tilewright {

/// What scripts may rely on; docs/cli.md.
enum ExitCode {
  kDone = 0,
  kFailed = 1,       // the input or the compilation failed
  kUsage = 2,        // the command line is wrong
  kVerifyFailed = 3, // a verification failed
  kInternal = 4,     // a bug; a reproducer was written where possible
};

using Action = std::function<int()>;

void addCompile(CLI::App &program, Action &action, const std::string &self);
void addRun(CLI::App &program, Action &action);
void addInspect(CLI::App &program, Action &action);

/// Prints `error: ...` and gives kFailed.
int fail(const std::string &message);

/// True if progress may be shown: stderr is a terminal.
bool showsProgress();

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H
