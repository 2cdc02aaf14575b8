//===- Wgmma.h - One wgmma.mma_async, to the bit --------------------------===//
//
// D = A * B + D of one warpgroup (PTX ISA 9.7.15.5), with the arithmetic of
// Hopper's tensor cores. Called by the interpreter at the point where the
// operation takes effect; ordering and completion are the caller's business.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_WGMMA_H
#define TILEWRIGHT_SIM_TENSOR_WGMMA_H

#include "sim/tensor/Descriptor.h"
#include "sim/tensor/MatrixType.h"

#include <cstdint>

namespace tilewright::sim {

/// What the instruction says; build it once when the PTX is decoded.
struct WgmmaOp {
  MatrixType aType = MatrixType::BF16;
  MatrixType bType = MatrixType::BF16;
  AccumulatorType dType = AccumulatorType::F32;
  int n = 8;
  bool aInRegisters = false;
  bool transposeA = false; ///< imm-trans-a: A is M-major in shared memory
  bool transposeB = false; ///< imm-trans-b: B is N-major in shared memory
  bool negateA = false;    ///< imm-scale-a is -1
  bool negateB = false;    ///< imm-scale-b is -1
  bool saturate = false;   ///< .satfinite of the integer forms

  static constexpr int m = 64;
  int k() const { return 256 / bitsOf(aType); }
  /// 32-bit registers per thread of the accumulator.
  int accumulatorRegisters() const {
    return dType == AccumulatorType::F16 ? n / 4 : n / 2;
  }
  static constexpr int aRegisters = 4;
};

/// Null if `op` is a form that the ISA has, else what is wrong with it.
const char *checkWgmma(const WgmmaOp &op);

/// Registers of a warpgroup. Register i of warp w is 32 consecutive 32-bit
/// words, one a lane, at `warp[w] + offset[i]`; `offset` counts in words and is
/// the same for the four warps, so it can be built when the PTX is decoded.
struct WarpgroupRegisters {
  uint32_t *warp[warpgroupWarps] = {};
  const uint32_t *offset = nullptr;
};

/// The shared memory that descriptors address: byte 0 is shared address 0.
struct SharedWindow {
  const uint8_t *data = nullptr;
  uint32_t size = 0;
};

/// Why an operation was refused; nothing has been written then.
enum class WgmmaFault : uint8_t { None, AOutOfBounds, BOutOfBounds };

struct WgmmaResult {
  WgmmaFault fault = WgmmaFault::None;
  uint32_t address = 0; ///< the shared address that is out of bounds
};

/// Runs a form that checkWgmma accepts. `a` is read if op.aInRegisters, else
/// `descriptorA` is; with `scaleD` false the old content of `d` is not read.
/// Safe to call from many threads on different registers.
WgmmaResult runWgmma(const WgmmaOp &op, const WarpgroupRegisters &d,
                     bool scaleD, const WarpgroupRegisters &a,
                     uint64_t descriptorA, uint64_t descriptorB,
                     const SharedWindow &shared);

/// Row and column of D that lane `lane` of warp `warp` holds in its `element`th
/// accumulator element (an f32 or s32 register, or half of an f16x2 register).
struct MatrixIndex {
  int row;
  int column;
};
constexpr MatrixIndex wgmmaAccumulatorIndex(int warp, int lane, int element) {
  return {16 * warp + lane / 4 + 8 * ((element >> 1) & 1),
          8 * (element >> 2) + 2 * (lane % 4) + (element & 1)};
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_WGMMA_H
