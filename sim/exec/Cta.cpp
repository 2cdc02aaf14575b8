//===- Cta.cpp - Thread blocks, clusters and their barriers ---------------===//

#include "sim/exec/Cta.h"

#include "sim/exec/StoreBuffer.h"

#include <bit>

namespace tilewright::sim {

uint32_t Cta::liveThreads() const {
  uint32_t threads = 0;
  for (const Warp &warp : warps)
    threads += static_cast<uint32_t>(std::popcount(warp.live()));
  return threads;
}

void Cta::arrive(NamedBarrier &barrier, uint32_t threads) {
  barrier.arrived += threads;
  uint32_t needed = barrier.expected ? barrier.expected : liveThreads();
  if (barrier.arrived < needed)
    return;
  barrier.lastCount = barrier.count;
  barrier.lastAll = barrier.all;
  barrier.lastAny = barrier.any;
  ++barrier.phase;
  barrier.arrived = 0;
  barrier.expected = 0;
  barrier.count = 0;
  barrier.all = true;
  barrier.any = false;
}

void Cta::checkBarriers() {
  for (NamedBarrier &barrier : barriers)
    if (barrier.arrived && !barrier.expected)
      arrive(barrier, 0);
}

uint32_t Cluster::liveThreads() const {
  uint32_t threads = 0;
  for (const Cta &cta : ctas)
    threads += cta.liveThreads();
  return threads;
}

void Cluster::checkBarrier() {
  if (barrierArrived == 0 || barrierArrived < liveThreads())
    return;
  barrierArrived = 0;
  ++barrierPhase;
}

LaunchContext::LaunchContext() = default;
LaunchContext::~LaunchContext() = default;

void LaunchContext::fail(uint64_t cluster, ErrorKind kind,
                         std::string message) {
  std::lock_guard<std::mutex> lock(mutex);
  if (cluster < errorCluster) {
    errorCluster = cluster;
    error = {kind, std::move(message)};
  }
  failed.store(true, std::memory_order_relaxed);
}

} // namespace tilewright::sim
