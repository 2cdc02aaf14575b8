//===- Values.h - What registers and memory hold, as text -----------------===//
#ifndef TILEWRIGHT_SIM_DEBUG_VALUES_H
#define TILEWRIGHT_SIM_DEBUG_VALUES_H

#include "sim/exec/Symbols.h"
#include "sim/exec/Warp.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tilewright::sim::debug {

/// One value for each of some lanes, in the order of the lanes.
struct LaneValues {
  ptx::Type type = ptx::Type::None;
  uint32_t lanes = 0;
  std::vector<uint64_t> bits;
};

/// A register as the running frame of `warp` has it. Of 128 bits the low half.
LaneValues readRegister(const Warp &warp, const LocalName &what, ptx::Type type,
                        uint32_t lanes);

/// Floats as decimals, NaNs with their bits, packed ones as pairs, bits in hex.
std::string renderValue(ptx::Type type, uint64_t bits);

/// The value that all lanes have; `first +stride` where it grows from lane to
/// lane; a few different ones with the lanes that have them; else the first
/// ones, with how many there are.
std::string renderValues(const LaneValues &values);

std::string hexText(uint64_t value);
std::string tripleText(uint32_t x, uint32_t y, uint32_t z);

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_VALUES_H
