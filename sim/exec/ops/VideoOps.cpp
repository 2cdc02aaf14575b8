//===- VideoOps.cpp - Scalar and SIMD video instructions ------------------===//

#include "sim/exec/ops/VideoOps.h"

#include "sim/exec/Warp.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim {

// Intermediate results have up to 66 bits: a 33-bit value shifted by 32.
using Wide = __int128;

static Wide extract(uint32_t word, VideoPart part, bool isSigned) {
  uint32_t unused = 32u - part.bits;
  uint32_t high = word >> part.shift << unused;
  return isSigned ? static_cast<Wide>(static_cast<int32_t>(high) >>
                                      static_cast<int>(unused))
                  : static_cast<Wide>(high >> unused);
}

static Wide clampTo(Wide value, int bits, bool isSigned) {
  Wide one = 1;
  Wide low = isSigned ? -(one << (bits - 1)) : 0;
  Wide high = (one << (isSigned ? bits - 1 : bits)) - 1;
  return std::clamp(value, low, high);
}

static bool holds(CompareOp op, Wide a, Wide b) {
  switch (op) {
  case CompareOp::Eq:
    return a == b;
  case CompareOp::Ne:
    return a != b;
  case CompareOp::Lt:
    return a < b;
  case CompareOp::Le:
    return a <= b;
  case CompareOp::Gt:
    return a > b;
  default:
    return a >= b;
  }
}

static Wide compute(const VideoSpec &spec, Wide a, Wide b) {
  switch (spec.op) {
  case VideoOp::Add:
    return a + b;
  case VideoOp::Sub:
    return a - b;
  case VideoOp::AbsDiff:
    return a > b ? a - b : b - a;
  case VideoOp::Min:
    return std::min(a, b);
  case VideoOp::Max:
    return std::max(a, b);
  case VideoOp::Average:
    return (a + b + (a + b >= 0 ? 1 : 0)) >> 1;
  case VideoOp::Shl:
  case VideoOp::Shr: {
    int amount = static_cast<int>(spec.wrap ? b & 31 : std::min<Wide>(b, 32));
    return spec.op == VideoOp::Shl ? a * (Wide(1) << amount) : a >> amount;
  }
  case VideoOp::Set:
    return holds(spec.compare, a, b) ? 1 : 0;
  }
  return 0;
}

/// The optional secondary operation or merge (optSecOp and optMerge).
static uint32_t finish(const VideoSpec &spec, Wide value, uint32_t c) {
  Wide third = extract(c, VideoPart(), spec.dSigned);
  switch (spec.second) {
  case VideoSecond::None:
    return static_cast<uint32_t>(value);
  case VideoSecond::Add:
    return static_cast<uint32_t>(value + third);
  case VideoSecond::Min:
    return static_cast<uint32_t>(std::min(value, third));
  case VideoSecond::Max:
    return static_cast<uint32_t>(std::max(value, third));
  case VideoSecond::Merge:
    break;
  }
  uint32_t mask = ~0u >> (32 - spec.d.bits) << spec.d.shift;
  return (static_cast<uint32_t>(value) << spec.d.shift & mask) | (c & ~mask);
}

static uint32_t scalar(const VideoSpec &spec, uint32_t a, uint32_t b,
                       uint32_t c) {
  Wide value = compute(spec, extract(a, spec.a, spec.aSigned),
                       extract(b, spec.b, spec.bSigned));
  if (spec.saturate)
    value = clampTo(value, spec.d.bits, spec.dSigned);
  return finish(spec, value, c);
}

static uint32_t mad(const VideoSpec &spec, uint32_t a, uint32_t b, uint32_t c) {
  bool isSigned =
      spec.aSigned || spec.bSigned || spec.negateProduct || spec.negateC;
  Wide product =
      extract(a, spec.a, spec.aSigned) * extract(b, spec.b, spec.bSigned);
  // Negations are complements plus one: a least significant bit is added.
  if (spec.negateProduct)
    product = ~product;
  else if (spec.negateC)
    c = ~c;
  bool lsb = spec.plusOne || spec.negateProduct || spec.negateC;
  Wide sum = product + extract(c, VideoPart(), isSigned) + (lsb ? 1 : 0);
  sum >>= spec.scale;
  if (spec.saturate)
    sum = clampTo(sum, 32, isSigned);
  return static_cast<uint32_t>(sum);
}

static uint32_t simd(const VideoSpec &spec, uint32_t a, uint32_t b,
                     uint32_t c) {
  uint8_t bits = static_cast<uint8_t>(32 / spec.lanes);
  auto element = [&](uint8_t select, bool isSigned) {
    uint32_t word = select < spec.lanes ? a : b;
    uint8_t shift = static_cast<uint8_t>(select % spec.lanes * bits);
    return extract(word, VideoPart{shift, bits}, isSigned);
  };
  bool accumulates = spec.second == VideoSecond::Add;
  uint32_t result = c;
  for (uint8_t i = 0; i < spec.lanes; ++i) {
    if (!(spec.mask >> i & 1))
      continue;
    Wide value = compute(spec, element(spec.aSelect[i], spec.aSigned),
                         element(spec.bSelect[i], spec.bSigned));
    if (spec.saturate)
      value = clampTo(value, bits, spec.dSigned);
    if (accumulates) {
      result += static_cast<uint32_t>(value);
      continue;
    }
    uint32_t mask = ~0u >> (32 - bits) << (i * bits);
    result =
        (result & ~mask) | (static_cast<uint32_t>(value) << (i * bits) & mask);
  }
  return result;
}

template <auto Fn>
static Status each(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const VideoSpec *>(inst.aux);
  const uint32_t *a = warp.row32<uint32_t>(inst.a);
  const uint32_t *b = warp.row32<uint32_t>(inst.b);
  const uint32_t *c = warp.row32<uint32_t>(inst.c);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int l = std::countr_zero(lanes);
    d[l] = Fn(spec, a[l], b[l], c[l]);
  }
  return Status::Next;
}

Status runVideo(const Inst &inst, Warp &warp) {
  return each<scalar>(inst, warp);
}
Status runVideoMad(const Inst &inst, Warp &warp) {
  return each<mad>(inst, warp);
}
Status runVideoSimd(const Inst &inst, Warp &warp) {
  return each<simd>(inst, warp);
}

} // namespace tilewright::sim
