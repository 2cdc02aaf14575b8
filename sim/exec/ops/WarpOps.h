//===- WarpOps.h - Exchange and votes among a warp's lanes ------*- C++ -*-===//
//
// ISA 9.7.9.6 (shfl.sync) and 9.7.13.9 to 9.7.13.14. The member mask is row e.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_WARPOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_WARPOPS_H

#include "sim/exec/Inst.h"

namespace tilewright::sim {

enum class ShuffleMode : int32_t { Up, Down, Bfly, Idx };
/// d[|target] = shfl(a, b, c); imm is the mode, target a predicate or noRef.
Status runShuffle(const Inst &inst, Warp &warp);

enum class VoteMode : int32_t { All, Any, Uni };
/// d = vote(a); imm holds the mode, negation in bit 2.
Status runVote(const Inst &inst, Warp &warp);
Status runBallot(const Inst &inst, Warp &warp);

// d = lanes with the same a; for all: target is the predicate or noRef.
Status runMatchAny32(const Inst &inst, Warp &warp);
Status runMatchAny64(const Inst &inst, Warp &warp);
Status runMatchAll32(const Inst &inst, Warp &warp);
Status runMatchAll64(const Inst &inst, Warp &warp);

enum class ReduxOp : int32_t { Add, MinU, MaxU, MinS, MaxS, And, Or, Xor };
Status runRedux(const Inst &inst, Warp &warp);

Status runActiveMask(const Inst &inst, Warp &warp);
/// d (or noRef) = the leader, target the predicate.
Status runElect(const Inst &inst, Warp &warp);
Status runWarpSync(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_WARPOPS_H
