//===- AtomicOps.h - Read-modify-write of memory ----------------*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_ATOMICOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_ATOMICOPS_H

#include "sim/exec/Inst.h"
#include "sim/ptx/Types.h"

#include <cstddef>
#include <cstdint>

namespace tilewright::sim {

enum class AtomicOp : uint8_t {
  And,
  Or,
  Xor,
  Exch,
  Cas,
  Add,
  Inc,
  Dec,
  Min,
  Max
};

/// Whether the ISA has the operation on the type.
bool hasAtomic(AtomicOp op, ptx::Type type);

/// The new value of memory that holds `old`; `b` and `c` are the operands.
uint64_t atomicValue(AtomicOp op, ptx::Type type, uint64_t old, uint64_t b,
                     uint64_t c);

/// Performs it on host memory, atomically towards other host threads. Returns
/// the old value.
uint64_t atomicUpdate(AtomicOp op, ptx::Type type, std::byte *at, uint64_t b,
                      uint64_t c);

/// atom.add.f32 in global memory, and only there, flushes subnormal operands
/// and sums (ISA 9.7.13.5); so does cp.reduce.async.bulk (9.7.9.25.4.2).
uint64_t atomicAddFlushing(std::byte *at, uint32_t b);

/// What Inst::aux of atom and red points to. The address as in Memory.h.
struct AtomicSpec {
  AtomicOp op = AtomicOp::Add;
  ptx::Type type = ptx::Type::U32;
  uint32_t count = 1; ///< elements of a vector
  bool row64 = false;
  Ref d[8], b[8], c[8]; ///< d is noRef for red
};
Status runAtomic(const Inst &inst, Warp &warp);
/// exch and cas of .b128: two 64-bit rows for each register, count is 2.
Status runAtomic128(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_ATOMICOPS_H
