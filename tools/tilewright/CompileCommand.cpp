//===- CompileCommand.cpp - tilewright compile ----------------------------===//

#include "tools/driver/Compile.h"
#include "tools/tilewright/Commands.h"

#include <cstdio>
#include <memory>
#include <mutex>

using nlohmann::json;

namespace tilewright {

namespace {
struct CompileFlags {
  CompileOptions options;
  std::string output;
  bool json = false, noPtxas = false, allowSpills = false;
};
} // namespace

static void reportProgress(CompileOptions &options) {
  if (!showsProgress())
    return;
  auto mutex = std::make_shared<std::mutex>();
  options.progress = [mutex](const std::string &stage, size_t done,
                             size_t total) {
    std::lock_guard<std::mutex> lock(*mutex);
    std::fprintf(stderr, "\r%s: %zu of %zu kernels%s", stage.c_str(), done,
                 total, done == total ? "\n" : "");
  };
}

static json summarize(const CompiledModel &model, const CompileFlags &flags) {
  json kernels = json::array();
  for (const json &kernel : model.manifest["kernels"]) {
    json entry = {{"name", kernel["name"]},
                  {"config", kernel["config"]},
                  {"reason", kernel["reason"]}};
    if (kernel.contains("ptxas"))
      entry["ptxas"] = kernel["ptxas"];
    kernels.push_back(entry);
  }
  json times = json::object();
  double total = 0;
  for (const auto &[stage, seconds] : model.times) {
    times[stage] = seconds;
    total += seconds;
  }
  return {{"bundle", flags.output},
          {"kernels", kernels},
          {"seconds", times},
          {"total_seconds", total}};
}

static void printSummary(const json &summary) {
  std::printf("%s: %zu kernels in %.1f s\n",
              summary["bundle"].get<std::string>().c_str(),
              summary["kernels"].size(),
              summary["total_seconds"].get<double>());
  for (const json &kernel : summary["kernels"])
    std::printf("  %s: %s\n", kernel["name"].get<std::string>().c_str(),
                kernel["reason"].is_string()
                    ? kernel["reason"].get<std::string>().c_str()
                    : "");
}

static llvm::Error compileBundle(const CompileFlags &flags) {
  std::string warnings;
  llvm::Expected<CompiledModel> model = compileModel(flags.options, warnings);
  std::fputs(warnings.c_str(), stderr);
  if (!model)
    return model.takeError();
  auto written = writeBundle(flags.output, model->manifest, model->members);
  if (!written)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(written.error().message()));
  json summary = summarize(*model, flags);
  if (flags.json)
    std::printf("%s\n", summary.dump().c_str());
  else
    printSummary(summary);
  return llvm::Error::success();
}

static int runCompile(CompileFlags &flags) {
  flags.options.assemble = !flags.noPtxas;
  flags.options.failOnSpill = !flags.allowSpills;
  reportProgress(flags.options);
  return runCompilation(flags.options, flags.output + ".reproducer",
                        [&] { return compileBundle(flags); });
}

void addCompile(CLI::App &program, Action &action, const std::string &self) {
  auto flags = std::make_shared<CompileFlags>();
  CompileOptions &options = flags->options;
  CLI::App *command = program.add_subcommand(
      "compile", "Compile a Hugging Face directory into a bundle");
  addModelOptions(*command, options, self);
  command->add_option("-o,--output", flags->output, "The bundle to write")
      ->required();
  command->add_flag("--config-only", options.configOnly,
                    "Read no weights; config.json tells their types");
  command->add_flag("--verify-each-pass", options.verifyEachPass,
                    "Interpret the graph on random input after each pass");
  command->add_option("--dump-ir", options.dumpDirectory,
                      "Write the IR after each stage into this directory");
  command->add_option("--ptxas", options.ptxas, "The ptxas to assemble with");
  command->add_flag("--force-ptxas", options.forcePtxas,
                    "Use a ptxas that is known to miscompile");
  command->add_flag("--no-ptxas", flags->noPtxas,
                    "Do not assemble: no report of registers and spills");
  command->add_flag("--cubin", options.cubins,
                    "Put ptxas's machine code into the bundle");
  command->add_flag("--allow-spills", flags->allowSpills,
                    "Accept kernels that spill registers");
  command
      ->add_option("--threads", options.threads,
                   "Threads to compile with; 0: one per core")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the summary as JSON");
  command->callback(
      [flags, &action] { action = [flags] { return runCompile(*flags); }; });
}

} // namespace tilewright
