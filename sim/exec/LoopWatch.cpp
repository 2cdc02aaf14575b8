//===- LoopWatch.cpp - Notices loops that nothing can end -----------------===//

#include "sim/exec/LoopWatch.h"

#include "sim/exec/Cta.h"

namespace tilewright::sim {

/// Steps in which a loop has to come round to be proven endless.
static constexpr uint32_t longestLoop = 1 << 16;

using Places = std::vector<std::pair<uint32_t, uint32_t>>;

static Places placesOf(const Warp &warp) {
  Places places;
  for (const Strand &strand : warp.strands)
    places.emplace_back(strand.pc, strand.mask);
  return places;
}

void WarpState::take(const Warp &warp) {
  rows32 = warp.rows32;
  rows64 = warp.rows64;
  local = warp.local;
  predicates = warp.predicateRows;
  strands = placesOf(warp);
}

bool WarpState::equals(const Warp &warp) const {
  return strands == placesOf(warp) && rows32 == warp.rows32 &&
         rows64 == warp.rows64 && predicates == warp.predicateRows &&
         local == warp.local;
}

/// Whether it makes others move: who arrives last passes a barrier at once.
static bool isBarrier(EffectKind kind) {
  return kind == EffectKind::BarrierSync || kind == EffectKind::BarrierArrive ||
         kind == EffectKind::ClusterArrive || kind == EffectKind::ClusterWait;
}

/// Whether one of the instructions that may come next touches what others see.
static bool touchesShared(const Warp &warp) {
  const Program &program = *warp.launch->program;
  for (const Strand &strand : warp.strands) {
    const Inst &inst = program.code[strand.pc];
    if ((inst.flags & (Reads | Polls | Works)) ||
        isBarrier(program.effects[inst.effect].kind))
      return true;
  }
  return false;
}

/// Executes one instruction. A strand that waits takes a share of the budget
/// each time that it is asked whether it still does.
static SliceEnd step(Warp &warp) {
  const uint64_t before = warp.instructions;
  const Places places = placesOf(warp);
  SliceEnd end = SliceEnd::Budget;
  for (uint32_t budget = 1;
       end == SliceEnd::Budget && warp.instructions == before &&
       placesOf(warp) == places && budget <= warp.strands.size();
       ++budget)
    end = warp.run(budget);
  return end;
}

/// Steps once around a loop that seems to be closed.
LoopWatch::Verdict LoopWatch::follow(Warp &warp) {
  for (uint32_t i = 0; i < longestLoop; ++i) {
    if (touchesShared(warp))
      return Verdict::Repeats;
    SliceEnd end = step(warp);
    if (end == SliceEnd::Fault)
      return Verdict::Fault;
    if (end != SliceEnd::Budget)
      return Verdict::Repeats;
    if (seen.equals(warp))
      return Verdict::Forever;
  }
  return Verdict::Repeats;
}

/// Brent's way of finding a cycle: one state kept, twice as long each time.
LoopWatch::Verdict LoopWatch::look(Warp &warp) {
  if (++slices < nextTake)
    return seen.strands.empty() || !seen.equals(warp) ? Verdict::Moves
                                                      : follow(warp);
  nextTake *= 2;
  seen.take(warp);
  return Verdict::Moves;
}

} // namespace tilewright::sim
