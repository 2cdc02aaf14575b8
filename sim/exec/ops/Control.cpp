//===- Control.cpp - Control flow, special registers, addresses -----------===//

#include "sim/exec/ops/Control.h"

#include "sim/exec/Cta.h"
#include "sim/exec/Turns.h"

#include <atomic>
#include <bit>
#include <charconv>
#include <cstring>
#include <utility>

namespace tilewright::sim {

Status runBranch(const Inst &inst, Warp &warp) {
  return warp.branch(inst.target);
}

Status runPollingBranch(const Inst &inst, Warp &warp) {
  warp.branch(inst.target);
  return Status::Spin;
}

Status runBranchIndexed(const Inst &inst, Warp &warp) {
  const auto &table = *static_cast<const BranchTable *>(inst.aux);
  const uint32_t *index = warp.row32<uint32_t>(inst.a);
  uint32_t targets[laneCount];
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    if (index[l] >= table.targets.size())
      return warp.fault(inst, l, ErrorKind::IllegalInstruction,
                        "branch index " + std::to_string(index[l]) +
                            " is past the end of its table");
    targets[l] = table.targets[index[l]];
  }
  return warp.branchTo(targets);
}

Status runReturn(const Inst &, Warp &warp) { return warp.returnLanes(); }
Status runExit(const Inst &, Warp &warp) { return warp.exitLanes(); }

Status runTrap(const Inst &inst, Warp &warp) {
  return warp.fault(inst, ErrorKind::Trap, "trap executed");
}

Status runCall(const Inst &inst, Warp &warp) {
  const auto &info = *static_cast<const CallInfo *>(inst.aux);
  return warp.call(*info.callee, &info);
}

Status runIndirectCall(const Inst &inst, Warp &warp) {
  const auto &info = *static_cast<const CallInfo *>(inst.aux);
  const uint64_t *address = warp.row64<uint64_t>(inst.a);
  uint64_t first = address[std::countr_zero(warp.mask)];
  uint64_t index = first - functionWindow;
  if (index >= warp.launch->program->functions.size())
    return warp.fault(inst, ErrorKind::IllegalAddress,
                      "call of something that is not a function");
  const FunctionInfo &callee = warp.launch->program->functions[index];
  if (!callee.defined || callee.params.size() != info.params.size() ||
      callee.returns.size() != info.returns.size())
    return warp.fault(inst, ErrorKind::IllegalInstruction,
                      "function '" + callee.name +
                          "' does not have the call's prototype");
  // Lanes with other callees stay here and call next.
  uint32_t same = 0;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (address[std::countr_zero(lanes)] == first)
      same |= 1u << std::countr_zero(lanes);
  if (same != warp.mask) {
    warp.splitHere(warp.mask & ~same);
    warp.mask = same;
  }
  return warp.call(callee, &info);
}

Status runNothing(const Inst &, Warp &) { return Status::Next; }

Status runGridWait(const Inst &, Warp &warp) {
  const LaunchTurns *turns = warp.launch->launch->turns;
  if (turns && !turns->arePrerequisitesComplete())
    return warp.block(WaitKind::Grid);
  return Status::Next;
}

Status runGridTrigger(const Inst &, Warp &warp) {
  if (!warp.launch->launch->turns)
    return Status::Next;
  if (!std::exchange(warp.cta->triggered, true))
    ++warp.launch->triggeredCtas;
  return Status::Yield;
}

Status runAligned(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  warp.converged(inst, status);
  return status;
}

Status runFence(const Inst &, Warp &) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Status::Next;
}

Status runNanosleep(const Inst &, Warp &) { return Status::Yield; }

//===----------------------------------------------------------------------===//
// Special registers
//===----------------------------------------------------------------------===//

namespace {
struct NamedSpecial {
  std::string_view name;
  SpecialInfo info;
  bool vector; ///< .x, .y and .z follow one another
};
} // namespace

static constexpr NamedSpecial specials[] = {
    {"%tid", {Special::TidX, 4}, true},
    {"%ntid", {Special::NtidX, 4}, true},
    {"%ctaid", {Special::CtaidX, 4}, true},
    {"%nctaid", {Special::NctaidX, 4}, true},
    {"%laneid", {Special::LaneId, 4}, false},
    {"%warpid", {Special::WarpId, 4}, false},
    {"%nwarpid", {Special::NwarpId, 4}, false},
    {"%smid", {Special::SmId, 4}, false},
    {"%nsmid", {Special::NsmId, 4}, false},
    {"%gridid", {Special::GridId, 8}, false},
    {"%clusterid", {Special::ClusterIdX, 4}, true},
    {"%nclusterid", {Special::NclusterIdX, 4}, true},
    {"%cluster_ctaid", {Special::ClusterCtaidX, 4}, true},
    {"%cluster_nctaid", {Special::ClusterNctaidX, 4}, true},
    {"%cluster_ctarank", {Special::ClusterCtarank, 4}, false},
    {"%cluster_nctarank", {Special::ClusterNctarank, 4}, false},
    {"%lanemask_eq", {Special::LanemaskEq, 4}, false},
    {"%lanemask_le", {Special::LanemaskLe, 4}, false},
    {"%lanemask_lt", {Special::LanemaskLt, 4}, false},
    {"%lanemask_ge", {Special::LanemaskGe, 4}, false},
    {"%lanemask_gt", {Special::LanemaskGt, 4}, false},
    {"%clock", {Special::Clock, 4}, false},
    {"%clock_hi", {Special::ClockHi, 4}, false},
    {"%clock64", {Special::Clock64, 8}, false},
    {"%globaltimer", {Special::GlobalTimer, 8}, false},
    {"%globaltimer_lo", {Special::GlobalTimerLo, 4}, false},
    {"%globaltimer_hi", {Special::GlobalTimerHi, 4}, false},
    {"%total_smem_size", {Special::TotalSmem, 4}, false},
    {"%dynamic_smem_size", {Special::DynamicSmem, 4}, false},
    {"%aggr_smem_size", {Special::AggregateSmem, 4}, false},
    {"%current_graph_exec", {Special::CurrentGraphExec, 8}, false},
    {"%reserved_smem_offset_begin", {Special::ReservedSmemBegin, 4}, false},
    {"%reserved_smem_offset_end", {Special::ReservedSmemEnd, 4}, false},
    {"%reserved_smem_offset_cap", {Special::ReservedSmemCap, 4}, false},
    {"%reserved_smem_offset_0", {Special::ReservedSmemBegin, 4}, false},
    {"%reserved_smem_offset_1", {Special::ReservedSmemBegin, 4}, false},
    {"%is_explicit_cluster", {Special::IsExplicitCluster, 0}, false},
};

/// Counters and registers that only a profiler or a driver sets: %pm0 to %pm7,
/// %pm0_64 to %pm7_64 and %envreg0 to %envreg31. They read as zero, but for the
/// two that hold the address of a cooperative grid's workspace.
static std::optional<SpecialInfo> findUnset(std::string_view name) {
  auto isIndex = [](std::string_view text, int limit) {
    int value = 0;
    auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() &&
           value >= 0 && value < limit;
  };
  bool wide = name.ends_with("_64");
  if (wide)
    name.remove_suffix(3);
  if (name.starts_with("%pm") && isIndex(name.substr(3), 8))
    return SpecialInfo{Special::Unset, wide ? 8u : 4u};
  if (name == "%envreg1")
    return SpecialInfo{Special::GridWorkspaceHigh, 4};
  if (name == "%envreg2")
    return SpecialInfo{Special::GridWorkspaceLow, 4};
  if (!wide && name.starts_with("%envreg") && isIndex(name.substr(7), 32))
    return SpecialInfo{Special::Unset, 4};
  return std::nullopt;
}

std::optional<SpecialInfo> findSpecial(std::string_view name,
                                       std::string_view member) {
  for (const NamedSpecial &special : specials) {
    if (special.name != name || special.vector == member.empty())
      continue;
    SpecialInfo info = special.info;
    if (member.empty())
      return info;
    size_t element = std::string_view("xyz").find(member);
    if (element >= 3)
      return std::nullopt;
    info.id = static_cast<Special>(static_cast<int32_t>(info.id) +
                                   static_cast<int32_t>(element));
    return info;
  }
  return member.empty() ? findUnset(name) : std::nullopt;
}

static uint32_t pick(const Dim3 &dim, int32_t element) {
  return element == 0 ? dim.x : element == 1 ? dim.y : dim.z;
}

/// Place of thread `linear` along an axis of the block.
static uint32_t threadIndex(const Dim3 &block, uint32_t linear,
                            int32_t element) {
  switch (element) {
  case 0:
    return linear % block.x;
  case 1:
    return linear / block.x % block.y;
  default:
    return linear / block.x / block.y;
  }
}

static uint64_t laneMask(Special id, int lane) {
  uint64_t self = uint64_t(1) << lane;
  switch (id) {
  case Special::LanemaskEq:
    return self;
  case Special::LanemaskLe:
    return (self << 1) - 1;
  case Special::LanemaskLt:
    return self - 1;
  case Special::LanemaskGe:
    return allLanes & ~(self - 1);
  default:
    return allLanes & ~((self << 1) - 1);
  }
}

/// Registers that depend on the cluster alone.
static uint64_t clusterValue(Special id, const Cta &cta) {
  const LaunchContext &launch = *cta.launch;
  const Dim3 &shape = launch.cluster;
  const Dim3 &grid = launch.launch->grid;
  auto from = [&](Special first) {
    return static_cast<int32_t>(id) - static_cast<int32_t>(first);
  };
  switch (id) {
  case Special::ClusterIdX:
  case Special::ClusterIdY:
  case Special::ClusterIdZ:
    return pick(cta.cluster->id, from(Special::ClusterIdX));
  case Special::NclusterIdX:
    return grid.x / shape.x;
  case Special::NclusterIdY:
    return grid.y / shape.y;
  case Special::NclusterIdZ:
    return grid.z / shape.z;
  case Special::ClusterCtaidX:
  case Special::ClusterCtaidY:
  case Special::ClusterCtaidZ:
    return threadIndex(shape, cta.rank, from(Special::ClusterCtaidX));
  case Special::ClusterNctaidX:
  case Special::ClusterNctaidY:
  case Special::ClusterNctaidZ:
    return pick(shape, from(Special::ClusterNctaidX));
  case Special::ClusterCtarank:
    return cta.rank;
  default:
    return launch.clusterCtas;
  }
}

/// What a CTA's static and dynamic shared memory takes, in allocation units.
static uint32_t userSharedBytes(const LaunchContext &launch) {
  uint32_t unit = launch.config->sharedAllocationUnit;
  uint32_t bytes = launch.sharedBytes - launch.config->sharedReservedPerBlock;
  return (bytes + unit - 1) / unit * unit;
}

/// Registers that are the same in every lane.
static uint64_t uniformValue(Special id, Warp &warp) {
  const Cta &cta = *warp.cta;
  const LaunchContext &launch = *warp.launch;
  auto from = [&](Special first) {
    return static_cast<int32_t>(id) - static_cast<int32_t>(first);
  };
  switch (id) {
  case Special::NtidX:
  case Special::NtidY:
  case Special::NtidZ:
    return pick(launch.launch->block, from(Special::NtidX));
  case Special::CtaidX:
  case Special::CtaidY:
  case Special::CtaidZ:
    return pick(cta.id, from(Special::CtaidX));
  case Special::NctaidX:
  case Special::NctaidY:
  case Special::NctaidZ:
    return pick(launch.launch->grid, from(Special::NctaidX));
  case Special::WarpId:
    return warp.index;
  case Special::NwarpId:
    return launch.config->maxThreadsPerSm / laneCount;
  case Special::SmId:
    return (cta.cluster->linear * launch.clusterCtas + cta.rank) %
           std::max(launch.config->smCount, 1u);
  case Special::NsmId:
    return launch.config->smCount;
  case Special::GridId:
    return 1;
  // Time is counted in executed instructions: the same on every run.
  case Special::Clock:
  case Special::Clock64:
  case Special::GlobalTimer:
  case Special::GlobalTimerLo:
    return warp.instructions;
  case Special::ClockHi:
  case Special::GlobalTimerHi:
    return warp.instructions >> 32;
  case Special::TotalSmem:
    return userSharedBytes(launch);
  case Special::AggregateSmem:
    return userSharedBytes(launch) + launch.config->sharedReservedPerBlock;
  case Special::DynamicSmem:
    return launch.launch->dynamicSharedBytes;
  case Special::GridWorkspaceLow:
    return uint32_t(launch.launch->gridWorkspace);
  case Special::GridWorkspaceHigh:
    return launch.launch->gridWorkspace >> 32;
  case Special::Unset:
  case Special::CurrentGraphExec:
  case Special::ReservedSmemBegin:
    return 0;
  case Special::ReservedSmemEnd:
  case Special::ReservedSmemCap:
    return launch.config->sharedReservedPerBlock;
  default:
    return clusterValue(id, cta);
  }
}

static uint64_t laneValue(Special id, Warp &warp, int lane) {
  const Dim3 &block = warp.launch->launch->block;
  uint32_t linear = warp.index * laneCount + static_cast<uint32_t>(lane);
  switch (id) {
  case Special::TidX:
  case Special::TidY:
  case Special::TidZ:
    return threadIndex(block, linear,
                       static_cast<int32_t>(id) -
                           static_cast<int32_t>(Special::TidX));
  case Special::LaneId:
    return static_cast<uint64_t>(lane);
  default:
    return laneMask(id, lane);
  }
}

static bool variesByLane(Special id) {
  return (id >= Special::TidX && id <= Special::TidZ) ||
         id == Special::LaneId ||
         (id >= Special::LanemaskEq && id <= Special::LanemaskGt);
}

Status runSpecial(const Inst &inst, Warp &warp) {
  Special id = static_cast<Special>(inst.imm);
  bool varies = variesByLane(id);
  uint64_t uniform = varies ? 0 : uniformValue(id, warp);
  for (uint32_t lanes = warp.writeMask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    uint64_t value = varies ? laneValue(id, warp, l) : uniform;
    if (inst.flags & specialWide)
      warp.row64<uint64_t>(inst.d)[l] = value;
    else
      warp.row32<uint32_t>(inst.d)[l] = static_cast<uint32_t>(value);
  }
  return Status::Next;
}

static void writePredicate(Warp &warp, Ref ref, uint32_t value) {
  uint32_t &row = warp.predicates[ref];
  row = (row & ~warp.writeMask) | (value & warp.writeMask);
}

Status runSpecialPredicate(const Inst &inst, Warp &warp) {
  // %is_explicit_cluster is the only one.
  writePredicate(warp, inst.d, warp.launch->clusterCtas > 1 ? allLanes : 0);
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

template <typename T>
static void broadcast(Warp &warp, T *row, T value) {
  for (uint32_t lanes = warp.writeMask; lanes; lanes &= lanes - 1)
    row[std::countr_zero(lanes)] = value;
}

Status runFrameAddress32(const Inst &inst, Warp &warp) {
  broadcast<uint32_t>(warp, warp.row32<uint32_t>(inst.d),
                      warp.frame().localBase + static_cast<uint32_t>(inst.imm));
  return Status::Next;
}
Status runFrameAddress64(const Inst &inst, Warp &warp) {
  broadcast<uint64_t>(warp, warp.row64<uint64_t>(inst.d),
                      warp.frame().localBase + static_cast<uint32_t>(inst.imm));
  return Status::Next;
}

static uint32_t dynamicShared(const Inst &inst, Warp &warp) {
  uint32_t start = warp.launch->staticSharedEnd;
  start = (start + inst.target - 1) & ~(inst.target - 1);
  return start + static_cast<uint32_t>(inst.imm);
}
Status runDynamicShared32(const Inst &inst, Warp &warp) {
  broadcast<uint32_t>(warp, warp.row32<uint32_t>(inst.d),
                      dynamicShared(inst, warp));
  return Status::Next;
}
Status runDynamicShared64(const Inst &inst, Warp &warp) {
  broadcast<uint64_t>(warp, warp.row64<uint64_t>(inst.d),
                      dynamicShared(inst, warp));
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// Predicates
//===----------------------------------------------------------------------===//

static uint32_t operandA(const Inst &inst, Warp &warp) {
  uint32_t value = warp.predicates[inst.a];
  return inst.imm & 1 ? ~value : value;
}
static uint32_t operandB(const Inst &inst, Warp &warp) {
  uint32_t value = warp.predicates[inst.b];
  return inst.imm & 2 ? ~value : value;
}

Status runPredicateAnd(const Inst &inst, Warp &warp) {
  writePredicate(warp, inst.d, operandA(inst, warp) & operandB(inst, warp));
  return Status::Next;
}
Status runPredicateOr(const Inst &inst, Warp &warp) {
  writePredicate(warp, inst.d, operandA(inst, warp) | operandB(inst, warp));
  return Status::Next;
}
Status runPredicateXor(const Inst &inst, Warp &warp) {
  writePredicate(warp, inst.d, operandA(inst, warp) ^ operandB(inst, warp));
  return Status::Next;
}
Status runPredicateMove(const Inst &inst, Warp &warp) {
  writePredicate(warp, inst.d, operandA(inst, warp));
  return Status::Next;
}

} // namespace tilewright::sim
