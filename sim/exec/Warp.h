//===- Warp.h - A warp as a resumable task ----------------------*- C++ -*-===//
//
// The lanes of a warp that stand at the same place form a strand. One strand
// runs at a time: the one in the deepest call, and there the one with the
// lowest pc, because code is laid out so that lanes meet again when the lower
// ones catch up. A strand that runs long while others are ready has to let them
// run, so a lane that spins cannot starve the lane it waits for.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_WARP_H
#define TILEWRIGHT_SIM_EXEC_WARP_H

#include "sim/exec/Inst.h"
#include "sim/exec/LocalStack.h"
#include "sim/exec/RegisterFile.h"
#include "sim/exec/Result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace tilewright::sim {

struct Cta;
struct LaunchContext;
struct FunctionInfo;

/// An activation of a function. Frames form a tree, since lanes of one warp may
/// stand in different calls; lanes share rows because each uses its own column.
struct Frame {
  Frame *parent = nullptr;
  const FunctionInfo *function = nullptr;
  uint32_t returnPc = 0;
  uint32_t depth = 0;
  uint32_t base32 = 0; ///< first row in Warp::rows32, in bytes
  uint32_t base64 = 0;
  uint32_t basePredicate = 0;
  uint32_t localBase = 0;     ///< first byte in each lane's local memory
  const void *call = nullptr; ///< the CallInfo that led here
  uint32_t users = 0;         ///< strands and frames that hold this frame
};

enum class WaitKind : uint8_t {
  None,
  Convergence, ///< other lanes of the warp have to come to this instruction
  Barrier,
  ClusterBarrier,
  Mbarrier,
  Wgmma,
  Grid, ///< prerequisites of the launch
};

struct Strand {
  uint32_t pc = 0;
  uint32_t mask = 0;
  Frame *frame = nullptr;
  uint64_t lastRun = 0;
  WaitKind wait = WaitKind::None;
  bool arrived = false;  ///< counted by the barrier it waits for
  bool timedOut = false; ///< a potentially blocking wait is to return false
  uint32_t token = 0;    ///< the barrier's phase it arrived in
};

/// Which instructions an observer sees.
enum class Watch : uint8_t { Nothing, Effects, Everything };

/// How a slice of a warp's execution ended.
enum class SliceEnd : uint8_t { Budget, Blocked, Yielded, Done, Fault };

struct Warp {
  // What handlers use all the time.
  std::byte *base32[2]; ///< the frame's rows, the constant rows
  std::byte *base64[2];
  uint32_t *predicates;
  uint32_t mask = 0;      ///< lanes that execute this instruction
  uint32_t writeMask = 0; ///< the same, plus lanes that nobody can observe
  uint32_t active = 0;    ///< lanes of the running strand
  uint32_t idle = 0;      ///< lanes that never existed or have exited
  uint32_t pc = 0;
  Cta *cta = nullptr;
  LaunchContext *launch = nullptr;

  uint32_t index = 0; ///< in its CTA
  std::vector<Strand> strands;
  uint32_t current = 0;
  uint32_t mergePc = ~0u; ///< where the running strand meets another
  uint32_t fairness = 0;  ///< instructions until other strands get a turn
  uint64_t turns = 0;
  /// An observer wants to see every instruction, set by it.
  bool followsValues = false;
  bool outOfTurn = false; ///< the running strand is not the first in order

  RegisterFile rows32, rows64;
  std::vector<uint32_t> predicateRows;
  std::vector<std::byte> local; ///< [lane][localBytes]
  uint32_t localBytes = 0;
  LocalStack stack; ///< of `alloca`
  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<Frame *> freeFrames;

  // wgmma: operations issued, committed groups by the count that ends them.
  uint32_t wgmmaIssued = 0;
  std::vector<uint32_t> wgmmaGroups;

  /// Phase of the cluster's barrier that the warp last arrived in.
  uint32_t clusterToken = 0;

  uint64_t instructions = 0;
  uint64_t threadInstructions = 0;

  template <typename T>
  T *row32(Ref ref) const {
    return reinterpret_cast<T *>(base32[ref >> 31] + (ref & ~constantRow));
  }
  template <typename T>
  T *row64(Ref ref) const {
    return reinterpret_cast<T *>(base64[ref >> 31] + (ref & ~constantRow));
  }

  bool done() const { return strands.empty(); }
  uint32_t live() const { return ~idle; }

  void start(const FunctionInfo &entry, uint32_t lanes);
  SliceEnd run(uint32_t budget);

  // For control-flow handlers.
  Status branch(uint32_t target);
  Status branchTo(const uint32_t *targets); ///< one target per lane
  Status exitLanes();
  /// Leaves `lanes` behind to execute the current instruction again.
  void splitHere(uint32_t lanes);
  Status call(const FunctionInfo &callee, const void *callInfo);
  Status returnLanes();

  /// For `.aligned` instructions: true when all live lanes are here. Otherwise
  /// `status` is what the handler has to return.
  bool converged(const Inst &inst, Status &status) {
    if (mask == live())
      return true;
    status = awaitConvergence(inst, live());
    return false;
  }
  /// For `.sync` instructions with a member mask.
  bool converged(const Inst &inst, uint32_t members, Status &status) {
    if (((members & live()) & ~mask) == 0)
      return true;
    status = awaitConvergence(inst, members & live());
    return false;
  }
  Status awaitConvergence(const Inst &inst, uint32_t members);

  /// Whether a strand stands at a bar.warp.sync.
  bool isWarpSync(const Strand &strand) const;
  Strand &strand() { return strands[current]; }
  Status block(WaitKind kind) {
    strand().wait = kind;
    return Status::Block;
  }
  Status fault(const Inst &inst, ErrorKind kind, std::string message);
  /// Same, blaming one lane.
  Status fault(const Inst &inst, uint32_t lane, ErrorKind kind,
               std::string message);

  void useFrame(Frame *frame);
  const Frame &frame() { return *strand().frame; }
  std::byte *localMemory(uint32_t lane) {
    return local.data() + size_t(lane) * localBytes;
  }

private:
  template <bool holdsStores>
  SliceEnd runWatched(uint32_t budget);
  template <Watch, bool holdsStores>
  SliceEnd runLoop(uint32_t budget);
  bool schedule();
  uint32_t longestWaiting(uint32_t index) const;
  uint32_t anyReady();
  void select(uint32_t index);
  void mergeAtPc();
  void computeMergePc();
  void split(uint32_t lanes, uint32_t pc, Frame *frame);
  Frame *newFrame();
  void release(Frame *frame);
  void reserveRows(const Frame &frame);
  bool growLocal(uint32_t bytes);
  void storeCurrent() {
    strand().pc = pc;
    strand().mask = active;
  }
};

/// Whether an observer of effects sees the instruction.
inline bool hasVisibleEffect(const Inst &inst, const Warp &warp) {
  return inst.effect && (warp.followsValues || !(inst.flags & OnlyFollowed));
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_WARP_H
