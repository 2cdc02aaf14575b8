//===- KernelCompiler.cpp - tile.kernels to PTX, side by side -------------===//

#include "tools/driver/KernelCompiler.h"

#include "codegen/ptx/PtxEmitter.h"
#include "ir/tile/Tile.h"
#include "passes/Pipelines.h"
#include "tools/driver/AttributeJson.h"
#include "tools/driver/CompilerContext.h"
#include "tools/driver/Manifest.h"
#include "tools/driver/WeightValues.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <atomic>
#include <thread>

using namespace mlir;
using nlohmann::json;

namespace tilewright {

/// Three numbers in x, y, z order, of however many were given.
static json threeOf(json list) {
  if (list.is_null())
    list = json::array();
  while (list.size() < 3)
    list.push_back(1);
  return list;
}

static json argumentsOf(tile::KernelOp kernel) {
  json arguments = json::array();
  for (BlockArgument argument : kernel.getArguments()) {
    auto type = dyn_cast<tile::GlobalType>(argument.getType());
    if (!type)
      continue;
    json shape = json::array();
    for (unsigned dim = 0; dim < type.getShape().size(); ++dim)
      shape.push_back(toSizeExpression(type.getSize(dim)));
    arguments.push_back(
        {{"dtype", getDTypeName(type.getElementType())}, {"shape", shape}});
  }
  return arguments;
}

/// What the passes have left on the kernel, as the manifest has it.
static json describe(tile::KernelOp kernel) {
  std::string name = kernel.getSymName().str();
  json cluster = json::array();
  if (kernel.getClusterSize() > 1)
    cluster.push_back(kernel.getClusterSize());
  return {{"name", name},
          {"ptx", "kernels/" + name + ".ptx"},
          {"family", toJson(kernel->getAttr("xf.family"))},
          {"config", toJson(kernel->getAttr("xf.config"))},
          {"reason", toJson(kernel->getAttr("xf.reason"))},
          {"block", threeOf(toJson(kernel.getBlockAttr()))},
          {"cluster", threeOf(cluster)},
          {"grid", threeOf(toJson(kernel.getGridAttr()))},
          {"shared_bytes", toJson(kernel.getSharedBytesAttr())},
          {"args", argumentsOf(kernel)},
          {"params", toJson(kernel.getParamsAttr())}};
}

/// One kernel, in a module of its own.
static FailureOr<CompiledKernel> compileKernel(ModuleOp module,
                                               const CompileOptions &options) {
  auto kernel = *module.getOps<tile::KernelOp>().begin();
  CompiledKernel result;
  result.name = kernel.getSymName().str();
  PassManager expand(module.getContext());
  buildTilePipeline(expand);
  if (failed(expand.run(module)))
    return failure();
  result.entry = describe(*module.getOps<tile::KernelOp>().begin());
  dumpModule(options, result.name + ".expanded.mlir", module);
  PassManager lower(module.getContext());
  buildNvvmPipeline(lower);
  if (failed(lower.run(module)))
    return failure();
  dumpModule(options, result.name + ".nvvm.mlir", module);
  PtxOptions ptx;
  ptx.chip = options.target;
  FailureOr<std::string> text = emitPtx(module, ptx);
  if (failed(text))
    return failure();
  result.ptx = std::move(*text);
  dumpText(options, result.name + ".ptx", result.ptx);
  return result;
}

static unsigned threadCount(const CompileOptions &options, size_t items) {
  unsigned threads = options.threads
                         ? options.threads
                         : std::max(1u, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::min<size_t>(threads, items));
}

namespace {
/// Kernels as text, handed out to threads one by one.
class KernelQueue {
public:
  KernelQueue(ModuleOp module, const CompileOptions &options)
      : options(options) {
    for (auto kernel : module.getOps<tile::KernelOp>()) {
      OwningOpRef<ModuleOp> single = ModuleOp::create(kernel.getLoc());
      single->push_back(kernel->clone());
      // The text is the source that `.loc` lines and diagnostics point into;
      // --dump-ir writes it under this name.
      names.push_back(kernel.getSymName().str() + ".tile.mlir");
      llvm::raw_string_ostream os(texts.emplace_back());
      single->print(os);
    }
    kernels.resize(texts.size());
    errors.resize(texts.size());
  }

  /// Runs until the queue is empty; called once by each thread.
  void work() {
    CompilerContext context;
    for (size_t i; (i = next++) < texts.size();) {
      compileOne(context, i);
      if (options.progress)
        options.progress("compile", ++done, texts.size());
    }
  }

  llvm::Expected<std::vector<CompiledKernel>> take() {
    std::string all;
    for (const std::string &error : errors)
      all += error;
    if (!all.empty())
      return llvm::createStringError(all);
    return std::move(kernels);
  }

  size_t size() const { return texts.size(); }

private:
  void compileOne(CompilerContext &context, size_t i) {
    dumpText(options, names[i], texts[i]);
    ParserConfig config(&context.get());
    auto module = parseSourceString<ModuleOp>(texts[i], config, names[i]);
    FailureOr<CompiledKernel> kernel = failure();
    if (module)
      kernel = compileKernel(*module, options);
    std::string diagnostics = context.takeDiagnostics();
    if (succeeded(kernel))
      kernels[i] = std::move(*kernel);
    else
      errors[i] = diagnostics.empty()
                      ? "error: a kernel could not be compiled\n"
                      : diagnostics;
  }

  const CompileOptions &options;
  std::vector<std::string> names, texts, errors;
  std::vector<CompiledKernel> kernels;
  std::atomic<size_t> next{0}, done{0};
};
} // namespace

llvm::Expected<std::vector<CompiledKernel>>
compileKernels(ModuleOp module, const CompileOptions &options) {
  KernelQueue queue(module, options);
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < threadCount(options, queue.size()); ++i)
    threads.emplace_back([&] { queue.work(); });
  queue.work();
  for (std::thread &thread : threads)
    thread.join();
  return queue.take();
}

llvm::Error assembleKernels(std::vector<CompiledKernel> &kernels,
                            const CompileOptions &options, json &ptxasInfo) {
  llvm::Expected<Ptxas> ptxas = Ptxas::find(options.ptxas, "");
  if (!ptxas)
    return ptxas.takeError();
  ptxasInfo = {{"version", ptxas->getVersion().str()}};
  PtxasOptions assemble;
  assemble.force = options.forcePtxas;
  assemble.rejectSpills = options.failOnSpill;
  std::vector<StringRef> texts;
  for (const CompiledKernel &kernel : kernels)
    texts.push_back(kernel.ptx);
  std::vector<llvm::Expected<PtxasResult>> results = ptxas->assembleAll(
      texts, options.target, assemble, threadCount(options, texts.size()));
  llvm::Error errors = llvm::Error::success();
  for (auto [kernel, result] : llvm::zip(kernels, results)) {
    if (!result) {
      errors = llvm::joinErrors(std::move(errors), result.takeError());
      continue;
    }
    const PtxasReport *report = result->find(kernel.name);
    kernel.entry["ptxas"] = {{"version", ptxas->getVersion().str()},
                             {"registers", report ? report->registers : 0},
                             {"spill_bytes", report ? report->spillBytes : 0},
                             {"shared_bytes", report ? report->sharedBytes : 0},
                             {"warnings", result->advisories}};
    if (!options.cubins)
      continue;
    kernel.cubin = std::move(result->cubin);
    kernel.entry["cubin"] = "kernels/" + kernel.name + ".cubin";
  }
  return errors;
}

} // namespace tilewright
