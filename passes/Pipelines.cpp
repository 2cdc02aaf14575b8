//===- Pipelines.cpp - The passes in the order in which they run ----------===//

#include "passes/Pipelines.h"

#include "ir/tile/Tile.h"
#include "passes/Passes.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace tilewright {

void buildGraphPipeline(OpPassManager &pm, const GraphOptions &options) {
  OpPassManager &graph = pm.nest<func::FuncOp>();
  graph.addPass(createHoistWeights());
  graph.addPass(createGatherRowsEarly());
  // While each chain from weight to rope is still a line of its own.
  graph.addPass(createPairRopeColumns());
  graph.addPass(createMergeMatmuls());
  // A gate and its partner are halves of one product only after merging.
  graph.addPass(createFormGatedActivations());
  graph.addPass(createPairGateColumns());
  // Last of the algebra: it puts f32 results and row scales between the ops
  // that the passes above look for.
  graph.addPass(createFoldNorms());
  graph.addPass(createCanonicalizerPass());
  graph.addPass(createCSEPass());
  graph.addPass(createFormKernels());

  MakePlansOptions plans;
  plans.maxTokens = options.maxTokens;
  plans.maxSeqs = options.maxSeqs;
  plans.maxRows = options.maxRows;
  plans.maxContext = options.maxContext;
  pm.addPass(createMakePlans(plans));
  TuneKernelsOptions tune;
  tune.skuName = options.sku;
  tune.skuDirectory = options.skuDirectory;
  tune.batchInvariant = options.batchInvariant;
  pm.addNestedPass<func::FuncOp>(createTuneKernels(tune));
  // Its parts need room.
  pm.addNestedPass<func::FuncOp>(createSplitAttention());
  pm.addNestedPass<func::FuncOp>(createPlanMemory());
  pm.addPass(createLowerXfToTile());
}

void buildTilePipeline(OpPassManager &pm) {
  OpPassManager &kernel = pm.nest<tile::KernelOp>();
  kernel.addPass(createCanonicalizerPass());
  kernel.addPass(createCSEPass());
  kernel.addPass(createExpandTileLoops());
  kernel.addPass(createAssignLayouts());
  kernel.addPass(createExpandRings());
  kernel.addPass(createInsertFences());
  kernel.addPass(createPlanSharedMemory());
  kernel.addPass(createCollectParameters());
}

void buildNvvmPipeline(OpPassManager &pm) {
  pm.addPass(createLowerTileToNvvm());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLowerMathToNvvm());
  pm.addPass(createSCFToControlFlowPass());
  // Indices fit 32 bits, the width of coordinates; addresses are made in 64.
  constexpr unsigned indexBits = 32;
  pm.addPass(createArithToLLVMConversionPass({/*indexBitwidth=*/indexBits}));
  pm.addPass(createConvertMathToLLVMPass());
  ConvertControlFlowToLLVMPassOptions branches;
  branches.indexBitwidth = indexBits;
  pm.addPass(createConvertControlFlowToLLVMPass(branches));
  pm.addPass(createReconcileUnrealizedCastsPass());
}

void registerPipelines() {
  PassPipelineRegistration<>("tile-expand",
                             "What kernels leave implicit, made explicit",
                             buildTilePipeline);
  PassPipelineRegistration<>("tile-lower-to-nvvm",
                             "From expanded kernels to LLVM and NVVM",
                             buildNvvmPipeline);
  PassPipelineRegistration<GraphOptions>(
      "xf-fuse", "From a model's graph to tuned kernels and plans",
      buildGraphPipeline);
}

} // namespace tilewright
