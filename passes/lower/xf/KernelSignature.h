//===- KernelSignature.h - From an xf.kernel to a tile.kernel's arguments -===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_KERNELSIGNATURE_H
#define TILEWRIGHT_PASSES_LOWER_XF_KERNELSIGNATURE_H

#include "passes/lower/xf/KernelBuilder.h"

namespace tilewright {

/// The size expression of a tensor dimension, as `!tile.global` has it.
mlir::Attribute getSizeExpression(mlir::MLIRContext *context,
                                  const xf::Dim &dim);

/// `[tokens, ...]` as a matrix: the leading dimension, and the rest as columns.
/// A vector is a column-less row of numbers and keeps its rank.
tile::GlobalType getRowsType(mlir::RankedTensorType type);

/// A paged cache `[pages, heads, page_size, head_dim]` as the matrix of its
/// rows, in memory order.
tile::GlobalType getCacheRowsType(mlir::RankedTensorType type);

/// The tensor as it is.
tile::GlobalType getTensorType(mlir::RankedTensorType type);

/// A tile.kernel made for an xf.kernel. Arguments are the operands in order,
/// then the results that have storage of their own.
class KernelSignature {
public:
  /// How an operand (`argument` of the region) or a result appears.
  using TypeOf = llvm::function_ref<tile::GlobalType(mlir::Value)>;

  /// Creates the kernel with its block, and moves the builder into it.
  KernelSignature(xf::KernelOp source, llvm::StringRef name, TypeOf typeOf,
                  KernelBuilder &builder);

  tile::KernelOp getKernel() const { return kernel; }
  /// The global tensor behind a region argument.
  mlir::Value getOperand(mlir::Value argument) const {
    return values.lookup(argument);
  }
  bool isOperand(mlir::Value value) const { return values.count(value); }
  /// Where result `index` goes.
  mlir::Value getResult(unsigned index) const { return results[index]; }

private:
  tile::KernelOp kernel;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
  llvm::SmallVector<mlir::Value> results;
};

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_KERNELSIGNATURE_H
