//===- XfAttrs.h - Attributes and symbolic sizes of xf --------------------===//

#ifndef TILEWRIGHT_IR_XF_XFATTRS_H
#define TILEWRIGHT_IR_XF_XFATTRS_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/TensorEncoding.h"

namespace tilewright::xf {

/// The size of one dimension: a number, or a name plus a number. Two of them
/// are the same size if and only if they compare equal.
struct Dim {
  /// Null where the size is just `value`.
  mlir::StringAttr name;
  int64_t value = 0;

  static Dim fixed(int64_t value) { return {mlir::StringAttr(), value}; }
  static Dim named(mlir::MLIRContext *context, llvm::StringRef name,
                   int64_t offset = 0) {
    return {mlir::StringAttr::get(context, name), offset};
  }
  bool isFixed() const { return !name; }
  bool isFixed(int64_t expected) const { return !name && value == expected; }
  Dim plus(int64_t offset) const { return {name, value + offset}; }
  bool operator==(const Dim &) const = default;
};

llvm::hash_code hash_value(const Dim &dim);
llvm::raw_ostream &operator<<(llvm::raw_ostream &os, const Dim &dim);

/// True if every dynamic dimension has a name.
bool hasNamedSizes(mlir::Type type);

/// All sizes of a tensor, outermost first; every dynamic one must be named.
llvm::SmallVector<Dim> getDims(mlir::RankedTensorType type);
Dim getDim(mlir::RankedTensorType type, int64_t index);

/// The tensor type with these sizes.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<Dim> dims,
                                     mlir::Type elementType);

} // namespace tilewright::xf

#include "ir/xf/XfEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "ir/xf/XfAttrs.h.inc"

#endif // TILEWRIGHT_IR_XF_XFATTRS_H
