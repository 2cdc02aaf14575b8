//===- SampleRow.h - A row of logits, block by block ------------*- C++ -*-===//
// The CTA goes over its row several times. Where the row fits, shared memory
// keeps it, scaled, from the first time on.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_SAMPLEROW_H
#define TILEWRIGHT_PASSES_LOWER_XF_SAMPLEROW_H

#include "passes/lower/xf/Families.h"

namespace tilewright {

/// Some elements of the row that lie next to each other, past its end minus
/// infinity; and their places. Fragments, but for the number of the block.
struct RowBlock {
  mlir::Value values, index, number;
};

class SampleRow {
public:
  /// The row of `logits` that the CTA's number says.
  SampleRow(mlir::Value logits, int64_t warps, KernelBuilder &builder);

  /// The shared tile that keeps the scaled row; null reads logits again.
  void keepIn(mlir::Value tile) { kept = tile; }

  mlir::Value getNumber() const { return number; }
  int64_t getSize() const { return size; }
  int64_t getNumBlocks() const { return llvm::divideCeil(size, shape[1]); }
  llvm::ArrayRef<int64_t> getBlockShape() const { return shape; }

  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      const RowBlock &, mlir::ValueRange)>;

  /// Goes over the row: `body` maps a block and the values so far to the next
  /// ones. `scaled` is as `scale` left it, else as it came.
  llvm::SmallVector<mlir::Value> forBlocks(mlir::ValueRange init, bool scaled,
                                           Body body);
  /// The same, for the first time: divides by `temperature`, with minus
  /// infinity for NaN.
  llvm::SmallVector<mlir::Value> scale(mlir::Value temperature,
                                       mlir::ValueRange init, Body body);
  RowBlock getBlock(mlir::Value number, bool scaled);
  /// Which elements are of the row.
  mlir::Value isInside(const RowBlock &block);

private:
  mlir::Value loadLogits(mlir::Value start);
  mlir::Value divide(mlir::Value logits);
  llvm::SmallVector<mlir::Value>
  loop(mlir::ValueRange init,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                         mlir::ValueRange)>
           body);

  KernelBuilder &b;
  mlir::Value logits, number, kept;
  mlir::Value temperature; // scalar
  int64_t size = 0;
  llvm::SmallVector<int64_t> shape;
};

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_SAMPLEROW_H
