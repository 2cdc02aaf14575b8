//===- AsyncQueue.cpp - Asynchronous operations under way -----------------===//

#include "sim/exec/AsyncQueue.h"

#include "sim/exec/Cta.h"

namespace tilewright::sim {

/// Some operations are done at once.
static constexpr uint32_t promptOneIn = 4;

bool AsyncQueue::add(AsyncOp op, ScheduleRandom &random) {
  op.group = committed(*op.warp, op.track, op.lane);
  ops.push_back(std::move(op));
  return !random.oneIn(promptOneIn) || complete(ops.size() - 1);
}

void AsyncQueue::commit(const Warp &warp, AsyncTrack track) {
  for (uint32_t lane = 0; lane < laneCount; ++lane)
    if (warp.mask >> lane & 1)
      ++committed(warp, track, lane);
}

static bool failed(const AsyncOp &op, std::string error) {
  if (error.empty())
    return false;
  op.warp->fault(*op.inst, op.lane, ErrorKind::IllegalAddress,
                 std::move(error));
  return true;
}

bool AsyncQueue::read(AsyncOp &op) {
  if (!op.read)
    return true;
  std::function<std::string()> take = std::move(op.read);
  op.read = nullptr;
  return !failed(op, take());
}

/// Of the thread of ops[index], which moves to the front of them.
bool AsyncQueue::completeCopiesBefore(size_t index) {
  const Warp *warp = ops[index].warp;
  uint32_t lane = ops[index].lane;
  for (size_t i = 0; i < index;) {
    if (ops[i].warp != warp || ops[i].lane != lane ||
        ops[i].track != AsyncTrack::Copy) {
      ++i;
      continue;
    }
    if (!complete(i))
      return false;
    --index;
  }
  return complete(index);
}

bool AsyncQueue::complete(size_t index) {
  if (ops[index].afterCopies) {
    ops[index].afterCopies = false;
    return completeCopiesBefore(index);
  }
  AsyncOp op = std::move(ops[index]);
  ops.erase(ops.begin() + static_cast<ptrdiff_t>(index));
  return read(op) && !failed(op, op.write());
}

bool AsyncQueue::isWaitedFor(const AsyncOp &op, const Warp &warp,
                             const Wait &wait) {
  if (op.warp != &warp || op.track != wait.track || !(warp.mask >> op.lane & 1))
    return false;
  if (wait.readsOnly && !op.read)
    return false;
  uint32_t groups = committed(warp, wait.track, op.lane);
  return wait.all || op.group + uint64_t(wait.pending) < groups;
}

bool AsyncQueue::wait(const Warp &warp, const Wait &wait,
                      ScheduleRandom &random) {
  while (true) {
    std::vector<size_t> waited;
    for (size_t i = 0; i < ops.size(); ++i)
      if (isWaitedFor(ops[i], warp, wait))
        waited.push_back(i);
    if (waited.empty())
      return true;
    size_t chosen = waited[random.below(static_cast<uint32_t>(waited.size()))];
    if (!(wait.readsOnly ? read(ops[chosen]) : complete(chosen)))
      return false;
  }
}

bool AsyncQueue::step(ScheduleRandom &random) {
  size_t chosen = random.below(static_cast<uint32_t>(ops.size()));
  if (ops[chosen].read && random.oneIn(2))
    return read(ops[chosen]);
  return complete(chosen);
}

bool AsyncQueue::drain(ScheduleRandom &random) {
  while (!ops.empty())
    if (!step(random))
      return false;
  return true;
}

} // namespace tilewright::sim
