//===- Transfer.cpp - Copies and fills ------------------------------------===//

#include "sim/memory/Transfer.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

namespace tilewright::sim {

/// Below this a second thread costs more than it saves.
static constexpr uint64_t kParallelBytes = uint64_t(8) << 20;
/// A memory controller is busy with this many copying cores.
static constexpr unsigned kMaxThreads = 8;

static char *pointer(uint64_t address) {
  return reinterpret_cast<char *>(address);
}

/// Calls `part(begin, end)` for pieces of [0, count), on several threads when
/// all of it moves many bytes. Boundaries are multiples of `unit`.
template <typename Part>
static void inParts(uint64_t count, uint64_t bytes, uint64_t unit,
                    const Part &part) {
  unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  uint64_t threads = std::min<uint64_t>(
      {cores, kMaxThreads, bytes / (kParallelBytes / 2), count / unit});
  if (bytes < kParallelBytes || threads < 2)
    return part(uint64_t(0), count);
  uint64_t share = count / threads / unit * unit;
  std::vector<std::thread> helpers;
  uint64_t given = share;
  try {
    for (uint64_t i = 1; i < threads; ++i) {
      uint64_t end = i + 1 == threads ? count : given + share;
      helpers.emplace_back(part, given, end);
      given = end;
    }
  } catch (const std::system_error &) {
    // No more threads to be had: the rest is done here.
    part(given, count);
  }
  part(0, share);
  for (std::thread &helper : helpers)
    helper.join();
}

static bool rangesOverlap(uint64_t a, uint64_t b, uint64_t bytes) {
  return a < b + bytes && b < a + bytes;
}

void copyBox(const PitchedBox &target, const PitchedBox &source,
             const Extent &extent) {
  if (extent.empty())
    return;
  if (extent.height == 1 && extent.depth == 1) {
    if (rangesOverlap(target.address, source.address, extent.width)) {
      memmove(pointer(target.address), pointer(source.address), extent.width);
      return;
    }
    inParts(extent.width, extent.width, 4096,
            [&](uint64_t begin, uint64_t end) {
              memcpy(pointer(target.address + begin),
                     pointer(source.address + begin), end - begin);
            });
    return;
  }
  uint64_t rows = extent.height * extent.depth;
  inParts(rows, rows * extent.width, 1, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      uint64_t y = row % extent.height, z = row / extent.height;
      memcpy(
          pointer(target.address + y * target.rowPitch + z * target.slicePitch),
          pointer(source.address + y * source.rowPitch + z * source.slicePitch),
          extent.width);
    }
  });
}

/// Fills one row; `value` is repeated in all four bytes when `valueBytes` < 4.
static void fillRow(char *row, uint64_t bytes, uint32_t value,
                    uint32_t valueBytes) {
  if (valueBytes == 1) {
    memset(row, int(value & 0xff), bytes);
    return;
  }
  uint64_t whole = bytes / valueBytes;
  if (valueBytes == 2)
    std::fill_n(reinterpret_cast<uint16_t *>(row), whole, uint16_t(value));
  else
    std::fill_n(reinterpret_cast<uint32_t *>(row), whole, value);
}

void fillBox(const PitchedBox &target, const Extent &extent, uint32_t value,
             uint32_t valueBytes) {
  if (extent.empty())
    return;
  if (extent.height == 1 && extent.depth == 1) {
    inParts(extent.width, extent.width, 4096,
            [&](uint64_t begin, uint64_t end) {
              fillRow(pointer(target.address + begin), end - begin, value,
                      valueBytes);
            });
    return;
  }
  uint64_t rows = extent.height * extent.depth;
  inParts(rows, rows * extent.width, 1, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      uint64_t y = row % extent.height, z = row / extent.height;
      fillRow(
          pointer(target.address + y * target.rowPitch + z * target.slicePitch),
          extent.width, value, valueBytes);
    }
  });
}

} // namespace tilewright::sim
