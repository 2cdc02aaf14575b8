//===- Transfer.h - Copies and fills, pitched, on all cores when large ----===//
#ifndef TILEWRIGHT_SIM_MEMORY_TRANSFER_H
#define TILEWRIGHT_SIM_MEMORY_TRANSFER_H

#include <cstddef>
#include <cstdint>

namespace tilewright::sim {

/// A box of bytes: `depth` slices of `height` rows of `width` bytes.
struct PitchedBox {
  uint64_t address = 0;
  uint64_t rowPitch = 0;   ///< bytes from row to row
  uint64_t slicePitch = 0; ///< bytes from slice to slice
};

struct Extent {
  uint64_t width = 0; ///< bytes
  uint64_t height = 1, depth = 1;

  bool empty() const { return width == 0 || height == 0 || depth == 0; }
};

/// Like memmove for a single row; boxes of several rows must not overlap.
void copyBox(const PitchedBox &target, const PitchedBox &source,
             const Extent &extent);

/// Fills with a repeated 1-, 2- or 4-byte value; `extent.width` is a multiple
/// of `valueBytes`.
void fillBox(const PitchedBox &target, const Extent &extent, uint32_t value,
             uint32_t valueBytes);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORY_TRANSFER_H
