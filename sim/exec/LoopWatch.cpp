//===- LoopWatch.cpp - Notices loops that nothing can end -----------------===//

#include "sim/exec/LoopWatch.h"

#include "sim/exec/Cta.h"

namespace tilewright::sim {

/// Steps in which a loop has to come round to be proven endless.
static constexpr uint32_t longestLoop = 1 << 16;

void WarpState::take(const Warp &warp) {
  rows32 = warp.rows32;
  rows64 = warp.rows64;
  local = warp.local;
  predicates = warp.predicateRows;
  strands.clear();
  for (const Strand &strand : warp.strands)
    strands.emplace_back(strand.pc, strand.mask);
}

bool WarpState::equals(const Warp &warp) const {
  if (strands.size() != warp.strands.size())
    return false;
  for (size_t i = 0; i < strands.size(); ++i)
    if (strands[i] != std::pair(warp.strands[i].pc, warp.strands[i].mask))
      return false;
  return rows32 == warp.rows32 && rows64 == warp.rows64 &&
         predicates == warp.predicateRows && local == warp.local;
}

/// Whether one of the instructions that may come next touches what others see.
static bool touchesShared(const Warp &warp) {
  for (const Strand &strand : warp.strands)
    if (warp.launch->program->code[strand.pc].flags & (Reads | Polls | Works))
      return true;
  return false;
}

/// Steps once around a loop that seems to be closed.
LoopWatch::Verdict LoopWatch::follow(Warp &warp) {
  for (uint32_t step = 0; step < longestLoop; ++step) {
    if (touchesShared(warp))
      return Verdict::Repeats;
    SliceEnd end = warp.run(1);
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
