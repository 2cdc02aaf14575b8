//===- Warp.cpp - Strands: divergence, reconvergence, calls ---------------===//

#include "sim/exec/Warp.h"

#include "sim/exec/Cta.h"
#include "sim/exec/Observer.h"
#include "sim/exec/StoreBuffer.h"
#include "sim/exec/ops/WarpOps.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim {

/// Instructions that one strand may run while another is ready, and those that
/// the other gets then: long enough not to tear apart lanes that would meet.
static constexpr uint32_t fairnessQuantum = 4096;
static constexpr uint32_t outOfTurnQuantum = 256;
/// Nesting of calls that is surely a runaway recursion.
static constexpr uint32_t maxCallDepth = 4096;
/// The most local memory that a thread can have (CUDA's limit).
static constexpr uint32_t maxLocalBytes = 512 * 1024;

/// Also called for a warp that has run before: its buffers are kept.
void Warp::start(const FunctionInfo &entry, uint32_t lanes) {
  idle = ~lanes;
  active = 0;
  freeFrames.clear();
  for (const std::unique_ptr<Frame> &frame : frames)
    freeFrames.push_back(frame.get());
  wgmmaIssued = clusterToken = 0;
  wgmmaGroups.clear();
  instructions = threadInstructions = turns = 0;
  outOfTurn = followsValues = false;
  localBytes = launch->localBytesPerThread;
  stack.clear();
  local.assign(size_t(localBytes) * laneCount, std::byte(0));
  rows32.assign(entry.bytes32, std::byte(0));
  rows64.assign(entry.bytes64, std::byte(0));
  predicateRows.assign(entry.predicates, 0);
  Frame *root = newFrame();
  root->function = &entry;
  root->users = 1;
  strands.clear();
  strands.push_back({entry.entryPc, lanes, root});
  fairness = fairnessQuantum;
  select(0);
  computeMergePc();
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

Frame *Warp::newFrame() {
  if (freeFrames.empty()) {
    frames.push_back(std::make_unique<Frame>());
    return frames.back().get();
  }
  Frame *frame = freeFrames.back();
  freeFrames.pop_back();
  *frame = Frame();
  return frame;
}

void Warp::release(Frame *frame) {
  while (frame && --frame->users == 0) {
    Frame *parent = frame->parent;
    freeFrames.push_back(frame);
    frame = parent;
  }
}

/// Grows the register files so that `frame` fits.
void Warp::reserveRows(const Frame &frame) {
  const FunctionInfo &function = *frame.function;
  size_t need32 = size_t(frame.base32) + function.bytes32;
  size_t need64 = size_t(frame.base64) + function.bytes64;
  size_t needPredicates = size_t(frame.basePredicate) + function.predicates;
  if (rows32.size() < need32)
    rows32.resize(need32);
  if (rows64.size() < need64)
    rows64.resize(need64);
  if (predicateRows.size() < needPredicates)
    predicateRows.resize(needPredicates);
}

/// Makes room for `bytes` of local memory in each lane.
bool Warp::growLocal(uint32_t bytes) {
  if (bytes <= localBytes)
    return true;
  if (bytes > maxLocalBytes)
    return false;
  uint32_t grown = std::min(std::max(bytes, 2 * localBytes), maxLocalBytes);
  std::vector<std::byte> larger(size_t(grown) * laneCount);
  for (uint32_t lane = 0; lane < laneCount; ++lane)
    std::copy_n(localMemory(lane), localBytes,
                larger.data() + size_t(lane) * grown);
  local = std::move(larger);
  localBytes = grown;
  return true;
}

void Warp::useFrame(Frame *frame) {
  base32[0] = rows32.data() + frame->base32;
  base64[0] = rows64.data() + frame->base64;
  base32[1] = launch->program->constants.data32();
  base64[1] = launch->program->constants.data64();
  predicates = predicateRows.data() + frame->basePredicate;
  // Only these lanes' bits: other lanes may use the rows in other frames.
  predicates[falsePredicate] &= ~active;
  predicates[truePredicate] |= active;
}

Status Warp::call(const FunctionInfo &callee, const void *callInfo) {
  Frame *parent = strand().frame;
  if (parent->depth >= maxCallDepth)
    return fault(launch->program->code[pc], ErrorKind::IllegalInstruction,
                 "call stack of " + std::to_string(maxCallDepth) +
                     " frames exceeded");
  const FunctionInfo &caller = *parent->function;
  Frame *frame = newFrame();
  frame->parent = parent;
  frame->function = &callee;
  frame->returnPc = pc + 1;
  frame->depth = parent->depth + 1;
  frame->base32 = parent->base32 + caller.bytes32;
  frame->base64 = parent->base64 + caller.bytes64;
  frame->basePredicate = parent->basePredicate + caller.predicates;
  frame->localBase = parent->localBase + caller.localBytes;
  frame->call = callInfo;
  frame->users = 1;
  if (!growLocal(frame->localBase + callee.localBytes)) {
    freeFrames.push_back(frame);
    return fault(launch->program->code[pc], ErrorKind::IllegalAddress,
                 "stack overflow: local memory of " +
                     std::to_string(localBytes) + " bytes per thread");
  }
  reserveRows(*frame);
  // Arguments: both sides live in the lanes' local memory.
  const auto &info = *static_cast<const CallInfo *>(callInfo);
  for (size_t i = 0; i < info.params.size(); ++i)
    for (uint32_t lanes = mask; lanes; lanes &= lanes - 1) {
      std::byte *memory = localMemory(std::countr_zero(lanes));
      std::copy_n(memory + parent->localBase + info.params[i].offset,
                  std::min(info.params[i].size, callee.params[i].size),
                  memory + frame->localBase + callee.params[i].offset);
    }

  uint32_t rest = active & ~mask;
  if (rest)
    split(rest, pc + 1, parent);
  ++parent->users; // the frame's hold on it
  release(parent); // the strand's
  active = mask;
  strand().frame = frame;
  pc = callee.entryPc;
  useFrame(frame);
  storeCurrent();
  schedule();
  return Status::Jump;
}

Status Warp::returnLanes() {
  Frame *frame = strand().frame;
  if (!frame->parent)
    return exitLanes();
  Frame *parent = frame->parent;
  const auto &info = *static_cast<const CallInfo *>(frame->call);
  const FunctionInfo &callee = *frame->function;
  for (size_t i = 0; i < info.returns.size(); ++i)
    for (uint32_t lanes = mask; lanes; lanes &= lanes - 1) {
      std::byte *memory = localMemory(std::countr_zero(lanes));
      std::copy_n(memory + frame->localBase + callee.returns[i].offset,
                  std::min(info.returns[i].size, callee.returns[i].size),
                  memory + parent->localBase + info.returns[i].offset);
    }
  uint32_t returnPc = frame->returnPc;
  uint32_t rest = active & ~mask;
  if (rest)
    split(rest, pc + 1, frame);
  ++parent->users;
  release(frame);
  strand().frame = parent;
  active = mask;
  pc = returnPc;
  useFrame(parent);
  storeCurrent();
  schedule();
  return Status::Jump;
}

//===----------------------------------------------------------------------===//
// Divergence
//===----------------------------------------------------------------------===//

/// Makes a strand of `lanes`, which leave the running one.
void Warp::split(uint32_t lanes, uint32_t at, Frame *frame) {
  Strand other;
  other.pc = at;
  other.mask = lanes;
  other.frame = frame;
  ++frame->users;
  strands.push_back(other);
}

void Warp::splitHere(uint32_t lanes) {
  split(lanes, pc, strand().frame);
  active &= ~lanes;
  storeCurrent();
}

Status Warp::branch(uint32_t target) {
  uint32_t rest = active & ~mask;
  if (!rest) {
    pc = target;
    if (strands.size() > 1) {
      storeCurrent();
      schedule();
    }
    return Status::Jump;
  }
  split(rest, pc + 1, strand().frame);
  active = mask;
  pc = target;
  storeCurrent();
  schedule();
  return Status::Jump;
}

Status Warp::branchTo(const uint32_t *targets) {
  uint32_t rest = active & ~mask;
  if (rest)
    split(rest, pc + 1, strand().frame);
  uint32_t lanes = mask;
  uint32_t first = targets[std::countr_zero(lanes)];
  uint32_t together = 0;
  while (lanes) {
    uint32_t target = targets[std::countr_zero(lanes)];
    uint32_t group = 0;
    for (uint32_t rest = lanes; rest; rest &= rest - 1)
      if (targets[std::countr_zero(rest)] == target)
        group |= 1u << std::countr_zero(rest);
    lanes &= ~group;
    if (target == first)
      together = group;
    else
      split(group, target, strand().frame);
  }
  active = together;
  pc = first;
  storeCurrent();
  schedule();
  return Status::Jump;
}

Status Warp::exitLanes() {
  idle |= mask;
  active &= ~mask;
  if (active) {
    ++pc;
    storeCurrent();
  } else {
    release(strand().frame);
    strands.erase(strands.begin() + current);
    current = 0;
    outOfTurn = false;
  }
  if (!strands.empty())
    schedule();
  return Status::Jump;
}

bool Warp::isWarpSync(const Strand &strand) const {
  return launch->program->code[strand.pc].run == runWarpSync;
}

Status Warp::awaitConvergence(const Inst &inst, uint32_t members) {
  // Lanes that stand here but are guarded off will never execute it.
  if (active & ~mask & members)
    return fault(inst, ErrorKind::IllegalInstruction,
                 "instruction that needs all its lanes is executed by some "
                 "of them only");
  strand().token = members;
  return block(WaitKind::Convergence);
}

//===----------------------------------------------------------------------===//
// Scheduling of strands
//===----------------------------------------------------------------------===//

void Warp::select(uint32_t index) {
  current = index;
  Strand &chosen = strands[index];
  pc = chosen.pc;
  active = chosen.mask;
  chosen.lastRun = ++turns;
  useFrame(chosen.frame);
}

/// Takes in every strand that stands where the running one does.
void Warp::mergeAtPc() {
  Frame *frame = strand().frame;
  if (strand().arrived)
    return;
  for (uint32_t i = 0; i < strands.size();) {
    const Strand &other = strands[i];
    if (i == current || other.pc != pc || other.frame != frame ||
        other.arrived) {
      ++i;
      continue;
    }
    active |= other.mask;
    release(other.frame);
    strands.erase(strands.begin() + i);
    if (i < current)
      --current;
  }
  strand().wait = WaitKind::None;
  storeCurrent();
}

void Warp::computeMergePc() {
  mergePc = ~0u;
  const Strand &self = strands[current];
  for (const Strand &other : strands)
    if (&other != &self && other.frame == self.frame && !other.arrived &&
        other.pc > pc)
      mergePc = std::min(mergePc, other.pc);
}

/// Chooses the strand to run: not blocked, deepest, lowest pc. The running
/// strand's state must have been stored. Returns false when all are blocked.
bool Warp::schedule() {
  if (outOfTurn && fairness && strands[current].wait == WaitKind::None) {
    mergeAtPc();
    computeMergePc();
    return true;
  }
  outOfTurn = false;
  // A call from the same place by strands that split in between gives each its
  // own frame; they meet again after the return.
  const Strand *best = nullptr;
  for (const Strand &candidate : strands) {
    if (candidate.wait != WaitKind::None)
      continue;
    if (!best || candidate.frame->depth > best->frame->depth ||
        (candidate.frame->depth == best->frame->depth &&
         candidate.pc < best->pc))
      best = &candidate;
  }
  if (!best)
    return false;
  uint32_t index = static_cast<uint32_t>(best - strands.data());
  if (fairness == 0) {
    ScheduleRandom &random = cta->cluster->random;
    index = random.active() ? anyReady() : longestWaiting(index);
    outOfTurn = &strands[index] != best;
    select(index);
    fairness = outOfTurn ? outOfTurnQuantum : fairnessQuantum;
    if (random.active())
      fairness = 1 + random.below(outOfTurnQuantum);
  } else if (index != current || active != strands[index].mask ||
             pc != strands[index].pc) {
    select(index);
  }
  mergeAtPc();
  computeMergePc();
  return true;
}

/// The ready strand that has not run for longest; `index` is one of them.
uint32_t Warp::longestWaiting(uint32_t index) const {
  for (uint32_t i = 0; i < strands.size(); ++i)
    if (strands[i].wait == WaitKind::None &&
        strands[i].lastRun < strands[index].lastRun)
      index = i;
  return index;
}

/// One of the strands that can run, by the launch's seed.
uint32_t Warp::anyReady() {
  uint32_t chosen = 0, ready = 0;
  for (uint32_t i = 0; i < strands.size(); ++i)
    if (strands[i].wait == WaitKind::None &&
        cta->cluster->random.below(++ready) == 0)
      chosen = i;
  return chosen;
}

/// Runs an instruction. What it writes may become visible late.
template <bool holdsStores>
static Status runPlain(const Inst &inst, Warp &warp) {
  if constexpr (holdsStores)
    if (inst.effect)
      return warp.launch->stores->execute(
          inst, warp.launch->program->effects[inst.effect], warp);
  return inst.run(inst, warp);
}

/// The same between the observer's calls.
template <bool holdsStores>
static Status runObserved(const Inst &inst, Warp &warp) {
  const Effect &effect = warp.launch->program->effects[inst.effect];
  Observer &observer = *warp.launch->observer;
  uint32_t lanes = warp.mask;
  observer.before(inst, effect, warp);
  Status status = runPlain<holdsStores>(inst, warp);
  warp.mask = lanes;
  observer.after(inst, effect, warp, status);
  return status;
}

template <Watch watch>
static bool isObserved(const Inst &inst, const Warp &warp) {
  if constexpr (watch == Watch::Effects)
    return hasVisibleEffect(inst, warp);
  return watch == Watch::Everything;
}

template <Watch watch, bool holdsStores>
static Status runOne(const Inst &inst, Warp &warp) {
  if constexpr (holdsStores)
    if (inst.effect)
      warp.launch->stores->prepare(
          inst, warp.launch->program->effects[inst.effect], warp);
  return isObserved<watch>(inst, warp) ? runObserved<holdsStores>(inst, warp)
                                       : runPlain<holdsStores>(inst, warp);
}

SliceEnd Warp::run(uint32_t budget) {
  return launch->stores ? runWatched<true>(budget) : runWatched<false>(budget);
}

template <bool holdsStores>
SliceEnd Warp::runWatched(uint32_t budget) {
  switch (launch->watch) {
  case Watch::Nothing:
    return runLoop<Watch::Nothing, holdsStores>(budget);
  case Watch::Effects:
    return runLoop<Watch::Effects, holdsStores>(budget);
  case Watch::Everything:
    return runLoop<Watch::Everything, holdsStores>(budget);
  }
  return SliceEnd::Fault;
}

template <Watch watch, bool holdsStores>
SliceEnd Warp::runLoop(uint32_t budget) {
  if (strands.empty())
    return SliceEnd::Done;
  for (Strand &waiting : strands)
    waiting.wait = WaitKind::None;
  current = std::min<uint32_t>(current, strands.size() - 1);
  pc = strand().pc;
  active = strand().mask;
  useFrame(strand().frame);
  schedule();

  const Inst *code = launch->program->code.data();
  while (budget--) {
    const Inst &inst = code[pc];
    uint32_t lanes = active;
    if (inst.guard != noGuard) {
      uint32_t guard = predicates[inst.guard >> 1];
      lanes &= inst.guard & 1 ? ~guard : guard;
      if (!lanes) {
        if (watch == Watch::Everything ||
            (watch == Watch::Effects && followsValues && inst.effect))
          launch->observer->skipped(inst, launch->program->effects[inst.effect],
                                    *this);
        ++pc;
        goto advanced;
      }
    }
    mask = lanes;
    writeMask = lanes | idle;
    ++instructions;
    threadInstructions += std::popcount(lanes);
    switch (runOne<watch, holdsStores>(inst, *this)) {
    case Status::Next:
      ++pc;
      break;
    case Status::Jump:
      // The running lanes exited and everybody else waits.
      if (!active)
        return strands.empty() ? SliceEnd::Done : SliceEnd::Blocked;
      break;
    case Status::Block:
      --instructions;
      threadInstructions -= std::popcount(lanes);
      storeCurrent();
      if (!schedule())
        return SliceEnd::Blocked;
      continue;
    case Status::Yield:
      ++pc;
      storeCurrent();
      return SliceEnd::Yielded;
    case Status::Spin:
      storeCurrent();
      return SliceEnd::Yielded;
    case Status::Fault:
      storeCurrent();
      return SliceEnd::Fault;
    }
  advanced:
    if (strands.size() > 1) [[unlikely]] {
      bool meets = pc >= mergePc;
      bool overdue = fairness == 0 || --fairness == 0;
      if (meets || overdue) {
        storeCurrent();
        schedule();
      }
    }
  }
  storeCurrent();
  return SliceEnd::Budget;
}

Status Warp::fault(const Inst &inst, ErrorKind kind, std::string message) {
  return fault(inst, std::countr_zero(mask ? mask : 1u), kind,
               std::move(message));
}

Status Warp::fault(const Inst &inst, uint32_t lane, ErrorKind kind,
                   std::string message) {
  if (launch->observer)
    launch->observer->faulted(inst, *this, lane, kind, message);
  uint32_t linear = index * laneCount + lane;
  const Dim3 &block = launch->launch->block;
  auto triple = [](uint32_t x, uint32_t y, uint32_t z) {
    return "(" + std::to_string(x) + "," + std::to_string(y) + "," +
           std::to_string(z) + ")";
  };
  std::string where = "in kernel '" + launch->launch->kernel->name +
                      "', block " + triple(cta->id.x, cta->id.y, cta->id.z) +
                      ", thread " +
                      triple(linear % block.x, linear / block.x % block.y,
                             linear / block.x / block.y);
  launch->fail(
      cta->cluster->linear, kind,
      launch->program->source.render(inst.location, message + " " + where));
  return Status::Fault;
}

} // namespace tilewright::sim
