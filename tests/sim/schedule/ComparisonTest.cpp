//===- ComparisonTest.cpp - One launch under several schedules ------------===//
//
// Planted kernels whose result depends on the order of execution, or does not.
//
//===----------------------------------------------------------------------===//

#include "sim/schedule/Comparison.h"
#include "sim/schedule/Report.h"
#include "tests/sim/exec/TestDevice.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace tilewright::sim::schedule {

static constexpr uint32_t words = 256;

namespace {
/// One kernel on `words` words of memory, the first of which are `start`.
struct Planted {
  Planted(const std::string &body, Dim3 grid, Dim3 block,
          std::vector<uint32_t> start = {}) {
    start.resize(words);
    module = std::move(
        *Module::load(".version 8.5\n.target sm_90a\n.address_size 64\n"
                      ".extern .func (.param .b32 r) vprintf"
                      "(.param .b64 f, .param .b64 v);\n"
                      ".global .align 1 .b8 text[4] = {104, 105, 10, 0};\n"
                      ".visible .entry planted(.param .u64 mem) {\n"
                      ".reg .b32 %r<16>; .reg .b64 %rd<16>; .reg .f32 %f<4>;\n"
                      ".reg .pred %p<4>; .shared .align 16 .b32 tile[256];\n"
                      "ld.param.u64 %rd1, [mem];\n"
                      "mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;\n"
                      "mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;\n"
                      "mul.wide.u32 %rd4, %r2, 4; add.s64 %rd5, %rd1, %rd4;\n"
                      "mov.u32 %r3, tile; mad.lo.u32 %r4, %r1, 4, %r3;\n" +
                          body + "\nret;\n}\n",
                      "planted.ptx", device.config, device));
    address = device.upload(start);
    params.add(address);
    launch.kernel = module->findKernel("planted");
    launch.grid = grid;
    launch.block = block;
    launch.params = params.bytes;
    launch.hostThreads = 1;
    launch.print = [this](std::string_view text) { printed += text; };
  }

  std::optional<Disagreement> compare(uint32_t schedules = 16) {
    std::optional<Disagreement> out;
    auto first = [&](std::unique_ptr<Observer> watcher) {
      Launch watched = launch;
      watched.observer = watcher.get();
      return run(watched, device.config, device.memory);
    };
    result = compareSchedules(launch, device.config, device.memory, schedules,
                              first, out);
    return out;
  }
  std::vector<uint32_t> memory() {
    return device.download<uint32_t>(address, words);
  }
  /// What the default schedule alone leaves, in a second device.
  std::vector<uint32_t> alone() {
    EXPECT_TRUE(run(launch, device.config, device.memory));
    return memory();
  }

  TestDevice device;
  std::unique_ptr<Module> module;
  uint64_t address = 0;
  Params params;
  Launch launch;
  std::string printed;
  std::optional<Result<LaunchStats>> result;
};
} // namespace

static const std::string lastBlockWins = "st.global.u32 [%rd1+8], %r2;";
static const std::string tickets = "atom.global.add.u32 %r5, [%rd1], 1;\n"
                                   "st.global.u32 [%rd5+16], %r5;";
static const std::string ordered = "st.shared.u32 [%r4], %r1; bar.sync 0;\n"
                                   "xor.b32 %r5, %r1, 63;\n"
                                   "mad.lo.u32 %r6, %r5, 4, %r3;\n"
                                   "ld.shared.u32 %r7, [%r6];\n"
                                   "atom.global.add.u32 %r8, [%rd1], 1;\n"
                                   "st.global.u32 [%rd3+16], %r7;";

TEST(Comparison, ARaceIsReportedWithItsPlace) {
  Planted planted(lastBlockWins, {8, 1, 1}, {1, 1, 1});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->failure.empty());
  ASSERT_TRUE(found->difference);
  EXPECT_EQ(found->difference->address, planted.address + 8);
  EXPECT_EQ(found->difference->bytes, 1u);
  EXPECT_EQ(found->difference->type, ptx::Type::U32);
  EXPECT_EQ(found->difference->usual, "7");
  EXPECT_FALSE(found->isFormal());
  // The default's result stays.
  EXPECT_EQ(planted.memory()[2], 7u);
}

TEST(Comparison, ASeedRepeatsWhatItReports) {
  Planted planted(tickets, {8, 1, 1}, {1, 1, 1});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found && found->difference);
  Planted again(tickets, {8, 1, 1}, {1, 1, 1});
  again.launch.scheduleSeed = found->differenceSeed;
  ASSERT_TRUE(run(again.launch, again.device.config, again.device.memory));
  uint64_t index = (found->difference->address - planted.address) / 4;
  EXPECT_EQ(std::to_string(again.memory()[index]), found->difference->other);
  EXPECT_EQ(std::to_string(planted.memory()[index]), found->difference->usual);
}

TEST(Comparison, WhatIsOrderedIsSilent) {
  Planted planted(ordered, {1, 1, 1}, {64, 1, 1}, {5});
  EXPECT_FALSE(planted.compare());
  // Each run starts from the same memory.
  EXPECT_EQ(planted.memory()[0], 5u + 64u);
  EXPECT_EQ(planted.memory()[4], 63u);
}

TEST(Comparison, AMissingBarrierIsReported) {
  std::string racing = ordered;
  racing.erase(racing.find("bar.sync 0;"), 11);
  Planted planted(racing, {1, 1, 1}, {64, 1, 1}, {5});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found && found->difference);
  EXPECT_GE(found->difference->address, planted.address + 16);
}

static const std::string sums = "cvt.rn.f32.u32 %f1, %r2;\n"
                                "fma.rn.f32 %f1, %f1, 0f3dcccccd, 0f3f8ccccd;\n"
                                "atom.global.add.f32 %f2, [%rd1+4], %f1;";

TEST(Comparison, SumsOfFloatsAreFormal) {
  Planted planted(sums, {64, 1, 1}, {1, 1, 1});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found && found->difference);
  EXPECT_TRUE(found->isFormal());
  EXPECT_EQ(found->difference->address, planted.address + 4);
  EXPECT_EQ(found->difference->type, ptx::Type::F32);
}

TEST(Comparison, AnErrorIsNotHiddenBySums) {
  Planted planted(sums + "\n" + lastBlockWins, {64, 1, 1}, {1, 1, 1});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found && found->difference);
  EXPECT_FALSE(found->isFormal());
}

TEST(Comparison, APlainStoreEndsTheExcuse) {
  Planted planted("setp.eq.u32 %p1, %r2, 9;\n"
                  "@%p1 st.global.u32 [%rd1+4], 0;\n" +
                      sums,
                  {64, 1, 1}, {1, 1, 1});
  std::optional<Disagreement> found = planted.compare();
  ASSERT_TRUE(found && found->difference);
  EXPECT_FALSE(found->isFormal());
}

/// Block 0 comes first by default; whoever comes first waits for nobody.
TEST(Comparison, ADeadlockInSomeSchedulesIsReported) {
  Planted planted("atom.global.add.u32 %r5, [%rd1], 1;\n"
                  "setp.eq.u32 %p1, %r5, %r2; @%p1 ret;\n"
                  "WAIT: ld.volatile.global.u32 %r6, [%rd1+64];\n"
                  "setp.eq.u32 %p2, %r6, 0; @%p2 bra WAIT;",
                  {4, 1, 1}, {1, 1, 1});
  // It takes long to be sure that nobody moves.
  std::optional<Disagreement> found = planted.compare(3);
  ASSERT_TRUE(found);
  EXPECT_TRUE(planted.result->operator bool());
  EXPECT_NE(found->failure.find("deadlock"), std::string::npos);
  EXPECT_FALSE(found->isFormal());
}

TEST(Comparison, AFailureOfTheDefaultIsTheLaunchs) {
  Planted planted("st.global.u32 [%rd1+4], 3; mov.u64 %rd6, 8;\n"
                  "st.global.u32 [%rd6], 1;",
                  {1, 1, 1}, {1, 1, 1});
  EXPECT_FALSE(planted.compare());
  EXPECT_FALSE(planted.result->operator bool());
}

TEST(Comparison, PrintingIsSeenOnce) {
  Planted planted("{ .param .b64 f; .param .b64 v; .param .b32 r;\n"
                  "mov.u64 %rd6, text; cvta.global.u64 %rd7, %rd6;\n"
                  "st.param.b64 [f], %rd7; mov.u64 %rd8, 0;\n"
                  "st.param.b64 [v], %rd8;\n"
                  "call.uni (r), vprintf, (f, v); }",
                  {1, 1, 1}, {1, 1, 1});
  EXPECT_FALSE(planted.compare());
  EXPECT_EQ(planted.printed, "hi\n");
}

//===----------------------------------------------------------------------===//
// Reports
//===----------------------------------------------------------------------===//

TEST(ScheduleSession, SettingsAreChecked) {
  std::string error;
  EXPECT_EQ(parseSettings("8", "x", error)->schedules, 8u);
  for (const char *wrong : {"", "1", "0", "-3", "x", "8x", "99999999999"}) {
    EXPECT_FALSE(parseSettings(wrong, "", error)) << wrong;
    EXPECT_NE(error.find(std::string("'") + wrong + "'"), std::string::npos);
  }
}

static std::string readFile(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST(ScheduleSession, OneRecordForEachKernel) {
  std::string path = testing::TempDir() + "schedules.json", text, error;
  Session session(*parseSettings("16", path, error),
                  {[&](const std::string &line) { text += line; },
                   [](uint64_t) { return "byte 8 of mem"; }});
  for (int i = 0; i < 3; ++i) {
    Planted planted(i == 0 ? ordered : lastBlockWins, {8, 1, 1},
                    {i == 0 ? 64u : 1u, 1, 1});
    EXPECT_TRUE(session.run(
        planted.launch, planted.device.config, planted.device.memory,
        [&](std::unique_ptr<Observer> watcher) {
          Launch watched = planted.launch;
          watched.observer = watcher.get();
          return run(watched, planted.device.config, planted.device.memory);
        }));
    if (i == 0) {
      EXPECT_EQ(text, "");
      EXPECT_EQ(readFile(path),
                "{\"schema_version\": 1,\n \"schedules\": []}\n");
    }
  }
  session.finish();
  EXPECT_EQ(text.find("kernel 'planted', launch 2: the result depends on the "
                      "order of execution"),
            text.rfind("kernel 'planted'"));
  EXPECT_NE(text.find("1 byte differs, first at 0x"), std::string::npos)
      << text;
  EXPECT_NE(text.find(": byte 8 of mem\n    by default 7, here "),
            std::string::npos)
      << text;
  EXPECT_TRUE(text.ends_with("1 error under 16 schedules\n")) << text;
  std::string json = readFile(path);
  for (const char *part :
       {"\"severity\":\"error\"", "\"kernel\":\"planted\"", "\"launch\":2",
        "\"launches\":2", "\"schedules\":16", "\"default\":\"7\"",
        "\"failure\":null", "\"object\":\"byte 8 of mem\""})
    EXPECT_NE(json.find(part), std::string::npos) << part << "\n" << json;
  std::remove(path.c_str());
}

} // namespace tilewright::sim::schedule
