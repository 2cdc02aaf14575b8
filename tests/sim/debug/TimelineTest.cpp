//===- TimelineTest.cpp - Traces against what is known of small kernels ---===//

#include "sim/debug/Timeline.h"
#include "tests/sim/debug/ProfileRun.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace tilewright::sim::debug {

using nlohmann::json;

namespace {
struct TimelineRun {
  TestDevice device;
  Timeline timeline;
  uint64_t launches = 0;
  Dim3 grid, block{64, 1, 1}, cluster;
  uint64_t seed = 0;
  bool failed = false;
  std::vector<std::byte> more; ///< parameters behind `out` and `in`
  uint64_t out = device.allocate(1 << 20, 1024);
  uint64_t in = device.allocate(1 << 20, 1024);

  explicit TimelineRun(uint64_t limit = Timeline::defaultLimit)
      : timeline(limit) {}

  void run(const std::string &ptx) {
    auto module = Module::load(ptx, "test.ptx", device.config, device);
    ASSERT_TRUE(module) << module.error().message;
    Params all;
    all.add(out).add(in);
    all.bytes.insert(all.bytes.end(), more.begin(), more.end());
    Launch launch;
    launch.kernel = (*module)->findKernel("k");
    launch.grid = grid;
    launch.block = block;
    launch.cluster = cluster;
    launch.params = all.bytes;
    launch.scheduleSeed = seed;
    std::unique_ptr<Observer> observer = timeline.observer(++launches);
    launch.observer = observer.get();
    failed = !sim::run(launch, device.config, device.memory);
  }
};

/// The trace, after a look at what the format asks of any trace.
class Trace {
public:
  explicit Trace(const Timeline &timeline)
      : all(json::parse(timeline.renderJson())) {
    for (const json &event : all["traceEvents"])
      byPhase[event["ph"].get<std::string>()].push_back(event);
    checkSpans();
    checkPairs("b", "e");
    checkPairs("s", "f");
    checkNames();
  }

  std::vector<json> spans(const std::string &category) const {
    std::vector<json> found;
    for (const auto &[phase, events] : byPhase)
      for (const json &event : events)
        if (event.value("cat", "") == category && phase != "e" && phase != "f")
          found.push_back(event);
    return found;
  }
  json other() const { return all["otherData"]; }
  /// Where the pair that begins with `event` ends.
  json endOf(const json &event) const {
    for (const json &end : byPhase.at(event["ph"] == "b" ? "e" : "f"))
      if (end["id"] == event["id"])
        return end;
    return {};
  }

private:
  static uint64_t at(const json &event) { return event["ts"]; }

  /// Spans of a row do not overlap.
  void checkSpans() {
    std::map<std::pair<uint64_t, uint64_t>,
             std::vector<std::pair<uint64_t, uint64_t>>>
        rows;
    for (const json &event : byPhase["X"]) {
      ASSERT_GT(event["dur"].get<uint64_t>(), 0u) << event;
      rows[{event["pid"], event["tid"]}].push_back(
          {at(event), at(event) + event["dur"].get<uint64_t>()});
    }
    for (auto &[row, spans] : rows) {
      std::sort(spans.begin(), spans.end());
      for (size_t i = 1; i < spans.size(); ++i)
        ASSERT_GE(spans[i].first, spans[i - 1].second) << row.first;
    }
  }
  void checkPairs(const char *begin, const char *end) {
    std::map<uint64_t, json> open;
    for (const json &event : byPhase[begin])
      ASSERT_TRUE(open.emplace(event["id"], event).second) << event;
    for (const json &event : byPhase[end]) {
      auto found = open.find(event["id"]);
      ASSERT_NE(found, open.end()) << event;
      ASSERT_GE(at(event), at(found->second)) << event;
      ASSERT_EQ(event["name"], found->second["name"]);
      ASSERT_EQ(event["cat"], found->second["cat"]);
      open.erase(found);
    }
    ASSERT_TRUE(open.empty());
  }
  void checkNames() {
    std::set<uint64_t> named;
    for (const json &event : byPhase["M"])
      if (event["name"] == "process_name")
        named.insert(event["pid"].get<uint64_t>());
    for (const json &event : byPhase["X"])
      ASSERT_TRUE(named.contains(event["pid"])) << event;
  }

  json all;
  std::map<std::string, std::vector<json>> byPhase;
};
} // namespace

/// Warp 0 waits for warp 1, which goes round `rounds` times first.
static std::string lateWarp(int rounds) {
  return kernelText("setp.lt.u32 %p1, %r1, 32;\n"
                    "@%p1 bra SYNC;\n"
                    "mov.u32 %r3, 0;\n"
                    "LOOP:\n"
                    "add.u32 %r3, %r3, 1;\n"
                    "setp.lt.u32 %p2, %r3, " +
                    std::to_string(rounds) +
                    ";\n"
                    "@%p2 bra LOOP;\n"
                    "SYNC:\n"
                    "bar.sync 0;");
}

TEST(Timeline, WaitsAtABarrier) {
  for (int rounds : {5, 50, 500}) {
    TimelineRun run;
    run.run(lateWarp(rounds));
    Trace trace(run.timeline);
    std::vector<json> waits = trace.spans("wait"), runs = trace.spans("run");
    ASSERT_EQ(waits.size(), 1u);
    EXPECT_EQ(waits[0]["tid"], 0);
    EXPECT_EQ(waits[0]["name"], "waits: barrier 0");
    ASSERT_EQ(runs.size(), 3u); // warp 0 in two pieces
    uint64_t first = 0;         // what warp 0 executes before it waits
    for (const json &each : runs)
      if (each["ts"] == 0)
        first = each["args"]["instructions"];
    // Warp 1: the same without the branch, mov, the loop without its last
    // branch, the barrier itself; then it returns, before warp 0 has its turn.
    uint64_t late = first - 1 + 1 + 3 * rounds - 1 + 1;
    EXPECT_EQ(waits[0]["ts"], first);
    EXPECT_EQ(waits[0]["dur"], late + 1);
    // Whoever came last releases the other.
    std::vector<json> releases = trace.spans("release");
    ASSERT_EQ(releases.size(), 1u);
    EXPECT_EQ(releases[0]["tid"], 1);
    EXPECT_EQ(releases[0]["ts"], first + late - 1);
    json released = trace.endOf(releases[0]);
    EXPECT_EQ(released["tid"], 0);
    EXPECT_EQ(released["ts"],
              waits[0]["ts"].get<uint64_t>() + waits[0]["dur"].get<uint64_t>());
    ASSERT_EQ(trace.spans("phase").size(), 1u);
    EXPECT_EQ(trace.spans("phase")[0]["name"], "barrier 0 complete");
  }
}

TEST(Timeline, RunsAddUpToTheLaunch) {
  TimelineRun run;
  run.grid = {3, 1, 1};
  run.run(lateWarp(9));
  run.run(lateWarp(3));
  Trace trace(run.timeline);
  uint64_t executed = 0, steps = 0;
  for (const json &each : trace.spans("run"))
    executed += each["args"]["instructions"].get<uint64_t>();
  json other = trace.other();
  for (const json &launch : other["launches"])
    steps += launch["steps"].get<uint64_t>();
  EXPECT_EQ(executed, steps);
  ASSERT_EQ(trace.spans("launch").size(), 2u);
  std::set<uint64_t> processes;
  for (const json &each : trace.spans("run"))
    processes.insert(each["pid"].get<uint64_t>());
  EXPECT_EQ(processes.size(), 6u);
}

/// Warp 0 loads a box on the mbarrier that warp 1 waits for; warp 1 comes to
/// its wait first, because it is the last at the barrier.
static std::string tensorLoad() {
  return ".version 8.5\n.target sm_90a\n.address_size 64\n"
         ".visible .entry k(.param .u64 out, .param .u64 in,\n"
         "  .param .align 64 .b8 map[128]) {\n"
         ".reg .b32 %r<16>; .reg .b64 %rd<8>; .reg .pred %p<8>;\n"
         ".shared .align 1024 .b8 tile[16384];\n"
         ".shared .align 8 .b64 full;\n"
         "mov.u32 %r1, %tid.x; mov.u32 %r2, tile; mov.u32 %r3, full;\n"
         "mov.b64 %rd1, map; cvta.param.u64 %rd1, %rd1;\n"
         "setp.eq.u32 %p1, %r1, 0;\n"
         "@%p1 mbarrier.init.shared.b64 [%r3], 1;\n"
         "bar.sync 0;\n"
         "setp.lt.u32 %p2, %r1, 32;\n"
         "@!%p2 bra WAIT;\n"
         "setp.ne.u32 %p3, %r1, 0;\n"
         "@%p3 bra DONE;\n"
         "mbarrier.arrive.expect_tx.shared.b64 _, [%r3], 512;\n"
         "mov.u32 %r4, 8; mov.u32 %r5, 2;\n"
         "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx"
         "::bytes [%r2], [%rd1, {%r4, %r5}], [%r3];\n"
         "bra DONE;\n"
         "WAIT:\n"
         "mbarrier.try_wait.parity.shared.b64 %p4, [%r3], 0;\n"
         "@!%p4 bra WAIT;\n"
         "DONE:\n"
         "ret;\n}\n";
}

TEST(Timeline, TensorLoadUntilItsPhaseIsSeen) {
  TimelineRun run;
  run.more = mapParameters(run.in);
  run.run(tensorLoad());
  ASSERT_FALSE(run.failed);
  Trace trace(run.timeline);
  std::vector<json> loads = trace.spans("async");
  ASSERT_EQ(loads.size(), 1u);
  EXPECT_EQ(loads[0]["name"], "TMA load");
  EXPECT_EQ(loads[0]["args"]["bytes"], 512);
  EXPECT_EQ(loads[0]["args"]["coordinates"], json({8, 2}));
  EXPECT_EQ(loads[0]["args"]["ended_by"], "a wait for phase 0");
  std::vector<json> waits = trace.spans("wait");
  std::string names;
  for (const json &each : waits)
    names += each["name"].get<std::string>() + "\n";
  auto wait = std::find_if(waits.begin(), waits.end(), [](const json &each) {
    return each["name"] == "waits: mbarrier full+0 phase 0";
  });
  ASSERT_NE(wait, waits.end()) << names;
  EXPECT_EQ((*wait)["tid"], 1);
  // It ends where the wait does, and the copy is what releases warp 1.
  EXPECT_EQ(trace.endOf(loads[0])["ts"],
            (*wait)["ts"].get<uint64_t>() + (*wait)["dur"].get<uint64_t>());
  std::vector<json> releases = trace.spans("release");
  auto release =
      std::find_if(releases.begin(), releases.end(), [](const json &each) {
        return each["name"] == "mbarrier full+0 phase 0";
      });
  ASSERT_NE(release, releases.end());
  EXPECT_EQ((*release)["tid"], 0);
  EXPECT_EQ((*release)["ts"], loads[0]["ts"]);
}

/// Two products in two groups: the first is over with the wait that leaves one
/// pending.
TEST(Timeline, GroupsOfProducts) {
  TimelineRun run;
  run.block = {128, 1, 1};
  std::string product = "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 "
                        "{%f1,%f2,%f3,%f4}, %rd5, %rd5, 1, 1, 1, 0, 0;\n"
                        "wgmma.commit_group.sync.aligned;\n";
  run.run(kernelText("mov.u64 %rd5, 0;\nwgmma.fence.sync.aligned;\n" + product +
                     product +
                     "wgmma.wait_group.sync.aligned 1;\n"
                     "add.u32 %r3, %r1, 1;\n"
                     "wgmma.wait_group.sync.aligned 0;"));
  Trace trace(run.timeline);
  std::vector<json> products = trace.spans("async");
  ASSERT_EQ(products.size(), 2u);
  std::vector<uint64_t> begins, ends;
  for (const json &each : products) {
    EXPECT_EQ(each["name"], "wgmma of warpgroup 0");
    EXPECT_EQ(each["args"]["shape"], "m64n8k16");
    EXPECT_EQ(each["args"]["ended_by"], "a wait");
    begins.push_back(each["ts"]);
    ends.push_back(trace.endOf(each)["ts"]);
  }
  // Issue, commit, issue, commit, wait: warp 0 alone runs until it blocks.
  EXPECT_EQ(begins[1], begins[0] + 2);
  EXPECT_LT(ends[0], ends[1]);
}

TEST(Timeline, CopiesInGroups) {
  TimelineRun run;
  run.block = {32, 1, 1};
  std::string copy = "cp.async.ca.shared.global [%r4], [%rd4], 16;\n";
  run.run(kernelText("mul.lo.u32 %r3, %r1, 16; add.u32 %r4, %r2, %r3;\n"
                     "mul.wide.u32 %rd3, %r1, 16; add.s64 %rd4, %rd2, %rd3;\n" +
                     copy + "cp.async.commit_group;\n" + copy + copy +
                     "cp.async.commit_group;\n" + copy +
                     "cp.async.wait_group 1;\nadd.u32 %r5, %r1, 1;\n"
                     "cp.async.wait_group 0;"));
  Trace trace(run.timeline);
  std::map<std::pair<uint64_t, std::string>, int> ends;
  for (const json &each : trace.spans("async")) {
    EXPECT_EQ(each["args"]["bytes"], 512);
    ++ends[{trace.endOf(each)["ts"], each["args"]["ended_by"]}];
  }
  ASSERT_EQ(ends.size(), 3u);
  auto end = ends.begin();
  EXPECT_EQ((end++)->second, 1);                           // the oldest group
  EXPECT_EQ((end++)->second, 2);                           // the other
  EXPECT_EQ(end->first.second, "the end, without a wait"); // in no group
  EXPECT_EQ(end->second, 1);
}

TEST(Timeline, ClusterBarrier) {
  TimelineRun run;
  run.grid = run.cluster = {2, 1, 1};
  run.block = {32, 1, 1};
  run.run(kernelText("barrier.cluster.arrive;\nbarrier.cluster.wait;"));
  Trace trace(run.timeline);
  ASSERT_EQ(trace.spans("wait").size(), 1u);
  EXPECT_EQ(trace.spans("wait")[0]["name"], "waits: cluster barrier");
  ASSERT_EQ(trace.spans("release").size(), 1u);
  json from = trace.spans("release")[0];
  EXPECT_NE(from["pid"], trace.endOf(from)["pid"]);
}

TEST(Timeline, ALimitCutsAndSaysSo) {
  TimelineRun whole;
  whole.grid = {20, 1, 1};
  whole.run(lateWarp(3));
  uint64_t all = 0;
  Trace full(whole.timeline);
  for (const char *kind : {"run", "wait", "phase", "release"})
    all += full.spans(kind).size();
  EXPECT_EQ(full.other()["dropped_events"], 0);

  TimelineRun cut(10);
  cut.grid = {20, 1, 1};
  cut.run(lateWarp(3));
  Trace trace(cut.timeline);
  uint64_t kept = 0;
  for (const char *kind : {"run", "wait", "phase", "release"})
    kept += trace.spans(kind).size();
  EXPECT_EQ(kept, 10u);
  EXPECT_EQ(trace.other()["dropped_events"], all - 10);
  EXPECT_TRUE(trace.other()["launches"][0].contains("first_dropped_step"));
}

TEST(Timeline, ADeadlockLeavesAWholeTrace) {
  TimelineRun run;
  run.run(kernelText("setp.lt.u32 %p1, %r1, 32;\n@%p1 bra DONE;\n"
                     "barrier.sync 1, 64;\nDONE:\nbarrier.sync 2, 64;"));
  EXPECT_TRUE(run.failed);
  Trace trace(run.timeline);
  EXPECT_EQ(trace.other()["launches"][0]["failed"], true);
  std::set<std::string> waits;
  for (const json &each : trace.spans("wait"))
    if (each["args"]["ends"] == false)
      waits.insert(each["name"]);
  // The last to block did so at the last step, which is no span.
  EXPECT_TRUE(waits.contains("waits: barrier 2"));
}

TEST(Timeline, AdversarialSchedules) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    TimelineRun run;
    run.seed = seed;
    run.more = mapParameters(run.in);
    run.run(tensorLoad());
    ASSERT_FALSE(run.failed);
    Trace trace(run.timeline);
    std::vector<json> loads = trace.spans("async");
    ASSERT_EQ(loads.size(), 1u);
    EXPECT_EQ(loads[0]["args"]["ended_by"], "a wait for phase 0");
  }
}

TEST(Timeline, TheSameEachTime) {
  auto text = [] {
    TimelineRun run;
    run.grid = {4, 1, 1};
    run.run(lateWarp(70));
    return run.timeline.renderJson();
  };
  EXPECT_EQ(text(), text());
}

} // namespace tilewright::sim::debug
