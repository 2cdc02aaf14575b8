//===- Scratch.h - Shared memory that ops need for themselves ---*- C++ -*-===//
// What a reduction over warps, or a conversion between threads, puts in shared
// memory. The plan allocates it, the lowering relies on it.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_SCRATCH_H
#define TILEWRIGHT_IR_TILE_SCRATCH_H

#include "ir/tile/Tile.h"

namespace tilewright::tile {

/// The buffer that an op run by `warps` warps needs; null if none. A conversion
/// gets a tile of the fragment's shape; other ops get bytes. Whoever uses it
/// synchronizes before the first write and between write and read: all ops of
/// a role share one place.
SharedType getScratchType(mlir::Operation *op, int64_t warps);

} // namespace tilewright::tile

#endif // TILEWRIGHT_IR_TILE_SCRATCH_H
