//===- ProfileAccess.cpp - How a warp's request is taken apart ------------===//

#include "sim/debug/ProfileAccess.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::debug {

/// Most words of four bytes that lanes which are served together touch: each
/// lane may start inside of one.
static constexpr uint32_t maxWords = laneCount * 5;
static constexpr uint32_t sectorsPerLine =
    memoryRules.lineBytes / memoryRules.sectorBytes;
static_assert(sectorsPerLine == 4, "SectorMap has four bits for a line");

/// Passes for the lanes [begin, end) of the request.
static uint32_t passes(const Request &request, uint32_t begin, uint32_t end) {
  uint64_t words[maxWords];
  uint32_t count = 0;
  for (uint32_t i = begin; i < end; ++i) {
    uint64_t first = request.address[i] / memoryRules.bankBytes;
    uint64_t last =
        (request.address[i] + request.bytes - 1) / memoryRules.bankBytes;
    for (uint64_t word = first; word <= last && count < maxWords; ++word)
      words[count++] = word;
  }
  if (!std::is_sorted(words, words + count))
    std::sort(words, words + count);
  uint32_t inBank[memoryRules.banks] = {};
  uint32_t most = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (i == 0 || words[i] != words[i - 1])
      most = std::max(most, ++inBank[words[i] % memoryRules.banks]);
  return most;
}

Wavefronts countWavefronts(const Request &request) {
  Wavefronts result;
  uint32_t together = memoryRules.lanesTogether(request.bytes);
  for (uint32_t begin = 0; begin < request.count;) {
    uint32_t group = request.lane[begin] / together;
    uint32_t end = begin;
    while (end < request.count && request.lane[end] / together == group)
      ++end;
    result.needed += passes(request, begin, end);
    ++result.ideal;
    begin = end;
  }
  return result;
}

/// Most requests are in order already.
static const uint64_t *sortedAddresses(const Request &request,
                                       uint64_t (&storage)[laneCount]) {
  const uint64_t *end = request.address + request.count;
  if (std::is_sorted(request.address, end))
    return request.address;
  std::copy(request.address, end, storage);
  std::sort(storage, storage + request.count);
  return storage;
}

void findSectors(const Request &request, Sectors &sectors) {
  uint64_t storage[laneCount];
  const uint64_t *sorted = sortedAddresses(request, storage);
  sectors.count = sectors.lines = sectors.neededBytes = 0;
  uint64_t covered = 0; // the end of what the lanes before have
  for (uint32_t i = 0; i < request.count; ++i) {
    uint64_t begin = sorted[i], end = begin + request.bytes;
    uint64_t from = std::max(begin, covered);
    if (from >= end)
      continue;
    sectors.neededBytes += static_cast<uint32_t>(end - from);
    covered = end;
    for (uint64_t sector = from / memoryRules.sectorBytes;
         sector <= (end - 1) / memoryRules.sectorBytes; ++sector) {
      if (sectors.count && sectors.number[sectors.count - 1] == sector)
        continue;
      if (sectors.count == 0 ||
          sectors.number[sectors.count - 1] / sectorsPerLine !=
              sector / sectorsPerLine)
        ++sectors.lines;
      sectors.number[sectors.count++] = sector;
    }
  }
}

uint32_t busiestAddress(const Request &request) {
  uint64_t storage[laneCount];
  const uint64_t *sorted = sortedAddresses(request, storage);
  uint32_t most = 0;
  for (uint32_t i = 0, run = 0; i < request.count; ++i) {
    run = i && sorted[i] == sorted[i - 1] ? run + 1 : 1;
    most = std::max(most, run);
  }
  return most;
}

//===----------------------------------------------------------------------===//
// Sectors of a launch
//===----------------------------------------------------------------------===//

SectorMap::Page &SectorMap::page(uint64_t number) {
  if (number != lastNumber) {
    std::unique_ptr<Page> &entry = pages[number];
    if (!entry)
      entry = std::make_unique<Page>();
    last = entry.get();
    lastNumber = number;
  }
  return *last;
}

uint64_t SectorMap::lineOf(uint64_t sector) { return sector / sectorsPerLine; }

uint8_t SectorMap::bitsOf(uint64_t sector, bool reads, bool writes) {
  unsigned bit = 1u << sector % sectorsPerLine;
  return static_cast<uint8_t>((reads ? bit : 0) |
                              (writes ? bit << sectorsPerLine : 0));
}

bool SectorMap::add(uint64_t line, uint8_t bits) {
  uint8_t &entry = page(line / linesPerPage)[line % linesPerPage];
  bool isNew = bits & ~entry;
  entry |= bits;
  return isNew;
}

SectorMap::Totals SectorMap::totals() const {
  Totals totals;
  for (const auto &[number, page] : pages)
    for (uint8_t line : *page) {
      unsigned reads = line & 0xf, writes = line >> sectorsPerLine;
      totals.readSectors += static_cast<uint64_t>(std::popcount(reads));
      totals.writeSectors += static_cast<uint64_t>(std::popcount(writes));
      totals.lines += line != 0;
    }
  return totals;
}

} // namespace tilewright::sim::debug
