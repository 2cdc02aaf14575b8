//===- Arena.h - Allocator of one memory, best fit with coalescing --------===//
// The same sequence of calls gives the same addresses relative to the base, so
// that a run can be repeated exactly.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_MEMORY_ARENA_H
#define TILEWRIGHT_SIM_MEMORY_ARENA_H

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace tilewright::sim {

/// One live allocation. `owner` and `tag` belong to the caller.
struct Allocation {
  uint64_t address = 0;
  uint64_t size = 0; ///< as asked for
  uint64_t id = 0;   ///< never repeats within the process
  const void *owner = nullptr;
  uint32_t tag = 0;

  bool contains(uint64_t first, uint64_t bytes) const {
    uint64_t offset = first - address;
    return offset <= size && bytes <= size - offset;
  }
};

/// Told of every allocation and release, with the arena's lock held.
class AllocationWatcher {
public:
  virtual ~AllocationWatcher() = default;
  virtual void allocated(const Allocation &allocation) = 0;
  virtual void released(const Allocation &allocation) = 0;
};

/// Makes wrong accesses visible: bytes behind each allocation that belong to
/// nobody, and addresses that are not given out again for long.
struct ArenaGuards {
  AllocationWatcher *watcher = nullptr; ///< outlives the arena
  uint64_t redZone = 0;                 ///< bytes, a multiple of kGranularity
  uint64_t quarantine = 0; ///< bytes of released blocks that are kept back
};

/// Thread-safe.
class Arena {
public:
  /// Every allocation is aligned to this at least, and padded to it.
  static constexpr uint64_t kGranularity = 512;

  Arena(uint64_t base, uint64_t size);

  /// Before the first allocation.
  void guard(const ArenaGuards &guards);

  /// An address, or 0 when no hole is large enough. `align` is a power of two.
  uint64_t allocate(uint64_t size, uint64_t align, const void *owner,
                    uint32_t tag);
  /// False when `address` is not the start of a live allocation.
  bool release(uint64_t address);
  /// Releases every allocation of `owner`.
  void releaseAll(const void *owner);

  /// The live allocation that contains `address`.
  std::optional<Allocation> find(uint64_t address) const;
  bool contains(uint64_t address) const { return address - base < size; }

  uint64_t baseAddress() const { return base; }
  uint64_t totalBytes() const { return size; }
  uint64_t usedBytes() const;

private:
  struct Block {
    Allocation allocation;
    uint64_t padded = 0;
  };

  void addHole(uint64_t address, uint64_t bytes);
  void removeHole(uint64_t address, uint64_t bytes);
  uint64_t place(uint64_t padded, uint64_t align);
  void releaseLocked(std::map<uint64_t, Block>::iterator block);
  void mergeHole(uint64_t address, uint64_t bytes);
  void shrinkQuarantine(uint64_t limit);
  void dropRedZones();

  const uint64_t base, size;
  mutable std::mutex mutex;
  std::map<uint64_t, uint64_t> holes; ///< address -> bytes
  std::set<std::pair<uint64_t, uint64_t>> holesBySize;
  std::map<uint64_t, Block> live;
  uint64_t used = 0;
  ArenaGuards guards;
  std::deque<std::pair<uint64_t, uint64_t>> quarantine; ///< address, bytes
  uint64_t quarantined = 0;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORY_ARENA_H
