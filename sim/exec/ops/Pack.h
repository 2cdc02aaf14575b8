//===- Pack.h - Packing, unpacking and address queries ----------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_PACK_H
#define TILEWRIGHT_SIM_EXEC_OPS_PACK_H

#include "sim/exec/Inst.h"

#include <cstdint>
#include <vector>

namespace tilewright::sim {

// aux is a VectorRefs of parts, imm the bits of one part.
Status runPack32(const Inst &inst, Warp &warp);
Status runPack64(const Inst &inst, Warp &warp);
Status runPack64From32(const Inst &inst, Warp &warp);
Status runUnpack32(const Inst &inst, Warp &warp);
Status runUnpack64(const Inst &inst, Warp &warp);

// cvt.pack: a and b saturated to imm bits, a above b, below them c's low bits.
Status runConvertPackSigned(const Inst &inst, Warp &warp);
Status runConvertPackUnsigned(const Inst &inst, Warp &warp);

/// Where a module's constants lie: they have a state space of their own, but no
/// window, so that they are in global memory for everything else.
struct ConstantPlaces {
  struct Place {
    uint64_t address, bytes;
  };
  std::vector<Place> places;

  bool contains(uint64_t address) const;
};

/// d = whether the generic address a lies in the space imm; aux is a
/// ConstantPlaces.
Status runIsSpace(const Inst &inst, Warp &warp);
// imm: the address is generic.
Status runMapa32(const Inst &inst, Warp &warp);
Status runMapa64(const Inst &inst, Warp &warp);
Status runCtaRank32(const Inst &inst, Warp &warp);
Status runCtaRank64(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_PACK_H
