//===- SharedLayout.h - Addresses in shared memory --------------*- C++ -*-===//
// Where an element of a shared tile lies, with panels and swizzle as TMA and
// wgmma have them, and what an access by a warp costs there.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_SHAREDLAYOUT_H
#define TILEWRIGHT_IR_TILE_SHAREDLAYOUT_H

#include "ir/tile/Layout.h"

namespace tilewright::tile {

/// A matrix in shared memory.
struct SharedLayout {
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t elementBytes = 1;
  /// Bytes of a panel's row, or 0 for plain row-major.
  int64_t swizzle = 0;

  int64_t getBytes() const { return rows * columns * elementBytes; }
  /// Alignment that the swizzle pattern needs of the first byte.
  int64_t getAlignment() const;
  /// Columns of a panel; all of them without swizzle.
  int64_t getPanelColumns() const;
  int64_t getNumPanels() const { return columns / getPanelColumns(); }
  /// Byte of an element, from an aligned first byte.
  int64_t getByteOffset(int64_t row, int64_t column) const;
};

/// What one access of a warp moves, and how often shared memory must be read
/// or written for it.
struct AccessCost {
  int64_t bytes = 0;
  /// Times that shared memory is occupied.
  int64_t wavefronts = 0;
  /// Times without any bank conflict.
  int64_t ideal = 0;
};

/// Cost of one access of `bytesPerThread` (a power of two up to 16) at the
/// given byte offsets of the 32 threads of a warp. Equal words are one access.
AccessCost getAccessCost(llvm::ArrayRef<int64_t> offsets,
                         int64_t bytesPerThread);

/// Summed over a warp and all registers of a fragment that is written to, or
/// read from, a shared tile in vectors along the last dimension.
AccessCost getAccessCost(const Layout &fragment, const SharedLayout &tile,
                         int64_t vector, int64_t warp = 0);

} // namespace tilewright::tile

#endif // TILEWRIGHT_IR_TILE_SHAREDLAYOUT_H
