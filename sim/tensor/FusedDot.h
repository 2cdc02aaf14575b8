//===- FusedDot.h - The arithmetic of one tensor-core step ----------------===//
//
// NVIDIA's tensor cores add all products of a step and the accumulator at once:
// every term is aligned to the largest exponent, truncated there, and the sum
// is rounded once. This file holds the rule as scalar integer code; the vector
// kernels take over where they provably give the same bits.
//
// The rule, after the public bit-accurate model MMA-Sim (arXiv 2511.10909):
// - A term's exponent is the sum of its factors' exponents, without
//   normalization. A subnormal has the exponent of the smallest normal number;
//   a zero has the exponent -126, whatever its format.
// - Terms are truncated toward zero to `fractionBits` bits below the largest
//   exponent and summed exactly.
// - The result is truncated to f32 (to 13 fractional bits for the 8-bit formats
//   on the units that keep no more), or rounded to nearest for f16. A sum of
//   zero is +0; what exceeds the format is infinite.
// - With a NaN, 0 * inf, or opposite infinities the result is the canonical
// NaN.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_FUSEDDOT_H
#define TILEWRIGHT_SIM_TENSOR_FUSEDDOT_H

#include "sim/tensor/MatrixType.h"

#include <cstdint>

namespace tilewright::sim {

/// Format of the accumulator and the result.
enum class DotResult : uint8_t { F32, F32Short, F16 };

/// Exponent that the tensor cores give to a zero.
inline constexpr int zeroExponent = -126;
/// Words of 32 bits that one operand row holds at most in one step.
inline constexpr int maxStepWords = 8;
/// Fractional bits that survive in a DotResult::F32Short.
inline constexpr int shortFractionBits = 13;

struct DotSpec {
  MatrixType aType = MatrixType::BF16;
  MatrixType bType = MatrixType::BF16;
  DotResult result = DotResult::F32;
  int fractionBits = 25;
  /// Xored into every word of A (of B): the sign bits, to negate it.
  uint32_t aSigns = 0;
  uint32_t bSigns = 0;
  /// Words of K in one step; a longer K is a chain of steps.
  int stepWords = maxStepWords;
};

/// The specification of wgmma on Hopper (`wgmma` true) or of mma.sync.
DotSpec dotSpecOf(TensorArch arch, bool wgmma, MatrixType aType,
                  MatrixType bType, AccumulatorType dType, int words);

/// One step: `spec.stepWords` words of a row of A and of a column of B, packed
/// low to high, and the bits of the accumulator. Returns the result's bits.
uint32_t fusedDot(const DotSpec &spec, const uint32_t *a, const uint32_t *b,
                  uint32_t accumulator);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_FUSEDDOT_H
