//===- Philox.h - The counter-based random generator ----------------------===//
// Philox 4x32 with 10 rounds: Salmon, Moraes, Dror and Shaw, "Parallel random
// numbers: as easy as 1, 2, 3", SC 2011. Any kernel can compute any draw on its
// own, so a sequence samples the same tokens in every batch.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_PHILOX_H
#define TILEWRIGHT_IR_REFERENCE_PHILOX_H

#include <array>
#include <cstdint>

namespace tilewright::reference {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                   std::array<uint32_t, 2> key);

/// The number in [0, 1) that `xf.sample` draws.
float drawUniform(uint64_t seed, uint32_t sampleIndex);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_PHILOX_H
