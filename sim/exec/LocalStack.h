//===- LocalStack.h - Local memory that lanes take at run time --*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_LOCALSTACK_H
#define TILEWRIGHT_SIM_EXEC_LOCALSTACK_H

#include "sim/exec/Inst.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace tilewright::sim {

/// One stack for each lane of a warp, in local addresses that end at `top`.
class LocalStack {
public:
  /// A multiple of the largest alignment that `alloca` may ask for.
  static constexpr uint32_t top = 1 << 24;
  /// CUDA's limit for the local memory of a thread.
  static constexpr uint32_t limit = 512 * 1024;

  void clear() {
    std::fill_n(pointers, laneCount, top);
    bytes.clear();
    perLane = 0;
  }

  uint32_t pointer(int lane) const { return pointers[lane]; }
  /// False when the address is none that the stack can have.
  bool setPointer(int lane, uint64_t address) {
    if (address > top || address < top - limit)
      return false;
    pointers[lane] = static_cast<uint32_t>(address);
    grow(top - pointers[lane]);
    return true;
  }

  /// Host memory of [address, address + size); null outside of what was taken.
  std::byte *at(int lane, uint64_t address, uint64_t size) {
    if (address < pointers[lane] || address >= top || size > top - address)
      return nullptr;
    return bytes.data() + size_t(lane + 1) * perLane - (top - address);
  }

private:
  /// Stacks are kept at the end of their share, so content moves up.
  void grow(uint32_t needed) {
    if (needed <= perLane)
      return;
    constexpr uint32_t least = 1024;
    uint32_t grown = std::min(std::max({needed, 2 * perLane, least}), limit);
    std::vector<std::byte> larger(size_t(grown) * laneCount);
    for (size_t lane = 0; lane < laneCount; ++lane)
      std::copy_n(bytes.data() + lane * perLane, perLane,
                  larger.data() + (lane + 1) * grown - perLane);
    bytes = std::move(larger);
    perLane = grown;
  }

  uint32_t pointers[laneCount] = {};
  std::vector<std::byte> bytes;
  uint32_t perLane = 0;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_LOCALSTACK_H
