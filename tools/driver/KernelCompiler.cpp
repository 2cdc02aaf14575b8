//===- KernelCompiler.cpp - tile.kernels to PTX, side by side -------------===//

#include "tools/driver/KernelCompiler.h"

#include "codegen/ptx/PtxEmitter.h"
#include "ir/reference/check/Fault.h"
#include "ir/tile/Tile.h"
#include "passes/Pipelines.h"
#include "tools/driver/AttributeJson.h"
#include "tools/driver/CompilerContext.h"
#include "tools/driver/CrashGuard.h"
#include "tools/driver/GuardedPasses.h"
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

/// The last step, which is LLVM's.
static llvm::Expected<std::string> emitKernel(OwningOpRef<ModuleOp> &module,
                                              CompilerContext &context,
                                              StringRef name,
                                              const CompileOptions &options) {
  PtxOptions ptx;
  ptx.chip = options.target;
  FailureOr<std::string> text = failure();
  std::optional<std::string> crash =
      runGuarded([&] { text = emitPtx(*module, ptx); });
  if (succeeded(text))
    return std::move(*text);
  std::string file = (name + ".nvvm.mlir").str();
  Reproducer reproducer{{{file, ""}},
                        "tilewright-translate --to=ptx --chip=" +
                            options.target + " {dir}/" + file};
  // Only clones of the module were at work.
  llvm::raw_string_ostream(reproducer.files[file]) << *module << "\n";
  std::string details = context.takeDiagnostics() + crash.value_or("");
  return llvm::make_error<InternalError>(
      "kernel '" + name.str() + "' cannot be written as PTX: " +
          StringRef(details).split('\n').first.str(),
      details, std::move(reproducer));
}

/// A launch of a bundle passes tensors and what follows from the step's sizes;
/// for a number of the caller's choice it has no place.
static llvm::Error refuseScalars(tile::KernelOp kernel) {
  for (BlockArgument argument : kernel.getArguments()) {
    if (isa<tile::GlobalType>(argument.getType()))
      continue;
    std::string text;
    llvm::raw_string_ostream(text)
        << "kernel '" << kernel.getSymName() << "': argument "
        << argument.getArgNumber() << " is a scalar, " << argument.getType()
        << ", for which a bundle's launches have no value; pass a tensor of "
           "one element, and read it with tile.load_scalar";
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(text));
  }
  return llvm::Error::success();
}

/// One kernel, in a module of its own.
static llvm::Expected<CompiledKernel>
compileKernel(OwningOpRef<ModuleOp> &module, CompilerContext &context,
              const CompileOptions &options) {
  auto kernel = *module->getOps<tile::KernelOp>().begin();
  if (llvm::Error error = refuseScalars(kernel))
    return std::move(error);
  CompiledKernel result;
  result.name = kernel.getSymName().str();
  GuardedPipeline expand;
  expand.build = [&](PassManager &passes) {
    buildTilePipeline(passes);
    if (!options.kernelFault.empty())
      passes.addPass(check::createFaultPass(options.kernelFault));
  };
  if (llvm::Error error = runPasses(module, context, expand))
    return std::move(error);
  result.entry = describe(*module->getOps<tile::KernelOp>().begin());
  dumpModule(options, result.name + ".expanded.mlir", *module);
  GuardedPipeline lower;
  lower.build = buildNvvmPipeline;
  if (llvm::Error error = runPasses(module, context, lower))
    return std::move(error);
  dumpModule(options, result.name + ".nvvm.mlir", *module);
  llvm::Expected<std::string> text =
      emitKernel(module, context, result.name, options);
  if (!text)
    return text.takeError();
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
    // One reproducer is enough; the first, so that threads make no difference.
    std::optional<llvm::Error> first;
    for (std::optional<llvm::Error> &error : errors) {
      if (error && !first)
        first = std::move(error);
      else if (error)
        llvm::consumeError(std::move(*error));
    }
    if (first)
      return std::move(*first);
    return std::move(kernels);
  }

  size_t size() const { return texts.size(); }

private:
  void compileOne(CompilerContext &context, size_t i) {
    dumpText(options, names[i], texts[i]);
    ParserConfig config(&context.get());
    auto module = parseSourceString<ModuleOp>(texts[i], config, names[i]);
    if (!module) {
      errors[i] = llvm::make_error<InternalError>(
          "a kernel's text cannot be read back", context.takeDiagnostics(),
          Reproducer{{{names[i], texts[i]}},
                     "tilewright-opt {dir}/" + names[i]});
      return;
    }
    llvm::Expected<CompiledKernel> kernel =
        compileKernel(module, context, options);
    if (kernel)
      kernels[i] = std::move(*kernel);
    else
      errors[i] = kernel.takeError();
  }

  const CompileOptions &options;
  std::vector<std::string> names, texts;
  std::vector<std::optional<llvm::Error>> errors;
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

/// PTX of ours that ptxas does not take is a bug of ours. All else that may be
/// wrong, spills among it, is for the user to decide upon.
static llvm::Error explainRejection(llvm::Error error,
                                    const CompiledKernel &kernel) {
  return llvm::handleErrors(
      std::move(error), [&](const PtxasRejection &rejection) -> llvm::Error {
        std::string file = kernel.name + ".ptx";
        Reproducer reproducer{
            {{file, kernel.ptx}, {"ptxas.log", rejection.getOutput()}},
            rejection.getCommand("{dir}/" + file)};
        return llvm::make_error<InternalError>(
            "ptxas rejects the PTX of kernel '" + kernel.name + "'",
            rejection.getOutput(), std::move(reproducer));
      });
}

/// Both, but no more than one bug at a time.
static llvm::Error joinFailures(llvm::Error first, llvm::Error second) {
  if (first.isA<InternalError>() || second.isA<InternalError>()) {
    if (!first.isA<InternalError>())
      std::swap(first, second);
    llvm::consumeError(std::move(second));
    return first;
  }
  return llvm::joinErrors(std::move(first), std::move(second));
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
      errors = joinFailures(std::move(errors),
                            explainRejection(result.takeError(), kernel));
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
