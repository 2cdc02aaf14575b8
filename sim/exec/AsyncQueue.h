//===- AsyncQueue.h - Asynchronous operations under way ---------*- C++ -*-===//
//
// The default schedule completes an asynchronous operation when it is issued.
// Adversarial ones keep it here and complete it at any later time, in any order
// that the ISA allows, and at the latest when somebody waits for it.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_ASYNCQUEUE_H
#define TILEWRIGHT_SIM_EXEC_ASYNCQUEUE_H

#include "sim/exec/Inst.h"
#include "sim/exec/Schedule.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tilewright::sim {

/// Which groups an operation of a thread belongs to (ISA 9.7.9.25.2).
enum class AsyncTrack : uint8_t {
  Copy, ///< cp.async.commit_group
  Bulk, ///< cp.async.bulk.commit_group
  None, ///< an mbarrier tells of its completion
};
inline constexpr size_t asyncTracks = 3;

struct AsyncOp {
  const Inst *inst = nullptr;
  Warp *warp = nullptr;
  uint32_t lane = 0;
  AsyncTrack track = AsyncTrack::None;
  /// Has to follow every earlier cp.async of its thread.
  bool afterCopies = false;
  /// Takes the source's bytes; empty when `write` does that as well. Both
  /// return what is wrong, or an empty text.
  std::function<std::string()> read;
  std::function<std::string()> write;

  uint32_t group = 0; ///< commits of its thread before it was issued
};

/// What the cluster's threads have issued and not seen complete.
class AsyncQueue {
public:
  bool empty() const { return ops.empty(); }

  /// Ends the group of each lane that executes.
  void commit(const Warp &warp, AsyncTrack track);

  /// How far a wait lets a thread's groups lag behind.
  struct Wait {
    AsyncTrack track = AsyncTrack::Copy;
    bool all = false;       ///< also what is not yet in a group
    uint32_t pending = 0;   ///< newest groups that need not be complete
    bool readsOnly = false; ///< the sources were read; more is not asked
  };
  // These return false after a fault.
  bool add(AsyncOp op, ScheduleRandom &random);
  bool wait(const Warp &warp, const Wait &wait, ScheduleRandom &random);
  /// Completes one step of one operation; there has to be one.
  bool step(ScheduleRandom &random);
  bool drain(ScheduleRandom &random);

private:
  uint32_t &committed(const Warp &warp, AsyncTrack track, uint32_t lane) {
    return commits[static_cast<size_t>(track)][&warp][lane];
  }
  bool isWaitedFor(const AsyncOp &op, const Warp &warp, const Wait &wait);
  bool completeCopiesBefore(size_t index);
  bool read(AsyncOp &op);
  bool complete(size_t index);

  /// In the order of issue.
  std::vector<AsyncOp> ops;
  std::unordered_map<const Warp *, std::array<uint32_t, laneCount>>
      commits[asyncTracks];
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_ASYNCQUEUE_H
