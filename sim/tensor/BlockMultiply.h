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

/// Runs one step of `op` on blocks whose words are filled and decoded.
void multiplyBlock(const StepKernels &kernels, const BlockOp &op,
                   const RowBlock &rows, const ColumnBlock &columns,
                   AccumulatorBlock &accumulators);

/// Decodes the words of a block, unless `op` works on the words themselves.
void decodeBlock(const StepKernels &kernels, const BlockOp &op, RowBlock &rows);
void decodeBlock(const StepKernels &kernels, const BlockOp &op,
                 ColumnBlock &columns);

/// Registers of one warp to accumulators and back. `registers` has four entries
/// of 32 lanes, or two that hold pairs of f16 if `pairs`.
void gatherAccumulators(const StepKernels &kernels, bool pairs,
                        const uint32_t *const *registers,
                        AccumulatorBlock &accumulators);
void scatterAccumulators(const StepKernels &kernels, bool pairs,
                         const AccumulatorBlock &accumulators,
                         uint32_t *const *registers);

/// Words [4 part, 4 part + 4) of the rows of A from its two registers.
void gatherRows(const StepKernels &kernels, int part, const uint32_t *low,
                const uint32_t *high, RowBlock &rows);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_BLOCKMULTIPLY_H
