//===- UndoLogTest.cpp - What a launch writes to global memory ------------===//
//
// Every way of writing global memory, each undone and done again: all of memory
// has to be as it was, so a write that the log does not know of is found.
//
//===----------------------------------------------------------------------===//

#include "sim/schedule/UndoLog.h"
#include "tests/sim/exec/TestDevice.h"
#include "tests/sim/exec/TestTensorMap.h"

#include <gtest/gtest.h>

namespace tilewright::sim::schedule {

static constexpr size_t compared = 1 << 20; ///< more than a test allocates

namespace {
class UndoLogTest : public testing::Test {
protected:
  UndoLogTest() {
    std::vector<uint32_t> words(4096);
    for (uint32_t i = 0; i < words.size(); ++i)
      words[i] = 0x3f800000 + i;
    target = device.upload(words);
    map = device.upload(
        tensorMapOf({target, TensorDataType::UInt32, 8, 8, 4, 4}));
  }

  std::vector<std::byte> snapshot() const {
    return {device.memory.base, device.memory.base + compared};
  }

  /// %rd1 points to the target, %rd2 to a tensor map of it, %r2 to shared
  /// memory that holds each thread's number.
  void expectUndone(const std::string &body) {
    auto module = Module::load(
        ".version 8.5\n.target sm_90a\n.address_size 64\n"
        ".visible .entry k(.param .u64 target, .param .u64 map) {\n"
        ".reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<16>;\n"
        ".reg .pred %p<4>; .reg .b128 %q;\n"
        ".shared .align 128 .b32 tile[64];\n"
        "ld.param.u64 %rd1, [target]; ld.param.u64 %rd2, [map];\n"
        "mov.u32 %r1, %tid.x; mov.u32 %r2, tile;\n"
        "mad.lo.u32 %r3, %r1, 4, %r2; st.shared.u32 [%r3], %r1;\n"
        "st.shared.u32 [%r3+128], 77; mul.wide.u32 %rd3, %r1, 4;\n"
        "add.s64 %rd3, %rd1, %rd3; setp.eq.u32 %p1, %r1, 0;\n"
        "fence.proxy.async; bar.sync 0;\n" +
            body + "\nret;\n}\n",
        "undo.ptx", device.config, device);
    ASSERT_TRUE(module) << module.error().message;
    Params params;
    params.add(target).add(map);
    UndoLog log;
    std::unique_ptr<Observer> watcher = log.watch();
    Launch launch;
    launch.kernel = (*module)->findKernel("k");
    launch.block = {32, 1, 1};
    launch.params = params.bytes;
    launch.observer = watcher.get();
    std::vector<std::byte> start = snapshot();
    Result<LaunchStats> result = run(launch, device.config, device.memory);
    ASSERT_TRUE(result) << result.error().message;
    std::vector<std::byte> end = snapshot();
    EXPECT_NE(start, end) << "the kernel has to write";
    log.keepResult();
    EXPECT_FALSE(log.compare());
    log.restoreStart();
    EXPECT_EQ(start, snapshot());
    EXPECT_TRUE(log.compare());
    log.restoreResult();
    EXPECT_EQ(end, snapshot());
  }

  TestDevice device;
  uint64_t target = 0, map = 0;
};
} // namespace

TEST_F(UndoLogTest, Stores) {
  expectUndone("st.global.u8 [%rd3], 7;");
  expectUndone("st.volatile.v4.u32 [%rd1+4080], {%r1, %r1, %r1, %r1};");
  expectUndone("@%p1 st.global.v2.b64 [%rd1], {%rd1, %rd2};");
}

TEST_F(UndoLogTest, Atomics) {
  expectUndone("atom.global.add.u32 %r4, [%rd1], 1;");
  expectUndone("red.add.f32 [%rd1+64], 0f3f800000;");
  expectUndone("@%p1 atom.global.cas.b64 %rd4, [%rd1], %rd4, 5;\n"
               "atom.global.exch.b32 %r4, [%rd1+8], 9;");
  expectUndone("mov.b128 %q, {%rd1, %rd2};\n"
               "@%p1 atom.global.exch.b128 %q, [%rd1], %q;");
}

TEST_F(UndoLogTest, FragmentsOfWmma) {
  expectUndone("mov.f32 %f1, 0f40000000;\n"
               "wmma.store.d.sync.aligned.row.m16n16k16.global.f32 [%rd1], "
               "{%f1, %f1, %f1, %f1, %f1, %f1, %f1, %f1}, 24;");
}

static const std::string wait =
    "cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;";

TEST_F(UndoLogTest, BulkCopies) {
  expectUndone("@%p1 cp.async.bulk.global.shared::cta.bulk_group [%rd1+4096], "
               "[tile], 64;\n" +
               wait);
  expectUndone(
      "@%p1 cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 "
      "[%rd1+16], [tile+128], 16;\n" +
      wait);
}

TEST_F(UndoLogTest, TensorCopies) {
  expectUndone("@%p1 cp.async.bulk.tensor.2d.global.shared::cta.bulk_group "
               "[%rd2, {2, 3}], [tile];\n" +
               wait);
  // A box that leaves the tensor at a corner.
  expectUndone("@%p1 cp.reduce.async.bulk.tensor.2d.global.shared::cta.add"
               ".bulk_group [%rd2, {-2, 6}], [tile+128];\n" +
               wait);
}

TEST_F(UndoLogTest, TensorMaps) {
  expectUndone("@%p1 tensormap.replace.tile.global_dim.global.b1024.b32 "
               "[%rd2], 0, 4;");
  expectUndone("tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic"
               ".release.gpu.sync.aligned [%rd2], [tile], 128;");
}

} // namespace tilewright::sim::schedule
