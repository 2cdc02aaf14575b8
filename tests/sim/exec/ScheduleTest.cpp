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

/// Runs `body` with one thread for each value of `in`, once under each of many
/// seeds, and returns the results that were seen.
static std::set<std::vector<uint32_t>>
outcomes(const std::string &body, const std::vector<uint32_t> &in) {
  std::string ptx = ".version 8.5\n.target sm_90a\n.address_size 64\n"
                    ".visible .entry k(.param .u64 out, .param .u64 in) {\n"
                    ".reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .pred %p<4>;\n"
                    ".shared .align 16 .b32 tile[128];\n"
                    "ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [in];\n"
                    "mov.u32 %r1, %tid.x; mul.wide.u32 %rd3, %r1, 4;\n"
                    "add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;\n"
                    "mov.u32 %r2, tile; mad.lo.u32 %r3, %r1, 4, %r2;\n" +
                    body + "\nret;\n}\n";
  std::set<std::vector<uint32_t>> seen;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    TestDevice device;
    auto module = Module::load(ptx, "test.ptx", device.config, device);
    EXPECT_TRUE(module) << (module ? "" : module.error().message);
    if (!module)
      return seen;
    uint64_t out = device.upload(std::vector<uint32_t>(in.size(), 0));
    Params params;
    params.add(out).add(device.upload(in));
    Launch launch;
    launch.kernel = (*module)->findKernel("k");
    launch.block = {static_cast<uint32_t>(in.size()), 1, 1};
    launch.params = params.bytes;
    launch.scheduleSeed = seed;
    Result<LaunchStats> result = run(launch, device.config, device.memory);
    EXPECT_TRUE(result) << result.error().message;
    seen.insert(device.download<uint32_t>(out, in.size()));
  }
  return seen;
}

using Outcomes = std::set<std::vector<uint32_t>>;

static std::string smallCopy(const char *wait) {
  return std::string("cp.async.ca.shared.global [%r3], [%rd5], 4;\n"
                     "cp.async.commit_group;\n") +
         wait + "ld.shared.u32 %r4, [%r3]; st.global.u32 [%rd4], %r4;";
}

TEST(Schedule, CopiesAreLateUntilWaitedFor) {
  EXPECT_EQ(outcomes(smallCopy("cp.async.wait_group 0;\n"), {7}),
            (Outcomes{{7}}));
  EXPECT_EQ(outcomes(smallCopy("cp.async.wait_all;\n"), {7}), (Outcomes{{7}}));
  EXPECT_EQ(outcomes(smallCopy("cp.async.wait_group 1;\n"), {7}),
            (Outcomes{{0}, {7}}));
}

/// Copies 16 bytes out of shared memory, then changes them.
static std::string bulkStore(const char *wait) {
  return std::string(R"(
    st.shared.u32 [tile], 5;
    fence.proxy.async.shared::cta;
    setp.eq.u32 %p1, %r1, 0;
    @%p1 cp.async.bulk.global.shared::cta.bulk_group [%rd1], [tile], 16;
    cp.async.bulk.commit_group;
)") + wait +
         "st.shared.u32 [tile], 6; cp.async.bulk.wait_group 0;";
}

TEST(Schedule, BulkStoresReadLate) {
  EXPECT_EQ(
      outcomes(bulkStore("cp.async.bulk.wait_group.read 0;\n"), {0, 0, 0, 0}),
      (Outcomes{{5, 0, 0, 0}}));
  EXPECT_EQ(outcomes(bulkStore(""), {0, 0, 0, 0}),
            (Outcomes{{5, 0, 0, 0}, {6, 0, 0, 0}}));
}

/// Blocks wait for each other in order, as CUTLASS's semaphores do: thread 0
/// polls, and all wait for what it has seen.
static const std::string semaphore = R"(.version 8.5
.target sm_90a
.address_size 64
.visible .entry k(.param .u64 flag) {
  .reg .b32 %r<8>; .reg .b64 %rd<4>; .reg .pred %p<4>;
  ld.param.u64 %rd1, [flag];
  mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;
  setp.ne.u32 %p3, %r1, 0; mov.u32 %r5, -1;
WAIT:
  setp.ne.u32 %p1, %r5, %r2; bar.red.and.pred %p2, 0, %p1;
  @!%p2 bra WORK;
  @%p3 bra WAIT;
  ld.acquire.gpu.global.u32 %r5, [%rd1];
  bra.uni WAIT;
WORK:
  mov.u32 %r6, 0;
LOOP:
  add.u32 %r6, %r6, 1; setp.lt.u32 %p2, %r6, 2000; @%p2 bra LOOP;
  bar.sync 0;
  add.u32 %r7, %r2, 1;
  @!%p3 st.release.gpu.global.u32 [%rd1], %r7;
  ret;
}
)";

TEST(Schedule, WaitingLanesAreNotTakenForEndlessLoops) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    TestDevice device;
    auto module =
        Module::load(semaphore, "semaphore.ptx", device.config, device);
    ASSERT_TRUE(module) << module.error().message;
    uint64_t flag = device.upload(std::vector<uint32_t>(1, 0));
    Params params;
    params.add(flag);
    Launch launch;
    launch.kernel = (*module)->findKernel("k");
    launch.grid = {4, 1, 1};
    launch.block = {64, 1, 1};
    launch.params = params.bytes;
    launch.scheduleSeed = seed;
    Result<LaunchStats> result = run(launch, device.config, device.memory);
    ASSERT_TRUE(result) << "seed " << seed << ": " << result.error().message;
    EXPECT_EQ(device.download<uint32_t>(flag, 1)[0], 4u);
  }
}

/// Another warp's copies are awaited through an mbarrier.
static std::string arriveOn(const char *arrive) {
  return std::string(R"(
    .shared .align 8 .b64 bar;
    setp.eq.u32 %p1, %r1, 0;
    @%p1 mbarrier.init.shared.b64 [bar], 64;
    bar.sync 0;
    cp.async.ca.shared.global [%r3], [%rd5], 4;
)") + arrive +
         R"(
  WAIT:
    mbarrier.try_wait.parity.shared.b64 %p2, [bar], 0;
    @!%p2 bra WAIT;
    xor.b32 %r5, %r1, 32;
    mad.lo.u32 %r6, %r5, 4, %r2;
    ld.shared.u32 %r4, [%r6]; st.global.u32 [%rd4], %r4;)";
}

TEST(Schedule, ArrivalsFollowTheirThreadsCopies) {
  std::vector<uint32_t> in(64), swapped(64);
  for (uint32_t i = 0; i < 64; ++i) {
    in[i] = 100 + i;
    swapped[i ^ 32] = in[i];
  }
  EXPECT_EQ(outcomes(arriveOn("cp.async.mbarrier.arrive.noinc.shared.b64 "
                              "[bar];\n"),
                     in),
            Outcomes{swapped});
  EXPECT_GT(outcomes(arriveOn("mbarrier.arrive.shared.b64 %rd7, [bar];\n"), in)
                .size(),
            1u);
}

} // namespace tilewright::sim
