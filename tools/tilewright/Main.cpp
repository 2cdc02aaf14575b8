//===- Main.cpp - The command line ----------------------------------------===//

#include "tools/tilewright/Commands.h"

#include <cstdio>
#include <exception>
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

static int runProgram(int argc, char **argv) {
  CLI::App program(
      "Compiles transformer models into kernel bundles, and runs them.",
      "tilewright");
  program.set_version_flag("--version", TILEWRIGHT_VERSION);
  program.require_subcommand(1);
  Action action;
  addCompile(program, action, argv[0]);
  addRun(program, action);
  addInspect(program, action);
  addVerify(program, action, argv[0]);
  try {
    program.parse(argc, argv);
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
  try {
    return tilewright::runProgram(argc, argv);
  } catch (const std::exception &error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return tilewright::kInternal;
  }
}
