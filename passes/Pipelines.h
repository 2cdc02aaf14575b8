//===- Pipelines.h - The passes in the order in which they run ------------===//
// Each is also registered under the name given, so that `tilewright-opt` can
// run what the driver runs.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_PIPELINES_H
#define TILEWRIGHT_PASSES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"

namespace tilewright {

/// What a model is compiled for.
struct GraphOptions : mlir::PassPipelineOptions<GraphOptions> {
  Option<std::string> sku{*this, "sku",
                          llvm::cl::desc("Name of a SKU, or path of its file"),
                          llvm::cl::init("h800-sxm")};
  Option<std::string> skuDirectory{*this, "sku-directory",
                                   llvm::cl::desc("Where named SKUs are"),
                                   llvm::cl::init("autotune/skus")};
  Option<int64_t> maxTokens{*this, "max-tokens",
                            llvm::cl::desc("Most tokens of a step"),
                            llvm::cl::init(2048)};
  Option<int64_t> maxSeqs{*this, "max-seqs",
                          llvm::cl::desc("Most sequences of a step"),
                          llvm::cl::init(64)};
  Option<int64_t> maxRows{*this, "max-rows",
                          llvm::cl::desc("Most rows of logits of a step"),
                          llvm::cl::init(64)};
  Option<int64_t> maxContext{*this, "max-context",
                             llvm::cl::desc("Longest sequence"),
                             llvm::cl::init(2048)};
  Option<bool> batchInvariant{
      *this, "batch-invariant",
      llvm::cl::desc("Configs that give the same bits in every plan"),
      llvm::cl::init(false)};
};

/// `xf-fuse`: from the front end's graph to one in which every function is a
/// plan of an entry point, made of tuned kernels with planned memory.
void buildGraphPipeline(mlir::OpPassManager &pm, const GraphOptions &options);

/// `tile-expand`: on a module of tile.kernels, everything that an author leaves
/// implicit made explicit. What a launch needs is then on the kernel.
void buildTilePipeline(mlir::OpPassManager &pm);

/// `tile-lower-to-nvvm`: from expanded tile.kernels to the LLVM and NVVM
/// dialects.
void buildNvvmPipeline(mlir::OpPassManager &pm);

void registerPipelines();

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_PIPELINES_H
