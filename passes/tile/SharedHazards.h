//===- SharedHazards.h - Ordinary stores against async readers --*- C++ -*-===//
// Which shared memory was written by ordinary stores and not yet fenced, and
// which is still being read by asynchronous stores, at each point of a role.
// Private to tile-insert-fences.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_TILE_SHAREDHAZARDS_H
#define TILEWRIGHT_PASSES_TILE_SHAREDHAZARDS_H

#include "passes/tile/TilePasses.h"

namespace tilewright {

/// Inserts what orders ordinary accesses to shared memory and asynchronous
/// ones in the code of `block`: `fence_async` and `sync` before a copy or
/// product that reads what was stored, `copy_wait` before a store to what a
/// copy still reads, and at the end.
void insertSharedFences(mlir::Block *block);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_TILE_SHAREDHAZARDS_H
