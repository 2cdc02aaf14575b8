//===- Trace.cpp - Every instruction of some warps, with its values -------===//

#include "sim/debug/Trace.h"

#include "sim/check/Finding.h"
#include "sim/debug/EffectText.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <vector>

namespace tilewright::sim::debug {

using Role = NamedRegister::Role;

//===----------------------------------------------------------------------===//
// Of one launch
//===----------------------------------------------------------------------===//

namespace {

class TraceObserver final : public Observer {
public:
  TraceObserver(Trace &trace, uint64_t number) : trace(trace), number(number) {}

  bool watchesAll() const override { return true; }
  void launchStarts(LaunchContext &launch) override;
  void launchEnds(LaunchContext &launch) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void skipped(const Inst &inst, const Effect &effect, Warp &warp) override;
  void faulted(const Inst &inst, Warp &warp, uint32_t lane, ErrorKind,
               const std::string &message) override;
  void deadlocked(Cluster &cluster, const std::string &text) override;

private:
  /// Lanes that wait at an instruction.
  struct Wait {
    const Inst *inst;
    uint32_t lanes;
    uint64_t since;
  };

  std::string head(const Inst &inst, const InstructionSymbols &symbols,
                   const Warp &warp) const;
  std::string values(const InstructionSymbols &symbols, const Warp &warp,
                     uint32_t lanes, bool results) const;
  uint64_t waited(const Inst &inst, const Warp &warp, uint32_t lanes);
  void showReturned(const Inst &inst, const Warp &warp);
  void remember(const Inst &inst, const Warp &warp);

  Trace &trace;
  const uint64_t number;
  LaunchContext *launch = nullptr;
  std::optional<AddressNames> names;
  std::optional<EffectText> effects;
  uint64_t step = 0; ///< instructions of all warps so far
  bool cut = false;  ///< the limit is reached
  // The instruction between before() and after().
  const InstructionSymbols *current = nullptr;
  uint32_t active = 0;
  std::string sources;
  std::unordered_map<const Warp *, std::vector<Wait>> waits;
};

} // namespace

/// Registers of one instruction that are worth their place: products have
/// hundreds.
static constexpr size_t registerLimit = 12;
static constexpr const char *indent = "                              ";

static std::string sizeText(const Dim3 &size) {
  return tripleText(size.x, size.y, size.z);
}

void TraceObserver::launchStarts(LaunchContext &context) {
  launch = &context;
  names.emplace(context, trace.services());
  effects.emplace(*names);
  const Launch &what = *context.launch;
  trace.note("trace: launch " + std::to_string(number) + ", kernel '" +
             check::demangled(what.kernel->name) + "', grid " +
             sizeText(what.grid) + ", block " + sizeText(what.block) +
             ", text " + context.program->source.name() + "\n");
}

/// `step block warp line: text`
std::string TraceObserver::head(const Inst &inst,
                                const InstructionSymbols &symbols,
                                const Warp &warp) const {
  const ptx::Source &source = launch->program->source;
  char text[96];
  std::snprintf(text, sizeof text,
                "%8llu %-9s w%-2u %5u: ", static_cast<unsigned long long>(step),
                sizeText(warp.cta->id).c_str(), warp.index,
                source.position(inst.location).line);
  return text + instructionText(source, symbols, inst.location);
}

/// "%r1 = 0 +1, %r2 = 5" of what it reads, or of its results.
std::string TraceObserver::values(const InstructionSymbols &symbols,
                                  const Warp &warp, uint32_t lanes,
                                  bool results) const {
  std::string text;
  std::vector<std::string> shown;
  for (const NamedRegister &each : symbols.registers) {
    bool isResult = each.role == Role::Result;
    if (each.role != Role::Both && isResult != results)
      continue;
    std::string name(each.name);
    if (!each.member.empty())
      name += "." + std::string(each.member);
    if (std::find(shown.begin(), shown.end(), name) != shown.end())
      continue;
    shown.push_back(name);
    if (shown.size() > registerLimit)
      continue;
    // A guard is asked of lanes that it keeps off, too.
    uint32_t asked = each.role == Role::Guard ? warp.active : lanes;
    text +=
        (text.empty() ? "" : ", ") + name + " = " +
        renderNamed(readRegister(warp, each.what, each.type, asked), *names);
  }
  if (shown.size() > registerLimit)
    text += ", and " + std::to_string(shown.size() - registerLimit) +
            " registers more";
  return text;
}

void TraceObserver::before(const Inst &inst, const Effect &effect, Warp &warp) {
  current = nullptr;
  if (cut || !trace.warps().has(warp))
    return;
  current = symbolsOf(*launch->program, inst);
  if (!current)
    return;
  active = warp.active;
  sources = values(*current, warp, warp.mask, false);
  effects->before(inst, effect, warp);
}

/// The steps since lanes first came to the instruction; 0 when they did not
/// wait.
uint64_t TraceObserver::waited(const Inst &inst, const Warp &warp,
                               uint32_t lanes) {
  std::vector<Wait> &all = waits[&warp];
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i].inst == &inst && all[i].lanes & lanes) {
      uint64_t since = all[i].since;
      all[i].lanes &= ~lanes;
      if (!all[i].lanes)
        all.erase(all.begin() + static_cast<ptrdiff_t>(i));
      return step - since;
    }
  return 0;
}

void TraceObserver::remember(const Inst &inst, const Warp &warp) {
  std::vector<Wait> &all = waits[&warp];
  for (Wait &wait : all)
    if (wait.inst == &inst && wait.lanes & warp.mask) {
      wait.lanes |= warp.mask;
      return;
    }
  all.push_back({&inst, warp.mask, step});
}

static std::string detail(const std::string &text) {
  return text.empty() ? "" : indent + text + "\n";
}

void TraceObserver::after(const Inst &inst, const Effect &effect, Warp &warp,
                          Status status) {
  if (status == Status::Block) {
    if (current)
      remember(inst, warp);
    return;
  }
  ++step;
  if (status == Status::Fault)
    return;
  if (!current) {
    if (!cut && trace.warps().has(warp))
      showReturned(inst, warp);
    return;
  }
  std::string text = head(inst, *current, warp);
  uint32_t lanes = warp.mask;
  if (lanes != allLanes)
    text += "  [lanes " + hexText(lanes) + "]";
  if (inst.flags & HasTarget && lanes != active)
    text += "  [taken by " + std::to_string(std::popcount(lanes)) + " of " +
            std::to_string(std::popcount(active)) + " lanes]";
  if (uint64_t steps = waited(inst, warp, lanes))
    text += "  [waited " + std::to_string(steps) + " steps]";
  text += "\n" + detail(sources);
  for (const std::string &line : effects->after(inst, effect, warp))
    text += detail(line);
  // Behind a jump, the registers of another place may be in view.
  if (status != Status::Jump)
    if (std::string results = values(*current, warp, lanes, true);
        !results.empty())
      text += detail("-> " + results);
  cut = !trace.print(text);
}

/// A call's results come to their registers behind the call.
void TraceObserver::showReturned(const Inst &inst, const Warp &warp) {
  const auto &all = launch->program->symbols->instructions;
  auto found = all.find(inst.location);
  if (found == all.end())
    return;
  for (const NamedRegister &each : found->second.registers)
    if (each.role == Role::Result && each.what.ref == inst.d &&
        warp.launch->program->source.text().substr(inst.location, 4) == "call")
      trace.note(detail(
          "returned " + std::string(each.name) + " = " +
          renderNamed(readRegister(warp, each.what, each.type, warp.mask),
                      *names)));
}

void TraceObserver::skipped(const Inst &inst, const Effect &, Warp &warp) {
  if (cut || !trace.warps().has(warp))
    return;
  if (const InstructionSymbols *symbols = symbolsOf(*launch->program, inst))
    cut = !trace.print(head(inst, *symbols, warp) + "  [skipped by " +
                       (warp.active == allLanes
                            ? "all lanes"
                            : "lanes " + hexText(warp.active)) +
                       "]\n");
}

void TraceObserver::faulted(const Inst &inst, Warp &warp, uint32_t lane,
                            ErrorKind, const std::string &message) {
  if (!current || !trace.warps().has(warp))
    return;
  trace.note(head(inst, *current, warp) + "  [fault]\n" + detail(sources) +
             detail("lane " + std::to_string(lane) + ": " + message));
}

void TraceObserver::deadlocked(Cluster &, const std::string &) {
  trace.note("trace: deadlock after " + std::to_string(step) + " steps\n");
}

/// What nobody could pass.
void TraceObserver::launchEnds(LaunchContext &) {
  std::vector<std::string> lines;
  for (const auto &[warp, all] : waits)
    for (const Wait &wait : all)
      if (const InstructionSymbols *symbols =
              symbolsOf(*launch->program, *wait.inst))
        lines.push_back(head(*wait.inst, *symbols, *warp) + "  [lanes " +
                        hexText(wait.lanes) + "]  [waited from step " +
                        std::to_string(wait.since) + " to the end]\n");
  std::sort(lines.begin(), lines.end());
  for (const std::string &line : lines)
    trace.note(line);
}

//===----------------------------------------------------------------------===//
// Of the process
//===----------------------------------------------------------------------===//

Trace::Trace(TraceSettings settings, const Host &host)
    : settings(std::move(settings)), host(host) {
  const std::string &path = this->settings.path;
  if (path.empty())
    return;
  file = std::fopen(path.c_str(), "wb");
  if (!file)
    host.print("tilewright-sim: cannot write '" + path +
               "': " + std::strerror(errno) + "\n");
}

Trace::~Trace() {
  if (file)
    std::fclose(file);
}

std::unique_ptr<Observer> Trace::watch(const Launch &launch, uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  seen.add(launch.kernel->name);
  if (!namesKernel(settings.selection->kernel, launch.kernel->name))
    return nullptr;
  matched = true;
  return std::make_unique<TraceObserver>(*this, number);
}

void Trace::write(const std::string &text) {
  if (file)
    std::fwrite(text.data(), 1, text.size(), file);
  else if (settings.path.empty())
    host.print(text);
}

bool Trace::print(const std::string &text) {
  std::lock_guard<std::mutex> lock(mutex);
  if (printed == settings.limit) {
    if (!cut++)
      write("trace: the limit of " + std::to_string(settings.limit) +
            " instructions is reached, the rest is cut\n");
    return false;
  }
  ++printed;
  write(text);
  return true;
}

void Trace::note(const std::string &text) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!cut)
    write(text);
}

void Trace::launchEnded() {
  std::lock_guard<std::mutex> lock(mutex);
  if (file)
    std::fflush(file);
}

void Trace::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (!matched)
    host.print("tilewright-sim: trace: " +
               seen.explain(settings.selection->kernel) + "\n");
  else if (!printed)
    host.print("tilewright-sim: trace: no launch of '" +
               settings.selection->kernel + "' has " + warps().text() + "\n");
  if (file)
    std::fflush(file);
}

} // namespace tilewright::sim::debug
