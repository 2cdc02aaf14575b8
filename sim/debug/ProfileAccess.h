//===- ProfileAccess.h - How a warp's request is taken apart --------------===//
//
// The rules by which memory serves the lanes of one instruction: banks of
// shared memory, sectors and lines of global memory. Banks are a rule of the
// hardware that no manual states in full; sectors follow from the addresses.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILEACCESS_H
#define TILEWRIGHT_SIM_DEBUG_PROFILEACCESS_H

#include "sim/exec/Inst.h"

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace tilewright::sim::debug {

/// Compute capabilities 5.0 to 9.0 (CUDA C++ Programming Guide, "Shared Memory"
/// and "Global Memory" of each): 32 banks of 32-bit words, a word read by many
/// lanes counts once. A pass moves at most one word of each bank, so lanes with
/// 8 bytes go in halves of the warp, with 16 bytes in quarters: this the
/// vendor's profiler and published micro-benchmarks show.
struct MemoryRules {
  uint32_t banks = 32;
  uint32_t bankBytes = 4;
  uint32_t sectorBytes = 32;
  uint32_t lineBytes = 128;

  /// Lanes that are served together.
  uint32_t lanesTogether(uint32_t laneBytes) const {
    uint32_t row = banks * bankBytes;
    uint32_t lanes = laneBytes ? row / laneBytes : laneCount;
    constexpr uint32_t warp = laneCount;
    return lanes < 1 ? 1 : lanes > warp ? warp : lanes;
  }
};
inline constexpr MemoryRules memoryRules;

/// Lanes of one instruction that access one space.
struct Request {
  uint32_t count = 0;
  uint32_t bytes = 0; ///< of each lane
  uint64_t address[laneCount];
  uint8_t lane[laneCount]; ///< ascending

  void add(uint32_t which, uint64_t at) {
    lane[count] = static_cast<uint8_t>(which);
    address[count++] = at;
  }
};

struct Wavefronts {
  uint32_t needed = 0;
  uint32_t ideal = 0; ///< without a conflict
};
Wavefronts countWavefronts(const Request &request);

/// Sectors in ascending order, each once.
struct Sectors {
  uint32_t count = 0;
  uint64_t number[laneCount * 8]; ///< address / sectorBytes
  uint32_t lines = 0;
  uint32_t neededBytes = 0; ///< different ones
};
void findSectors(const Request &request, Sectors &sectors);

/// Lanes at the address that most lanes have.
uint32_t busiestAddress(const Request &request);

/// Which sectors of global memory were read and written.
class SectorMap {
public:
  /// False when all of it was known.
  bool add(uint64_t line, uint8_t bits);
  static uint64_t lineOf(uint64_t sector);
  static uint8_t bitsOf(uint64_t sector, bool reads, bool writes);

  struct Totals {
    uint64_t readSectors = 0, writeSectors = 0, lines = 0;
  };
  Totals totals() const;

private:
  // A byte a line: the low half for sectors read, the high one for written.
  static constexpr uint64_t linesPerPage = 512;
  using Page = std::array<uint8_t, linesPerPage>;
  Page &page(uint64_t number);

  std::unordered_map<uint64_t, std::unique_ptr<Page>> pages;
  uint64_t lastNumber = ~uint64_t(0);
  Page *last = nullptr;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILEACCESS_H
