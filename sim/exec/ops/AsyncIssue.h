//===- AsyncIssue.h - Issuing an asynchronous operation ---------*- C++ -*-===//
//
// What the handlers of asynchronous copies share: operands of a lane, and the
// choice between completing at once and later.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_OPS_ASYNCISSUE_H
#define TILEWRIGHT_SIM_EXEC_OPS_ASYNCISSUE_H

#include "sim/exec/Cta.h"

#include <string>

namespace tilewright::sim {

inline Status faultAt(const Inst &inst, Warp &warp, int lane,
                      std::string message) {
  return warp.fault(inst, static_cast<uint32_t>(lane),
                    ErrorKind::IllegalAddress, std::move(message));
}

inline uint64_t read64(const Warp &warp, Ref ref, int lane) {
  return warp.row64<uint64_t>(ref)[lane];
}
inline uint32_t read32(const Warp &warp, Ref ref, int lane) {
  return warp.row32<uint32_t>(ref)[lane];
}

inline std::string textOf(const char *error) { return error ? error : ""; }

/// Whether the schedule chooses when an operation completes.
inline bool isDeferred(const Warp &warp) {
  return warp.cta->cluster->random.active();
}

/// An operation of one lane, with nothing to do yet.
inline AsyncOp opOf(const Inst &inst, Warp &warp, int lane, AsyncTrack track) {
  AsyncOp op;
  op.inst = &inst;
  op.warp = &warp;
  op.lane = static_cast<uint32_t>(lane);
  op.track = track;
  return op;
}

inline Status defer(AsyncOp op) {
  Cluster &cluster = *op.warp->cta->cluster;
  return cluster.async.add(std::move(op), cluster.random) ? Status::Next
                                                          : Status::Fault;
}

/// Does `write` now, or when the launch's schedule says. It returns what is
/// wrong: a text or null.
template <typename Write>
Status issue(const Inst &inst, Warp &warp, int lane, AsyncTrack track,
             Write write) {
  if (isDeferred(warp)) {
    AsyncOp op = opOf(inst, warp, lane, track);
    op.write = [write] { return textOf(write()); };
    return defer(std::move(op));
  }
  if (const char *error = write())
    return faultAt(inst, warp, lane, error);
  return Status::Next;
}

/// Adds completed bytes to the mbarrier at a shared::cluster address. Null, or
/// what is wrong.
const char *completeBytes(Warp &warp, uint64_t address, uint64_t bytes);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_OPS_ASYNCISSUE_H
