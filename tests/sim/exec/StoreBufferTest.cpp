//===- StoreBufferTest.cpp - Stores that others see late ------------------===//
//
// Litmus tests of ISA chapter 8: what a program may see when a fence is missing
// shows under some seed, what the ISA forbids under none.
//
//===----------------------------------------------------------------------===//

#include "tests/sim/exec/TestDevice.h"

#include <gtest/gtest.h>
#include <set>

namespace tilewright::sim {

static constexpr uint64_t seeds = 64;
static constexpr uint32_t words = 64; ///< of `out` and of `mem`

using Words = std::vector<uint32_t>;
using Outcomes = std::set<Words>;

namespace {
struct Litmus {
  std::string body;
  uint32_t blocks = 1, threads = 32, cluster = 1;
  uint32_t results = 1; ///< words of `out` that count
};
} // namespace

/// %r1 is the thread, %r2 the block; %rd1 points to the results, %rd2 to
/// zeroed memory, %r3 to the address of shared memory.
static std::string programOf(const Litmus &litmus) {
  return ".version 8.5\n.target sm_90a\n.address_size 64\n"
         ".visible .entry k(.param .u64 out, .param .u64 mem) {\n"
         ".reg .b32 %r<32>; .reg .b64 %rd<16>; .reg .pred %p<8>;\n"
         ".reg .f32 %f<8>; .shared .align 1024 .b32 tile[256];\n"
         ".shared .align 8 .b64 bar;\n"
         "ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [mem];\n"
         "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, tile;\n" +
         litmus.body + "\nret;\n}\n";
}

static Words outcome(const Litmus &litmus, uint64_t seed) {
  TestDevice device;
  auto module =
      Module::load(programOf(litmus), "litmus.ptx", device.config, device);
  EXPECT_TRUE(module) << (module ? "" : module.error().message);
  if (!module)
    return {};
  uint64_t out = device.upload(Words(words, 0));
  Params params;
  params.add(out).add(device.upload(Words(words, 0)));
  Launch launch;
  launch.kernel = (*module)->findKernel("k");
  launch.grid = {litmus.blocks, 1, 1};
  launch.block = {litmus.threads, 1, 1};
  launch.cluster = {litmus.cluster, 1, 1};
  launch.params = params.bytes;
  launch.hostThreads = 1;
  launch.scheduleSeed = seed;
  Result<LaunchStats> result = run(launch, device.config, device.memory);
  EXPECT_TRUE(result) << result.error().message;
  return device.download<uint32_t>(out, litmus.results);
}

static Outcomes outcomes(const Litmus &litmus) {
  Outcomes seen;
  for (uint64_t seed = 1; seed <= seeds; ++seed)
    seen.insert(outcome(litmus, seed));
  return seen;
}

//===----------------------------------------------------------------------===//
// Message passing
//===----------------------------------------------------------------------===//

/// Block 0 writes data, then a flag; block 1 waits for the flag and reads.
static Litmus message(const std::string &store, const std::string &give,
                      const std::string &setFlag, const std::string &readFlag,
                      const std::string &take) {
  return {"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
          "setp.eq.u32 %p1, %r2, 0; @%p1 bra GIVE;\n"
          "WAIT: " +
              readFlag + " %r4, [%rd2+128];\nsetp.eq.u32 %p2, %r4, 0;\n" +
              "@%p2 bra WAIT;\n" + take +
              "ld.relaxed.gpu.global.u32 %r5, [%rd2];\n"
              "st.global.u32 [%rd1], %r5; ret;\n"
              "GIVE: " +
              store + " [%rd2], 1;\n" + give + setFlag + " [%rd2+128], 1;",
          2};
}

static const std::string weakStore = "st.global.u32",
                         relaxedStore = "st.relaxed.gpu.global.u32",
                         relaxedLoad = "ld.relaxed.gpu.global.u32";

TEST(StoreBuffer, DefaultScheduleHoldsNothing) {
  EXPECT_EQ(outcome(message(weakStore, "", relaxedStore, relaxedLoad, ""), 0),
            Words{1});
}

TEST(StoreBuffer, DataMayComeAfterItsFlag) {
  Outcomes both{{0}, {1}};
  EXPECT_EQ(outcomes(message(weakStore, "", relaxedStore, relaxedLoad, "")),
            both);
  EXPECT_EQ(outcomes(message(relaxedStore, "", relaxedStore, relaxedLoad, "")),
            both);
  EXPECT_EQ(
      outcomes(message("st.volatile.global.u32", "", "st.volatile.global.u32",
                       "ld.volatile.global.u32", "")),
      both);
}

TEST(StoreBuffer, ReleaseAndAcquirePassMessages) {
  EXPECT_EQ(outcomes(message(weakStore, "", "st.release.gpu.global.u32",
                             "ld.acquire.gpu.global.u32", "")),
            Outcomes{{1}});
  EXPECT_EQ(outcomes(message(weakStore, "", "red.release.gpu.global.add.u32",
                             "ld.acquire.gpu.global.u32", "")),
            Outcomes{{1}});
  for (const char *fence : {"fence.acq_rel.gpu;\n", "fence.sc.sys;\n",
                            "membar.gl;\n", "fence.acq_rel.cluster;\n"}) {
    bool isWide = std::string(fence).find("cluster") == std::string::npos;
    EXPECT_EQ(
        outcomes(message(weakStore, fence, relaxedStore, relaxedLoad, fence)),
        isWide ? Outcomes({{1}}) : Outcomes({{0}, {1}}))
        << fence;
  }
}

TEST(StoreBuffer, AFenceOfTheBlockIsNoneForOthers) {
  EXPECT_EQ(outcomes(message(weakStore, "fence.acq_rel.cta;\n", relaxedStore,
                             relaxedLoad, "")),
            (Outcomes{{0}, {1}}));
}

/// A warp writes data; after a barrier another sets the flag for block 1.
static Litmus cumulative(const std::string &fence) {
  return {"setp.eq.u32 %p1, %r2, 0; @%p1 bra GIVE;\n"
          "setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
          "WAIT: ld.relaxed.gpu.global.u32 %r4, [%rd2+128];\n"
          "setp.eq.u32 %p2, %r4, 0; @%p2 bra WAIT;\n"
          "ld.global.u32 %r5, [%rd2]; st.global.u32 [%rd1], %r5; ret;\n"
          "GIVE: setp.eq.u32 %p3, %r1, 32; @%p3 st.global.u32 [%rd2], 1;\n"
          "bar.sync 0;\n" +
              fence +
              "setp.eq.u32 %p4, %r1, 0;\n"
              "@%p4 st.relaxed.gpu.global.u32 [%rd2+128], 1;",
          2, 64};
}

TEST(StoreBuffer, AFencePassesOnWhatABarrierBrought) {
  EXPECT_EQ(outcomes(cumulative("")), (Outcomes{{0}, {1}}));
  EXPECT_EQ(outcomes(cumulative("fence.acq_rel.gpu;\n")), Outcomes{{1}});
}

//===----------------------------------------------------------------------===//
// Store buffering, one place
//===----------------------------------------------------------------------===//

static Litmus storeBuffering(const std::string &fence) {
  return {"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
          "mul.wide.u32 %rd3, %r2, 128; add.s64 %rd4, %rd2, %rd3;\n"
          "xor.b32 %r4, %r2, 1; mul.wide.u32 %rd5, %r4, 128;\n"
          "add.s64 %rd6, %rd2, %rd5; mul.wide.u32 %rd7, %r2, 4;\n"
          "add.s64 %rd8, %rd1, %rd7;\n"
          "st.relaxed.gpu.global.u32 [%rd4], 1;\n" +
              fence +
              "ld.relaxed.gpu.global.u32 %r5, [%rd6];\n"
              "st.global.u32 [%rd8], %r5;",
          2, 32, 1, 2};
}

TEST(StoreBuffer, BothMayMissTheOthersStore) {
  EXPECT_TRUE(outcomes(storeBuffering("")).contains({0, 0}));
  Outcomes fenced = outcomes(storeBuffering("fence.sc.gpu;\n"));
  EXPECT_FALSE(fenced.contains({0, 0}));
  EXPECT_GE(fenced.size(), 2u);
}

TEST(StoreBuffer, StoresToOnePlaceKeepTheirOrder) {
  Litmus litmus{"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
                "setp.eq.u32 %p1, %r2, 0; @%p1 bra WRITE;\n"
                "WAIT: ld.relaxed.gpu.global.u32 %r4, [%rd2];\n"
                "ld.relaxed.gpu.global.u32 %r5, [%rd2];\n"
                "setp.gt.u32 %p3, %r4, %r5;\n"
                "@%p3 st.global.u32 [%rd1], 1;\n" // newer, then older
                "setp.ne.u32 %p2, %r5, 3; @%p2 bra WAIT; ret;\n"
                "WRITE: st.relaxed.gpu.global.u32 [%rd2], 1;\n"
                "st.relaxed.gpu.global.u32 [%rd2], 2;\n"
                "st.relaxed.gpu.global.u32 [%rd2], 3;",
                2};
  EXPECT_EQ(outcomes(litmus), Outcomes{{0}});
}

TEST(StoreBuffer, AThreadSeesItsOwnStores) {
  Litmus litmus{"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
                "st.global.u32 [%rd2], 0x01020304;\n"
                "ld.global.u8 %r4, [%rd2+1]; st.global.u8 [%rd2+2], 9;\n"
                "ld.global.u32 %r5, [%rd2]; st.global.u32 [%rd2+4], 5;\n"
                "atom.global.add.u32 %r6, [%rd2+4], 1;\n"
                "ld.global.u32 %r7, [%rd2+4];\n"
                "st.global.v4.u32 [%rd1], {%r4, %r5, %r6, %r7};",
                1, 32, 1, 4};
  EXPECT_EQ(outcomes(litmus), (Outcomes{{3, 0x01090304, 5, 6}}));
}

TEST(StoreBuffer, ValuesOfEveryWidthArrive) {
  Litmus litmus{"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
                "mov.u32 %r4, 0x11223344; mov.u64 %rd3, 0x5566778899aabbcc;\n"
                "st.global.u8 [%rd1], %r4; st.global.u16 [%rd1+2], %r4;\n"
                "st.global.v2.u16 [%rd1+4], {%r4, %r1};\n"
                "st.global.b64 [%rd1+8], %rd3;\n"
                "st.global.v2.b64 [%rd1+16], {%rd3, %rd3};\n"
                "st.volatile.global.v4.u32 [%rd1+32], {%r4, %r1, %r2, %r4};\n"
                "st.global.b64 [%rd1+48], 7;",
                1, 32, 1, 14};
  Outcomes expected{{0x33440044, 0x3344, 0x99aabbcc, 0x55667788, 0x99aabbcc,
                     0x55667788, 0x99aabbcc, 0x55667788, 0x11223344, 0, 0,
                     0x11223344, 7, 0}};
  EXPECT_EQ(outcomes(litmus), expected);
  EXPECT_EQ(Outcomes{outcome(litmus, 0)}, expected);
}

//===----------------------------------------------------------------------===//
// Inside of a block
//===----------------------------------------------------------------------===//

/// Lanes exchange a value with their neighbour through shared memory.
static Litmus exchange(const std::string &order, uint32_t partner,
                       uint32_t threads) {
  return {"shl.b32 %r4, %r1, 2; add.u32 %r5, %r3, %r4;\n"
          "st.shared.u32 [%r5], 1;\n" +
              order + "xor.b32 %r6, %r1, " + std::to_string(partner) +
              ";\nshl.b32 %r7, %r6, 2; add.u32 %r8, %r3, %r7;\n"
              "ld.shared.u32 %r9, [%r8];\n"
              "atom.global.min.u32 %r10, [%rd2+4], 0;\n"
              "setp.eq.u32 %p1, %r9, 0; @%p1 st.relaxed.gpu.global.u32 "
              "[%rd1], 1;",
          1, threads};
}

TEST(StoreBuffer, LanesOfAWarpNeedItsBarrier) {
  EXPECT_EQ(outcomes(exchange("", 1, 32)), (Outcomes{{0}, {1}}));
  EXPECT_EQ(outcomes(exchange("bar.warp.sync 0xffffffff;\n", 1, 32)),
            Outcomes{{0}});
  // Exchanges of registers order no memory.
  EXPECT_EQ(outcomes(exchange(
                "shfl.sync.bfly.b32 %r11, %r4, 1, 31, 0xffffffff;\n", 1, 32)),
            (Outcomes{{0}, {1}}));
}

TEST(StoreBuffer, WarpsOfABlockNeedItsBarrier) {
  EXPECT_EQ(outcomes(exchange("", 32, 64)), (Outcomes{{0}, {1}}));
  EXPECT_EQ(outcomes(exchange("bar.sync 0;\n", 32, 64)), Outcomes{{0}});
}

static Litmus throughMbarrier(const std::string &arrive) {
  return {"setp.eq.u32 %p1, %r1, 0; @%p1 mbarrier.init.shared.b64 [bar], 32;\n"
          "bar.sync 0; setp.lt.u32 %p1, %r1, 32; @%p1 bra TAKE;\n"
          "shl.b32 %r4, %r1, 2; add.u32 %r5, %r3, %r4;\n"
          "st.shared.u32 [%r5], 1;\n" +
              arrive +
              " %rd3, [bar]; ret;\n"
              "TAKE: mbarrier.try_wait.parity.shared.b64 %p2, [bar], 0;\n"
              "@!%p2 bra TAKE;\n"
              "shl.b32 %r4, %r1, 2; add.u32 %r5, %r3, %r4;\n"
              "ld.shared.u32 %r6, [%r5+128]; setp.eq.u32 %p3, %r6, 0;\n"
              "@%p3 st.global.u32 [%rd1], 1;",
          1, 64};
}

TEST(StoreBuffer, ArrivalsRelease) {
  EXPECT_EQ(outcomes(throughMbarrier("mbarrier.arrive.shared.b64")),
            Outcomes{{0}});
  // ISA 9.7.13.15.13: a relaxed arrival orders nothing.
  EXPECT_EQ(
      outcomes(throughMbarrier("mbarrier.arrive.relaxed.cta.shared::cta.b64")),
      (Outcomes{{0}, {1}}));
}

/// Each block of a cluster writes to the other's shared memory.
static Litmus acrossCluster(const std::string &arrive) {
  return {"setp.ne.u32 %p1, %r1, 0; @%p1 ret;\n"
          "barrier.cluster.arrive; barrier.cluster.wait;\n"
          "mov.u32 %r4, %cluster_ctarank; xor.b32 %r5, %r4, 1;\n"
          "mapa.shared::cluster.u32 %r6, %r3, %r5;\n"
          "st.shared::cluster.u32 [%r6], 1;\n" +
              arrive +
              "; barrier.cluster.wait; ld.shared.u32 %r7, [%r3];\n"
              "setp.eq.u32 %p2, %r7, 0;\n"
              "@%p2 st.relaxed.gpu.global.u32 [%rd1], 1;\n"
              "barrier.cluster.arrive; barrier.cluster.wait;",
          2, 32, 2};
}

TEST(StoreBuffer, TheClustersBarrierReleases) {
  EXPECT_EQ(outcomes(acrossCluster("barrier.cluster.arrive")), Outcomes{{0}});
  EXPECT_EQ(outcomes(acrossCluster("barrier.cluster.arrive.relaxed")),
            (Outcomes{{0}, {1}}));
}

/// A warp's matrix, read back by the other warp.
static Litmus matrix(const std::string &order) {
  return {"mov.u32 %r4, 0x3c003c00; shl.b32 %r5, %r1, 4;\n"
          "and.b32 %r5, %r5, 127; add.u32 %r6, %r3, %r5;\n"
          "setp.lt.u32 %p1, %r1, 32;\n"
          "@%p1 stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r6], {%r4};\n" +
              order +
              "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r7}, [%r6];\n"
              "setp.lt.u32 %p2, %r1, 32; @%p2 ret;\n"
              "setp.ne.u32 %p3, %r7, %r4;\n"
              "@%p3 st.global.u32 [%rd1], 1;",
          1, 64};
}

TEST(StoreBuffer, MatricesMayComeLate) {
  EXPECT_EQ(outcomes(matrix("")), (Outcomes{{0}, {1}}));
  EXPECT_EQ(outcomes(matrix("bar.sync 0;\n")), Outcomes{{0}});
}

//===----------------------------------------------------------------------===//
// The asynchronous proxy
//===----------------------------------------------------------------------===//

/// Another thread than the one that stored copies the tile out.
static Litmus bulkStore(const std::string &order) {
  return {"setp.eq.u32 %p1, %r1, 32; @%p1 st.shared.u32 [tile], 5;\n" + order +
              "setp.ne.u32 %p2, %r1, 0; @%p2 ret;\n"
              "cp.async.bulk.global.shared::cta.bulk_group [%rd1], [tile], "
              "16;\n"
              "cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;",
          1, 64};
}

TEST(StoreBuffer, BulkCopiesNeedTheProxyFence) {
  EXPECT_EQ(outcomes(bulkStore("bar.sync 0;\n")), (Outcomes{{0}, {5}}));
  EXPECT_EQ(outcomes(bulkStore("bar.sync 0; fence.proxy.async;\n")),
            Outcomes{{5}});
  EXPECT_EQ(outcomes(bulkStore("fence.proxy.async; bar.sync 0;\n")),
            Outcomes{{5}});
  // No barrier of the generic proxy is enough.
  EXPECT_EQ(outcomes(bulkStore("fence.acq_rel.gpu; bar.sync 0;\n")),
            (Outcomes{{0}, {5}}));
}

/// A of ones in registers, B of ones in shared memory.
static Litmus product(const std::string &order) {
  return {"mov.u32 %r4, 0x3c003c00; shl.b32 %r5, %r1, 1;\n"
          "add.u32 %r6, %r3, %r5; mov.b16 %rs1, 0x3c00;\n"
          "st.shared.b16 [%r6], %rs1;\n" +
              order +
              "mov.f32 %f1, 0f00000000; mov.f32 %f2, %f1; mov.f32 %f3, %f1;\n"
              "mov.f32 %f4, %f1; cvt.u64.u32 %rd3, %r3;\n"
              "shr.u64 %rd3, %rd3, 4; or.b64 %rd3, %rd3, 0x800080000;\n"
              "wgmma.fence.sync.aligned;\n"
              "wgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 "
              "{%f1, %f2, %f3, %f4}, {%r4, %r4, %r4, %r4}, %rd3, 1, 1, 1, 0;\n"
              "wgmma.commit_group.sync.aligned;\n"
              "wgmma.wait_group.sync.aligned 0;\n"
              "setp.neu.f32 %p1, %f1, 0f41800000;\n"
              "setp.neu.or.f32 %p2, %f2, 0f41800000, %p1;\n"
              "@%p2 st.relaxed.gpu.global.u32 [%rd1], 1;",
          1, 128};
}

TEST(StoreBuffer, WgmmaNeedsTheProxyFence) {
  auto litmus = [](const std::string &order) {
    Litmus result = product(order);
    result.body = ".reg .b16 %rs<2>;\n" + result.body;
    return result;
  };
  EXPECT_EQ(outcomes(litmus("bar.sync 0;\n")), (Outcomes{{0}, {1}}));
  EXPECT_EQ(outcomes(litmus("fence.proxy.async.shared::cta; bar.sync 0;\n")),
            Outcomes{{0}});
}

TEST(StoreBuffer, TheSameSeedGivesTheSameRun) {
  Litmus litmus = storeBuffering("");
  for (uint64_t seed = 1; seed <= 8; ++seed)
    EXPECT_EQ(outcome(litmus, seed), outcome(litmus, seed)) << seed;
}

} // namespace tilewright::sim
