//===- ProfileTest.cpp - Counts against what is known by hand -------------===//

#include "tests/sim/debug/ProfileRun.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace tilewright::sim::debug {

//===----------------------------------------------------------------------===//
// Execution
//===----------------------------------------------------------------------===//

TEST(Profile, LoopsBlocksAndThreads) {
  ProfileRun run;
  run.grid = {3, 1, 1};
  run.block = {80, 1, 1}; // two warps and a half
  run.runBody("mov.u32 %r3, 0;\n"
              "LOOP:\n"
              "add.u32 %r3, %r3, 1;\n"
              "setp.lt.u32 %p1, %r3, 7;\n"
              "@%p1 bra LOOP;");
  Counts add = run.at("add.u32 %r3");
  EXPECT_EQ(add.issues, 3u * 3 * 7);
  EXPECT_EQ(add.threads, 3u * 80 * 7);
  Counts branch = run.at("@%p1 bra LOOP");
  EXPECT_EQ(branch.issues, 3u * 3 * 6);
  EXPECT_EQ(branch.offIssues, 3u * 3);
  EXPECT_EQ(branch.offLanes, 3u * 80);
  EXPECT_EQ(branch.divergent, 0u);
  KernelProfile kernel = run.kernel();
  EXPECT_EQ(kernel.blocks, 3u);
  EXPECT_EQ(kernel.warps, 9u);
  EXPECT_EQ(kernel.steps, run.stats.warpInstructions);
}

TEST(Profile, LaunchesOfOneKernelAreSummed) {
  ProfileRun run;
  std::string text = kernelText("add.u32 %r3, %r1, 1;");
  run.run(text);
  run.grid = {5, 1, 1};
  run.run(text);
  run.run(text);
  KernelProfile kernel = run.kernel();
  EXPECT_EQ(kernel.launches, 3u);
  EXPECT_EQ(run.at("add.u32").issues, 1u + 5 + 5);
  ASSERT_EQ(kernel.shapes.size(), 2u);
  EXPECT_EQ(kernel.shapes[0].launches, 1u);
  EXPECT_EQ(kernel.shapes[1].launches, 2u);
}

/// Lane i goes round i % 8 times, so after round r the lanes with i % 8 <= r
/// are through.
TEST(Profile, Divergence) {
  ProfileRun run;
  run.runBody("and.b32 %r3, %r1, 7;\n"
              "LOOP:\n"
              "setp.eq.u32 %p1, %r3, 0;\n"
              "@%p1 bra DONE;\n"
              "sub.u32 %r3, %r3, 1;\n"
              "bra LOOP;\n"
              "DONE:\n"
              "add.u32 %r4, %r3, 5;");
  EXPECT_EQ(run.at("setp.eq.u32").issues, 8u);
  EXPECT_EQ(run.at("setp.eq.u32").threads,
            32u + 28 + 24 + 20 + 16 + 12 + 8 + 4);
  Counts exit = run.at("@%p1 bra DONE");
  EXPECT_EQ(exit.issues, 8u);
  EXPECT_EQ(exit.threads, 32u);
  EXPECT_EQ(exit.divergent, 7u); // the last time all are left that remain
  EXPECT_EQ(run.at("sub.u32").threads, 4u * (7 + 6 + 5 + 4 + 3 + 2 + 1));
  EXPECT_EQ(run.at("bra LOOP").divergent, 0u);
  // All lanes meet before they go on.
  EXPECT_EQ(run.at("add.u32 %r4").issues, 1u);
  EXPECT_EQ(run.at("add.u32 %r4").threads, 32u);
  EXPECT_EQ(run.at("add.u32 %r4").splitIssues, 0u);
  EXPECT_EQ(run.at("sub.u32").splitIssues, 7u);
}

TEST(Profile, GuardsOfSingleLanes) {
  ProfileRun run;
  run.block = {64, 1, 1};
  run.runBody("setp.lt.u32 %p1, %r1, 10;\n"
              "@%p1 add.u32 %r3, %r1, 1;");
  Counts add = run.at("@%p1 add.u32");
  EXPECT_EQ(add.issues, 1u);
  EXPECT_EQ(add.threads, 10u);
  EXPECT_EQ(add.offIssues, 1u);
  EXPECT_EQ(add.offLanes, 22u + 32);
}

TEST(Profile, WaitsAtABarrier) {
  ProfileRun run;
  run.block = {128, 1, 1};
  run.runBody("bar.sync 0;\nadd.u32 %r3, %r1, 1;\nbar.sync 1;");
  Counts first = run.at("bar.sync 0");
  EXPECT_EQ(first.issues, 4u);
  EXPECT_EQ(first.waits, 3u); // the last one does not wait
  EXPECT_GT(first.waitSteps, 0u);
  EXPECT_EQ(run.at("add.u32").waits, 0u);
}

//===----------------------------------------------------------------------===//
// Shared memory
//===----------------------------------------------------------------------===//

/// Passes by the rule as the manual puts it: for the lanes that go together,
/// the most words that one bank has to give.
static uint64_t expectedPasses(const std::vector<uint32_t> &address,
                               uint32_t bytes) {
  uint64_t passes = 0;
  size_t together = bytes == 16 ? 8 : bytes == 8 ? 16 : 32;
  for (size_t begin = 0; begin < address.size(); begin += together) {
    std::map<uint32_t, std::set<uint32_t>> banks;
    for (size_t i = begin; i < std::min(begin + together, address.size()); ++i)
      for (uint32_t byte = address[i]; byte < address[i] + bytes; ++byte)
        banks[byte / 4 % 32].insert(byte / 4);
    size_t most = 0;
    for (const auto &[bank, words] : banks)
      most = std::max(most, words.size());
    passes += most;
  }
  return passes;
}

/// Stores `bytes` of each lane at tile + its word of `in`.
static Counts storeAt(const std::vector<uint32_t> &offsets, uint32_t bytes) {
  static const std::map<uint32_t, std::string> stores = {
      {1, "st.shared.u8 [%r4], %r1;"},
      {2, "st.shared.u16 [%r4], %r1;"},
      {4, "st.shared.u32 [%r4], %r1;"},
      {8, "st.shared.v2.u32 [%r4], {%r1, %r1};"},
      {16, "st.shared.v4.u32 [%r4], {%r1, %r1, %r1, %r1};"}};
  ProfileRun run;
  run.in = run.device.upload(offsets);
  run.runBody("mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3;\n"
              "ld.global.u32 %r3, [%rd4]; add.u32 %r4, %r2, %r3;\n" +
              stores.at(bytes));
  return run.at("st.shared");
}

TEST(Profile, BankConflictsOfStrides) {
  for (uint32_t words : {0u, 1u, 2u, 3u, 4u, 5u, 8u, 12u, 16u, 32u, 33u, 64u}) {
    std::vector<uint32_t> offsets;
    for (uint32_t lane = 0; lane < 32; ++lane)
      offsets.push_back(lane * words * 4);
    Counts counts = storeAt(offsets, 4);
    uint64_t expected = words ? std::gcd(words, 32u) : 1;
    EXPECT_EQ(counts.wavefronts, expected) << words;
    EXPECT_EQ(counts.idealWavefronts, 1u);
    EXPECT_EQ(counts.sharedRequests, 1u);
    EXPECT_EQ(counts.sharedBytes, 128u);
  }
}

TEST(Profile, BankConflictsOfAnyAddresses) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    uint32_t bytes = 1u << random() % 5;
    uint32_t range = 32u << random() % 8;
    std::vector<uint32_t> offsets;
    for (int lane = 0; lane < 32; ++lane)
      offsets.push_back(static_cast<uint32_t>(random()) % range / bytes *
                        bytes);
    Counts counts = storeAt(offsets, bytes);
    EXPECT_EQ(counts.wavefronts, expectedPasses(offsets, bytes)) << round;
    EXPECT_EQ(counts.idealWavefronts, bytes == 16 ? 4u : bytes == 8 ? 2u : 1u);
    EXPECT_EQ(counts.sharedBytes, 32u * bytes);
  }
}

TEST(Profile, MatrixRows) {
  // Pitch of the rows, and passes for each of the four matrices.
  for (auto [pitch, passes] : {std::pair(16u, 1u),
                               {32u, 2u},
                               {64u, 4u},
                               {128u, 8u},
                               {144u, 1u},
                               {80u, 1u},
                               {160u, 2u}}) {
    ProfileRun run;
    run.runBody("mul.lo.u32 %r3, %r1, " + std::to_string(pitch) +
                "; add.u32 %r4, %r2, %r3;\n"
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16 "
                "{%r5,%r6,%r7,%r8}, [%r4];\n"
                "ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r9,%r10}, [%r4];");
    Counts four = run.at("ldmatrix.sync.aligned.m8n8.x4");
    EXPECT_EQ(four.wavefronts, 4u * passes) << pitch;
    EXPECT_EQ(four.idealWavefronts, 4u);
    EXPECT_EQ(four.sharedBytes, 4u * 128);
    EXPECT_EQ(run.at("ldmatrix.sync.aligned.m8n8.x2").wavefronts, 2u * passes);
  }
}

//===----------------------------------------------------------------------===//
// Global memory
//===----------------------------------------------------------------------===//

TEST(Profile, SectorsOfStrides) {
  for (uint32_t stride : {0u, 4u, 8u, 12u, 16u, 28u, 32u, 36u, 128u, 512u}) {
    ProfileRun run;
    run.grid = {2, 1, 1};
    run.runBody("mul.wide.u32 %rd3, %r1, " + std::to_string(stride) +
                "; add.s64 %rd4, %rd2, %rd3;\n"
                "ld.global.u32 %r3, [%rd4+8];");
    std::set<uint32_t> sectors, lines, bytes;
    for (uint32_t lane = 0; lane < 32; ++lane)
      for (uint32_t i = 0; i < 4; ++i) {
        uint32_t at = 8 + lane * stride + i; // `in` is aligned to 1024
        bytes.insert(at);
        sectors.insert(at / 32);
        lines.insert(at / 128);
      }
    Counts load = run.at("ld.global");
    EXPECT_EQ(load.globalRequests, 2u);
    EXPECT_EQ(load.globalReadBytes, 2u * 128);
    EXPECT_EQ(load.globalWriteBytes, 0u);
    EXPECT_EQ(load.globalNeededBytes, 2 * bytes.size()) << stride;
    EXPECT_EQ(load.sectors, 2 * sectors.size()) << stride;
    EXPECT_EQ(load.idealSectors, 2 * ((bytes.size() + 31) / 32)) << stride;
    EXPECT_EQ(load.lines, 2 * lines.size()) << stride;
    // Both blocks read the same.
    EXPECT_EQ(load.uniqueReadSectors, sectors.size()) << stride;
    EXPECT_EQ(load.uniqueWriteSectors, 0u);
    EXPECT_EQ(load.uniqueLines, lines.size()) << stride;
  }
}

TEST(Profile, UniqueSectorsOfAKernel) {
  ProfileRun run;
  // Each thread reads its 16 bytes four times and writes 4 of them.
  run.block = {64, 1, 1};
  run.runBody("mul.wide.u32 %rd3, %r1, 16; add.s64 %rd4, %rd2, %rd3;\n"
              "mov.u32 %r9, 0;\n"
              "LOOP:\n"
              "ld.global.v4.u32 {%r3,%r4,%r5,%r6}, [%rd4];\n"
              "add.u32 %r9, %r9, 1; setp.lt.u32 %p1, %r9, 4;\n"
              "@%p1 bra LOOP;\n"
              "st.global.u32 [%rd4], %r3;");
  Counts total = run.kernel().total();
  EXPECT_EQ(total.globalReadBytes, 4u * 64 * 16);
  EXPECT_EQ(total.globalWriteBytes, 64u * 4);
  EXPECT_EQ(total.sectors, 4u * 32 + 32); // half of each sector is written
  EXPECT_EQ(total.idealSectors, 4u * 32 + 2 * 4);
  EXPECT_EQ(total.uniqueReadSectors, 32u);
  EXPECT_EQ(total.uniqueWriteSectors, 32u);
  EXPECT_EQ(total.uniqueLines, 8u);
}

TEST(Profile, Atomics) {
  ProfileRun run;
  run.runBody("shr.u32 %r3, %r1, 3; mul.wide.u32 %rd3, %r3, 4;\n"
              "add.s64 %rd4, %rd1, %rd3;\n"
              "atom.global.add.u32 %r4, [%rd4], 1;\n"
              "red.shared.add.u32 [%r2], %r1;");
  Counts global = run.at("atom.global");
  EXPECT_EQ(global.atomicRequests, 1u);
  EXPECT_EQ(global.atomicLanes, 32u);
  EXPECT_EQ(global.atomicSerial, 8u); // eight lanes for each word
  EXPECT_EQ(global.sectors, 1u);
  EXPECT_EQ(run.at("red.shared").atomicSerial, 32u);
  EXPECT_EQ(run.at("red.shared").sharedRequests, 1u);
}

TEST(Profile, LocalMemory) {
  ProfileRun run;
  std::string text = kernelText(".local .align 4 .b8 spill[8];\n"
                                "st.local.u32 [spill+4], %r1;\n"
                                "ld.local.u32 %r3, [spill+4];");
  run.run(text);
  EXPECT_EQ(run.at("st.local").localRequests, 1u);
  EXPECT_EQ(run.at("ld.local").localBytes, 128u);
  EXPECT_EQ(run.kernel().total().globalRequests, 0u);
}

//===----------------------------------------------------------------------===//
// Copies and products
//===----------------------------------------------------------------------===//

TEST(Profile, AsyncCopies) {
  ProfileRun run;
  run.runBody("mul.lo.u32 %r3, %r1, 16; add.u32 %r4, %r2, %r3;\n"
              "mul.wide.u32 %rd3, %r1, 16; add.s64 %rd4, %rd2, %rd3;\n"
              "cp.async.cg.shared.global [%r4], [%rd4], 16;\n"
              "cp.async.wait_all;");
  Counts copy = run.at("cp.async.cg");
  EXPECT_EQ(copy.copies, 32u);
  EXPECT_EQ(copy.copyReadBytes, 512u);
  EXPECT_EQ(copy.copyToShared, 512u);
  EXPECT_EQ(copy.copySectors, 16u);
  EXPECT_EQ(copy.uniqueReadSectors, 16u);
  EXPECT_EQ(copy.globalRequests, 0u);
}

static std::string tensorKernel(const std::string &copy) {
  return ".version 8.5\n.target sm_90a\n.address_size 64\n"
         ".visible .entry k(.param .u64 out, .param .u64 in,\n"
         "  .param .align 64 .b8 map[128]) {\n"
         ".reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .pred %p<4>; "
         ".reg .b16 %h<2>;\n"
         ".shared .align 1024 .b8 tile[16384];\n"
         ".shared .align 8 .b64 full;\n"
         "mov.u32 %r1, %tid.x; mov.u32 %r2, tile; mov.u32 %r3, full;\n"
         "mov.b64 %rd1, map;\n"
         "cvta.param.u64 %rd1, %rd1;\n"
         "setp.ne.u32 %p1, %r1, 0;\n"
         "@%p1 bra WAIT;\n"
         "mbarrier.init.shared.b64 [%r3], 1;\n"
         "fence.mbarrier_init.release.cluster;\n" +
         copy +
         "WAIT:\n"
         "ret;\n}\n";
}

TEST(Profile, TensorLoad) {
  ProfileRun run;
  // A box of 16 x 8 floats whose last six columns lie outside.
  run.params.bytes = mapParameters(run.in);
  run.run(tensorKernel(
      "mbarrier.arrive.expect_tx.shared.b64 _, [%r3], 512;\n"
      "mov.u32 %r4, 54; mov.u32 %r5, 2;\n"
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::"
      "bytes [%r2], [%rd1, {%r4, %r5}], [%r3];\n"));
  Counts copy = run.at("cp.async.bulk.tensor");
  EXPECT_EQ(copy.issues, 1u);
  EXPECT_EQ(copy.copies, 1u);
  EXPECT_EQ(copy.copyToShared, 16u * 8 * 4);
  EXPECT_EQ(copy.copyReadBytes, 10u * 8 * 4);
  // Columns 54 to 63: bytes 216 to 255 of each row, two sectors.
  EXPECT_EQ(copy.copySectors, 8u * 2);
  EXPECT_EQ(copy.uniqueLines, 8u);
}

TEST(Profile, TensorStore) {
  ProfileRun run;
  run.params.bytes = mapParameters(run.out);
  run.run(tensorKernel("mov.u32 %r4, 16; mov.u32 %r5, 28;\n"
                       "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group "
                       "[%rd1, {%r4, %r5}], [%r2];\n"
                       "cp.async.bulk.commit_group;\n"
                       "cp.async.bulk.wait_group 0;\n"));
  Counts copy = run.at("cp.async.bulk.tensor");
  EXPECT_EQ(copy.copyFromShared, 16u * 8 * 4);
  EXPECT_EQ(copy.copyWriteBytes, 16u * 4 * 4); // four rows lie outside
  EXPECT_EQ(copy.copySectors, 4u * 2);
  EXPECT_EQ(copy.uniqueWriteSectors, 4u * 2);
  EXPECT_EQ(copy.uniqueReadSectors, 0u);
}

/// Read once, delivered to both blocks.
TEST(Profile, Multicast) {
  ProfileRun run;
  run.grid = run.cluster = {2, 1, 1};
  run.params.bytes = mapParameters(run.in);
  run.run(tensorKernel(
      "mbarrier.arrive.expect_tx.shared.b64 _, [%r3], 512;\n"
      "barrier.cluster.arrive; barrier.cluster.wait;\n"
      "mov.u32 %r6, %cluster_ctarank; setp.ne.u32 %p2, %r6, 0;\n"
      "@%p2 bra JOIN;\n"
      "mov.u32 %r4, 0; mov.u32 %r5, 0; mov.u16 %h1, 3;\n"
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::"
      "bytes.multicast::cluster [%r2], [%rd1, {%r4, %r5}], [%r3], %h1;\n"
      "JOIN:\n"
      "barrier.cluster.arrive; barrier.cluster.wait;\n"));
  Counts copy = run.at("cp.async.bulk.tensor");
  EXPECT_EQ(copy.copies, 1u);
  EXPECT_EQ(copy.copyReadBytes, 512u);
  EXPECT_EQ(copy.copyToShared, 2u * 512);
  EXPECT_EQ(copy.copySectors, 16u);
}

TEST(Profile, BulkCopies) {
  ProfileRun run;
  run.runBody("setp.ne.u32 %p1, %r1, 0;\n"
              "@%p1 bra DONE;\n"
              "cp.async.bulk.global.shared::cta.bulk_group [%rd1], [%r2], 96;\n"
              "cp.async.bulk.commit_group;\n"
              "cp.async.bulk.wait_group 0;\n"
              "DONE:");
  Counts copy = run.at("cp.async.bulk.global");
  EXPECT_EQ(copy.copies, 1u);
  EXPECT_EQ(copy.copyFromShared, 96u);
  EXPECT_EQ(copy.copyWriteBytes, 96u);
  EXPECT_EQ(copy.copySectors, 3u);
}

TEST(Profile, Products) {
  ProfileRun run;
  run.block = {256, 1, 1};
  run.runBody(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1,%f2,%f3,%f4}, "
      "{%r3,%r4,%r5,%r6}, {%r7,%r8}, {%f1,%f2,%f3,%f4};\n"
      "mov.u64 %rd5, 0;\n"
      "wgmma.fence.sync.aligned;\n"
      "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 "
      "{%f5,%f6,%f7,%f8,%f9,%f10,%f11,%f12}, %rd5, %rd5, 1, 1, 1, 0, 0;\n"
      "wgmma.commit_group.sync.aligned;\n"
      "wgmma.wait_group.sync.aligned 0;");
  Counts mma = run.at("mma.sync");
  EXPECT_EQ(mma.products, 8u);
  EXPECT_EQ(mma.productFlops, 8u * 2 * 16 * 8 * 16);
  Counts wgmma = run.at("wgmma.mma_async");
  EXPECT_EQ(wgmma.issues, 8u);
  EXPECT_EQ(wgmma.products, 2u);
  EXPECT_EQ(wgmma.productFlops, 2u * 2 * 64 * 16 * 16);
  EXPECT_EQ(wgmma.productSharedBytes, 2u * (64 * 16 + 16 * 16) * 2);
}

//===----------------------------------------------------------------------===//
// The text
//===----------------------------------------------------------------------===//

/// Helpers that the decoder adds are no instructions of the text, and neither
/// is the return where a function ends without one.
TEST(Profile, EachInstructionOnce) {
  ProfileRun run;
  run.run(".version 8.5\n.target sm_90a\n.address_size 64\n"
          ".func (.reg .b32 %q) twice(.reg .b32 %x) {\n"
          "  add.u32 %q, %x, %x;\n"
          "  ret;\n"
          "}\n"
          ".visible .entry k(.param .u64 out, .param .u64 in) {\n"
          "  .reg .b32 %r<4>;\n"
          "  add.u32 %r1, %tid.x, %ctaid.x;\n"
          "  call (%r2), twice, (%r1);\n"
          "  add.u32 %r3, %r2, 1;\n"
          "}\n");
  KernelProfile kernel = run.kernel();
  std::vector<std::string> executed;
  for (const auto &[at, instruction] : kernel.instructions) {
    executed.push_back(kernel.text->statement(at));
    EXPECT_EQ(instruction.counts.issues, 1u) << executed.back();
  }
  EXPECT_EQ(executed,
            (std::vector<std::string>{
                "add.u32 %q, %x, %x;", "ret;", "add.u32 %r1, %tid.x, %ctaid.x;",
                "call (%r2), twice, (%r1);", "add.u32 %r3, %r2, 1;"}));
}

TEST(Profile, ReportsAreTheSameEachTime) {
  auto report = [] {
    ProfileRun run;
    run.block = {128, 1, 1};
    run.runBody("shl.b32 %r3, %r1, 6; add.u32 %r4, %r2, %r3;\n"
                "st.shared.u32 [%r4], %r1;\nbar.sync 0;\n"
                "ld.shared.u32 %r5, [%r4];");
    return renderProfileText(run.profile.kernels()) +
           renderProfileJson(run.profile.kernels());
  };
  std::string first = report();
  EXPECT_EQ(first, report());
  EXPECT_NE(first.find("wavefronts lost to bank conflicts"), first.npos);
}

} // namespace tilewright::sim::debug
