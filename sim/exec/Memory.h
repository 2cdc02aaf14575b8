//===- Memory.h - From a lane's address to host memory ----------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_MEMORY_H
#define TILEWRIGHT_SIM_EXEC_MEMORY_H

#include "sim/exec/Cta.h"
#include "sim/ptx/Types.h"

namespace tilewright::sim {

/// Operands of memory instructions. The address is register `a` (or nothing)
/// plus `imm`; these bits of Inst::flags say how to read it.
enum AddressFlags : uint32_t {
  addressSpaceShift = 8,
  addressSpaceMask = 0xf,
  address32 = 1 << 12, ///< `a` is a 32-bit row
  /// The offset counts from the frame's local memory.
  addressInFrame = 1 << 13,
};

inline ptx::Space spaceOf(const Inst &inst) {
  return static_cast<ptx::Space>(inst.flags >> addressSpaceShift &
                                 addressSpaceMask);
}

/// Registers of a vector access.
struct VectorRefs {
  uint32_t count = 0;
  Ref refs[16] = {};
};

enum class Pattern : uint8_t {
  Scattered,
  Contiguous, ///< all 32 lanes, one after another
  Uniform,    ///< every lane the same
};

struct LanePointers {
  std::byte *at[laneCount];
  Pattern pattern = Pattern::Scattered;

  /// That of a lane, whose access has so many bytes.
  std::byte *of(uint32_t lane, uint32_t bytes) const {
    switch (pattern) {
    case Pattern::Scattered:
      return at[lane];
    case Pattern::Contiguous:
      return at[0] + lane * bytes;
    case Pattern::Uniform:
      break;
    }
    return at[0];
  }
};

/// The address of one lane before it is looked up.
uint64_t laneAddress(const Inst &inst, const Warp &warp, int lane);

/// Looks one address up. Null and `error` when there is nothing there.
std::byte *hostPointer(const Inst &inst, Warp &warp, int lane, ptx::Space space,
                       uint64_t address, uint64_t bytes, const char *&error);

/// Shared memory of the executing CTA or another of its cluster.
std::byte *sharedPointer(Warp &warp, uint64_t address, uint64_t bytes,
                         const char *&error);
/// The CTA that a shared::cluster address belongs to; null if there is none.
Cta *ctaOfShared(Warp &warp, uint64_t address);

/// Looks up the addresses of all executing lanes, one by one, with checks.
/// Returns false after raising a fault.
bool resolveSlow(const Inst &inst, Warp &warp, uint32_t bytes,
                 LanePointers &out);

/// resolveSlow with vector code for the common cases.
bool resolve(const Inst &inst, Warp &warp, uint32_t bytes, LanePointers &out);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_MEMORY_H
