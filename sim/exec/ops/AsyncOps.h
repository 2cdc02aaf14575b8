//===- AsyncOps.h - Asynchronous copies -------------------------*- C++ -*-===//
//
// The default schedule completes an asynchronous operation when it is issued,
// which is one of the orders that the ISA allows. Adversarial schedules hold
// operations back in the cluster's AsyncQueue.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_ASYNCOPS_H
#define TILEWRIGHT_SIM_EXEC_OPS_ASYNCOPS_H

#include "sim/async/TensorMap.h"
#include "sim/exec/Inst.h"
#include "sim/exec/ops/AtomicOps.h"
#include "sim/ptx/Types.h"

namespace tilewright::sim {

/// cp.async: the destination's address is row a (64 bits), the source's row b.
struct AsyncCopySpec {
  uint32_t bytes = 4;
  Ref sourceBytes = noRef; ///< bytes that are copied; the rest is zero
  Ref ignore = noRef;      ///< predicate: copy nothing, write zeros
  bool ignoreNegated = false;
};
/// Bytes of its source that a lane's copy reads.
uint32_t bytesRead(const AsyncCopySpec &spec, const Warp &warp, uint32_t lane);
Status runAsyncCopy(const Inst &inst, Warp &warp);
/// cp.async.mbarrier.arrive; the address as in Memory.h, target: whether noinc.
Status runAsyncArrive(const Inst &inst, Warp &warp);

/// Bits of Inst::flags of the group instructions; imm: groups that may stay.
enum AsyncFlags : uint32_t {
  asyncBulk = 1 << 16,
  asyncAll = 1 << 17,
  asyncReadsOnly = 1 << 18,
};
Status runAsyncCommit(const Inst &inst, Warp &warp);
Status runAsyncWait(const Inst &inst, Warp &warp);

enum class BulkCompletion : uint8_t { Mbarrier, Group };

/// cp.async.bulk and cp.reduce.async.bulk. All rows have 64 bits but size and
/// mask.
struct BulkSpec {
  ptx::Space to = ptx::Space::Global, from = ptx::Space::Global;
  BulkCompletion completion = BulkCompletion::Group;
  Ref destination = noRef, source = noRef;
  Ref size = noRef; ///< 32 bits
  Ref mbarrier = noRef;
  Ref ctaMask = noRef;  ///< 16 bits, multicast
  Ref byteMask = noRef; ///< 16 bits, .cp_mask
  bool reduces = false;
  AtomicOp op = AtomicOp::Add;
  ptx::Type type = ptx::Type::B8;
};
Status runBulkCopy(const Inst &inst, Warp &warp);

/// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor.
struct TensorCopySpec {
  bool load = true;
  uint32_t rank = 1;
  Ref shared = noRef; ///< 64-bit row: the address in shared memory
  Ref map = noRef;    ///< 64-bit row: generic address
  Ref coordinates[5] = {noRef, noRef, noRef, noRef, noRef};
  Ref mbarrier = noRef;
  Ref ctaMask = noRef;
  bool reduces = false;
  TensorReduction reduction = TensorReduction::Add;
};
Status runTensorCopy(const Inst &inst, Warp &warp);

/// st.async and red.async: the value joins the mbarrier's transactions.
struct StoreAsyncSpec {
  Ref address = noRef, mbarrier = noRef; ///< 64-bit rows, shared::cluster
  uint32_t count = 1;
  ptx::Type type = ptx::Type::B32;
  Ref values[4] = {noRef, noRef, noRef, noRef};
  bool reduces = false;
  AtomicOp op = AtomicOp::Add;
};
Status runStoreAsync(const Inst &inst, Warp &warp);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_ASYNCOPS_H
