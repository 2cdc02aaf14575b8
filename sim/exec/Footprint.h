//===- Footprint.h - The bytes that an instruction reads and writes -------===//
#ifndef TILEWRIGHT_SIM_EXEC_FOOTPRINT_H
#define TILEWRIGHT_SIM_EXEC_FOOTPRINT_H

#include "sim/async/TensorMap.h"
#include "sim/exec/Cta.h"
#include "sim/exec/Effect.h"
#include "sim/ptx/Types.h"

#include <cstdint>
#include <vector>

namespace tilewright::sim {

struct AsyncCopySpec;
struct BulkSpec;
struct TensorCopySpec;

/// Neighbouring bytes in one space that lanes following each other access.
struct Span {
  ptx::Space space = ptx::Space::Global; ///< Global, Shared or Local
  uint64_t address = 0; ///< global, or counted from the start of the space
  uint64_t bytes = 0;
  uint32_t lane = 0;         ///< the first one
  uint32_t laneBytes = 0;    ///< of each lane; 0: all belong to the first
  uint32_t elementBytes = 1; ///< what one register takes
  const Cta *cta = nullptr;  ///< whose shared memory it is
  bool reads = false, writes = false;

  uint32_t laneAt(uint64_t offset) const {
    return laneBytes ? lane + static_cast<uint32_t>(offset / laneBytes) : lane;
  }
};

/// A copy by an asynchronous operation. What was never written at its source is
/// so at its target.
struct CopySpans {
  Span from, to; ///< the target may be longer: the rest becomes zero
};

/// A box between a tensor and shared memory.
struct BoxTransfer {
  TensorMap map;
  int32_t coordinates[maxTensorRank] = {};
  Span shared; ///< all of the box
  bool load = true;
};

/// What an instruction is about to access with the lanes of `warp.mask`, as far
/// as its addresses lie in some memory; the engine faults at the others.
/// Parameters are left out.
class Footprint {
public:
  void find(const Inst &inst, const Effect &effect, Warp &warp);
  /// Most accesses are harmless as a whole, which needs no span for each lane:
  /// find() left them out if `hull` encloses them all. Before the instruction
  /// has run.
  void expand(const Inst &inst, const Effect &effect, Warp &warp);

  bool hasHull = false;
  Span hull;
  std::vector<Span> spans;
  std::vector<CopySpans> copies;
  std::vector<BoxTransfer> boxes;

private:
  bool findHull(const Inst &inst, const Effect &effect, Warp &warp);
  void addAccess(const Inst &inst, const Effect &effect, Warp &warp);
  void addMatrixRows(const Inst &inst, Warp &warp, bool writes);
  void addWmmaLines(const Inst &inst, Warp &warp, bool writes);
  void addAsyncCopy(const Inst &inst, Warp &warp);
  void addBulkCopy(const Inst &inst, Warp &warp, uint32_t lane);
  void addBox(const Inst &inst, Warp &warp, uint32_t lane);
  void addBlocks(const Inst &inst, const Effect &effect, Warp &warp);
  void addMapCopy(const Inst &inst, Warp &warp);
  void addStoreAsync(const Inst &inst, Warp &warp);
  void addWgmma(const Inst &inst, Warp &warp);
  void addLane(const Span &span);
};

/// Where a lane's address leads. False for parameters and for nothing.
bool locate(const Inst &inst, Warp &warp, uint32_t lane, ptx::Space space,
            uint64_t address, uint64_t bytes, Span &span);

/// What an element of a tensor is in registers.
ptx::Type elementType(TensorDataType type);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_FOOTPRINT_H
