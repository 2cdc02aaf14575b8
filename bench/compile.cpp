//===- compile.cpp - Seconds from a model's description to kernels --------===//
//
// Whole models, with and without ptxas, and each kernel of one model stage by
// stage. Configs alone are compiled: weights change nothing after the import.
// One ptxas process costs more than all that Tilewright does to a kernel.
//
//===----------------------------------------------------------------------===//

#include "tools/driver/Compile.h"
#include "codegen/ptx/PtxEmitter.h"
#include "codegen/ptx/Ptxas.h"
#include "frontend/hf/HuggingFace.h"
#include "ir/tile/Tile.h"
#include "passes/Pipelines.h"
#include "tools/driver/CompilerContext.h"

#include "mlir/Pass/PassManager.h"

#include <benchmark/benchmark.h>

#include <set>

using namespace tilewright;
using mlir::ModuleOp;
using mlir::OwningOpRef;

static constexpr int64_t kContext = 2048;

//===----------------------------------------------------------------------===//
// Whole models
//===----------------------------------------------------------------------===//

static CompileOptions optionsFor(const std::string &model, bool assemble) {
  CompileOptions options;
  options.modelDirectory = TILEWRIGHT_SOURCE "/models/" + model;
  options.skuDirectory = TILEWRIGHT_SOURCE "/autotune/skus";
  options.configOnly = true;
  options.maxContext = kContext;
  options.assemble = assemble;
  return options;
}

/// The counters are the seconds of each stage.
static void compileWhole(benchmark::State &state, const std::string &model,
                         bool assemble) {
  CompileOptions options = optionsFor(model, assemble);
  std::map<std::string, double> stages;
  for (auto _ : state) {
    std::string warnings;
    llvm::Expected<CompiledModel> compiled = compileModel(options, warnings);
    if (!compiled)
      return state.SkipWithError(llvm::toString(compiled.takeError()).c_str());
    for (const auto &[stage, seconds] : compiled->times)
      stages[stage] += seconds;
    state.counters["kernels"] = double(compiled->manifest["kernels"].size());
  }
  for (const auto &[stage, seconds] : stages)
    state.counters[stage] =
        benchmark::Counter(seconds, benchmark::Counter::kAvgIterations);
}

//===----------------------------------------------------------------------===//
// One kernel, stage by stage
//===----------------------------------------------------------------------===//

static constexpr const char *kKernelModel = "SmolLM2-135M";

/// Kernels of the model, as its families make them; one of each kind: names
/// end in the plan and a number.
static std::vector<OwningOpRef<ModuleOp>>
makeKernels(CompilerContext &context) {
  CompileOptions options = optionsFor(kKernelModel, false);
  frontend::ImportOptions import;
  import.directory = options.modelDirectory;
  import.configOnly = true;
  import.maxContext = kContext;
  OwningOpRef<ModuleOp> module =
      cantFail(frontend::importHuggingFace(context.get(), import));
  GraphOptions graph;
  graph.sku = options.sku;
  graph.skuDirectory = options.skuDirectory;
  graph.maxContext = kContext;
  mlir::PassManager passes(&context.get());
  buildGraphPipeline(passes, graph);
  if (failed(passes.run(*module)))
    llvm::report_fatal_error(context.takeDiagnostics().c_str());
  std::vector<OwningOpRef<ModuleOp>> kernels;
  std::set<std::string> kinds;
  for (auto kernel : module->getOps<tile::KernelOp>()) {
    std::string kind = kernel.getSymName().str();
    for (const char *plan : {"_decode_", "_prefill_"})
      if (size_t at = kind.find(plan); at != std::string::npos)
        kind = kind.substr(0, at) + plan;
    if (!kinds.insert(kind).second)
      continue;
    kernels.push_back(ModuleOp::create(kernel.getLoc()));
    kernels.back()->push_back(kernel->clone());
  }
  return kernels;
}

/// Measures `stage` on fresh copies of `input`.
template <typename Stage>
static void runStage(benchmark::State &state, ModuleOp input, Stage stage) {
  for (auto _ : state) {
    state.PauseTiming();
    OwningOpRef<ModuleOp> copy(input.clone());
    state.ResumeTiming();
    if (!stage(*copy))
      return state.SkipWithError("the kernel could not be compiled");
    state.PauseTiming();
    copy = nullptr;
    state.ResumeTiming();
  }
}

static bool runPasses(ModuleOp module, void (*build)(mlir::OpPassManager &)) {
  mlir::PassManager passes(module.getContext());
  build(passes);
  return succeeded(passes.run(module));
}

static void registerKernel(ModuleOp written, const Ptxas &ptxas) {
  auto kernel = *written.getOps<tile::KernelOp>().begin();
  std::string prefix = "kernel/" + kernel.getSymName().str() + "/";
  auto expanded = std::make_shared<OwningOpRef<ModuleOp>>(written.clone());
  bool compiled = runPasses(**expanded, buildTilePipeline);
  auto lowered = std::make_shared<OwningOpRef<ModuleOp>>((**expanded).clone());
  compiled = compiled && runPasses(**lowered, buildNvvmPipeline);
  mlir::FailureOr<std::string> ptx = mlir::failure();
  if (compiled)
    ptx = emitPtx(**lowered, {});
  if (failed(ptx))
    llvm::report_fatal_error("a kernel could not be compiled");

  auto add = [&](const char *stage, auto body) {
    benchmark::RegisterBenchmark((prefix + stage).c_str(), body)
        ->Unit(benchmark::kMillisecond);
  };
  add("expand", [written](benchmark::State &state) {
    runStage(state, written,
             [](ModuleOp m) { return runPasses(m, buildTilePipeline); });
  });
  add("lower", [expanded](benchmark::State &state) {
    runStage(state, **expanded,
             [](ModuleOp m) { return runPasses(m, buildNvvmPipeline); });
  });
  add("emit", [lowered](benchmark::State &state) {
    runStage(state, **lowered,
             [](ModuleOp m) { return succeeded(emitPtx(m, {})); });
  });
  add("ptxas", [ptxas, text = *ptx](benchmark::State &state) {
    for (auto _ : state)
      if (auto result = ptxas.assemble(text, "sm_90a", {}); !result)
        return state.SkipWithError(llvm::toString(result.takeError()).c_str());
  });
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  llvm::Expected<Ptxas> ptxas = Ptxas::find("", argv[0]);
  if (!ptxas) {
    llvm::errs() << llvm::toString(ptxas.takeError()) << "\n";
    return 1;
  }
  for (const char *model : {"SmolLM2-135M", "Llama-3.1-70B"})
    for (bool assemble : {false, true})
      benchmark::RegisterBenchmark(
          (std::string("model/") + model + (assemble ? "/ptxas" : "/ptx"))
              .c_str(),
          compileWhole, model, assemble)
          ->Unit(benchmark::kSecond)
          ->UseRealTime();
  CompilerContext context;
  std::vector<OwningOpRef<ModuleOp>> kernels = makeKernels(context);
  for (OwningOpRef<ModuleOp> &kernel : kernels)
    registerKernel(*kernel, *ptxas);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
