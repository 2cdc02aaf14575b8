//===- Compile.cpp - From a model directory to a bundle -------------------===//

#include "tools/driver/Compile.h"

#include "frontend/hf/HuggingFace.h"
#include "ir/reference/PassVerifier.h"
#include "passes/Bounds.h"
#include "passes/Pipelines.h"
#include "tools/driver/KernelCompiler.h"
#include "tools/driver/Manifest.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

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

static llvm::Error failWith(CompilerContext &context, const char *otherwise) {
  std::string text = context.takeDiagnostics();
  return llvm::createStringError(text.empty() ? otherwise : text.c_str());
}

static llvm::Error makeDumpDirectory(const CompileOptions &options) {
  if (options.dumpDirectory.empty())
    return llvm::Error::success();
  if (std::error_code error =
          llvm::sys::fs::create_directories(options.dumpDirectory))
    return llvm::createStringError(error, "cannot make directory %s: %s",
                                   options.dumpDirectory.c_str(),
                                   error.message().c_str());
  return llvm::Error::success();
}

void dumpModule(const CompileOptions &options, llvm::StringRef name,
                Operation *module) {
  if (options.dumpDirectory.empty())
    return;
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, OpPrintingFlags().useLocalScope());
  dumpText(options, name, text + "\n");
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

/// From the front end's graph to kernels and plans.
static llvm::Error runGraphPipeline(const CompileOptions &options,
                                    CompilerContext &context, ModuleOp module,
                                    std::string &pipeline) {
  GraphOptions graph;
  graph.sku = options.sku;
  graph.skuDirectory = options.skuDirectory;
  graph.maxTokens = options.maxTokens;
  graph.maxSeqs = options.maxSeqs;
  graph.maxRows = options.maxSeqs;
  graph.maxContext = contextOf(module);
  PassManager passes(&context.get());
  buildGraphPipeline(passes, graph);
  llvm::raw_string_ostream pipelineText(pipeline);
  passes.printAsTextualPipeline(pipelineText);
  bool differs = false;
  if (options.verifyEachPass)
    passes.addInstrumentation(
        reference::createPassVerifier(getStatedBound, differs));
  bool ran = succeeded(passes.run(module));
  if (differs)
    return llvm::make_error<VerificationError>(context.takeDiagnostics());
  return ran ? llvm::Error::success()
             : failWith(context, "the graph could not be lowered");
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
  StageClock clock;

  llvm::Expected<OwningOpRef<ModuleOp>> imported =
      importModel(context.get(), options, warnings);
  if (!imported)
    return imported.takeError();
  out_module = std::move(*imported);
  ModuleOp module = *out_module;
  dumpModule(options, "0-import.mlir", module);
  clock.finish("import");

  std::string pipeline;
  if (llvm::Error error = runGraphPipeline(options, context, module, pipeline))
    return std::move(error);
  dumpModule(options, "1-kernels.mlir", module);
  clock.finish("graph");

  FailureOr<json> manifest = buildManifest(module, options);
  if (failed(manifest))
    return failWith(context, "the manifest could not be made");
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
  (*manifest)["pipeline"] = pipeline;
  result.manifest = std::move(*manifest);
  result.times = clock.times;
  return result;
}

} // namespace tilewright
