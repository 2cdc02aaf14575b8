//===- PtxEmitter.cpp - LLVM dialect to PTX text --------------------------===//
// LLVM dialect -> LLVM IR -> LLVM's middle end -> NVPTX backend -> text. Every
// decision about a kernel has been made before; what is set here is what LLVM
// must not do: unroll, vectorize, or move code across collective instructions.
//===----------------------------------------------------------------------===//

#include "codegen/ptx/PtxEmitter.h"

#include "mlir/Conversion/NVVMToLLVM/NVVMToLLVM.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <mutex>

using namespace mlir;

namespace tilewright {

static constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";

/// The backend reads these from its command-line flags alone.
static void setBackendFlag(llvm::StringRef name, bool value) {
  auto &flags = llvm::cl::getRegisteredOptions();
  auto it = flags.find(name);
  assert(it != flags.end() && "the NVPTX backend has lost a flag");
  static_cast<llvm::cl::opt<bool> *>(it->second)->setValue(value);
}

static void initializeBackend() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    // Shared addresses of 32 bits: half the registers, and the width that the
    // instructions of the async units want.
    setBackendFlag("nvptx-short-ptr", true);
  });
}

namespace {
/// Turns what LLVM has to say about a module into diagnostics at its operation.
struct ForwardDiagnostics : llvm::DiagnosticHandler {
  explicit ForwardDiagnostics(Operation *op) : op(op) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error)
      return true;
    std::string text;
    llvm::raw_string_ostream stream(text);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
    op->emitError("LLVM rejects the module: ") << text;
    failed = true;
    return true;
  }

  Operation *op;
  bool failed = false;
};

/// One module on its way from the LLVM dialect to text.
struct Emission {
  ModuleOp module;
  const PtxOptions &options;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> llvmModule;

  LogicalResult run();
  LogicalResult createMachine();
  LogicalResult translate();
  void pinCollectives();
  void optimize();
  bool hasFailed() const {
    return static_cast<const ForwardDiagnostics *>(context.getDiagHandlerPtr())
        ->failed;
  }
};
} // namespace

LogicalResult Emission::createMachine() {
  initializeBackend();
  llvm::Triple triple(kTriple);
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return module.emitError("no NVPTX backend in this LLVM: ") << error;

  std::string features = "+ptx" + std::to_string(options.ptxVersion);
  machine.reset(target->createTargetMachine(
      triple, options.chip, features, llvm::TargetOptions(), std::nullopt,
      std::nullopt, llvm::CodeGenOptLevel(options.optLevel)));
  if (!machine->getMCSubtargetInfo()->isCPUStringValid(options.chip))
    return module.emitError("unknown target '") << options.chip << "'";
  return success();
}

LogicalResult Emission::translate() {
  OwningOpRef<ModuleOp> clone = module.clone();
  PassManager passes(module.getContext());
  passes.addPass(createConvertNVVMToLLVMPass());
  if (options.lineInfo) {
    LLVM::DIScopeForLLVMFuncOpPassOptions scopes;
    scopes.emissionKind = LLVM::DIEmissionKind::DebugDirectivesOnly;
    passes.addPass(LLVM::createDIScopeForLLVMFuncOpPass(scopes));
  }
  if (failed(passes.run(*clone)))
    return failure();
  llvmModule = translateModuleToLLVMIR(*clone, context, "tilewright");
  if (!llvmModule)
    return failure();
  llvmModule->setTargetTriple(llvm::Triple(kTriple));
  llvmModule->setDataLayout(machine->createDataLayout());
  if (!options.lineInfo)
    llvm::StripDebugInfo(*llvmModule);
  return success();
}

/// Inline PTX with side effects may be a warp- or warpgroup-wide instruction:
/// LLVM must not make it depend on more or fewer branches than written.
void Emission::pinCollectives() {
  for (llvm::Function &function : *llvmModule)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallInst>(&instruction))
        if (auto *text =
                llvm::dyn_cast<llvm::InlineAsm>(call->getCalledOperand());
            text && text->hasSideEffects())
          call->setConvergent();
}

void Emission::optimize() {
  llvm::PipelineTuningOptions tuning;
  // ptxas unrolls what is worth it; loops around wgmma must stay as they are.
  tuning.LoopUnrolling = false;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(machine.get(), tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  static const llvm::OptimizationLevel levels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::OptimizationLevel level = levels[options.optLevel];
  llvm::ModulePassManager passes =
      options.optLevel == 0 ? builder.buildO0DefaultPipeline(level)
                            : builder.buildPerModuleDefaultPipeline(level);
  passes.run(*llvmModule, modules);
}

LogicalResult Emission::run() {
  if (options.optLevel > 3)
    return module.emitError("optimization level must be 0 to 3, but got ")
           << options.optLevel;
  context.setDiagnosticHandler(std::make_unique<ForwardDiagnostics>(module));
  if (failed(createMachine()) || failed(translate()))
    return failure();
  pinCollectives();
  optimize();
  return failure(hasFailed());
}

void registerPtxTranslations(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

FailureOr<std::string> emitLlvmIr(ModuleOp module, const PtxOptions &options) {
  Emission emission{module, options, {}, nullptr, nullptr};
  if (failed(emission.run()))
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  emission.llvmModule->print(stream, nullptr);
  return text;
}

FailureOr<std::string> emitPtx(ModuleOp module, const PtxOptions &options) {
  Emission emission{module, options, {}, nullptr, nullptr};
  if (failed(emission.run()))
    return failure();
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (emission.machine->addPassesToEmitFile(
          passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return module.emitError("the NVPTX backend cannot write text");
  passes.run(*emission.llvmModule);
  if (emission.hasFailed())
    return failure();
  return text.str().str();
}

} // namespace tilewright
