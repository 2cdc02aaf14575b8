//===- Pack.cpp - Packing, unpacking and address queries ------------------===//

#include "sim/exec/ops/Pack.h"

#include "sim/exec/Memory.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim {

using ptx::Space;

/// d[lane] = value(lane) for the lanes that execute. Not in the vectorized
/// files: the loops below are short and branch-free, good for any compiler.
template <typename T, typename Value>
static void write(Warp &warp, T *d, Value value) {
  uint32_t lanes = warp.writeMask;
  if (lanes == allLanes) {
    for (int l = 0; l < laneCount; ++l)
      d[l] = value(l);
    return;
  }
  for (; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    d[l] = value(l);
  }
}

/// Parts narrower than a row, or 32-bit parts of 64 bits.
template <typename T>
static Status packParts(const Inst &inst, Warp &warp, T *d) {
  const auto &refs = *static_cast<const VectorRefs *>(inst.aux);
  const uint32_t *parts[4] = {};
  for (uint32_t i = 0; i < refs.count; ++i)
    parts[i] = warp.row32<uint32_t>(refs.refs[i]);
  int bits = inst.imm;
  T mask = static_cast<T>((uint64_t(1) << bits) - 1);
  write(warp, d, [&](int l) {
    T value = 0;
    for (uint32_t i = 0; i < refs.count; ++i)
      value |= (static_cast<T>(parts[i][l]) & mask) << (bits * i);
    return value;
  });
  return Status::Next;
}

Status runPack32(const Inst &inst, Warp &warp) {
  return packParts(inst, warp, warp.row32<uint32_t>(inst.d));
}
Status runPack64(const Inst &inst, Warp &warp) {
  return packParts(inst, warp, warp.row64<uint64_t>(inst.d));
}

Status runPack64From32(const Inst &inst, Warp &warp) {
  const auto &refs = *static_cast<const VectorRefs *>(inst.aux);
  const uint32_t *low = warp.row32<uint32_t>(refs.refs[0]);
  const uint32_t *high = warp.row32<uint32_t>(refs.refs[1]);
  write(warp, warp.row64<uint64_t>(inst.d),
        [=](int l) { return uint64_t(high[l]) << 32 | low[l]; });
  return Status::Next;
}

template <typename T>
static Status unpackParts(const Inst &inst, Warp &warp, const T *source) {
  const auto &refs = *static_cast<const VectorRefs *>(inst.aux);
  int bits = inst.imm;
  uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  // A part may be the source itself.
  T copy[laneCount];
  for (int l = 0; l < laneCount; ++l)
    copy[l] = source[l];
  for (uint32_t i = 0; i < refs.count; ++i) {
    if (refs.refs[i] == noRef)
      continue;
    int shift = bits * static_cast<int>(i);
    write(warp, warp.row32<uint32_t>(refs.refs[i]), [&](int l) {
      return static_cast<uint32_t>(copy[l] >> shift) & mask;
    });
  }
  return Status::Next;
}

Status runUnpack32(const Inst &inst, Warp &warp) {
  return unpackParts(inst, warp, warp.row32<uint32_t>(inst.a));
}
Status runUnpack64(const Inst &inst, Warp &warp) {
  return unpackParts(inst, warp, warp.row64<uint64_t>(inst.a));
}

//===----------------------------------------------------------------------===//
// Address queries
//===----------------------------------------------------------------------===//

bool ConstantPlaces::contains(uint64_t address) const {
  return std::any_of(places.begin(), places.end(), [&](const Place &place) {
    return address - place.address < place.bytes;
  });
}

static bool isInSpace(const Warp &warp, const ConstantPlaces &constants,
                      Space space, uint64_t address) {
  switch (space) {
  case Space::Global:
    // ISA 9.7.9.19: the kernel's parameters lie in the window of .global.
    return address - paramWindow < windowSize ||
           (warp.launch->memory.contains(address, 1) &&
            !constants.contains(address));
  case Space::Const:
    return constants.contains(address);
  case Space::Shared: {
    uint64_t offset = address - sharedWindow;
    return offset <= clusterOffsetMask ||
           (offset < windowSize &&
            (offset >> clusterRankShift) == warp.cta->rank + 1);
  }
  case Space::SharedCluster:
    return address - sharedWindow < windowSize;
  case Space::Local:
    return address - localWindow < windowSize;
  case Space::Param:
    return address - paramWindow < windowSize;
  default:
    return false;
  }
}

Status runIsSpace(const Inst &inst, Warp &warp) {
  const uint64_t *a = warp.row64<uint64_t>(inst.a);
  const auto &constants = *static_cast<const ConstantPlaces *>(inst.aux);
  Space space = static_cast<Space>(inst.imm);
  uint32_t result = 0;
  for (int l = 0; l < laneCount; ++l)
    result |= uint32_t(isInSpace(warp, constants, space, a[l])) << l;
  uint32_t &row = warp.predicates[inst.d];
  row = (row & ~warp.writeMask) | (result & warp.writeMask);
  return Status::Next;
}

template <typename T>
static Status mapa(const Inst &inst, Warp &warp, const T *a, T *d) {
  const uint32_t *rank = warp.row32<uint32_t>(inst.b);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    if (rank[l] >= warp.launch->clusterCtas)
      return warp.fault(
          inst, static_cast<uint32_t>(l), ErrorKind::IllegalInstruction,
          "mapa to CTA " + std::to_string(rank[l]) + " of a cluster of " +
              std::to_string(warp.launch->clusterCtas));
    T window = inst.imm ? static_cast<T>(sharedWindow) : 0;
    T offset = (a[l] - window) & clusterOffsetMask;
    d[l] = window + (T(rank[l] + 1) << clusterRankShift | offset);
  }
  return Status::Next;
}
Status runMapa32(const Inst &inst, Warp &warp) {
  return mapa(inst, warp, warp.row32<uint32_t>(inst.a),
              warp.row32<uint32_t>(inst.d));
}
Status runMapa64(const Inst &inst, Warp &warp) {
  return mapa(inst, warp, warp.row64<uint64_t>(inst.a),
              warp.row64<uint64_t>(inst.d));
}

template <typename T>
static Status ctaRank(const Inst &inst, Warp &warp, const T *a) {
  uint32_t own = warp.cta->rank;
  T window = inst.imm ? static_cast<T>(sharedWindow) : 0;
  write(warp, warp.row32<uint32_t>(inst.d), [&](int l) {
    uint32_t rank = static_cast<uint32_t>((a[l] - window) >> clusterRankShift);
    return rank ? rank - 1 : own;
  });
  return Status::Next;
}
Status runCtaRank32(const Inst &inst, Warp &warp) {
  return ctaRank(inst, warp, warp.row32<uint32_t>(inst.a));
}
Status runCtaRank64(const Inst &inst, Warp &warp) {
  return ctaRank(inst, warp, warp.row64<uint64_t>(inst.a));
}

//===----------------------------------------------------------------------===//
// cvt.pack
//===----------------------------------------------------------------------===//

template <bool Signed>
static Status convertPack(const Inst &inst, Warp &warp) {
  const int32_t *a = warp.row32<int32_t>(inst.a);
  const int32_t *b = warp.row32<int32_t>(inst.b);
  const uint32_t *c = warp.row32<uint32_t>(inst.c);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  int bits = inst.imm;
  int32_t low = Signed ? -(1 << (bits - 1)) : 0;
  int32_t high = (1 << (Signed ? bits - 1 : bits)) - 1;
  uint32_t mask = (1u << bits) - 1;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    uint32_t x = static_cast<uint32_t>(std::clamp(a[l], low, high)) & mask;
    uint32_t y = static_cast<uint32_t>(std::clamp(b[l], low, high)) & mask;
    // Shifted in 64 bits: two halves leave no room for c.
    uint64_t rest = uint64_t(c[l]) << (2 * bits);
    d[l] = static_cast<uint32_t>(rest) | x << bits | y;
  }
  return Status::Next;
}

Status runConvertPackSigned(const Inst &inst, Warp &warp) {
  return convertPack<true>(inst, warp);
}
Status runConvertPackUnsigned(const Inst &inst, Warp &warp) {
  return convertPack<false>(inst, warp);
}

} // namespace tilewright::sim
