//===- ProfileObserver.cpp - Counts one launch ----------------------------===//

#include "sim/debug/ProfileObserver.h"

#include "sim/exec/ops/Control.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::debug {

static constexpr uint32_t helper = 0, notExecuted = 1, firstSlot = 2;

static uint32_t popcount(uint32_t lanes) {
  return static_cast<uint32_t>(std::popcount(lanes));
}

//===----------------------------------------------------------------------===//
// Instructions of the text
//===----------------------------------------------------------------------===//

/// A jump that the layout of blocks put in, or the return at a function's end.
static bool isImplied(const Inst &inst, const ptx::Source &source) {
  if (inst.run == runBranch || inst.run == runPollingBranch)
    return !(inst.flags & HasTarget);
  return inst.run == runReturn &&
         !source.text().substr(inst.location).starts_with("ret");
}

/// Helpers of a declaration lie at its name, behind its type: parameters in
/// registers are fetched there.
static bool isDeclaration(std::string_view text, size_t at) {
  size_t end = at ? text.find_last_not_of(" \t", at - 1) : text.npos;
  if (end == text.npos)
    return false;
  size_t begin = text.find_last_of(" \t\n(,;{}", end);
  begin = begin == text.npos ? 0 : begin + 1;
  return begin <= end && text[begin] == '.';
}

/// One instruction of the text may be several of the engine: helpers first,
/// then the one that does it, then perhaps a jump.
void ProfileObserver::findPrimary(const Program &program) {
  const std::vector<Inst> &code = program.code;
  slotIndex.assign(code.size(), helper);
  for (size_t begin = 0; begin < code.size();) {
    size_t end = begin;
    while (end < code.size() && code[end].location == code[begin].location)
      ++end;
    size_t last = end;
    while (last > begin && isImplied(code[last - 1], program.source))
      --last;
    if (last > begin &&
        !isDeclaration(program.source.text(), code[begin].location))
      slotIndex[last - 1] = notExecuted;
    begin = end;
  }
}

/// Where the text's instructions are.
std::vector<ptx::Location> ProfileObserver::places() const {
  std::vector<ptx::Location> found;
  for (size_t pc = 0; pc < slotIndex.size(); ++pc)
    if (slotIndex[pc] != helper)
      found.push_back(program->code[pc].location);
  std::sort(found.begin(), found.end());
  return found;
}

/// Null for helpers.
ProfileObserver::Slot *ProfileObserver::slotOf(const Inst &inst) {
  uint32_t &index =
      slotIndex[static_cast<size_t>(&inst - program->code.data())];
  if (index == helper)
    return nullptr;
  if (index == notExecuted) {
    index = static_cast<uint32_t>(slots.size()) + firstSlot;
    slots.emplace_back();
    slots.back().location = inst.location;
    std::string_view opcode = program->source.text().substr(inst.location);
    opcode = opcode.substr(0, opcode.find_first_of(" \t\n;"));
    slots.back().isParameter = opcode.find(".param") != opcode.npos;
    slots.back().isConstant = opcode.find(".const") != opcode.npos;
  }
  return &slots[index - firstSlot];
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

void ProfileObserver::launchStarts(LaunchContext &launch) {
  program = launch.program;
  findPrimary(*program);
  result.kernel = launch.launch->kernel->name;
  result.text =
      profile.texts().find(program->source, [this] { return places(); });
  result.launches = 1;
  result.shapes.push_back({launch.launch->grid, launch.launch->block,
                           launch.cluster, launch.launch->dynamicSharedBytes,
                           1});
}

void ProfileObserver::clusterEnds(Cluster &cluster) {
  for (const Cta &cta : cluster.ctas) {
    ++result.blocks;
    result.warps += cta.warps.size();
    // The memory of these warps is used again.
    for (const Warp &warp : cta.warps)
      waits.erase(&warp);
  }
}

void ProfileObserver::launchEnds(LaunchContext &launch) {
  result.failedLaunches = launch.failed ? 1 : 0;
  SectorMap::Totals all = sectors.totals();
  result.uniqueReadSectors = all.readSectors;
  result.uniqueWriteSectors = all.writeSectors;
  result.uniqueLines = all.lines;
  for (Slot &slot : slots) {
    SectorMap::Totals own = slot.sectors.totals();
    Counts &counts = slot.profile.counts;
    counts.uniqueReadSectors = own.readSectors;
    counts.uniqueWriteSectors = own.writeSectors;
    counts.uniqueLines = own.lines;
    result.instructions.emplace(slot.location, slot.profile);
  }
  profile.add(std::move(result));
}

//===----------------------------------------------------------------------===//
// An instruction
//===----------------------------------------------------------------------===//

/// Whether the executing lanes, or those that do not execute it, go to
/// different places.
static bool diverges(const Inst &inst, const Warp &warp) {
  bool returns =
      inst.run == runReturn && warp.strands[warp.current].frame->parent;
  bool calls = inst.run == runCall || inst.run == runIndirectCall;
  bool branches = inst.flags & (HasTarget | HasTable);
  if (!branches && !returns && !calls)
    return false;
  if (warp.mask != warp.active)
    return true;
  uint32_t first = static_cast<uint32_t>(std::countr_zero(warp.mask));
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    if (inst.run == runIndirectCall && warp.row64<uint64_t>(inst.a)[lane] !=
                                           warp.row64<uint64_t>(inst.a)[first])
      return true;
    if (inst.flags & HasTable) {
      const auto &targets = static_cast<const BranchTable *>(inst.aux)->targets;
      const uint32_t *index = warp.row32<uint32_t>(inst.a);
      if (index[lane] >= targets.size() || index[first] >= targets.size())
        return false; // the engine says so
      if (targets[index[lane]] != targets[index[first]])
        return true;
    }
  }
  return false;
}

void ProfileObserver::before(const Inst &inst, const Effect &effect,
                             Warp &warp) {
  current = slotOf(inst);
  if (!current)
    return;
  execution = {popcount(warp.mask), popcount(warp.active & ~warp.mask),
               warp.strands.size() > 1, diverges(inst, warp)};
  moves = movesData(inst, effect);
  if (!moves)
    return;
  now = {};
  touched.clear();
  countAccess(inst, effect, warp);
}

void ProfileObserver::after(const Inst &inst, const Effect &, Warp &warp,
                            Status status) {
  if (status == Status::Fault)
    return;
  if (status == Status::Block)
    return startWait(inst, warp);
  ++result.steps;
  if (!current)
    return;
  Counts &counts = current->profile.counts;
  ++counts.issues;
  counts.threads += execution.threads;
  counts.offLanes += execution.offLanes;
  counts.splitIssues += execution.split;
  counts.divergent += execution.divergent;
  endWait(inst, warp, counts);
  if (!moves)
    return;
  counts += now;
  // What is new to the launch is new to its instruction.
  for (const Touch &each : touched)
    if (current->sectors.add(each.line, each.bits))
      sectors.add(each.line, each.bits);
}

void ProfileObserver::skipped(const Inst &inst, const Effect &, Warp &warp) {
  Slot *slot = slotOf(inst);
  if (!slot)
    return;
  ++slot->profile.counts.offIssues;
  slot->profile.counts.offLanes += popcount(warp.active);
}

void ProfileObserver::startWait(const Inst &inst, const Warp &warp) {
  std::vector<Wait> &open = waits[&warp];
  for (const Wait &wait : open)
    if (wait.inst == &inst)
      return;
  open.push_back({&inst, result.steps});
}

void ProfileObserver::endWait(const Inst &inst, const Warp &warp,
                              Counts &counts) {
  auto found = waits.find(&warp);
  if (found == waits.end())
    return;
  std::vector<Wait> &open = found->second;
  for (size_t i = 0; i < open.size(); ++i)
    if (open[i].inst == &inst) {
      ++counts.waits;
      counts.waitSteps += result.steps - 1 - open[i].since;
      open.erase(open.begin() + static_cast<ptrdiff_t>(i));
      break;
    }
  if (open.empty())
    waits.erase(found);
}

} // namespace tilewright::sim::debug
