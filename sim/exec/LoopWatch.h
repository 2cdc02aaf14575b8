//===- LoopWatch.h - Notices loops that nothing can end ---------*- C++ -*-===//
//
// A warp that comes back to a state it has been in, having neither read nor
// written what others share, will do so forever. Loops that poll memory are
// not these: what they read may change.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_LOOPWATCH_H
#define TILEWRIGHT_SIM_EXEC_LOOPWATCH_H

#include "sim/exec/Warp.h"

#include <cstdint>
#include <vector>

namespace tilewright::sim {

/// Everything that decides what a warp does next, apart from shared state.
struct WarpState {
  RegisterFile rows32, rows64;
  std::vector<std::byte> local;
  std::vector<uint32_t> predicates;
  /// Place and lanes of each strand.
  std::vector<std::pair<uint32_t, uint32_t>> strands;

  void take(const Warp &warp);
  bool equals(const Warp &warp) const;
};

/// Watches one warp. Costs nothing that counts until the warp has run long.
class LoopWatch {
public:
  enum class Verdict : uint8_t {
    Moves,
    Repeats, ///< the same state again, but what it reads may change
    Forever, ///< proven
    Fault,   ///< the launch failed while the loop was looked at
  };
  /// To be called at the end of a slice that used up its budget.
  Verdict look(Warp &warp);

private:
  Verdict follow(Warp &warp);

  WarpState seen;
  uint64_t slices = 0, nextTake = 64;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_LOOPWATCH_H
