//===- BarrierOps.h - Barriers of CTAs and clusters, mbarriers --*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_BARRIEROPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_BARRIEROPS_H

#include "sim/exec/Inst.h"

#include <cstddef>
#include <cstdint>

namespace tilewright::sim {

/// Bits of Inst::imm of the barrier instructions.
enum BarrierFlags : int32_t { barrierAligned = 1, barrierNegate = 2 };

// a is the barrier, b the thread count or noRef.
Status runBarrierSync(const Inst &inst, Warp &warp);
Status runBarrierArrive(const Inst &inst, Warp &warp);
// c is the predicate, d the result: a row for popc, a predicate otherwise.
Status runBarrierPopc(const Inst &inst, Warp &warp);
Status runBarrierAnd(const Inst &inst, Warp &warp);
Status runBarrierOr(const Inst &inst, Warp &warp);

Status runClusterArrive(const Inst &inst, Warp &warp);
Status runClusterWait(const Inst &inst, Warp &warp);

/// The 8 bytes of an mbarrier object (ISA 9.7.13.15.3), in shared memory:
///   bits 0-19   pending arrivals of the current phase
///   bits 20-39  arrivals that a phase expects
///   bits 40-60  transaction count, signed
///   bit 61      phase
///   bits 62-63  1: initialized
struct Mbarrier {
  int64_t pending = 0;
  int64_t expected = 0;
  int64_t transactions = 0;
  uint32_t phase = 0;

  /// False when the bits are no mbarrier.
  static bool decode(uint64_t bits, Mbarrier &out);
  uint64_t encode() const;
  /// Starts the next phase if this one is complete.
  void settle();
};

/// Applies an arrive-on of `count`, after expecting `expectBytes` and
/// completing `completeBytes`, to the object at `object`. Null, or what is
/// wrong; `before` gets the object's bits from before the arrival.
const char *updateMbarrier(std::byte *object, int64_t count,
                           int64_t expectBytes, int64_t completeBytes,
                           bool drop, uint64_t &before);

/// Operands of the mbarrier instructions; the address as in Memory.h, b the
/// count, c the bytes, d the state or noRef.
enum MbarrierFlags : uint32_t {
  mbarrierDrop = 1 << 16,
  mbarrierTx = 1 << 17,     ///< c is expected before the arrival
  mbarrierParity = 1 << 18, ///< b is a parity, else a state
  mbarrierTry = 1 << 19,    ///< may wait
};
Status runMbarrierInit(const Inst &inst, Warp &warp);
Status runMbarrierInval(const Inst &inst, Warp &warp);
Status runMbarrierArrive(const Inst &inst, Warp &warp);
Status runMbarrierExpect(const Inst &inst, Warp &warp);
Status runMbarrierComplete(const Inst &inst, Warp &warp);
/// d is the predicate.
Status runMbarrierWait(const Inst &inst, Warp &warp);
Status runMbarrierPendingCount(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_BARRIEROPS_H
