//===- MemoryState.h - What is known of global memory ---------------------===//
//
// The objects that a program made in the memory that kernels reach, living and
// freed, and which of their bytes anybody has written. The driver tells; the
// checks ask.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_MEMORYSTATE_H
#define TILEWRIGHT_SIM_CHECK_MEMORYSTATE_H

#include "sim/check/WrittenBytes.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>

namespace tilewright::sim::check {

/// One allocation or module variable.
struct MemoryObject {
  uint64_t address = 0, size = 0;
  std::string name; ///< "cuMemAlloc of 4096 bytes, allocation #7"
  bool freed = false;

  uint64_t end() const { return address + size; }
};

/// Bytes of one object that lives, as long as the generation is the same.
struct LiveRange {
  uint64_t begin = 0, end = 0;
  bool contains(uint64_t address, uint64_t bytes) const {
    return address >= begin && address < end && bytes <= end - address;
  }
};

/// Thread-safe.
class MemoryState {
public:
  /// Of the address space [base, base + size). `tracksWrites` is for the check
  /// of initialization. False when the host has no room for that.
  bool open(uint64_t base, uint64_t size, bool tracksWrites);

  void allocated(MemoryObject object, bool startsWritten);
  void released(uint64_t address);
  /// Gives the object that starts at `address` a better name.
  void rename(uint64_t address, std::string name);

  void written(uint64_t address, uint64_t bytes) {
    if (writes)
      writes->mark(address, bytes);
  }
  void unwritten(uint64_t address, uint64_t bytes) {
    if (writes)
      writes->clear(address, bytes);
  }
  /// `from` has become readable at `to`, with what was never written there.
  void copied(uint64_t to, uint64_t from, uint64_t bytes);

  /// The living object that contains the byte.
  std::optional<LiveRange> findLive(uint64_t address) const;
  /// Changes whenever an object ends.
  uint64_t generation() const {
    return releases.load(std::memory_order_acquire);
  }
  /// The bytes relative to the object they are most likely meant for: "8 bytes
  /// behind cuMemAlloc of ...", "in cuMemAlloc of ..., which is freed".
  std::string describe(uint64_t address, uint64_t bytes) const;
  /// Null when nobody asks for writes.
  const WrittenBytes *writtenBytes() const { return writes.get(); }
  bool contains(uint64_t address) const { return address - base < size; }

private:
  std::map<uint64_t, MemoryObject>::const_iterator
  lastAt(uint64_t address) const;

  uint64_t base = 0, size = 0;
  std::unique_ptr<WrittenBytes> writes;
  mutable std::shared_mutex mutex;
  /// Objects do not overlap; a new one pushes out freed ones.
  std::map<uint64_t, MemoryObject> objects;
  std::atomic<uint64_t> releases{0};
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_MEMORYSTATE_H
