//===- StepKernels.h - Vector kernels of one tensor-core step -------------===//
//
// A step multiplies 16 rows of A by 8 columns of B over at most 32 bytes of K.
// Lanes are rows, so every column stands alone and a column of zeros can be
// passed over. The kernels evaluate the rule of FusedDot.h in f32:
//
//   product * 2^(fractionBits - maxExponent), truncated to an integer,
//
// which is exact as long as maxExponent keeps the products inside f32's range;
// the lanes where it does not, and those with special values, are redone by the
// scalar code. Each instruction set compiles KernelBody.h on its own.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_STEPKERNELS_H
#define TILEWRIGHT_SIM_TENSOR_STEPKERNELS_H

#include "sim/tensor/FusedDot.h"

#include <cstdint>

namespace tilewright::sim {

inline constexpr int blockRows = 16;
inline constexpr int blockColumns = 8;
inline constexpr int maxPerWord = 4;

/// 16 rows of A: packed words, and what a kernel reads of them.
struct alignas(64) RowBlock {
  uint32_t words[maxStepWords][blockRows];
  /// Biased exponents, packed as the elements are in their word.
  uint32_t exponents[maxStepWords][blockRows];
  /// Element i of word w as f32.
  float values[maxPerWord][maxStepWords][blockRows];
  /// Largest exponent of each row, as f32 has it, with anything below it.
  uint32_t maxExponent[blockRows];
  uint32_t zeroRows = 0;    ///< bit r: every element of row r is zero
  uint32_t specialRows = 0; ///< bit r: row r has an infinity or a NaN
};

/// 8 columns of B, eight entries each. Decoding moves columns of zeros out of
/// the way: slot n of the decoded arrays holds column order[n], the first
/// `busy` slots the columns that are not all zeros.
struct alignas(64) ColumnBlock {
  uint32_t words[blockColumns * maxStepWords]; ///< by column
  uint32_t exponents[blockColumns * maxStepWords];
  float values[maxPerWord][blockColumns * maxStepWords];
  int order[blockColumns];
  int busy = 0;
  uint32_t specialSlots = 0; ///< bit n: slot n has an infinity or a NaN
};

/// The accumulators of a block, column after column.
struct alignas(64) AccumulatorBlock {
  uint32_t values[blockColumns][blockRows];
};

struct StepKernels {
  const char *name;
  /// Fills everything but `words`, which are read.
  void (*decodeRows)(const DotSpec &spec, RowBlock &rows);
  void (*decodeColumns)(const DotSpec &spec, ColumnBlock &columns);
  /// One step on f32 accumulators, from a warp's four registers to four others
  /// or the same. Null for `from` is zeros.
  void (*multiply)(const DotSpec &spec, const RowBlock &rows,
                   const ColumnBlock &columns, const uint32_t *const *from,
                   uint32_t *const *to);
  /// Fragments to columns: `low` holds rows 0 to 7, `high` rows 8 to 15, four
  /// words a row; out[q][row] is word q.
  void (*gather)(const uint32_t *low, const uint32_t *high,
                 uint32_t *const out[4]);
  /// The same from 16-byte chunks at scattered places: row r of the low rows is
  /// at low + lowOffsets[2 * r].
  void (*gatherChunks)(const uint8_t *low, const uint32_t *lowOffsets,
                       const uint8_t *high, const uint32_t *highOffsets,
                       uint32_t *const out[4]);
  /// Sixteen 16-byte chunks, each at its offset from `data`, one after another.
  void (*joinChunks)(const uint8_t *data, const uint32_t *offsets,
                     uint32_t *out);
  /// The inverse of gather.
  void (*scatter)(const uint32_t *const in[4], uint32_t *low, uint32_t *high);
};

/// Null where the machine lacks the instructions.
const StepKernels *avx512Kernels();
const StepKernels *avx2Kernels();
const StepKernels &portableKernels();

/// The fastest that this machine has.
const StepKernels &bestKernels();

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_STEPKERNELS_H
