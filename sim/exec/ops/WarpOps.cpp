//===- WarpOps.cpp - Exchange and votes among a warp's lanes --------------===//

#include "sim/exec/ops/WarpOps.h"

#include "sim/exec/Warp.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim {

/// Waits for all members that the executing lanes name. Lanes that execute an
/// instruction together may name different ones: tiles of a warp, side by side.
static bool gather(const Inst &inst, Warp &warp, Status &status) {
  const uint32_t *masks = warp.row32<uint32_t>(inst.e);
  uint32_t members = 0;
  if (inst.e & constantRow)
    members = masks[0];
  else
    for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
      members |= masks[std::countr_zero(lanes)];
  return warp.converged(inst, members, status);
}

/// Runs `body(voters)` for each group of executing lanes that name the same
/// members, once all of them are here. The body writes lanes of `Warp::mask`.
template <typename Body>
static Status forEachGroup(const Inst &inst, Warp &warp, const Body &body) {
  Status status;
  if (!gather(inst, warp, status))
    return status;
  uint32_t masks[laneCount];
  std::copy_n(warp.row32<uint32_t>(inst.e), laneCount, masks);
  uint32_t all = warp.mask;
  for (uint32_t left = all; left; left &= ~warp.mask) {
    uint32_t members = masks[std::countr_zero(left)];
    uint32_t group = 0;
    for (uint32_t lanes = left; lanes; lanes &= lanes - 1)
      if (masks[std::countr_zero(lanes)] == members)
        group |= lanes & -lanes;
    warp.mask = group;
    body(members & all);
  }
  warp.mask = all;
  return Status::Next;
}

static void writePredicate(Warp &warp, Ref ref, uint32_t value) {
  uint32_t &row = warp.predicates[ref];
  row = (row & ~warp.mask) | (value & warp.mask);
}

template <typename T>
static void broadcast(Warp &warp, T *row, T value) {
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    row[std::countr_zero(lanes)] = value;
}

Status runShuffle(const Inst &inst, Warp &warp) {
  Status status;
  if (!gather(inst, warp, status))
    return status;
  uint32_t a[laneCount];
  std::copy_n(warp.row32<uint32_t>(inst.a), laneCount, a);
  const uint32_t *b = warp.row32<uint32_t>(inst.b);
  const uint32_t *c = warp.row32<uint32_t>(inst.c);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  uint32_t valid = 0;
  uint32_t result[laneCount];
  ShuffleMode mode = static_cast<ShuffleMode>(inst.imm);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    int amount = static_cast<int>(b[lane] & 0x1f);
    int clamp = static_cast<int>(c[lane] & 0x1f);
    int segment = static_cast<int>(c[lane] >> 8 & 0x1f);
    int maxLane = (lane & segment) | (clamp & ~segment);
    int minLane = lane & segment;
    int from = 0;
    bool inRange = false;
    switch (mode) {
    case ShuffleMode::Up:
      from = lane - amount;
      inRange = from >= maxLane;
      break;
    case ShuffleMode::Down:
      from = lane + amount;
      inRange = from <= maxLane;
      break;
    case ShuffleMode::Bfly:
      from = lane ^ amount;
      inRange = from <= maxLane;
      break;
    case ShuffleMode::Idx:
      from = minLane | (amount & ~segment);
      inRange = from <= maxLane;
      break;
    }
    if (!inRange)
      from = lane;
    valid |= uint32_t(inRange) << lane;
    result[lane] = a[from];
  }
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    d[std::countr_zero(lanes)] = result[std::countr_zero(lanes)];
  if (inst.target != noRef)
    writePredicate(warp, inst.target, valid);
  return Status::Next;
}

static uint32_t votes(const Inst &inst, Warp &warp) {
  uint32_t value = warp.predicates[inst.a];
  return inst.imm & 4 ? ~value : value;
}

Status runVote(const Inst &inst, Warp &warp) {
  uint32_t value = votes(inst, warp);
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    uint32_t yes = value & voters;
    bool result = false;
    switch (static_cast<VoteMode>(inst.imm & 3)) {
    case VoteMode::All:
      result = yes == voters;
      break;
    case VoteMode::Any:
      result = yes != 0;
      break;
    case VoteMode::Uni:
      result = yes == 0 || yes == voters;
      break;
    }
    writePredicate(warp, inst.d, result ? allLanes : 0);
  });
}

Status runBallot(const Inst &inst, Warp &warp) {
  uint32_t value = votes(inst, warp);
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    broadcast(warp, warp.row32<uint32_t>(inst.d), value & voters);
  });
}

template <typename T>
static Status matchAny(const Inst &inst, Warp &warp, const T *a) {
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    uint32_t result[laneCount] = {};
    for (uint32_t lanes = voters; lanes; lanes &= lanes - 1) {
      int l = std::countr_zero(lanes);
      for (uint32_t others = voters; others; others &= others - 1) {
        int other = std::countr_zero(others);
        result[l] |= uint32_t(a[other] == a[l]) << other;
      }
    }
    uint32_t *d = warp.row32<uint32_t>(inst.d);
    for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
      d[std::countr_zero(lanes)] = result[std::countr_zero(lanes)];
  });
}
Status runMatchAny32(const Inst &inst, Warp &warp) {
  return matchAny(inst, warp, warp.row32<uint32_t>(inst.a));
}
Status runMatchAny64(const Inst &inst, Warp &warp) {
  return matchAny(inst, warp, warp.row64<uint64_t>(inst.a));
}

template <typename T>
static Status matchAll(const Inst &inst, Warp &warp, const T *a) {
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    bool same = true;
    T first = a[std::countr_zero(voters ? voters : 1u)];
    for (uint32_t lanes = voters; lanes; lanes &= lanes - 1)
      same &= a[std::countr_zero(lanes)] == first;
    broadcast(warp, warp.row32<uint32_t>(inst.d), same ? voters : 0u);
    if (inst.target != noRef)
      writePredicate(warp, inst.target, same ? allLanes : 0);
  });
}
Status runMatchAll32(const Inst &inst, Warp &warp) {
  return matchAll(inst, warp, warp.row32<uint32_t>(inst.a));
}
Status runMatchAll64(const Inst &inst, Warp &warp) {
  return matchAll(inst, warp, warp.row64<uint64_t>(inst.a));
}

static uint32_t reduce(ReduxOp op, uint32_t a, uint32_t b) {
  int32_t x = static_cast<int32_t>(a), y = static_cast<int32_t>(b);
  switch (op) {
  case ReduxOp::Add:
    return a + b;
  case ReduxOp::MinU:
    return std::min(a, b);
  case ReduxOp::MaxU:
    return std::max(a, b);
  case ReduxOp::MinS:
    return static_cast<uint32_t>(std::min(x, y));
  case ReduxOp::MaxS:
    return static_cast<uint32_t>(std::max(x, y));
  case ReduxOp::And:
    return a & b;
  case ReduxOp::Or:
    return a | b;
  case ReduxOp::Xor:
    return a ^ b;
  }
  return 0;
}

Status runRedux(const Inst &inst, Warp &warp) {
  const uint32_t *a = warp.row32<uint32_t>(inst.a);
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    if (!voters)
      return;
    uint32_t value = a[std::countr_zero(voters)];
    for (uint32_t lanes = voters & (voters - 1); lanes; lanes &= lanes - 1)
      value = reduce(static_cast<ReduxOp>(inst.imm), value,
                     a[std::countr_zero(lanes)]);
    broadcast(warp, warp.row32<uint32_t>(inst.d), value);
  });
}

Status runActiveMask(const Inst &inst, Warp &warp) {
  broadcast(warp, warp.row32<uint32_t>(inst.d), warp.mask);
  return Status::Next;
}

Status runElect(const Inst &inst, Warp &warp) {
  return forEachGroup(inst, warp, [&](uint32_t voters) {
    uint32_t leader =
        voters ? static_cast<uint32_t>(std::countr_zero(voters)) : 0;
    if (inst.d != noRef)
      broadcast(warp, warp.row32<uint32_t>(inst.d), leader);
    if (inst.target != noRef)
      writePredicate(warp, inst.target, voters ? 1u << leader : 0);
  });
}

/// The executing lanes that name the same members as the first of them.
static uint32_t firstGroup(const Inst &inst, const Warp &warp) {
  const uint32_t *masks = warp.row32<uint32_t>(inst.e);
  uint32_t members = masks[std::countr_zero(warp.mask)], group = 0;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1)
    if (masks[std::countr_zero(lanes)] == members)
      group |= lanes & -lanes;
  return group;
}

/// bar.warp.sync: members may wait at different instructions of this kind.
Status runWarpSync(const Inst &inst, Warp &warp) {
  // Tiles of a warp that came together wait each for its own lanes, and the
  // others have their turn before this one goes on.
  if (uint32_t others = warp.mask & ~firstGroup(inst, warp)) {
    warp.splitHere(others);
    warp.mask &= ~others;
    warp.mergePc = 0;
  }
  uint32_t members =
      warp.row32<uint32_t>(inst.e)[std::countr_zero(warp.mask)] & warp.live();
  Strand &self = warp.strand();
  if (self.arrived) {
    // Released by the last one to come.
    if (self.token == 0) {
      self.arrived = false;
      return Status::Next;
    }
    // Lanes that exited meanwhile are not waited for.
    members &= self.token | warp.live();
  }
  uint32_t here = warp.mask;
  for (const Strand &other : warp.strands)
    if (&other != &self && other.arrived && other.token != 0 &&
        warp.isWarpSync(other))
      here |= other.mask;
  if (members & ~here) {
    self.arrived = true;
    self.token = members;
    return warp.block(WaitKind::Convergence);
  }
  for (Strand &other : warp.strands)
    if (&other != &self && other.arrived && warp.isWarpSync(other) &&
        (other.mask & members))
      other.token = 0;
  self.arrived = false;
  return Status::Next;
}

} // namespace tilewright::sim
