//===- ReferenceDot.h - Readable model of the tensor cores ----------------===//
//
// The oracle of the tensor tests: the rule of sim/tensor/FusedDot.h once more,
// written to be read, in double arithmetic that is exact at every step. Shares
// nothing with sim/ but the names of the types.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TESTS_SIM_TENSOR_REFERENCEDOT_H
#define TILEWRIGHT_TESTS_SIM_TENSOR_REFERENCEDOT_H

#include "sim/tensor/MatrixType.h"

#include <cstdint>
#include <random>
#include <vector>

namespace tilewright::sim::test {

/// A floating-point format, by the numbers that define it.
struct Format {
  int exponentBits;
  int mantissaBits;
  bool infinity; ///< false: e4m3's rule, where only all ones is NaN
};
Format formatOf(MatrixType type);
inline constexpr Format f32Format = {8, 23, true};

/// The value of `bits` in `format`; NaN and infinity included.
double valueOf(Format format, uint32_t bits);

struct Reference {
  int fractionBits = 25;
  Format result = f32Format;
  int resultBits = 23; ///< mantissa bits that the result keeps
  bool nearest = false;
};
Reference referenceOf(TensorArch arch, bool wgmma, MatrixType type,
                      AccumulatorType accumulator);

/// One step: elements `a` and `b` (bits in their formats) and an accumulator.
uint32_t referenceDot(const Reference &reference, Format aFormat,
                      const std::vector<uint32_t> &a, Format bFormat,
                      const std::vector<uint32_t> &b, uint32_t accumulator);

/// How a test fills an operand.
enum class Fill {
  Normal,     ///< standard normal values
  Wide,       ///< exponents spread over the whole format
  Bits,       ///< any bit pattern: NaN, infinities, subnormals
  Finite,     ///< any finite bit pattern
  Sparse,     ///< normal values, most of them zeros of either sign
  Extreme,    ///< largest values of one sign: the largest sums
  Cancelling, ///< few magnitudes of both signs
  Subnormal,  ///< subnormal and smallest normal values
};
inline constexpr Fill allFills[] = {
    Fill::Normal, Fill::Wide,    Fill::Bits,       Fill::Finite,
    Fill::Sparse, Fill::Extreme, Fill::Cancelling, Fill::Subnormal};

/// One element of `format` (32-bit container for tf32: pass f32Format).
uint32_t randomElement(Format format, Fill fill, std::mt19937 &random);

} // namespace tilewright::sim::test

#endif // TILEWRIGHT_TESTS_SIM_TENSOR_REFERENCEDOT_H
