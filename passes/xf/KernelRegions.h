//===- KernelRegions.h - Which ops run as one kernel ----------------------===//
// The analysis behind xf-form-kernels: it decides, the pass rewrites. It knows
// kinds of ops and what a family can hold, never a model.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_PASSES_XF_KERNELREGIONS_H
#define TILEWRIGHT_PASSES_XF_KERNELREGIONS_H

#include "ir/xf/Xf.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

namespace tilewright {

/// Ops that will be one kernel. `ops` is in block order and starts with the op
/// that the region grew from.
struct KernelRegion {
  xf::KernelFamily family;
  llvm::SmallVector<mlir::Operation *> ops;
};

/// An op that could have joined a region, and why it did not.
struct FusionDecline {
  mlir::Operation *op;
  mlir::Operation *anchor;
  std::string reason;
};

/// Divides the ops of one block into kernels. Weight expressions and the
/// terminator belong to none.
class KernelRegions {
public:
  explicit KernelRegions(mlir::Block &block);

  /// In an order in which they can run.
  llvm::ArrayRef<KernelRegion> getRegions() const { return regions; }
  llvm::ArrayRef<FusionDecline> getDeclines() const { return declines; }

private:
  void grow(mlir::Operation *anchor, xf::KernelFamily family);
  std::string whyNot(mlir::Operation *op, unsigned region) const;
  std::string whyNotOnTile(mlir::Operation *op, unsigned region) const;
  bool isIn(mlir::Value value, unsigned region) const;
  mlir::Value findColumns(mlir::Value value, unsigned region) const;
  bool dependsOn(mlir::Operation *op, unsigned region) const;
  void sortRegions();

  llvm::SmallVector<mlir::Operation *> ops;
  llvm::DenseMap<mlir::Operation *, unsigned> regionOf;
  llvm::SmallVector<KernelRegion> regions;
  llvm::SmallVector<FusionDecline> declines;
};

/// Cheap functions of a few numbers per row are computed again in each region
/// that reads them, not stored.
bool isRecomputed(mlir::Operation *op);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_XF_KERNELREGIONS_H
