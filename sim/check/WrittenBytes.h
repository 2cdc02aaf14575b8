//===- WrittenBytes.h - Which bytes of an address range were written ------===//
//
// One bit a byte, in memory that costs nothing before it is touched, and above
// it a state for each page, so that gigabytes are cleared or filled at once.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_WRITTENBYTES_H
#define TILEWRIGHT_SIM_CHECK_WRITTENBYTES_H

#include "sim/memory/AddressSpace.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace tilewright::sim::check {

/// Thread-safe; of accesses that race with each other one or the other counts.
class WrittenBytes {
public:
  /// All of [base, base + size) is unwritten. False when the host refuses.
  bool open(uint64_t base, uint64_t size);

  void mark(uint64_t address, uint64_t bytes);
  void clear(uint64_t address, uint64_t bytes);
  bool allWritten(uint64_t address, uint64_t bytes) const;
  bool anyWritten(uint64_t address, uint64_t bytes) const;

private:
  enum State : uint8_t { Nothing, Some, Everything };
  static constexpr uint64_t pageShift = 16;
  static constexpr uint64_t pageBytes = uint64_t(1) << pageShift;
  static constexpr uint64_t pageWords = pageBytes / 64;

  std::atomic<uint64_t> *wordsOf(uint64_t page) const {
    return bits() + page * pageWords;
  }
  std::atomic<uint64_t> *bits() const {
    return reinterpret_cast<std::atomic<uint64_t> *>(space.base());
  }
  void setPart(uint64_t page, uint64_t first, uint64_t count, bool value);
  void setWhole(uint64_t page, bool value);
  void makeMixed(uint64_t page);
  template <typename Visit>
  bool eachPart(uint64_t address, uint64_t bytes, const Visit &visit) const;

  uint64_t base = 0, size = 0;
  AddressSpace space; ///< the bits
  std::unique_ptr<std::atomic<uint8_t>[]> states;
  std::mutex mutex; ///< of changes of a page's state
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_WRITTENBYTES_H
