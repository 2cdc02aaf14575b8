//===- Pipelines.cpp - The passes in the order in which they run ----------===//

#include "passes/Pipelines.h"

#include "passes/Passes.h"

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
  pm.addNestedPass<func::FuncOp>(createTuneKernels(tune));
  pm.addNestedPass<func::FuncOp>(createPlanMemory());
  pm.addPass(createLowerXfToTile());
}

void registerPipelines() {
  PassPipelineRegistration<GraphOptions>(
      "xf-fuse", "From a model's graph to tuned kernels and plans", buildGraphPipeline);
}

} // namespace tilewright
