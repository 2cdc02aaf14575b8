//===- Control.h - Control flow, special registers, addresses ---*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_CONTROL_H
#define TILEWRIGHT_SIM_EXEC_OPS_CONTROL_H

#include "sim/exec/Inst.h"

#include <optional>
#include <string_view>

namespace tilewright::sim {

// Control flow. bra: target; brx: aux is a BranchTable, a the index row.
Status runBranch(const Inst &inst, Warp &warp);
/// The branch back of a loop that polls.
Status runPollingBranch(const Inst &inst, Warp &warp);
Status runBranchIndexed(const Inst &inst, Warp &warp);
Status runReturn(const Inst &inst, Warp &warp);
Status runExit(const Inst &inst, Warp &warp);
Status runTrap(const Inst &inst, Warp &warp);
/// aux is a CallInfo; a the address row of an indirect call.
Status runCall(const Inst &inst, Warp &warp);
Status runIndirectCall(const Inst &inst, Warp &warp);
Status runPrintf(const Inst &inst, Warp &warp);
Status runAssertFail(const Inst &inst, Warp &warp);
Status runFree(const Inst &inst, Warp &warp);
/// Nothing but the wait for the whole warp.
Status runAligned(const Inst &inst, Warp &warp);
Status runNothing(const Inst &inst, Warp &warp);
Status runFence(const Inst &inst, Warp &warp);
Status runGridWait(const Inst &inst, Warp &warp);
Status runGridTrigger(const Inst &inst, Warp &warp);
Status runNanosleep(const Inst &inst, Warp &warp);

/// Registers with a value of their own, by what imm holds.
enum class Special : int32_t {
  TidX,
  TidY,
  TidZ,
  NtidX,
  NtidY,
  NtidZ,
  CtaidX,
  CtaidY,
  CtaidZ,
  NctaidX,
  NctaidY,
  NctaidZ,
  LaneId,
  WarpId,
  NwarpId,
  SmId,
  NsmId,
  GridId,
  ClusterIdX,
  ClusterIdY,
  ClusterIdZ,
  NclusterIdX,
  NclusterIdY,
  NclusterIdZ,
  ClusterCtaidX,
  ClusterCtaidY,
  ClusterCtaidZ,
  ClusterNctaidX,
  ClusterNctaidY,
  ClusterNctaidZ,
  ClusterCtarank,
  ClusterNctarank,
  LanemaskEq,
  LanemaskLe,
  LanemaskLt,
  LanemaskGe,
  LanemaskGt,
  Clock,
  ClockHi,
  Clock64,
  GlobalTimer,
  GlobalTimerLo,
  GlobalTimerHi,
  TotalSmem,
  DynamicSmem,
  AggregateSmem,
  CurrentGraphExec,
  ReservedSmemBegin,
  ReservedSmemEnd,
  ReservedSmemCap,
  GridWorkspaceHigh,
  GridWorkspaceLow,
  Unset,
  IsExplicitCluster,
};
struct SpecialInfo {
  Special id;
  uint32_t bytes; ///< 4 or 8; 0 for a predicate
};
std::optional<SpecialInfo> findSpecial(std::string_view name,
                                       std::string_view member);
/// d = the register imm; flags says 64 bits with specialWide.
inline constexpr uint32_t specialWide = 1 << 16;
Status runSpecial(const Inst &inst, Warp &warp);
Status runSpecialPredicate(const Inst &inst, Warp &warp);

/// d = address of the frame's local memory + imm, as 32 or 64 bits.
Status runFrameAddress32(const Inst &inst, Warp &warp);
Status runFrameAddress64(const Inst &inst, Warp &warp);
/// d = address of dynamic shared memory + imm, aligned to target.
Status runDynamicShared32(const Inst &inst, Warp &warp);
Status runDynamicShared64(const Inst &inst, Warp &warp);

// Predicate logic: d = op(a, b), imm bits 0 and 1 negate them.
Status runPredicateAnd(const Inst &inst, Warp &warp);
Status runPredicateOr(const Inst &inst, Warp &warp);
Status runPredicateXor(const Inst &inst, Warp &warp);
Status runPredicateMove(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_CONTROL_H
