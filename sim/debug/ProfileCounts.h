//===- ProfileCounts.h - What is counted of each instruction --------------===//
//
// One flat record of counters, and one table that names them: sums, reports and
// their schema follow from the table.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILECOUNTS_H
#define TILEWRIGHT_SIM_DEBUG_PROFILECOUNTS_H

#include <cstdint>
#include <span>

namespace tilewright::sim::debug {

/// How a copy is made, for totals.
enum class CopyKind : uint8_t { None, Async, Bulk, Tensor, Store };
inline constexpr uint32_t copyKinds = 5;

struct Counts {
  uint64_t issues = 0;      ///< by warps, with at least one lane
  uint64_t threads = 0;     ///< lanes of these
  uint64_t offIssues = 0;   ///< the guard was false in every lane
  uint64_t offLanes = 0;    ///< lanes at the place whose guard was false
  uint64_t splitIssues = 0; ///< while the warp was in more than one strand
  uint64_t divergent = 0;   ///< lanes went to different places
  uint64_t waits = 0;       ///< issues that had to wait first
  uint64_t waitSteps = 0;   ///< steps of the launch meanwhile

  uint64_t sharedRequests = 0;
  uint64_t sharedBytes = 0; ///< of all lanes
  uint64_t wavefronts = 0;
  uint64_t idealWavefronts = 0;
  uint64_t remoteRequests = 0; ///< of another block's shared memory
  uint64_t remoteBytes = 0;

  uint64_t globalRequests = 0;
  uint64_t globalReadBytes = 0; ///< of all lanes
  uint64_t globalWriteBytes = 0;
  uint64_t globalNeededBytes = 0; ///< different ones of each request
  uint64_t sectors = 0;
  uint64_t idealSectors = 0;
  uint64_t lines = 0;
  uint64_t uniqueReadSectors = 0; ///< different ones over a launch
  uint64_t uniqueWriteSectors = 0;
  uint64_t uniqueLines = 0;

  uint64_t localRequests = 0, localBytes = 0;
  uint64_t constantRequests = 0, constantBytes = 0;
  uint64_t atomicRequests = 0;
  uint64_t atomicLanes = 0;
  uint64_t atomicSerial = 0; ///< lanes at the busiest address of each request

  uint64_t copies = 0;
  uint64_t copyReadBytes = 0;  ///< of global memory
  uint64_t copyWriteBytes = 0; ///< of global memory
  uint64_t copySectors = 0;    ///< of global memory
  uint64_t copyFromShared = 0;
  uint64_t copyToShared = 0; ///< in every block that gets it

  uint64_t products = 0;
  uint64_t productFlops = 0;
  uint64_t productSharedBytes = 0;
};

/// A counter's place in the JSON, and in the record.
struct Counter {
  const char *group;
  const char *name;
  uint64_t Counts::*field;
};
/// In the order of reports; those of a group follow one another.
std::span<const Counter> counters();

Counts &operator+=(Counts &into, const Counts &other);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILECOUNTS_H
