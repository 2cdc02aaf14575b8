//===- Atomic128.cpp - atom.exch and atom.cas on .b128 --------------------===//
//
// In a file of its own, because the host's 16-byte compare-and-swap needs a
// compiler option on x86.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AtomicOps.h"

#include <bit>

namespace tilewright::sim {

using Word = unsigned __int128;

static Word readWord(const Warp &warp, Ref low, Ref high, int lane) {
  return Word(warp.row64<uint64_t>(high)[lane]) << 64 |
         warp.row64<uint64_t>(low)[lane];
}

/// The spec's rows hold halves, the low one first.
Status runAtomic128(const Inst &inst, Warp &warp) {
  constexpr uint32_t bytes = 16;
  const auto &spec = *static_cast<const AtomicSpec *>(inst.aux);
  LanePointers pointers;
  if (!resolveSlow(inst, warp, bytes, pointers))
    return Status::Fault;
  bool isCas = spec.op == AtomicOp::Cas;
  bool changed = false;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    Word *at = reinterpret_cast<Word *>(pointers.at[lane]);
    Word b = readWord(warp, spec.b[0], spec.b[1], lane);
    Word c = isCas ? readWord(warp, spec.c[0], spec.c[1], lane) : b;
    Word expected = isCas ? b : 0;
    Word old = __sync_val_compare_and_swap(at, expected, c);
    while (!isCas && old != expected) {
      expected = old;
      old = __sync_val_compare_and_swap(at, expected, c);
    }
    changed |= (!isCas || old == b) && old != c;
    for (size_t half = 0; half < 2; ++half)
      if (spec.d[half] != noRef)
        warp.row64<uint64_t>(spec.d[half])[lane] =
            static_cast<uint64_t>(old >> (64 * half));
  }
  warp.cta->cluster->events += changed;
  return Status::Next;
}

} // namespace tilewright::sim
