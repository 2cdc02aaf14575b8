//===- XfVerify.h - Checks that verifiers of xf ops share -----------------===//
// Each check returns success or emits one error at the op, of the form
// "expects 'NAME' to ..., but got TYPE".
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_XF_XFVERIFY_H
#define TILEWRIGHT_IR_XF_XFVERIFY_H

#include "ir/xf/XfAttrs.h"
#include "mlir/IR/Operation.h"

namespace tilewright::xf {

/// An operand or result as an error message names it.
struct NamedType {
  llvm::StringRef name;
  mlir::RankedTensorType type;
};

mlir::LogicalResult expectRank(mlir::Operation *op, NamedType tensor,
                               int64_t rank);
mlir::LogicalResult expectRankAtLeast(mlir::Operation *op, NamedType tensor,
                                      int64_t rank);
mlir::LogicalResult expectStatic(mlir::Operation *op, NamedType tensor);
mlir::LogicalResult expectShape(mlir::Operation *op, NamedType tensor,
                                llvm::ArrayRef<Dim> dims);
mlir::LogicalResult expectElementType(mlir::Operation *op, NamedType tensor,
                                      mlir::Type elementType);
/// Any element type is allowed beside f32, which holds them all exactly.
mlir::LogicalResult expectElementTypeUnlessF32(mlir::Operation *op,
                                               NamedType tensor,
                                               mlir::Type elementType);

/// A rank of at least 1, and the last dimension static.
mlir::LogicalResult expectStaticRows(mlir::Operation *op, NamedType tensor);

/// This rank exactly, and all dimensions but the first static.
mlir::LogicalResult expectStaticInner(mlir::Operation *op, NamedType tensor,
                                      int64_t rank);

mlir::LogicalResult expectPositive(mlir::Operation *op, llvm::StringRef name,
                                   int64_t value);

/// Not only above zero: NaN and infinity fail too.
mlir::LogicalResult expectPositive(mlir::Operation *op, llvm::StringRef name,
                                   const llvm::APFloat &value);

/// Parameters of `xf.regroup_rows` and `xf.regroup_columns`.
struct Regrouping {
  int64_t period, extent, from, to;
};

/// Checks a regrouping of `size` lines ("rows" or "columns").
mlir::LogicalResult expectRegrouping(mlir::Operation *op, llvm::StringRef lines,
                                     int64_t size,
                                     const Regrouping &regrouping);

/// The sizes of all dimensions but the last.
llvm::SmallVector<Dim> getRowDims(mlir::RankedTensorType type);

} // namespace tilewright::xf

#endif // TILEWRIGHT_IR_XF_XFVERIFY_H
