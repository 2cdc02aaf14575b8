//===- Lanes.h - Walking over a mask of lanes -------------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_LANES_H
#define TILEWRIGHT_SIM_EXEC_LANES_H

#include <bit>
#include <cstdint>

namespace tilewright::sim {

/// Calls `visit(lane)` for each lane of the mask, in ascending order.
template <typename Visit>
void eachLane(uint32_t lanes, const Visit &visit) {
  for (; lanes; lanes &= lanes - 1)
    visit(static_cast<uint32_t>(std::countr_zero(lanes)));
}

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_LANES_H
