//===- Breakpoint.cpp - The state of a warp where it reaches a line -------===//

#include "sim/debug/Breakpoint.h"

#include "sim/debug/ProfileText.h"
#include "sim/debug/WarpView.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <unordered_map>
#include <vector>

namespace tilewright::sim::debug {

//===----------------------------------------------------------------------===//
// Where
//===----------------------------------------------------------------------===//

static std::vector<std::string_view> splitAtColons(std::string_view text) {
  std::vector<std::string_view> fields;
  for (;;) {
    size_t colon = text.find(':');
    fields.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos)
      return fields;
    text.remove_prefix(colon + 1);
  }
}

static bool parseLine(std::string_view text, uint32_t &line) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), line);
  return error == std::errc() && end == text.data() + text.size() && line;
}

bool parseBreak(std::string_view text, BreakPlace &place, std::string &error) {
  std::string_view whole = text;
  if (size_t at = text.find('@'); at != std::string_view::npos) {
    place.kernel = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  std::vector<std::string_view> fields = splitAtColons(text);
  size_t next = 0;
  if (!parseLine(fields[0], place.line) && fields.size() > 1) {
    place.file = fields[0];
    next = 1;
  }
  if (!parseLine(fields[next], place.line) || fields.size() > next + 3 ||
      (next && place.file.empty())) {
    error = "expected [KERNEL@][FILE:]LINE[:BLOCK[:WARP]], but got '" +
            std::string(whole) + "'";
    return false;
  }
  return parseWarps(std::span(fields).subspan(next + 1), place.warps, error);
}

/// Whether a path ends in `wanted`, by whole components.
static bool isFile(std::string_view path, std::string_view wanted) {
  if (!path.ends_with(wanted))
    return false;
  return path.size() == wanted.size() || wanted.starts_with('/') ||
         path[path.size() - wanted.size() - 1] == '/';
}

/// Instructions of the CUDA line, or of the next one that has any.
static std::set<ptx::Location> findSource(const ModuleText &text,
                                          const BreakPlace &place) {
  std::set<ptx::Location> found;
  uint32_t best = ~0u;
  for (ptx::Location at : text.instructions()) {
    SourceLine source = text.sourceOf(text.position(at).line);
    if (source.line < place.line || source.line > best ||
        !isFile(text.file(source.file), place.file))
      continue;
    if (source.line < best)
      found.clear();
    best = source.line;
    found.insert(at);
  }
  return found;
}

/// The first instruction of the PTX line, or of the next one of its function.
static std::set<ptx::Location> findLine(const ModuleText &text, uint32_t line) {
  for (const ModuleText::Extent &function : text.functions())
    if (function.begin <= line && line <= function.end)
      for (ptx::Location at : text.instructions())
        if (uint32_t own = text.position(at).line;
            own >= line && own <= function.end)
          return {at};
  return {};
}

//===----------------------------------------------------------------------===//
// Of one launch
//===----------------------------------------------------------------------===//

namespace {

class BreakObserver final : public Observer {
public:
  BreakObserver(Breakpoint &tool, uint64_t number)
      : tool(tool), number(number) {}

  bool watchesAll() const override { return true; }
  void launchStarts(LaunchContext &launch) override;
  void clusterStarts(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void skipped(const Inst &inst, const Effect &effect, Warp &warp) override;

private:
  void reach(const Inst &inst, Warp &warp, uint32_t lanes);

  Breakpoint &tool;
  const uint64_t number;
  std::optional<WarpView> view;
  std::set<ptx::Location> places;
  bool done = false;
  uint64_t step = 0;
  /// Where each warp was last, to see it come to a line instead of staying.
  std::unordered_map<const Warp *, const Inst *> last;
};

} // namespace

void BreakObserver::launchStarts(LaunchContext &launch) {
  std::vector<ptx::Location> all;
  for (const auto &[location, symbols] : launch.program->symbols->instructions)
    all.push_back(location);
  std::sort(all.begin(), all.end());
  ModuleText text(launch.program->source, std::move(all));
  const BreakPlace &place = tool.place();
  places =
      place.file.empty() ? findLine(text, place.line) : findSource(text, place);
  done = places.empty();
  if (!done)
    tool.found();
  view.emplace(launch, tool.services(), number);
}

void BreakObserver::clusterStarts(Cluster &cluster) {
  view->clusterStarts(cluster);
  for (const Cta &cta : cluster.ctas)
    for (const Warp &warp : cta.warps)
      last.erase(&warp);
}

/// A warp stands before an instruction that its text says.
void BreakObserver::reach(const Inst &inst, Warp &warp, uint32_t lanes) {
  const Inst *&before = last[&warp];
  bool stays = before && places.contains(before->location);
  bool same = before == &inst;
  before = &inst;
  // One line of CUDA is many instructions; one that blocks comes again.
  bool isSource = !tool.place().file.empty();
  if (!places.contains(inst.location) || (stays && (isSource || same)) ||
      !tool.place().warps.has(warp))
    return;
  uint64_t hit = tool.nextHit();
  if (!hit) {
    done = true;
    return;
  }
  tool.show("break " + std::to_string(hit) + ": " +
            view->render(inst, warp, lanes, step));
}

void BreakObserver::before(const Inst &inst, const Effect &effect, Warp &warp) {
  if (done)
    return;
  if (symbolsOf(*warp.launch->program, inst))
    reach(inst, warp, warp.mask);
  view->before(inst, effect, warp);
}

void BreakObserver::after(const Inst &inst, const Effect &effect, Warp &warp,
                          Status status) {
  if (done || status == Status::Block || status == Status::Fault)
    return;
  ++step;
  view->after(inst, effect, warp, status);
  // Coming round a loop of one instruction is coming again.
  bool jumps = status == Status::Jump || status == Status::Spin;
  if (jumps && tool.place().file.empty())
    last[&warp] = nullptr;
}

void BreakObserver::skipped(const Inst &inst, const Effect &, Warp &warp) {
  if (!done && symbolsOf(*warp.launch->program, inst))
    reach(inst, warp, 0);
}

//===----------------------------------------------------------------------===//
// Of the process
//===----------------------------------------------------------------------===//

std::unique_ptr<Observer> Breakpoint::watch(const Launch &launch,
                                            uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  seen.add(launch.kernel->name);
  if (!place().kernel.empty() &&
      !namesKernel(place().kernel, launch.kernel->name))
    return nullptr;
  matched = true;
  if (hits >= settings.hits)
    return nullptr;
  return std::make_unique<BreakObserver>(*this, number);
}

uint64_t Breakpoint::nextHit() {
  std::lock_guard<std::mutex> lock(mutex);
  return hits < settings.hits ? ++hits : 0;
}

void Breakpoint::found() {
  std::lock_guard<std::mutex> lock(mutex);
  exists = true;
}

void Breakpoint::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (hits)
    return;
  std::string why;
  if (!matched)
    why =
        place().kernel.empty() ? "no kernel ran" : seen.explain(place().kernel);
  else if (!exists)
    why = "no kernel that ran has code at or behind " + settings.text;
  else
    why = "no " +
          (place().warps.text().empty() ? "warp" : place().warps.text()) +
          " came to " + settings.text;
  host.print("tilewright-sim: break: " + why + "\n");
}

} // namespace tilewright::sim::debug
