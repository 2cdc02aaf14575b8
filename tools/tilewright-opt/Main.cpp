//===- Main.cpp - mlir-opt with the dialects and passes of Tilewright -----===//

#include "ir/reference/InterpretPass.h"
#include "ir/reference/PassVerifier.h"
#include "ir/reference/check/Check.h"
#include "ir/reference/check/Fault.h"
#include "ir/tile/Tile.h"
#include "ir/xf/Xf.h"
#include "passes/Bounds.h"
#include "passes/Passes.h"
#include "passes/Pipelines.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"

/// Runs as mlir-opt does, with the interpreter between the passes.
static mlir::LogicalResult runVerified(llvm::StringRef inputFilename,
                                       llvm::StringRef outputFilename,
                                       mlir::DialectRegistry &registry) {
  std::string error;
  auto input = mlir::openInputFile(inputFilename, &error);
  auto output = mlir::openOutputFile(outputFilename, &error);
  if (!input || !output) {
    llvm::errs() << error << "\n";
    return mlir::failure();
  }
  bool failed = false;
  auto base = mlir::MlirOptMainConfig::createFromCLOptions();
  mlir::MlirOptMainConfig config = base;
  config.setPassPipelineSetupFn([&](mlir::PassManager &pm) {
    pm.addInstrumentation(tilewright::reference::createPassVerifier(
        tilewright::mayRound, failed));
    return base.setupPassPipeline(pm);
  });
  if (mlir::failed(mlir::MlirOptMain(output->os(), std::move(input), registry,
                                     config)) ||
      failed)
    return mlir::failure();
  output->keep();
  return mlir::success();
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllPasses();
  tilewright::registerTilewrightPasses();
  tilewright::registerPipelines();
  tilewright::reference::registerInterpretPass();
  tilewright::check::registerFaultPass();
  registry.insert<tilewright::check::CheckDialect>();
  registry.insert<tilewright::tile::TileDialect, tilewright::xf::XfDialect>();
  llvm::cl::opt<bool> verifyEachPass(
      "verify-each-pass",
      llvm::cl::desc("Interpret every function on random input after each "
                     "pass, and name the first pass that changes its results"));
  auto [input, output] = mlir::registerAndParseCLIOptions(
      argc, argv, "Tilewright's dialects and passes\n", registry);
  if (verifyEachPass)
    return mlir::asMainReturnCode(runVerified(input, output, registry));
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, input, output, registry));
}
