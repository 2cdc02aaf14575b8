//===- ReplicaBuffer.h - A shared tile for each replica ---------*- C++ -*-===//

#ifndef TILEWRIGHT_IR_TILE_REPLICABUFFER_H
#define TILEWRIGHT_IR_TILE_REPLICABUFFER_H

#include "ir/tile/Tile.h"

namespace tilewright::tile {

/// Allocates a tile of `type` at the start of `kernel`, one for each replica of
/// `role`, and returns the running replica's. `role` may be null, and `overlay`
/// as well: then the tile shares its place with no other.
mlir::Value allocateForReplica(mlir::OpBuilder &builder, mlir::Location loc,
                               KernelOp kernel, RoleOp role, SharedType type,
                               mlir::StringAttr overlay = {});

} // namespace tilewright::tile

#endif // TILEWRIGHT_IR_TILE_REPLICABUFFER_H
