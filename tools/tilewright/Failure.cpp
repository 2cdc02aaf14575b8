//===- Failure.cpp - How a command that compiles a model may end ----------===//

#include "tools/driver/Compile.h"
#include "tools/driver/CrashGuard.h"
#include "tools/driver/InternalError.h"
#include "tools/tilewright/Commands.h"

#include "llvm/Config/llvm-config.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace fs = std::filesystem;

namespace tilewright {

/// The files of the model directory that decide what is compiled.
static constexpr const char *kModelFiles[] = {"config.json",
                                              "generation_config.json"};

static void addContext(Reproducer &reproducer, const CompileOptions &options,
                       const InternalError &error) {
  reproducer.files["report.txt"] =
      "command: " + getCommandLine() +
      "\ntilewright: " TILEWRIGHT_VERSION "\nLLVM: " LLVM_VERSION_STRING
      "\nfailure: " +
      error.headline + "\n\n" + error.details + "\n";
  for (const char *name : kModelFiles) {
    std::error_code code;
    fs::path path = fs::path(options.modelDirectory) / name;
    std::ifstream file(path, std::ios::binary);
    if (fs::is_regular_file(path, code) && file)
      reproducer.files[name].assign(std::istreambuf_iterator<char>(file), {});
  }
  if (reproducer.command.empty())
    reproducer.command = getCommandLine();
}

/// Ends the program without tearing down what a crash may have left half done.
[[noreturn]] static void endWithBug(const CompileOptions &options,
                                    const std::string &directory,
                                    const InternalError &error) {
  Reproducer reproducer = error.reproducer;
  addContext(reproducer, options, error);
  std::fprintf(stderr, "internal error: %s\n", error.headline.c_str());
  llvm::Expected<std::string> command = writeReproducer(reproducer, directory);
  if (command)
    std::fprintf(stderr, "reproducer: %s; to run it again: %s\n",
                 directory.c_str(), command->c_str());
  else
    std::fprintf(stderr, "no reproducer: %s\n",
                 llvm::toString(command.takeError()).c_str());
  std::fflush(nullptr);
  _exit(kInternal);
}

int runCompilation(const CompileOptions &options, const std::string &reproducer,
                   llvm::function_ref<llvm::Error()> body) {
  std::optional<llvm::Error> result;
  if (std::optional<std::string> crash =
          runGuarded([&] { result.emplace(body()); }))
    endWithBug(
        options, reproducer,
        InternalError("tilewright " + crash->substr(0, crash->find('\n')),
                      *crash, {}));
  llvm::Error rest =
      llvm::handleErrors(std::move(*result), [&](const InternalError &error) {
        endWithBug(options, reproducer, error);
      });
  if (!rest)
    return kDone;
  bool isVerification = rest.isA<VerificationError>();
  int code = fail(llvm::toString(std::move(rest)));
  return isVerification ? kVerifyFailed : code;
}

} // namespace tilewright
