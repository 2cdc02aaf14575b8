//===- Schedule.h - What an adversarial schedule chooses --------*- C++ -*-===//
//
// The default schedule is one fixed order. A seed chooses others that the ISA
// allows just as well: the order of clusters, warps and the lanes of a warp,
// how long each of them runs, when asynchronous operations complete, waits that
// return early, and stores that others see late. The same seed makes the same
// choices every time, so a launch with a seed runs on one host thread.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_SCHEDULE_H
#define TILEWRIGHT_SIM_EXEC_SCHEDULE_H

#include <cstdint>

namespace tilewright::sim {

/// A stream of choices; splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
class ScheduleRandom {
public:
  /// Seed 0 is the default schedule, which chooses nothing.
  void start(uint64_t seed, uint64_t stream);
  bool active() const { return state != 0; }

  uint64_t next();
  /// A number below `n`, which is not 0.
  uint32_t below(uint32_t n) {
    return static_cast<uint32_t>((next() >> 32) * n >> 32);
  }
  /// True once in `n` times; never in the default schedule.
  bool oneIn(uint32_t n) { return active() && below(n) == 0; }

private:
  uint64_t state = 0;
};

/// A bijection of [0, size): the order in which clusters start.
class SchedulePermutation {
public:
  SchedulePermutation(uint64_t size, uint64_t seed);
  uint64_t operator()(uint64_t index) const;

private:
  uint64_t size, seed;
  uint32_t halfBits = 1;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_SCHEDULE_H
