//===- MbarrierOps.cpp - mbarrier objects in shared memory ----------------===//

#include "sim/exec/Memory.h"
#include "sim/exec/ops/BarrierOps.h"

#include <bit>
#include <cstring>

namespace tilewright::sim {

static constexpr int64_t countLimit = (int64_t(1) << 20) - 1;
static constexpr uint64_t initializedTag = 1;
/// Adversarial schedules let one in so many waits return early.
static constexpr uint32_t earlyReturns = 8;

bool Mbarrier::decode(uint64_t bits, Mbarrier &out) {
  if (bits >> 62 != initializedTag)
    return false;
  out.pending = static_cast<int64_t>(bits & countLimit);
  out.expected = static_cast<int64_t>(bits >> 20 & countLimit);
  out.transactions = static_cast<int64_t>(bits << 3) >> 43;
  out.phase = bits >> 61 & 1;
  return true;
}

uint64_t Mbarrier::encode() const {
  return static_cast<uint64_t>(pending) |
         static_cast<uint64_t>(expected) << 20 |
         (static_cast<uint64_t>(transactions) & 0x1fffff) << 40 |
         static_cast<uint64_t>(phase) << 61 | initializedTag << 62;
}

void Mbarrier::settle() {
  if (pending != 0 || transactions != 0)
    return;
  phase ^= 1;
  pending = expected;
}

static uint64_t readObject(const std::byte *object) {
  uint64_t bits;
  std::memcpy(&bits, object, sizeof bits);
  return bits;
}
static void writeObject(std::byte *object, uint64_t bits) {
  std::memcpy(object, &bits, sizeof bits);
}

const char *updateMbarrier(std::byte *object, int64_t count,
                           int64_t expectBytes, int64_t completeBytes,
                           bool drop, uint64_t &before) {
  before = readObject(object);
  Mbarrier barrier;
  if (!Mbarrier::decode(before, barrier))
    return "mbarrier object is not initialized";
  barrier.transactions += expectBytes - completeBytes;
  if (barrier.transactions > countLimit || barrier.transactions < -countLimit)
    return "transaction count of the mbarrier overflows";
  if (count > barrier.pending)
    return "more arrivals than the mbarrier's phase expects";
  barrier.pending -= count;
  if (drop)
    barrier.expected -= count;
  // Expecting alone cannot end a phase; arriving or completing can.
  if (count || completeBytes)
    barrier.settle();
  writeObject(object, barrier.encode());
  return nullptr;
}

/// Runs `each(lane, object)` for the executing lanes; stops at an error text.
template <typename Each>
static Status forObjects(const Inst &inst, Warp &warp, Each each) {
  LanePointers pointers;
  if (!resolveSlow(inst, warp, 8, pointers))
    return Status::Fault;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    if (const char *error = each(lane, pointers.at[lane]))
      return warp.fault(inst, static_cast<uint32_t>(lane),
                        ErrorKind::IllegalInstruction, error);
  }
  ++warp.cta->cluster->events;
  return Status::Next;
}

Status runMbarrierInit(const Inst &inst, Warp &warp) {
  const uint32_t *count = warp.row32<uint32_t>(inst.b);
  return forObjects(inst, warp,
                    [&](int lane, std::byte *object) -> const char * {
                      if (count[lane] == 0 || count[lane] > countLimit)
                        return "mbarrier count is not between 1 and 2^20 - 1";
                      Mbarrier barrier;
                      barrier.pending = barrier.expected = count[lane];
                      writeObject(object, barrier.encode());
                      return nullptr;
                    });
}

Status runMbarrierInval(const Inst &inst, Warp &warp) {
  return forObjects(inst, warp, [](int, std::byte *object) -> const char * {
    writeObject(object, 0);
    return nullptr;
  });
}

Status runMbarrierArrive(const Inst &inst, Warp &warp) {
  const uint32_t *count =
      inst.b == noRef ? nullptr : warp.row32<uint32_t>(inst.b);
  const uint32_t *bytes =
      inst.flags & mbarrierTx ? warp.row32<uint32_t>(inst.c) : nullptr;
  return forObjects(inst, warp, [&](int lane, std::byte *object) {
    uint64_t before = 0;
    const char *error =
        updateMbarrier(object, count ? count[lane] : 1, bytes ? bytes[lane] : 0,
                       0, inst.flags & mbarrierDrop, before);
    if (!error && inst.d != noRef)
      warp.row64<uint64_t>(inst.d)[lane] = before;
    return error;
  });
}

Status runMbarrierExpect(const Inst &inst, Warp &warp) {
  const uint32_t *bytes = warp.row32<uint32_t>(inst.c);
  return forObjects(inst, warp, [&](int lane, std::byte *object) {
    uint64_t before = 0;
    return updateMbarrier(object, 0, bytes[lane], 0, false, before);
  });
}

Status runMbarrierComplete(const Inst &inst, Warp &warp) {
  const uint32_t *bytes = warp.row32<uint32_t>(inst.c);
  return forObjects(inst, warp, [&](int lane, std::byte *object) {
    uint64_t before = 0;
    return updateMbarrier(object, 0, 0, bytes[lane], false, before);
  });
}

/// The phase that lane `lane` waits for; false if its state is none.
static bool waitedPhase(const Inst &inst, const Warp &warp, int lane,
                        uint32_t &phase) {
  if (inst.flags & mbarrierParity) {
    phase = warp.row32<uint32_t>(inst.b)[lane] & 1;
    return true;
  }
  Mbarrier state;
  if (!Mbarrier::decode(warp.row64<uint64_t>(inst.b)[lane], state))
    return false;
  phase = state.phase;
  return true;
}

/// Lanes whose phase is complete, that is, whose object is in the next one.
/// False after a fault.
static bool testPhases(const Inst &inst, Warp &warp, uint32_t &complete) {
  LanePointers pointers;
  if (!resolve(inst, warp, 8, pointers))
    return false;
  Mbarrier barrier;
  const std::byte *decoded = nullptr;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    const std::byte *object = pointers.of(static_cast<uint32_t>(lane), 8);
    const char *error = nullptr;
    uint32_t phase = 0;
    if (object != decoded && !Mbarrier::decode(readObject(object), barrier))
      error = "mbarrier object is not initialized";
    else if (!waitedPhase(inst, warp, lane, phase))
      error = "the state is not one that an arrival returned";
    if (error) {
      warp.fault(inst, static_cast<uint32_t>(lane),
                 ErrorKind::IllegalInstruction, error);
      return false;
    }
    decoded = object;
    complete |= uint32_t(barrier.phase != phase) << lane;
  }
  return true;
}

Status runMbarrierWait(const Inst &inst, Warp &warp) {
  uint32_t complete = 0;
  if (!testPhases(inst, warp, complete))
    return Status::Fault;
  Strand &strand = warp.strand();
  bool mayWait = (inst.flags & mbarrierTry) && !strand.timedOut &&
                 !warp.cta->cluster->random.oneIn(earlyReturns);
  // Lanes that are through are not held back by those that are not.
  if (complete == 0 && mayWait)
    return warp.block(WaitKind::Mbarrier);
  strand.timedOut = false;
  if (complete)
    ++warp.cta->cluster->events;
  uint32_t &row = warp.predicates[inst.d];
  row = (row & ~warp.mask) | complete;
  return Status::Next;
}

Status runMbarrierPendingCount(const Inst &inst, Warp &warp) {
  const uint64_t *state = warp.row64<uint64_t>(inst.a);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    d[lane] = static_cast<uint32_t>(state[lane] & countLimit);
  }
  return Status::Next;
}

} // namespace tilewright::sim
