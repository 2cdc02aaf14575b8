//===- InlinePtx.h - One PTX instruction as an LLVM operation ---*- C++ -*-===//
// For the instructions that NVVM lacks, or whose LLVM intrinsics promise less
// about memory than they touch (LLVM would move loads across them). Constraints
// follow from the types; operands are numbered in the order they are added,
// results first.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_LOWER_TILE_INLINEPTX_H
#define TILEWRIGHT_PASSES_LOWER_TILE_INLINEPTX_H

#include "mlir/IR/Builders.h"

#include <string>

namespace tilewright {

class InlinePtx {
public:
  InlinePtx(mlir::OpBuilder &builder, mlir::Location loc)
      : builder(builder), loc(loc) {}

  /// Adds a result; its operand number is returned.
  unsigned addResult(mlir::Type type);
  /// Adds a result that starts as `value`, in the same register.
  unsigned addInOut(mlir::Value value);
  /// Adds an operand. No result may be added after it.
  unsigned addOperand(mlir::Value value);

  /// "{$3, $4, $5}" for `count` operands from `first` on.
  static std::string list(unsigned first, unsigned count);

  /// Creates the instruction and returns its results. It is a barrier for all
  /// memory accesses and is never removed, merged or moved.
  llvm::SmallVector<mlir::Value> create(llvm::StringRef text);

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
  llvm::SmallVector<mlir::Type> resultTypes;
  llvm::SmallVector<std::pair<unsigned, mlir::Value>> tied;
  llvm::SmallVector<mlir::Value> operands;
};

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_TILE_INLINEPTX_H
