//===- tilewright-translate.cpp - From kernels in MLIR to PTX -------------===//
// What a kernel author runs to see the text their kernel becomes, and what
// ptxas has to say about it.
//===----------------------------------------------------------------------===//

#include "codegen/ptx/PtxEmitter.h"
#include "codegen/ptx/Ptxas.h"

#include "ir/tile/Tile.h"
#include "passes/Pipelines.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace tilewright;
namespace cl = llvm::cl;

namespace {
enum class Output { LlvmIr, Ptx, Report };

struct Flags {
  cl::opt<std::string> input{cl::Positional, cl::desc("<input.mlir>"),
                             cl::init("-")};
  cl::opt<std::string> output{"o", cl::desc("Output file"), cl::init("-")};
  cl::opt<Output> to{
      "to", cl::desc("What to write"), cl::init(Output::Ptx),
      cl::values(clEnumValN(Output::LlvmIr, "llvm-ir", "optimized LLVM IR"),
                 clEnumValN(Output::Ptx, "ptx", "PTX text"),
                 clEnumValN(Output::Report, "report",
                            "ptxas's report, one line per kernel"))};
  cl::opt<std::string> chip{"chip", cl::desc("Target, e.g. sm_90a"),
                            cl::init("sm_90a")};
  cl::opt<unsigned> ptxVersion{"ptx-version", cl::desc("PTX version, e.g. 86"),
                               cl::init(PtxOptions().ptxVersion)};
  cl::opt<unsigned> optLevel{"opt-level", cl::desc("LLVM's level, 0 to 3"),
                             cl::init(3)};
  cl::opt<bool> lineInfo{"line-info", cl::desc("Write .loc lines"),
                         cl::init(false)};
  cl::opt<std::string> ptxas{"ptxas", cl::desc("Path of ptxas")};
  cl::opt<bool> requireClean{
      "require-clean",
      cl::desc("Assemble, and fail on spills and on ptxas's advisories")};
};
} // namespace

static void writeReport(const PtxasResult &result, llvm::raw_ostream &os) {
  for (const PtxasReport &report : result.kernels)
    os << report.kernel << ": " << report.registers << " registers, "
       << report.spillBytes << " bytes spilled, " << report.sharedBytes
       << " bytes shared, " << report.barriers << " barriers\n";
  for (const std::string &advisory : result.advisories)
    os << advisory << "\n";
}

static llvm::Expected<PtxasResult>
assemble(llvm::StringRef ptx, const Flags &flags, llvm::StringRef program) {
  llvm::Expected<Ptxas> ptxas = Ptxas::find(flags.ptxas, program);
  if (!ptxas)
    return ptxas.takeError();
  PtxasOptions options;
  options.rejectSpills = options.rejectAdvisories = flags.requireClean;
  return ptxas->assemble(ptx, flags.chip, options);
}

/// Lowers kernels of the tile dialect, from whichever level they are at.
static LogicalResult lowerKernels(ModuleOp module) {
  auto kernels = module.getOps<tile::KernelOp>();
  if (kernels.empty())
    return success();
  PassManager passes(module.getContext());
  if (!(*kernels.begin()).getParams())
    buildTilePipeline(passes);
  buildNvvmPipeline(passes);
  return passes.run(module);
}

static LogicalResult translate(ModuleOp module, const Flags &flags,
                               llvm::StringRef program, llvm::raw_ostream &os) {
  PtxOptions options{flags.chip, flags.ptxVersion, flags.optLevel,
                     flags.lineInfo};
  if (flags.to == Output::LlvmIr) {
    FailureOr<std::string> ir = emitLlvmIr(module, options);
    if (succeeded(ir))
      os << *ir;
    return ir;
  }
  FailureOr<std::string> ptx = emitPtx(module, options);
  if (failed(ptx))
    return failure();
  if (flags.to == Output::Report || flags.requireClean) {
    llvm::Expected<PtxasResult> result = assemble(*ptx, flags, program);
    if (!result)
      return module.emitError(llvm::toString(result.takeError()));
    if (flags.to == Output::Report)
      writeReport(*result, os);
  }
  if (flags.to == Output::Ptx)
    os << *ptx;
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Flags flags;
  cl::ParseCommandLineOptions(argc, argv, "Tilewright: kernels to PTX\n");

  DialectRegistry registry;
  registry.insert<LLVM::LLVMDialect, NVVM::NVVMDialect, tile::TileDialect,
                  arith::ArithDialect, math::MathDialect, scf::SCFDialect>();
  registerPtxTranslations(registry);
  MLIRContext context(registry);

  std::string error;
  auto file = openInputFile(flags.input, &error);
  auto output = file ? openOutputFile(flags.output, &error) : nullptr;
  if (!output) {
    llvm::errs() << error << "\n";
    return 1;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(file), llvm::SMLoc());
  SourceMgrDiagnosticHandler handler(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module || failed(lowerKernels(*module)) ||
      failed(translate(*module, flags, argv[0], output->os())))
    return 1;
  output->keep();
  return 0;
}
