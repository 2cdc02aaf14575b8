//===- DivergenceTest.cpp - Control flow that splits and joins warps ------===//

#include "tests/sim/exec/TestDevice.h"

#include <gtest/gtest.h>

namespace tilewright::sim {

static std::string kernel(const std::string &body, const char *more = "") {
  return std::string(".version 8.5\n.target sm_90a\n.address_size 64\n") +
         more +
         ".visible .entry k(.param .u64 out, .param .u64 in) {\n"
         ".reg .b32 %r<32>; .reg .b64 %rd<16>; .reg .pred %p<8>;\n"
         "ld.param.u64 %rd1, [out]; ld.param.u64 %rd2, [in];\n"
         "mov.u32 %r1, %tid.x; mul.wide.u32 %rd3, %r1, 4;\n"
         "add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;\n" +
         body + "\nret;\n}\n";
}

static std::vector<uint32_t> runKernel(const std::string &ptx,
                                       const std::vector<uint32_t> &in,
                                       uint32_t threads,
                                       std::string *error = nullptr) {
  TestDevice device;
  auto module = Module::load(ptx, "test.ptx", device.config, device);
  EXPECT_TRUE(module) << (module ? "" : module.error().message);
  if (!module)
    return {};
  uint64_t out = device.upload(std::vector<uint32_t>(threads, 0));
  uint64_t input = device.upload(in);
  Params params;
  params.add(out).add(input);
  Launch launch;
  launch.kernel = (*module)->findKernel("k");
  launch.block = {threads, 1, 1};
  launch.params = params.bytes;
  Result<LaunchStats> result = run(launch, device.config, device.memory);
  if (error)
    *error = result ? "" : result.error().message;
  else
    EXPECT_TRUE(result) << result.error().message;
  return device.download<uint32_t>(out, threads);
}

TEST(Divergence, LoopsOfDifferentLength) {
  // Each lane sums 1..tid.
  std::string ptx = kernel(R"(
    mov.u32 %r2, 0; mov.u32 %r3, 0;
  LOOP:
    setp.ge.u32 %p1, %r3, %r1;
    @%p1 bra DONE;
    add.u32 %r3, %r3, 1;
    add.u32 %r2, %r2, %r3;
    bra LOOP;
  DONE:
    st.global.u32 [%rd4], %r2;)");
  std::vector<uint32_t> out = runKernel(ptx, {}, 70);
  for (uint32_t t = 0; t < 70; ++t)
    EXPECT_EQ(out[t], t * (t + 1) / 2) << "thread " << t;
}

TEST(Divergence, NestedBranches) {
  std::string ptx = kernel(R"(
    and.b32 %r2, %r1, 1; and.b32 %r3, %r1, 2;
    setp.ne.u32 %p1, %r2, 0; setp.ne.u32 %p2, %r3, 0;
    @%p1 bra A;
    @%p2 bra B;
    mov.u32 %r4, 10; bra JOIN;
  B: mov.u32 %r4, 20; bra JOIN;
  A: @!%p2 bra C;
    mov.u32 %r4, 30; bra JOIN;
  C: mov.u32 %r4, 40;
  JOIN:
    st.global.u32 [%rd4], %r4;)");
  std::vector<uint32_t> out = runKernel(ptx, {}, 32);
  static constexpr uint32_t expected[] = {10, 40, 20, 30};
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], expected[t % 4]) << "thread " << t;
}

TEST(Divergence, IndexedBranch) {
  std::string ptx = kernel(R"(
    rem.u32 %r2, %r1, 3;
    ts: .branchtargets X, Y, Z;
    brx.idx %r2, ts;
  X: mov.u32 %r4, 7; bra JOIN;
  Y: mov.u32 %r4, 8; bra JOIN;
  Z: mov.u32 %r4, 9;
  JOIN: st.global.u32 [%rd4], %r4;)");
  std::vector<uint32_t> out = runKernel(ptx, {}, 32);
  for (uint32_t t = 0; t < 32; ++t)
    EXPECT_EQ(out[t], 7 + t % 3) << "thread " << t;
}

TEST(Divergence, Recursion) {
  std::string ptx = kernel(R"(
    { .param .b32 a; .param .b32 r;
      st.param.b32 [a], %r1;
      call.uni (r), fib, (a);
      ld.param.b32 %r2, [r]; }
    st.global.u32 [%rd4], %r2;)",
                           R"(
.func (.param .b32 result) fib(.param .b32 n);
.func (.param .b32 result) fib(.param .b32 n) {
  .reg .b32 %r<8>; .reg .pred %p;
  ld.param.b32 %r1, [n];
  setp.lt.u32 %p, %r1, 2;
  @%p bra SMALL;
  sub.u32 %r2, %r1, 1; sub.u32 %r3, %r1, 2;
  { .param .b32 a; .param .b32 r;
    st.param.b32 [a], %r2; call.uni (r), fib, (a); ld.param.b32 %r4, [r]; }
  { .param .b32 a; .param .b32 r;
    st.param.b32 [a], %r3; call.uni (r), fib, (a); ld.param.b32 %r5, [r]; }
  add.u32 %r1, %r4, %r5;
SMALL:
  st.param.b32 [result], %r1;
  ret;
}
)");
  std::vector<uint32_t> out = runKernel(ptx, {}, 15);
  uint32_t a = 0, b = 1;
  for (uint32_t t = 0; t < 15; ++t) {
    EXPECT_EQ(out[t], a) << "thread " << t;
    uint32_t next = a + b;
    a = b;
    b = next;
  }
}

TEST(Faults, AddressOutsideTheArena) {
  std::string ptx = kernel("mov.b64 %rd6, 16; st.global.u32 [%rd6], %r1;");
  std::string error;
  runKernel(ptx, {}, 32, &error);
  EXPECT_NE(error.find("address outside of global memory: 0x10"),
            std::string::npos)
      << error;
  EXPECT_NE(error.find("test.ptx:"), std::string::npos) << error;
}

TEST(Faults, Misaligned) {
  std::string ptx = kernel("st.global.u32 [%rd4+2], %r1;");
  std::string error;
  runKernel(ptx, {}, 32, &error);
  EXPECT_NE(error.find("misaligned address"), std::string::npos) << error;
}

TEST(Faults, RunawayRecursion) {
  std::string ptx = kernel(R"(call.uni f;)", R"(
.func f { call.uni f; ret; }
)");
  std::string error;
  runKernel(ptx, {}, 32, &error);
  EXPECT_NE(error.find("call stack"), std::string::npos) << error;
}

TEST(Divergence, EndlessLoopIsADeadlock) {
  // Lane 0 leaves; the others go round in a loop of two instructions.
  std::string ptx = kernel(R"(
    setp.eq.u32 %p1, %r1, 0;
    @%p1 bra DONE;
  LOOP:
    xor.b32 %r2, %r2, 1;
    bra LOOP;
  DONE:)");
  std::string error;
  runKernel(ptx, {}, 32, &error);
  EXPECT_NE(error.find("deadlock in kernel 'k'"), std::string::npos) << error;
  EXPECT_NE(error.find("warp 0 loops forever, test.ptx:"), std::string::npos)
      << error;
}

TEST(Divergence, LongLoopEnds) {
  // Passes through few states of its registers, but never the same one.
  std::string ptx = kernel(R"(
    mov.u32 %r2, 0;
  LOOP:
    add.u32 %r2, %r2, 1;
    setp.lt.u32 %p1, %r2, 3000000;
    @%p1 bra LOOP;
    st.global.u32 [%rd4], %r2;)");
  EXPECT_EQ(runKernel(ptx, {}, 1)[0], 3000000u);
}

} // namespace tilewright::sim
