//===- Compile.cpp - From a model directory to a bundle -------------------===//

#include "tools/driver/Compile.h"

#include "autotune/Sku.h"
#include "frontend/hf/HuggingFace.h"
#include "ir/reference/PassVerifier.h"
#include "ir/reference/check/Fault.h"
#include "passes/BatchInvariance.h"
#include "passes/Bounds.h"
#include "passes/Pipelines.h"
#include "tools/driver/GuardedPasses.h"
#include "tools/driver/KernelCompiler.h"
#include "tools/driver/Manifest.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <chrono>

using namespace mlir;
using nlohmann::json;

namespace tilewright {

namespace {
/// Seconds since the last call, under a name.
class StageClock {
public:
  void finish(const char *stage) {
    auto now = std::chrono::steady_clock::now();
    times.push_back({stage, std::chrono::duration<double>(now - last).count()});
    last = now;
  }
  StageTimes times;

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};
} // namespace

static llvm::Error makeDumpDirectory(const CompileOptions &options) {
  if (options.dumpDirectory.empty())
    return llvm::Error::success();
  if (std::error_code error =
          llvm::sys::fs::create_directories(options.dumpDirectory))
    return llvm::createStringError(error, "cannot make directory %s: %s",
                                   options.dumpDirectory.c_str(),
                                   error.message().c_str());
  if (!llvm::sys::fs::is_directory(options.dumpDirectory))
    return llvm::createStringError("%s: is not a directory",
                                   options.dumpDirectory.c_str());
  return llvm::Error::success();
}

// The swizzle of shared memory repeats after this many rows, so that a box of
// fewer keys could not be copied into a tile.
static constexpr int64_t minPageSize = 8;

/// The GPU, the target and the page size must be known and go together: passes
/// and LLVM would find out too late to say it clearly. Returns the GPU.
static llvm::Expected<autotune::Sku>
checkOptions(const CompileOptions &options) {
  std::string error;
  std::optional<autotune::Sku> sku =
      autotune::loadSku(options.sku, options.skuDirectory, error);
  if (!sku)
    return llvm::createStringError(error);
  if (options.target != sku->arch)
    return llvm::createStringError(
        "there are no kernels for target '%s'; that of %s is %s",
        options.target.c_str(), sku->name.c_str(), sku->arch.c_str());
  // What is out of range altogether is the front end's to say.
  if (options.pageSize > 0 && (options.pageSize < minPageSize ||
                               !llvm::isPowerOf2_64(options.pageSize)))
    return llvm::createStringError(
        "a page of %lld tokens is not supported: it must be a power of two, "
        "and at least %lld",
        static_cast<long long>(options.pageSize),
        static_cast<long long>(minPageSize));
  return std::move(*sku);
}

static std::string printModule(Operation *module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, OpPrintingFlags().useLocalScope());
  return text + "\n";
}

void dumpModule(const CompileOptions &options, llvm::StringRef name,
                Operation *module) {
  if (!options.dumpDirectory.empty())
    dumpText(options, name, printModule(module));
}

void dumpText(const CompileOptions &options, llvm::StringRef name,
              llvm::StringRef text) {
  if (options.dumpDirectory.empty())
    return;
  llvm::SmallString<128> path(options.dumpDirectory);
  llvm::sys::path::append(path, name);
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error)
    file << text;
  file.close();
  if (!error)
    error = file.error();
  // The stream's destructor would abort the program.
  file.clear_error();
  if (error)
    llvm::errs() << "warning: " << path << ": cannot write: " << error.message()
                 << "\n";
}

/// The front end's graph.
static llvm::Expected<OwningOpRef<ModuleOp>>
importModel(MLIRContext &context, const CompileOptions &options,
            std::string &warnings) {
  frontend::ImportOptions import;
  import.directory = options.modelDirectory;
  import.configOnly = options.configOnly;
  import.maxContext = options.maxContext;
  import.pageSize = options.pageSize;
  import.ignoredFields = options.ignoredFields;
  frontend::DiagnosticSink sink;
  FailureOr<OwningOpRef<ModuleOp>> module =
      frontend::importHuggingFace(context, import, sink);
  llvm::raw_string_ostream os(warnings);
  if (succeeded(module)) {
    sink.print(os);
    return std::move(*module);
  }
  std::string text;
  llvm::raw_string_ostream errors(text);
  sink.print(errors);
  return llvm::createStringError(text);
}

/// The context that a session may reach, as the importer settled it.
static int64_t contextOf(ModuleOp module) {
  auto model = module->getAttrOfType<DictionaryAttr>("xf.model");
  return model.getAs<IntegerAttr>("max_context").getInt();
}

char VerificationError::ID;

static void setSizes(GraphOptions &graph, const CompileOptions &options,
                     ModuleOp module) {
  graph.maxTokens = options.maxTokens;
  // Each sequence of a step has a token in it.
  graph.maxSeqs = std::min(options.maxSeqs, options.maxTokens);
  graph.maxRows = std::min(options.maxSeqs, options.maxTokens);
  graph.maxContext = contextOf(module);
  graph.batchInvariant = options.batchInvariant;
}

/// The pipeline as the manifest has it: without where this machine keeps its
/// files, so that bundles are the same wherever they are made.
static std::string printPipeline(const CompileOptions &options,
                                 const autotune::Sku &sku, ModuleOp module) {
  GraphOptions graph;
  graph.sku = sku.name;
  setSizes(graph, options, module);
  PassManager passes(module.getContext());
  buildGraphPipeline(passes, graph);
  std::string text;
  llvm::raw_string_ostream os(text);
  passes.printAsTextualPipeline(os);
  return text;
}

/// From the front end's graph to kernels and plans.
static llvm::Error runGraphPipeline(const CompileOptions &options,
                                    CompilerContext &context,
                                    OwningOpRef<ModuleOp> &module) {
  GraphOptions graph;
  graph.sku = options.sku;
  graph.skuDirectory = options.skuDirectory;
  setSizes(graph, options, *module);
  GuardedPipeline pipeline;
  pipeline.build = [&](PassManager &passes) {
    buildGraphPipeline(passes, graph);
    if (!options.graphFault.empty())
      passes.addPass(check::createFaultPass(options.graphFault));
  };
  // These say what a GPU has no kernels for, with reasons.
  pipeline.refusing = {"xf-make-plans", "xf-tune-kernels"};
  bool differs = false;
  if (options.verifyEachPass)
    pipeline.instrument = [&](PassManager &passes) {
      passes.addInstrumentation(
          reference::createPassVerifier(mayRound, differs));
    };
  llvm::Error error = runPasses(module, context, pipeline);
  if (!differs)
    return error;
  std::string text = context.takeDiagnostics();
  if (error) // the pass that changed results failed, too
    text += llvm::toString(std::move(error));
  return llvm::make_error<VerificationError>(std::move(text));
}

/// Tells configs apart that make the same kernels.
static std::string hashConfig(const CompileOptions &options) {
  llvm::SmallString<128> path(options.modelDirectory);
  llvm::sys::path::append(path, "config.json");
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return "";
  llvm::SHA256 hash;
  hash.update((*file)->getBuffer());
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

llvm::Expected<CompiledModel> compileModel(const CompileOptions &options,
                                           std::string &warnings) {
  CompilerContext context;
  OwningOpRef<ModuleOp> module;
  return compileModel(options, warnings, context, module);
}

llvm::Expected<CompiledModel> compileModel(const CompileOptions &options,
                                           std::string &warnings,
                                           CompilerContext &context,
                                           OwningOpRef<ModuleOp> &out_module) {
  if (llvm::Error error = makeDumpDirectory(options))
    return std::move(error);
  llvm::Expected<autotune::Sku> sku = checkOptions(options);
  if (!sku)
    return sku.takeError();
  StageClock clock;

  llvm::Expected<OwningOpRef<ModuleOp>> imported =
      importModel(context.get(), options, warnings);
  if (!imported)
    return imported.takeError();
  out_module = std::move(*imported);
  dumpModule(options, "0-import.mlir", *out_module);
  clock.finish("import");

  if (llvm::Error error = runGraphPipeline(options, context, out_module))
    return std::move(error);
  ModuleOp module = *out_module;
  dumpModule(options, "1-kernels.mlir", module);
  clock.finish("graph");

  FailureOr<json> manifest = buildManifest(module, options);
  if (failed(manifest))
    return llvm::make_error<InternalError>(
        "the manifest could not be made", context.takeDiagnostics(),
        Reproducer{{{"kernels.mlir", printModule(module)}}, ""});
  if (options.batchInvariant)
    if (std::string why = whyBatchMatters(module); !why.empty())
      return llvm::make_error<InternalError>(
          "the tuner was to keep one order of sums in all plans, but " + why,
          "", Reproducer{{{"kernels.mlir", printModule(module)}}, ""});
  llvm::Expected<std::vector<CompiledKernel>> kernels =
      compileKernels(module, options);
  if (!kernels)
    return kernels.takeError();
  clock.finish("codegen");
  (*manifest)["ptxas"] = nullptr;
  if (options.assemble) {
    if (llvm::Error error =
            assembleKernels(*kernels, options, (*manifest)["ptxas"]))
      return std::move(error);
    clock.finish("ptxas");
  }
  CompiledModel result;
  for (CompiledKernel &kernel : *kernels) {
    (*manifest)["kernels"].push_back(kernel.entry);
    result.members[kernel.entry["ptx"]] = std::move(kernel.ptx);
    if (options.cubins && !kernel.cubin.empty())
      result.members[kernel.entry["cubin"]] = std::move(kernel.cubin);
  }
  (*manifest)["tool"] = {{"name", "tilewright"},
                         {"version", TILEWRIGHT_VERSION}};
  (*manifest)["sku"] = sku->name; // the option may be a file
  (*manifest)["pipeline"] = printPipeline(options, *sku, module);
  (*manifest)["model"]["config_sha256"] = hashConfig(options);
  result.manifest = std::move(*manifest);
  result.times = clock.times;
  return result;
}

} // namespace tilewright
