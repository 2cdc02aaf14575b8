//===- sim-engine.cpp - Speed of the PTX engine ---------------------------===//
//
// Everything on one host thread, so figures are per core.
//
//===----------------------------------------------------------------------===//

#include "sim/check/Checker.h"
#include "sim/check/MemoryState.h"
#include "sim/check/OrderCheck.h"
#include "sim/check/Session.h"
#include "sim/exec/ObserverList.h"
#include "tests/sim/exec/TestDevice.h"

#include <benchmark/benchmark.h>

namespace tilewright::sim {

static const char *header = ".version 8.5\n.target sm_90a\n.address_size 64\n";

namespace {
/// A module with one kernel, ready to launch.
class Fixture {
public:
  explicit Fixture(const std::string &ptx, bool findsUndefinedReads = false) {
    device.config.findsUndefinedReads = findsUndefinedReads;
    auto loaded = Module::load(ptx, "bench.ptx", device.config, device);
    if (!loaded)
      throw std::runtime_error(loaded.error().message);
    module = std::move(*loaded);
    launch.kernel = module->kernels().at(0);
    launch.hostThreads = 1;
  }
  LaunchStats runOnce() {
    launch.params = params.bytes;
    Result<LaunchStats> stats = run(launch, device.config, device.memory);
    if (!stats)
      throw std::runtime_error(stats.error().message);
    return *stats;
  }

  TestDevice device;
  std::unique_ptr<Module> module;
  Launch launch;
  Params params;
};
} // namespace

static void report(benchmark::State &state, uint64_t threadInstructions) {
  state.counters["thread_instructions"] = benchmark::Counter(
      static_cast<double>(threadInstructions), benchmark::Counter::kIsRate);
}

/// Multiply-adds in registers, one branch in 33 instructions.
static void denseArithmetic(benchmark::State &state) {
  std::string body;
  for (int i = 0; i < 32; ++i)
    body += "fma.rn.f32 %f" + std::to_string(1 + i % 8) + ", %f" +
            std::to_string(1 + (i + 3) % 8) + ", %f9, %f10;\n";
  Fixture fixture(std::string(header) +
                  ".visible .entry k() { .reg .f32 %f<11>; .reg .b32 %r<4>; "
                  ".reg .pred %p<2>; mov.u32 %r1, 0;\nLOOP:\n" +
                  body +
                  "add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 1000; @%p1 bra "
                  "LOOP; ret; }\n");
  fixture.launch.block = {256, 1, 1};
  uint64_t instructions = 0;
  for (auto _ : state)
    instructions += fixture.runOnce().threadInstructions;
  report(state, instructions);
}
BENCHMARK(denseArithmetic)->Unit(benchmark::kMillisecond);

/// c = a * b with one element a thread, straight from global memory.
static void naiveProduct(benchmark::State &state) {
  static constexpr uint32_t n = 128;
  Fixture fixture(std::string(header) + R"(
.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c) {
  .reg .f32 %f<4>; .reg .b32 %r<12>; .reg .b64 %rd<16>; .reg .pred %p<2>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [c];
  cvta.to.global.u64 %rd1, %rd1; cvta.to.global.u64 %rd2, %rd2;
  mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, 0;
  mul.lo.u32 %r4, %r2, 128; mul.wide.u32 %rd4, %r4, 4; add.s64 %rd5, %rd1, %rd4;
  mul.wide.u32 %rd6, %r1, 4; add.s64 %rd7, %rd2, %rd6; mov.f32 %f1, 0f00000000;
LOOP:
  ld.global.f32 %f2, [%rd5]; ld.global.f32 %f3, [%rd7];
  fma.rn.f32 %f1, %f2, %f3, %f1;
  add.s64 %rd5, %rd5, 4; add.s64 %rd7, %rd7, 512; add.u32 %r3, %r3, 1;
  setp.lt.u32 %p1, %r3, 128; @%p1 bra LOOP;
  add.s64 %rd8, %rd3, %rd4; add.s64 %rd8, %rd8, %rd6; st.global.f32 [%rd8], %f1;
  ret; }
)");
  for (int i = 0; i < 3; ++i)
    fixture.params.add(fixture.device.upload(std::vector<float>(n * n, 1.0f)));
  fixture.launch.grid = {n, 1, 1};
  fixture.launch.block = {n, 1, 1};
  uint64_t instructions = 0;
  for (auto _ : state)
    instructions += fixture.runOnce().threadInstructions;
  report(state, instructions);
}
BENCHMARK(naiveProduct)->Unit(benchmark::kMillisecond);

namespace {
/// What checks a launch, by the benchmark's argument.
enum Checking { None, Order, All };
} // namespace

/// Runs once for each way of checking, so that the times give what it costs.
static void runChecked(benchmark::State &state, Fixture &fixture) {
  uint64_t instructions = 0;
  check::KindSet kinds;
  for (check::Kind kind :
       {check::Kind::Race, check::Kind::Proxy, check::Kind::Cluster})
    kinds.add(kind);
  if (state.range(0) == All)
    kinds = check::KindSet::all();
  check::Session session({kinds, ""}, [](const std::string &) {});
  check::MemoryState memory;
  auto base = reinterpret_cast<uint64_t>(fixture.device.memory.base);
  memory.open(base, fixture.device.memory.size, true);
  memory.allocated({base, fixture.device.memory.size, "device"}, true);
  for (auto _ : state) {
    ObserverList observers;
    if (state.range(0) != None) {
      check::addChecks(session, memory, observers, nullptr);
      fixture.launch.observer = &observers;
    }
    instructions += fixture.runOnce().threadInstructions;
  }
  if (!session.collected().empty())
    state.SkipWithError("the kernel has findings");
  report(state, instructions);
}

/// Bound by memory: two accesses in nine instructions, all to new places.
static void streamCopy(benchmark::State &state) {
  static constexpr uint32_t count = 1 << 22;
  Fixture fixture(std::string(header) + R"(
.visible .entry k(.param .u64 a, .param .u64 b, .param .u32 n) {
  .reg .b32 %r<12>; .reg .b64 %rd<8>; .reg .pred %p<2>;
  ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u32 %r6, [n];
  mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;
  mad.lo.u32 %r4, %r2, %r3, %r1; mov.u32 %r5, %nctaid.x;
  mul.lo.u32 %r5, %r5, %r3;
LOOP:
  mad.wide.u32 %rd3, %r4, 4, %rd1; mad.wide.u32 %rd4, %r4, 4, %rd2;
  ld.global.u32 %r7, [%rd3]; add.u32 %r7, %r7, 1; st.global.u32 [%rd4], %r7;
  add.u32 %r4, %r4, %r5; setp.lt.u32 %p1, %r4, %r6; @%p1 bra LOOP;
  ret; }
)",
                  state.range(0) == All);
  for (int i = 0; i < 2; ++i)
    fixture.params.add(fixture.device.upload(std::vector<uint32_t>(count, 1)));
  fixture.params.add(count);
  fixture.launch.grid = {256, 1, 1};
  fixture.launch.block = {256, 1, 1};
  runChecked(state, fixture);
}
BENCHMARK(streamCopy)
    ->Arg(None)
    ->Arg(Order)
    ->Arg(All)
    ->Unit(benchmark::kMillisecond);

/// Strong accesses of 16 bytes, which other host threads must see whole.
static void strongVectors(benchmark::State &state) {
  Fixture fixture(std::string(header) + R"(
.visible .entry k(.param .u64 a) {
  .reg .b32 %r<12>; .reg .b64 %rd<4>; .reg .pred %p<2>;
  ld.param.u64 %rd1, [a]; mov.u32 %r1, %tid.x; mov.u32 %r2, 0;
  mad.wide.u32 %rd2, %r1, 16, %rd1;
LOOP:
  ld.relaxed.gpu.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd2];
  st.relaxed.gpu.global.v4.u32 [%rd2], {%r5, %r6, %r7, %r4};
  add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 1000; @%p1 bra LOOP;
  ret; }
)");
  fixture.launch.block = {256, 1, 1};
  fixture.params.add(fixture.device.upload(std::vector<uint32_t>(1024, 1)));
  uint64_t instructions = 0;
  for (auto _ : state)
    instructions += fixture.runOnce().threadInstructions;
  report(state, instructions);
}
BENCHMARK(strongVectors)->Unit(benchmark::kMillisecond);

/// Bound by tensor cores: products of 64x128x16 in groups of four.
static void wgmmaLoop(benchmark::State &state) {
  std::string registers = "%f0", start = "mov.f32 %f0, 0f00000000;\n";
  for (int i = 1; i < 64; ++i) {
    registers += ", %f" + std::to_string(i);
    start += "mov.f32 %f" + std::to_string(i) + ", 0f00000000;\n";
  }
  // 64 bytes a thread.
  for (int i = 0; i < 64; i += 16)
    start += "st.shared.v4.u32 [%r6+" + std::to_string(i) +
             "], {%r3, %r3, %r3, %r3};\n";
  std::string product =
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {" + registers +
      "}, %rd3, %rd4, %p2, 1, 1, 0, 0;\n";
  Fixture fixture(std::string(header) + R"(
.visible .entry k() {
  .reg .b32 %r<8>; .reg .b64 %rd<8>; .reg .pred %p<4>; .reg .f32 %f<64>;
  .shared .align 1024 .b8 s[8192];
  mov.u32 %r1, %tid.x; mov.u32 %r2, s; mov.u32 %r3, 0;
  shr.u32 %r4, %r2, 4; cvt.u64.u32 %rd3, %r4;
  or.b64 %rd3, %rd3, 0x0000001000080000; add.s64 %rd4, %rd3, 128;
  setp.eq.u32 %p2, %r1, %r1; mad.lo.u32 %r6, %r1, 64, %r2;
)" + start + R"(
  fence.proxy.async.shared::cta; bar.sync 0;
LOOP:
  wgmma.fence.sync.aligned;
)" + product + product +
                      product + product + R"(
  wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;
  add.u32 %r3, %r3, 1; setp.lt.u32 %p1, %r3, 500; @%p1 bra LOOP;
  ret; }
)",
                  state.range(0) == All);
  fixture.launch.block = {128, 1, 1};
  runChecked(state, fixture);
}
BENCHMARK(wgmmaLoop)->Arg(None)->Arg(Order)->Arg(All)->Unit(
    benchmark::kMillisecond);

/// Many small blocks: the cost of starting one.
static void emptyBlocks(benchmark::State &state) {
  Fixture fixture(std::string(header) + ".visible .entry k() { ret; }\n");
  fixture.launch.grid = {1000, 1, 1};
  fixture.launch.block = {256, 1, 1};
  for (auto _ : state)
    fixture.runOnce();
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(emptyBlocks)->Unit(benchmark::kMillisecond);

/// One launch of one block.
static void launchOne(benchmark::State &state) {
  Fixture fixture(std::string(header) + ".visible .entry k() { ret; }\n");
  for (auto _ : state)
    fixture.runOnce();
}
BENCHMARK(launchOne)->Unit(benchmark::kMicrosecond);

/// Text of about a megabyte, as compilers write it.
static void moduleLoad(benchmark::State &state) {
  std::string body;
  for (int i = 0; body.size() < 1000000; ++i) {
    std::string a = std::to_string(1 + i % 900),
                b = std::to_string(1 + i % 700);
    body += "\tadd.s32 \t%r" + a + ", %r" + b + ", " + std::to_string(i) +
            ";\n\tfma.rn.f32 \t%f" + b + ", %f" + a + ", %f" + b +
            ", 0f3F800000;\n\tsetp.lt.s32 \t%p1, %r" + a + ", %r" + b +
            ";\n\t@%p1 bra \t$L__BB0_" + std::to_string(i) +
            ";\n\tld.global.f32 \t%f" + a + ", [%rd1+" +
            std::to_string(4 * (i % 64)) + "];\n$L__BB0_" + std::to_string(i) +
            ":\n";
  }
  std::string text = std::string(header) +
                     ".visible .entry k() {\n.reg .b32 %r<1000>;\n.reg .f32 "
                     "%f<1000>;\n.reg .b64 %rd<4>;\n.reg .pred %p<2>;\n" +
                     body + "ret;\n}\n";
  TestDevice device;
  for (auto _ : state) {
    auto module = Module::load(text, "bench.ptx", device.config, device);
    if (!module)
      state.SkipWithError(module.error().message.c_str());
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(text.size()));
}
BENCHMARK(moduleLoad)->Unit(benchmark::kMillisecond);

} // namespace tilewright::sim
