//===- MatrixOps.h - Tensor-core instructions -------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_MATRIXOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_MATRIXOPS_H

#include "sim/exec/Inst.h"
#include "sim/tensor/MmaSync.h"
#include "sim/tensor/Wgmma.h"

#include <vector>

namespace tilewright::sim {

/// wgmma.mma_async; a and b of the instruction are descriptor rows, c the
/// predicate scale-d, imm is 1 when that is negated.
struct WgmmaSpec {
  WgmmaOp op;
  /// In words from the frame's rows.
  std::vector<uint32_t> d, a;
};
Status runWgmmaIssue(const Inst &inst, Warp &warp);
Status runWgmmaFence(const Inst &inst, Warp &warp);
Status runWgmmaCommit(const Inst &inst, Warp &warp);
/// imm: groups that may stay in flight.
Status runWgmmaWait(const Inst &inst, Warp &warp);

struct MmaSpec {
  MmaSyncOp op;
  bool row64 = false;
  std::vector<Ref> d, a, b, c;
};
Status runMma(const Inst &inst, Warp &warp);

/// ldmatrix and stmatrix; the address as in Memory.h.
struct MatrixMoveSpec {
  int count = 1;
  bool transpose = false;
  Ref registers[4] = {noRef, noRef, noRef, noRef};
};
Status runLoadMatrix(const Inst &inst, Warp &warp);
Status runStoreMatrix(const Inst &inst, Warp &warp);
Status runTransposeMatrix(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_MATRIXOPS_H
