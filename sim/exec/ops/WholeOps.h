//===- WholeOps.h - Vector accesses in one piece ----------------*- C++ -*-===//
//
// Strong accesses of 8 or 16 bytes, which other host threads see whole or not
// at all. The ISA promises that for the elements of a vector only (8.2.2), but
// devices give it for the vector, and look-back scans (CUB's) lean on it.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_WHOLEOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_WHOLEOPS_H

#include "sim/exec/Memory.h"
#include "sim/exec/ops/Select.h"

namespace tilewright::sim {

struct WholeSpec {
  VectorRefs refs; ///< first, as in every vector access
  MemorySpec memory;
};

/// Whether an access has one of these sizes.
inline bool isWhole(const MemorySpec &spec) {
  uint32_t bytes = spec.elementBytes * spec.count;
  return spec.count > 1 && (bytes == 8 || bytes == 16);
}

/// Writes 8 or 16 bytes, aligned as much.
void storeWhole(std::byte *to, uint32_t bytes, const std::byte *from);

/// aux is a WholeSpec; the address as in Memory.h.
Status runWholeLoad(const Inst &inst, Warp &warp);
Status runWholeStore(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_WHOLEOPS_H
