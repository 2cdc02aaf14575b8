//===- AddressSpace.h - One mapping for everything a kernel can reach -----===//
// A device address is the host address of its byte. All device memories and
// all memory that host and device share are parts of one reservation, so that
// the engine checks an access with one comparison. Pages cost nothing before
// they are touched.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_MEMORY_ADDRESSSPACE_H
#define TILEWRIGHT_SIM_MEMORY_ADDRESSSPACE_H

#include <cstddef>
#include <cstdint>

namespace tilewright::sim {

class AddressSpace {
public:
  AddressSpace() = default;
  AddressSpace(const AddressSpace &) = delete;
  AddressSpace &operator=(const AddressSpace &) = delete;
  ~AddressSpace();

  /// Maps `size` bytes, readable and writable, zero and not yet backed by
  /// memory. False when the host refuses.
  bool reserve(uint64_t size);

  std::byte *base() const { return start; }
  uint64_t size() const { return length; }
  bool contains(uint64_t address) const {
    return address - reinterpret_cast<uint64_t>(start) < length;
  }

private:
  std::byte *start = nullptr;
  uint64_t length = 0;
};

/// Gives the whole pages of [address, address + size) back to the host; they
/// read as zero afterwards.
void discardPages(uint64_t address, uint64_t size);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_MEMORY_ADDRESSSPACE_H
