//===- Timeline.cpp - The trace's tool and its file -----------------------===//

#include "sim/debug/Timeline.h"

#include "sim/check/Finding.h"
#include "sim/check/Report.h"
#include "sim/debug/TimelineObserver.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace tilewright::sim::debug {

static constexpr int schemaVersion = 1;

std::unique_ptr<Observer> Timeline::observer(uint64_t number) {
  return std::make_unique<TimelineObserver>(*this, number);
}

void Timeline::add(LaunchTimeline launch) {
  if (launch.failed)
    failure = true;
  std::lock_guard<std::mutex> lock(mutex);
  kept += launch.events.size();
  launches.push_back(std::move(launch));
}

uint64_t Timeline::room() const {
  std::lock_guard<std::mutex> lock(mutex);
  return limit - std::min(limit, kept);
}

std::string Timeline::renderJson() const {
  std::lock_guard<std::mutex> lock(mutex);
  return renderTimeline(launches);
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

static std::string quoted(const std::string &text) {
  // Names in PTX may hold any bytes.
  return nlohmann::json(text).dump(-1, ' ', false,
                                   nlohmann::json::error_handler_t::replace);
}

static std::string number(uint64_t value) { return std::to_string(value); }

static std::string triple(const Dim3 &dim) {
  return "[" + number(dim.x) + "," + number(dim.y) + "," + number(dim.z) + "]";
}

namespace {
/// Appends events; processes and steps of a launch lie behind those before it.
class Writer {
public:
  void add(const LaunchTimeline &launch);
  std::string finish();

private:
  void event(const std::string &members) {
    text += separator + ("{" + members + "}");
    separator = ",\n";
  }
  void addRows(const LaunchTimeline &launch);
  void addEvent(const TimelineEvent &each);
  void addOperation(const TimelineEvent &each);
  void addRelease(const TimelineEvent &each);
  std::string place(const TimelinePlace &at) const {
    return "\"pid\":" + number(firstProcess + at.block) +
           ",\"tid\":" + number(at.warp) +
           ",\"ts\":" + number(firstStep + at.step);
  }
  static std::string named(const char *phase, const char *category,
                           const std::string &name) {
    return std::string("\"ph\":\"") + phase + "\",\"cat\":\"" + category +
           "\",\"name\":" + quoted(name) + ",";
  }

  std::string text, launches;
  const char *separator = "\n";
  uint64_t firstProcess = 1; ///< process 0 shows the launches
  uint64_t firstStep = 0;
  uint64_t nextId = 1;
  uint64_t dropped = 0;
};
} // namespace

/// Names of the processes and threads that have events.
void Writer::addRows(const LaunchTimeline &launch) {
  std::set<std::pair<uint32_t, uint32_t>> rows;
  for (const TimelineEvent &each : launch.events)
    rows.insert({each.from.block, each.from.warp});
  const Dim3 &grid = launch.grid;
  uint64_t last = ~uint64_t(0);
  for (auto [block, warp] : rows) {
    std::string process = "\"pid\":" + number(firstProcess + block);
    if (block != last)
      event("\"ph\":\"M\",\"name\":\"process_name\"," + process +
            ",\"args\":{\"name\":" +
            quoted("launch " + number(launch.number) + " block (" +
                   number(block % grid.x) + "," +
                   number(block / grid.x % grid.y) + "," +
                   number(block / grid.x / grid.y) + ")") +
            "}");
    last = block;
    event("\"ph\":\"M\",\"name\":\"thread_name\"," + process + ",\"tid\":" +
          number(warp) + ",\"args\":{\"name\":\"warp " + number(warp) + "\"}");
  }
}

void Writer::addOperation(const TimelineEvent &each) {
  // Spans that overlap have a row of their own each; begin and end are joined
  // by their number.
  std::string id = "\"id\":" + number(nextId++) + ",";
  TimelinePlace end = each.from;
  end.step = each.to.step;
  event(named("b", "async", each.name) + id + place(each.from) + ",\"args\":{" +
        each.details + "}");
  event(named("e", "async", each.name) + id + place(end));
}

void Writer::addRelease(const TimelineEvent &each) {
  std::string id = "\"id\":" + number(nextId++) + ",";
  event(named("s", "release", each.name) + id + place(each.from));
  event(named("f", "release", each.name) + id + "\"bp\":\"e\"," +
        place(each.to));
}

void Writer::addEvent(const TimelineEvent &each) {
  switch (each.kind) {
  case TimelineEvent::Kind::Run:
  case TimelineEvent::Kind::Wait:
    return event(
        named("X", each.kind == TimelineEvent::Kind::Run ? "run" : "wait",
              each.name) +
        place(each.from) + ",\"dur\":" + number(each.to.step - each.from.step) +
        ",\"args\":{" + each.details + "}");
  case TimelineEvent::Kind::Phase:
    return event(named("i", "phase", each.name) + "\"s\":\"t\"," +
                 place(each.from) + ",\"args\":{" + each.details + "}");
  case TimelineEvent::Kind::Operation:
    return addOperation(each);
  case TimelineEvent::Kind::Release:
    return addRelease(each);
  }
}

void Writer::add(const LaunchTimeline &launch) {
  std::string name = check::demangled(launch.kernel);
  std::string figures = "\"launch\":" + number(launch.number) +
                        ",\"kernel\":" + quoted(launch.kernel) +
                        ",\"grid\":" + triple(launch.grid) +
                        ",\"block\":" + triple(launch.block) +
                        ",\"cluster\":" + triple(launch.cluster) +
                        ",\"first_step\":" + number(firstStep) +
                        ",\"steps\":" + number(launch.steps) +
                        ",\"failed\":" + (launch.failed ? "true" : "false") +
                        ",\"dropped_events\":" + number(launch.dropped);
  if (launch.dropped)
    figures +=
        ",\"first_dropped_step\":" + number(firstStep + launch.firstDropped);
  launches += (launches.empty() ? "\n  {" : ",\n  {") + figures + "}";
  dropped += launch.dropped;
  event(named("X", "launch", name) +
        "\"pid\":0,\"tid\":0,\"ts\":" + number(firstStep) +
        ",\"dur\":" + number(launch.steps) + ",\"args\":{" + figures + "}");
  addRows(launch);
  for (const TimelineEvent &each : launch.events)
    addEvent(each);
  firstProcess += launch.grid.count();
  firstStep += launch.steps + 1;
}

std::string Writer::finish() {
  event("\"ph\":\"M\",\"name\":\"process_name\",\"pid\":0,\"args\":{\"name\":"
        "\"launches\"}");
  // The format wants a unit; viewers show steps as microseconds.
  return "{\"displayTimeUnit\":\"ms\",\n\"otherData\":{\"schema_version\":" +
         number(schemaVersion) +
         ",\n \"unit\":\"one step of the axis is one instruction that a warp "
         "executes; no time\",\n \"dropped_events\":" +
         number(dropped) + ",\n \"launches\":[" + launches +
         "]},\n\"traceEvents\":[" + text + "]}\n";
}

std::string renderTimeline(std::vector<LaunchTimeline> launches) {
  // Those of several streams end in any order.
  std::sort(launches.begin(), launches.end(),
            [](const LaunchTimeline &a, const LaunchTimeline &b) {
              return a.number < b.number;
            });
  Writer writer;
  for (const LaunchTimeline &launch : launches)
    writer.add(launch);
  return writer.finish();
}

//===----------------------------------------------------------------------===//
// The tool
//===----------------------------------------------------------------------===//

std::unique_ptr<Observer> TimelineTool::watch(const Launch &, uint64_t number) {
  return timeline.observer(number);
}

void TimelineTool::launchEnded() {
  if (timeline.takeFailure())
    finish();
}

void TimelineTool::finish() {
  std::lock_guard<std::mutex> lock(writing);
  std::string error;
  if (!check::writeFile(path, timeline.renderJson(), error))
    host.print("tilewright-sim: " + error + "\n");
}

} // namespace tilewright::sim::debug
