//===- Cta.h - Thread blocks, clusters and what a launch shares -*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_EXEC_CTA_H
#define TILEWRIGHT_SIM_EXEC_CTA_H

#include "sim/async/TensorMap.h"
#include "sim/exec/AsyncQueue.h"
#include "sim/exec/Engine.h"
#include "sim/exec/Program.h"
#include "sim/exec/Schedule.h"
#include "sim/exec/Warp.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>

namespace tilewright::sim {

/// Generic addresses of the spaces that are not global. Global addresses are
/// host addresses, which never lie this low on a 64-bit host.
inline constexpr uint64_t sharedWindow = uint64_t(1) << 40;
inline constexpr uint64_t localWindow = uint64_t(2) << 40;
inline constexpr uint64_t paramWindow = uint64_t(3) << 40;
inline constexpr uint64_t windowSize = uint64_t(1) << 40;
/// Function addresses are this plus the function's number.
inline constexpr uint64_t functionWindow = uint64_t(4) << 40;

/// A shared::cluster address of another CTA: (rank + 1) << shift | offset. An
/// address below 1 << shift is the CTA's own, so that a shared::cta address is
/// a shared::cluster address of the executing CTA.
inline constexpr uint32_t clusterRankShift = 24;
inline constexpr uint32_t clusterOffsetMask = (1u << clusterRankShift) - 1;

inline constexpr uint32_t namedBarriers = 16;

struct NamedBarrier {
  uint32_t phase = 0;
  uint32_t arrived = 0;  ///< threads
  uint32_t expected = 0; ///< 0: every thread of the CTA
  uint32_t count = 0;    ///< of barrier.red
  bool all = true, any = false;
  // Result of the last completed reduction.
  uint32_t lastCount = 0;
  bool lastAll = false, lastAny = false;
};

/// One warpgroup's wgmma operations: an operation runs when all four warps have
/// issued it.
struct WgmmaQueue {
  struct Issue {
    const Inst *inst = nullptr;
    uint32_t frameBase = 0; ///< of the warp's rows, in bytes
    uint64_t descriptorA = 0, descriptorB = 0;
    bool scaleD = false;
  };
  std::vector<Issue> issues[4]; ///< by warp, those not yet run
  uint32_t completed = 0;

  /// Whether all four warps have issued the oldest that did not run.
  bool ready() const {
    for (const std::vector<Issue> &each : issues)
      if (each.empty())
        return false;
    return true;
  }
};

/// A tensor map that was decoded; all bytes zero (no valid map) when empty.
struct TensorMapCache {
  uint8_t bytes[tensorMapBytes] = {};
  TensorMap map;
};

struct Cluster;
class StoreBuffer;

struct Cta {
  Cluster *cluster = nullptr;
  LaunchContext *launch = nullptr;
  uint32_t rank = 0; ///< in its cluster
  Dim3 id;
  std::byte *shared = nullptr; ///< byte 0 is shared address 0
  uint32_t sharedSize = 0;
  std::vector<Warp> warps;
  NamedBarrier barriers[namedBarriers];
  std::vector<WgmmaQueue> wgmma;
  std::vector<std::byte> sharedStorage;
  TensorMapCache maps[4];
  uint32_t nextMap = 0;
  bool triggered = false; ///< has let dependent grids start

  uint32_t liveThreads() const;
  /// Completes barriers whose missing threads have exited.
  void checkBarriers();
  void arrive(NamedBarrier &barrier, uint32_t threads);
};

struct Cluster {
  LaunchContext *launch = nullptr;
  uint64_t linear = 0; ///< place in the order of the grid
  Dim3 id;             ///< in units of clusters
  std::vector<Cta> ctas;
  // barrier.cluster
  uint32_t barrierPhase = 0;
  uint32_t barrierArrived = 0;
  /// Arrivals, completed waits and exits: what a deadlock has none of.
  uint64_t events = 0;
  ScheduleRandom random;
  AsyncQueue async;
  uint32_t liveThreads() const;
  void checkBarrier();
};

/// What all CTAs of one launch read.
struct LaunchContext {
  const Launch *launch = nullptr;
  const DeviceConfig *config = nullptr;
  GlobalMemory memory;
  Program *program = nullptr;
  const FunctionInfo *entry = nullptr;
  const std::byte *params = nullptr;
  uint32_t paramBytes = 0;
  Observer *observer = nullptr;
  Watch watch = Watch::Nothing; ///< of the observer
  uint32_t blockThreads = 0;
  uint32_t warpsPerCta = 0;
  uint32_t clusterCtas = 1;
  Dim3 cluster;
  uint32_t sharedBytes = 0;     ///< reserved, static and dynamic
  uint32_t staticSharedEnd = 0; ///< where dynamic shared memory starts
  uint32_t localBytesPerThread = 0;
  uint64_t scheduleSeed = 0;           ///< 0: the default schedule
  std::unique_ptr<StoreBuffer> stores; ///< under a seed only
  std::chrono::seconds timeLimit{0};   ///< 0: none
  /// Have let dependent grids start, or have ended. Where launches take turns.
  uint64_t triggeredCtas = 0;
  std::chrono::steady_clock::time_point started;

  /// Held by TMA reductions into global memory.
  std::mutex reductionMutex;
  std::mutex mutex;
  std::atomic<bool> failed{false};
  uint64_t errorCluster = ~uint64_t(0);
  Error error;

  LaunchContext();
  ~LaunchContext();
  bool isOverdue() const {
    return timeLimit.count() != 0 &&
           std::chrono::steady_clock::now() - started > timeLimit;
  }
  /// Keeps the error of the first cluster in grid order.
  void fail(uint64_t cluster, ErrorKind kind, std::string message);
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_CTA_H
