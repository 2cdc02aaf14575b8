//===- ScheduleTest.cpp - Adversarial schedules ---------------------------===//
//
// Programs whose result depends on an order that the ISA leaves open, to see
// that a seed really changes that order and that it does so the same way every
// time.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Schedule.h"
#include "tests/sim/exec/TestDevice.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <set>

namespace tilewright::sim {

/// Everybody takes a ticket from `counter`; out[i] is thread i's.
static constexpr std::string_view tickets = R"(.version 8.5
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 out, .param .u64 counter) {
  .reg .b32 %r<8>; .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [counter];
  mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;
  mad.lo.u32 %r4, %r2, %r3, %r1;
  atom.global.add.u32 %r5, [%rd2], 1;
  mul.wide.u32 %rd3, %r4, 4; add.s64 %rd3, %rd1, %rd3;
  st.global.u32 [%rd3], %r5;
  ret;
}
)";

static std::vector<uint32_t> takeTickets(uint32_t blocks, uint32_t threads,
                                         uint64_t seed) {
  TestDevice device;
  auto module = Module::load(tickets, "tickets.ptx", device.config, device);
  EXPECT_TRUE(module);
  uint32_t count = blocks * threads;
  uint64_t out = device.upload(std::vector<uint32_t>(count, 0));
  uint64_t counter = device.upload(std::vector<uint32_t>(1, 0));
  Params params;
  params.add(out).add(counter);
  Launch launch;
  launch.kernel = (*module)->findKernel("k");
  launch.grid = {blocks, 1, 1};
  launch.block = {threads, 1, 1};
  launch.params = params.bytes;
  launch.hostThreads = 1;
  launch.scheduleSeed = seed;
  Result<LaunchStats> result = run(launch, device.config, device.memory);
  EXPECT_TRUE(result) << result.error().message;
  return device.download<uint32_t>(out, count);
}

static std::vector<uint32_t> inOrder(uint32_t count) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

TEST(Schedule, DefaultIsInOrder) {
  EXPECT_EQ(takeTickets(50, 1, 0), inOrder(50));
}

TEST(Schedule, SeedsReorderBlocks) {
  std::set<std::vector<uint32_t>> seen;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    std::vector<uint32_t> order = takeTickets(50, 1, seed);
    EXPECT_EQ(order, takeTickets(50, 1, seed)) << "seed " << seed;
    seen.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, inOrder(50)) << "seed " << seed;
  }
  EXPECT_EQ(seen.size(), 8u);
}

TEST(Schedule, SeedsReorderWarps) {
  auto warpOrder = [](uint64_t seed) {
    std::vector<uint32_t> all = takeTickets(1, 256, seed), first;
    for (uint32_t warp = 0; warp < 8; ++warp)
      first.push_back(all[warp * 32] / 32);
    return first;
  };
  EXPECT_EQ(warpOrder(0), inOrder(8));
  std::set<std::vector<uint32_t>> seen;
  for (uint64_t seed = 1; seed <= 8; ++seed)
    seen.insert(warpOrder(seed));
  EXPECT_GE(seen.size(), 7u);
}

TEST(Schedule, PermutationIsABijection) {
  for (uint64_t size : {1, 2, 3, 7, 64, 1000})
    for (uint64_t seed : {0, 1, 99}) {
      SchedulePermutation order(size, seed);
      std::set<uint64_t> seen;
      for (uint64_t i = 0; i < size; ++i) {
        EXPECT_LT(order(i), size);
        seen.insert(order(i));
      }
      EXPECT_EQ(seen.size(), size) << "seed " << seed;
    }
}

} // namespace tilewright::sim
