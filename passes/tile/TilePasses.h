//===- TilePasses.h - What the passes on tile share -------------*- C++ -*-===//
// Private to passes/tile.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_TILE_TILEPASSES_H
#define TILEWRIGHT_PASSES_TILE_TILEPASSES_H

#include "ir/tile/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace tilewright {

/// The role around an op; null outside of roles.
tile::RoleOp getRole(mlir::Operation *op);

/// Warps that run an op together: of the role's replica, or of the kernel.
int64_t getWarps(mlir::Operation *op);

/// The allocation or ring stage that a shared tile is a part of.
mlir::Value getSharedRoot(mlir::Value shared);

/// The shared tile that an op writes by ordinary stores; null if none.
mlir::Value getSharedStoreTarget(mlir::Operation *op);

/// Constants, folded where they meet.
mlir::Value createIndex(mlir::OpBuilder &builder, mlir::Location loc,
                        int64_t value);
mlir::Value createI32(mlir::OpBuilder &builder, mlir::Location loc,
                      int64_t value);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_TILE_TILEPASSES_H
