//===- BlockMultiply.h - 16 x 8 blocks for wgmma and mma.sync -------------===//
//
// wgmma and mma.sync share their fragments: 16 rows of A, 8 columns of B and
// the 16 x 8 accumulators lie in a warp's registers in the same way. This is
// the part between register fragments and the step kernels.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_BLOCKMULTIPLY_H
#define TILEWRIGHT_SIM_TENSOR_BLOCKMULTIPLY_H

#include "sim/tensor/StepKernels.h"

namespace tilewright::sim {

/// What a block operation is, beyond its operands.
struct BlockOp {
  DotSpec spec;
  bool integer = false;
  bool andBits = false;
  bool saturate = false;
};

/// Runs one step of `op` on blocks whose words are filled and decoded, with the
/// accumulators of one warp: four registers of 32 lanes, or two of pairs if
/// they are f16. Null for `from` is zeros; it may be `to`.
void multiplyBlock(const StepKernels &kernels, const BlockOp &op,
                   const RowBlock &rows, const ColumnBlock &columns,
                   const uint32_t *const *from, uint32_t *const *to);

/// Decodes the words of a block, unless `op` works on the words themselves.
void decodeBlock(const StepKernels &kernels, const BlockOp &op, RowBlock &rows);
void decodeBlock(const StepKernels &kernels, const BlockOp &op,
                 ColumnBlock &columns);

/// Words [4 part, 4 part + 4) of the rows of A from its two registers.
void gatherRows(const StepKernels &kernels, int part, const uint32_t *low,
                const uint32_t *high, RowBlock &rows);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_BLOCKMULTIPLY_H
