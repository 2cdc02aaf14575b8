//===- ModelOptions.cpp - Options of commands that compile a model --------===//

#include "tools/driver/Compile.h"
#include "tools/tilewright/Commands.h"

#include <filesystem>

namespace fs = std::filesystem;

namespace tilewright {

/// The folder with the SKU files: beside an installed program, or in the
/// sources around a build tree.
static std::string findSkuDirectory(const std::string &self) {
  if (const char *directory = std::getenv("TILEWRIGHT_SKU_DIR"))
    return directory;
  std::error_code error;
  fs::path program = fs::canonical("/proc/self/exe", error);
  if (error)
    program = self;
  for (fs::path folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    for (const char *name : {"share/tilewright/skus", "autotune/skus"})
      if (fs::is_directory(folder / name, error))
        return folder / name;
  return "autotune/skus";
}

void addModelOptions(CLI::App &command, CompileOptions &options,
                     const std::string &self) {
  options.skuDirectory = findSkuDirectory(self);
  command
      .add_option("model", options.modelDirectory,
                  "Directory with config.json and the weights")
      ->required();
  command.add_option("--target", options.target, "PTX target")
      ->capture_default_str();
  command
      .add_option("--sku", options.sku,
                  "GPU to choose configs for: a name, or a JSON file")
      ->capture_default_str();
  command
      .add_option("--max-tokens", options.maxTokens, "Most tokens in one step")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command
      .add_option("--max-seqs", options.maxSeqs, "Most sequences in one step")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 16));
  command
      .add_option("--max-context", options.maxContext,
                  "Longest sequence; 0: as long as the model allows")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 24));
  command
      .add_option("--page-size", options.pageSize,
                  "Tokens per page of the KV cache")
      ->capture_default_str();
  command.add_flag("--batch-invariant", options.batchInvariant,
                   "A sequence's results do not depend, by a bit, on the "
                   "others in its step; steps of few tokens take longer");
  command
      .add_option("--ignore-config-field", options.ignoredFields,
                  "A field of config.json that is known to be without effect, "
                  "or a generation_config.NAME to do without; "
                  "may be repeated")
      ->type_name("NAME")
      ->allow_extra_args(false);
  // Not in the help: for tests of what a bug leaves behind.
  command.add_option("--debug-graph-fault", options.graphFault)->group("");
  command.add_option("--debug-kernel-fault", options.kernelFault)->group("");
}

} // namespace tilewright
