//===- Commands.h - The subcommands of tilewright -------------------------===//
// Products go to stdout or to a file, messages to stderr. Each `add*` declares
// its options on the program and, when the subcommand was given, sets `action`.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <vector>

namespace tilewright {

/// What scripts may rely on; docs/generated/cli.md.
enum ExitCode {
  kDone = 0,
  kFailed = 1,       // the input or the compilation failed
  kUsage = 2,        // the command line is wrong
  kVerifyFailed = 3, // a verification failed
  kFindings = 3,     // a check of `sim` found an error
  kInternal = 4,     // a bug; a reproducer was written where possible
};

using Action = std::function<int()>;

struct CompileOptions;

void addCompile(CLI::App &program, Action &action, const std::string &self);
void addBench(CLI::App &program, Action &action);
void addRun(CLI::App &program, Action &action);
void addVerify(CLI::App &program, Action &action, const std::string &self);
void addInspect(CLI::App &program, Action &action);
/// `command` is what came after `--`.
void addSim(CLI::App &program, Action &action,
            const std::vector<std::string> &command);

/// What commands that compile a model have in common.
void addModelOptions(CLI::App &command, CompileOptions &options,
                     const std::string &self);

/// Prints `error: ...` and gives kFailed.
int fail(const std::string &message);

/// The program's own command line, as a shell takes it.
const std::string &getCommandLine();

/// Runs `body`, which compiles a model among other things, and gives the exit
/// code of its error, which it prints; kDone without one. If it is a bug, or
/// `body` crashes, a reproducer is written as the folder `reproducer`, and the
/// program ends here.
int runCompilation(const CompileOptions &options, const std::string &reproducer,
                   llvm::function_ref<llvm::Error()> body);

/// True if progress may be shown: stderr is a terminal.
bool showsProgress();
/// Says there what takes long now.
void announce(const std::string &work);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_COMMANDS_H
