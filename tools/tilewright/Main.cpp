//===- Main.cpp - The command line ----------------------------------------===//

#include "tools/tilewright/Commands.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>
#include <unistd.h>

namespace tilewright {

int fail(const std::string &message) {
  // Diagnostics with carets bring their own severity.
  bool complete = message.find("error: ") != std::string::npos;
  std::fprintf(stderr, "%s%s%s", complete ? "" : "error: ", message.c_str(),
               message.empty() || message.back() != '\n' ? "\n" : "");
  return kFailed;
}

bool showsProgress() { return isatty(STDERR_FILENO); }

void announce(const std::string &work) {
  if (showsProgress())
    std::fprintf(stderr, "%s ...\n", work.c_str());
}

/// What a crash of ours ends in: no exit code of a shell's making.
extern "C" void reportCrash(int) {
  static constexpr char message[] =
      "internal error: tilewright crashed; this is a bug\n";
  // Only calls that are allowed in a signal handler.
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message, sizeof(message) - 1);
  _exit(kInternal);
}

static void setSignals() {
  for (int crash : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL})
    std::signal(crash, reportCrash);
  // A file that grows beyond the user's limit is an error of writing.
  std::signal(SIGXFSZ, SIG_IGN);
}

/// Cuts the program that `sim` runs off the arguments: nothing behind `--` is
/// for us to understand.
static std::vector<std::string> takeCommand(int &argc, char **argv) {
  if (argc < 2 || std::string_view(argv[1]) != "sim")
    return {};
  char **end = argv + argc;
  char **dashes = std::find(argv, end, std::string_view("--"));
  if (dashes == end)
    return {};
  argc = int(dashes - argv);
  return {dashes + 1, end};
}

static std::string commandLine;

const std::string &getCommandLine() { return commandLine; }

/// The arguments with quotes around those that a shell would change.
static std::string quoteArguments(int argc, char **argv) {
  std::string text;
  for (int i = 0; i < argc; ++i) {
    std::string argument = argv[i];
    bool isPlain =
        !argument.empty() &&
        argument.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_@%+=:,./-") == std::string::npos;
    for (size_t at = 0;
         !isPlain && (at = argument.find('\'', at)) != std::string::npos;
         at += 4)
      argument.replace(at, 1, "'\\''");
    text += (i ? " " : "") + (isPlain ? argument : "'" + argument + "'");
  }
  return text;
}

static int runProgram(int argc, char **argv) {
  commandLine = quoteArguments(argc, argv);
  std::vector<std::string> command = takeCommand(argc, argv);
  CLI::App program(
      "Compiles transformer models into kernel bundles, and runs them.",
      "tilewright");
  program.set_version_flag("--version", TILEWRIGHT_VERSION);
  program.require_subcommand(0, 1);
  program.failure_message([](const CLI::App *, const CLI::Error &error) {
    return std::string("error: ") + error.what() +
           "\nhint: --help lists what there is\n";
  });
  Action action;
  addCompile(program, action, argv[0]);
  addRun(program, action);
  addInspect(program, action);
  addBench(program, action);
  addVerify(program, action, argv[0]);
  addSim(program, action, command);
  try {
    program.parse(argc, argv);
    // With a minimum above, a misspelled subcommand would be called missing.
    if (!action)
      throw CLI::RequiredError("a subcommand");
  } catch (const CLI::Success &request) { // --help, --version
    return program.exit(request);
  } catch (const CLI::ParseError &error) {
    program.exit(error);
    return kUsage;
  }
  return action();
}

} // namespace tilewright

int main(int argc, char **argv) {
  tilewright::setSignals();
  try {
    return tilewright::runProgram(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return tilewright::kInternal;
  }
}
