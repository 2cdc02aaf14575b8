//===- ProfileObserver.h - Counts one launch --------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILEOBSERVER_H
#define TILEWRIGHT_SIM_DEBUG_PROFILEOBSERVER_H

#include "sim/debug/Profile.h"
#include "sim/debug/ProfileAccess.h"
#include "sim/exec/Footprint.h"
#include "sim/exec/Observer.h"

#include <deque>
#include <unordered_map>

namespace tilewright::sim::debug {

class ProfileObserver final : public Observer {
public:
  explicit ProfileObserver(Profile &profile) : profile(profile) {}

  bool watchesAll() const override { return true; }
  void launchStarts(LaunchContext &launch) override;
  void launchEnds(LaunchContext &launch) override;
  void clusterEnds(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void skipped(const Inst &inst, const Effect &effect, Warp &warp) override;

private:
  /// What is kept of an instruction while the launch runs.
  struct Slot {
    ptx::Location location = 0;
    bool isParameter = false; ///< accesses parameters, which nobody counts
    bool isConstant = false;
    InstructionProfile profile;
    SectorMap sectors;
  };
  /// Sectors of a line, as SectorMap has them.
  struct Touch {
    uint64_t line;
    uint8_t bits;
  };
  /// A warp's wait at an instruction.
  struct Wait {
    const Inst *inst;
    uint64_t since;
  };

  Slot *slotOf(const Inst &inst);
  void findPrimary(const Program &program);
  std::vector<ptx::Location> places() const;
  static bool movesData(const Inst &inst, const Effect &effect);
  void countAccess(const Inst &inst, const Effect &effect, Warp &warp);
  void countLanes(const Inst &inst, const Effect &effect, Warp &warp);
  void countShared(const Request &request);
  void countGlobal(const Request &request, bool reads, bool writes);
  void countMatrixRows(const Inst &inst, Warp &warp);
  void countLines();
  void touch(uint64_t sector, bool reads, bool writes);
  uint64_t touchRange(uint64_t address, uint64_t bytes, bool reads,
                      bool writes);
  void copyGlobal(uint64_t address, uint64_t bytes, bool writes);
  void countAsyncCopy();
  void countCopiedSectors(Request &request);
  void countBulk();
  void countBoxes();
  void countStoreAsync();
  void countProducts(const Inst &inst, const Warp &warp);
  void startWait(const Inst &inst, const Warp &warp);
  void endWait(const Inst &inst, const Warp &warp, Counts &counts);

  Profile &profile;
  KernelProfile result;
  const Program *program = nullptr;
  /// By pc: 0 for helpers, 1 for what was not executed yet, else slot + 2.
  std::vector<uint32_t> slotIndex;
  std::deque<Slot> slots;
  SectorMap sectors; ///< of the launch

  // The instruction that runs.
  Slot *current = nullptr; ///< null: a helper
  struct Execution {
    uint32_t threads, offLanes;
    bool split, divergent;
  } execution = {};
  bool moves = false; ///< whether `now` and `touched` have something
  Counts now;
  std::vector<Touch> touched;
  Footprint footprint;

  std::unordered_map<const Warp *, std::vector<Wait>> waits;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILEOBSERVER_H
