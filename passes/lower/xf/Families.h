//===- Families.h - One lowering per kernel family ------------------------===//
// Each builds one `tile.kernel` from the region of an `xf.kernel` and the
// config that it carries. Failing, it has emitted a diagnostic.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_FAMILIES_H
#define TILEWRIGHT_PASSES_LOWER_XF_FAMILIES_H

#include "ir/target/Roles.h"
#include "passes/lower/xf/KernelSignature.h"

namespace tilewright {

mlir::LogicalResult lowerGemm(xf::KernelOp source, llvm::StringRef name,
                              KernelBuilder &builder);
mlir::LogicalResult lowerRowWise(xf::KernelOp source, llvm::StringRef name,
                                 KernelBuilder &builder);
mlir::LogicalResult lowerSample(xf::KernelOp source, llvm::StringRef name,
                                KernelBuilder &builder);
mlir::LogicalResult lowerAttentionPrefill(xf::KernelOp source,
                                          llvm::StringRef name,
                                          KernelBuilder &builder);
mlir::LogicalResult lowerAttentionCombine(xf::KernelOp source,
                                          llvm::StringRef name,
                                          KernelBuilder &builder);
mlir::LogicalResult lowerAttentionDecode(xf::KernelOp source,
                                         llvm::StringRef name,
                                         KernelBuilder &builder);

/// Field `name` of the kernel's config; an error at the kernel if it is
/// missing.
mlir::FailureOr<int64_t> getConfigField(xf::KernelOp kernel,
                                        llvm::StringRef name);

/// Opens a role, moves the builder into it, and returns it.
tile::RoleOp openRole(llvm::StringRef name, int64_t warps, int64_t replicas,
                      int64_t registers, KernelBuilder &builder);

/// Size expressions `[op, lhs, rhs]` for a kernel's grid.
mlir::Attribute sizeOp(llvm::StringRef op, mlir::Attribute lhs,
                       mlir::Attribute rhs);
mlir::Attribute sizeConstant(mlir::MLIRContext *context, int64_t value);
mlir::Attribute sizeSymbol(mlir::MLIRContext *context, llvm::StringRef name);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_FAMILIES_H
