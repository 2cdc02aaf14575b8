//===- LayoutAssignment.h - Layouts of the fragments of a kernel ----------===//
// Which layout each fragment of a kernel has: what is fixed, and how it
// spreads. Private to tile-assign-layouts, which writes the result to the
// types.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_TILE_LAYOUTASSIGNMENT_H
#define TILEWRIGHT_PASSES_TILE_LAYOUTASSIGNMENT_H

#include "passes/tile/TilePasses.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"

namespace tilewright {

class LayoutAssignment {
public:
  explicit LayoutAssignment(tile::KernelOp kernel) : kernel(kernel) {}

  /// Finds a layout for every fragment.
  mlir::LogicalResult run();

  tile::LayoutAttr get(mlir::Value value) const;

private:
  /// Values that IR structure forces to have one type.
  void uniteForced();
  mlir::LogicalResult assignAnchors();
  void assignDefaults();
  mlir::LogicalResult checkComplete();
  void propagate();

  /// Assigns a layout to a fragment that has none, if it fits the shape.
  void assign(mlir::Value value, const tile::Layout &layout);
  void assign(mlir::Value value, tile::LayoutAttr layout);
  std::optional<tile::Layout> find(mlir::Value value) const;

  /// All values get the layout that one of them has.
  void tie(mlir::ValueRange values);
  void visit(mlir::Operation *op);
  void visitControlFlow(mlir::Operation *op);
  void visitShapes(mlir::Operation *op);

  tile::KernelOp kernel;
  /// For each value, those that must have the same type.
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value, 1>> forced;
  llvm::MapVector<mlir::Value, tile::LayoutAttr> layouts;
  llvm::SmallVector<mlir::Value> worklist;
};

/// Whether all fragments among an op's operands and results have one layout.
bool isElementwise(mlir::Operation *op);

/// The layout of a fragment of size 1 where `layout` is larger.
tile::Layout project(const tile::Layout &layout, llvm::ArrayRef<int64_t> shape);

/// The layout of a reshape's result from that of its operand.
tile::Layout reshape(const tile::Layout &layout, llvm::ArrayRef<int64_t> from,
                     llvm::ArrayRef<int64_t> to);

/// The layout that an op's operand must have, given those of its results and
/// of its other operands; nothing if any will do.
tile::LayoutAttr getRequiredLayout(mlir::OpOperand &operand);

/// The layout that an op gives to its result from its operands; nothing if
/// it takes any. Fails with a diagnostic if it is not thread-local.
mlir::FailureOr<tile::LayoutAttr> getNaturalLayout(mlir::OpResult result);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_TILE_LAYOUTASSIGNMENT_H
