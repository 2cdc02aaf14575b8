//===- WgmmaKernels.h - wgmma and mma.sync on chosen kernels --------------===//
//
// For tests and benchmarks, which compare the instruction sets.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_WGMMAKERNELS_H
#define TILEWRIGHT_SIM_TENSOR_WGMMAKERNELS_H

#include "sim/tensor/MmaSync.h"
#include "sim/tensor/StepKernels.h"
#include "sim/tensor/Wgmma.h"

namespace tilewright::sim {

WgmmaResult runWgmmaWith(const StepKernels &kernels, const WgmmaOp &op,
                         const WarpgroupRegisters &d, bool scaleD,
                         const WarpgroupRegisters &a, uint64_t descriptorA,
                         uint64_t descriptorB, const SharedWindow &shared);

void runMmaSyncWith(const StepKernels &kernels, const MmaSyncOp &op,
                    void *const *d, const void *const *a, const void *const *b,
                    const void *const *c);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_WGMMAKERNELS_H
