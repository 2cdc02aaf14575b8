//===- WarpView.cpp - All that a warp sees at one moment ------------------===//

#include "sim/debug/WarpView.h"

#include "sim/check/Finding.h"
#include "sim/debug/EffectText.h"
#include "sim/exec/Footprint.h"
#include "sim/exec/Memory.h"
#include "sim/exec/ops/BarrierOps.h"
#include "sim/exec/ops/Control.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::debug {

using ptx::Space;
using ptx::Type;
using Kind = LocalName::Kind;
using Role = NamedRegister::Role;

/// Lines of the text around a place; elements of a local array.
static constexpr uint32_t contextLines = 2;
static constexpr uint64_t elementLimit = 8;

WarpView::WarpView(LaunchContext &launch, const Host &host, uint64_t number)
    : launch(launch), number(number), names(launch, host) {}

//===----------------------------------------------------------------------===//
// What was written
//===----------------------------------------------------------------------===//

/// A register's file, and its row from the start of the warp's files.
static std::pair<int, uint32_t> rowOf(const LocalName &what,
                                      const Frame &frame) {
  if (what.type == Type::Pred)
    return {0, frame.basePredicate + what.ref};
  if (what.bytes > 4)
    return {2, (frame.base64 + what.ref) / row64Bytes};
  return {1, (frame.base32 + what.ref) / row32Bytes};
}

/// The type in which an access sees memory; None where only bits are moved.
static Type accessTypeOf(const InstructionSymbols &symbols,
                         const Effect &effect) {
  if (effect.kind != EffectKind::Load && effect.kind != EffectKind::Store)
    return Type::None;
  Role role = effect.kind == EffectKind::Load ? Role::Result : Role::Source;
  for (const NamedRegister &each : symbols.registers)
    if (each.role == role)
      return ptx::isBits(each.type) || effect.bytes % each.what.bytes
                 ? Type::None
                 : each.type;
  return Type::None;
}

void WarpView::clusterStarts(const Cluster &cluster) {
  for (const Cta &cta : cluster.ctas) {
    mbarriers.erase(&cta);
    for (const Warp &warp : cta.warps)
      written.erase(&warp);
  }
}

void WarpView::before(const Inst &inst, const Effect &effect, Warp &warp) {
  auto found = launch.program->symbols->instructions.find(inst.location);
  current = found == launch.program->symbols->instructions.end()
                ? nullptr
                : &found->second;
  if (inst.run == runCall)
    enterFrame(warp);
  bool isMain = current && current->main == inst.run;
  if (isMain && effect.kind == EffectKind::TensorCopy) {
    Footprint footprint;
    footprint.find(inst, effect, warp);
    for (const BoxTransfer &box : footprint.boxes)
      if (Type type = elementType(box.map.type); type != Type::None)
        sharedTypes[names.shared(box.shared.address).start] = type;
  }
  Type type = isMain ? accessTypeOf(*current, effect) : Type::None;
  Space space = type == Type::None ? Space::Param : spaceOf(inst);
  if (space == Space::Param || space == Space::Local || space == Space::Const)
    return;
  uint32_t lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
  Span span;
  if (locate(inst, warp, lane, space,
             laneAddress(inst, warp, static_cast<int>(lane)), effect.bytes,
             span) &&
      span.space == Space::Shared)
    sharedTypes[names.shared(span.address).start] = type;
}

/// The callee's registers are new, whatever was in their rows.
void WarpView::enterFrame(const Warp &warp) {
  const Frame &frame = *warp.strands[warp.current].frame;
  const FunctionInfo &function = *frame.function;
  const uint32_t ends[] = {frame.basePredicate + function.predicates,
                           (frame.base32 + function.bytes32) / row32Bytes,
                           (frame.base64 + function.bytes64) / row64Bytes};
  for (auto &[row, entry] : written[&warp])
    if (row.second >= ends[row.first])
      entry.lanes &= ~warp.mask;
}

void WarpView::after(const Inst &inst, const Effect &effect, Warp &warp,
                     Status status) {
  if (effect.kind == EffectKind::MbarrierInit ||
      effect.kind == EffectKind::MbarrierInval) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
    Span span;
    if (locate(inst, warp, lane, spaceOf(inst),
               laneAddress(inst, warp, static_cast<int>(lane)), 8, span) &&
        span.cta) {
      std::vector<uint64_t> &live = mbarriers[span.cta];
      std::erase(live, span.address);
      if (effect.kind == EffectKind::MbarrierInit)
        live.push_back(span.address);
    }
  }
  // Behind a jump the registers of another place are in view.
  if (status == Status::Jump || status == Status::Spin)
    return;
  const Frame &frame = *warp.strands[warp.current].frame;
  Registers &registers = written[&warp];
  auto mark = [&](const LocalName &what, Type type) {
    Written &entry = registers[rowOf(what, frame)];
    entry.lanes |= warp.mask;
    entry.type = type;
  };
  if (current) {
    bool isMain = current->main == inst.run;
    for (const NamedRegister &each : current->registers)
      if ((each.role == Role::Result || each.role == Role::Both) &&
          (isMain || each.what.ref == inst.d))
        mark(each.what, each.type);
    return;
  }
  // A parameter that comes in a register.
  const FunctionSymbols *symbols =
      launch.program->symbols->find(*frame.function);
  std::string_view text =
      launch.program->source.text().substr(inst.location, 64);
  if (symbols && inst.d != noRef)
    for (const auto &[name, what] : symbols->scopes.front().symbols)
      if (what.kind == Kind::Register && what.ref == inst.d &&
          text.starts_with(name))
        mark(what, what.type);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

static std::string locationText(const ptx::Source &source,
                                ptx::Location location) {
  check::ResolvedPlace place = check::resolve({&source, location});
  std::string text = place.file + ":" + std::to_string(place.line);
  if (!place.original.empty())
    text += ", " + place.original;
  if (!place.inlinedAt.empty())
    text += ", inlined at " + place.inlinedAt;
  return text;
}

/// The line in the middle of its neighbours.
std::string WarpView::renderPlace(const Inst &inst) const {
  const ptx::Source &source = launch.program->source;
  uint32_t line = source.position(inst.location).line;
  std::string_view text = source.text();
  std::string result;
  size_t begin = 0;
  for (uint32_t number = 1;
       number <= line + contextLines && begin < text.size(); ++number) {
    size_t end = std::min(text.find('\n', begin), text.size());
    if (number + contextLines >= line) {
      char head[24];
      std::snprintf(head, sizeof head, "%s%6u  ", number == line ? "->" : "  ",
                    number);
      std::string_view content = text.substr(begin, end - begin);
      if (content.ends_with('\r'))
        content.remove_suffix(1);
      result += head + std::string(content) + "\n";
    }
    begin = end + 1;
  }
  return result;
}

std::string WarpView::renderStack(const Inst &inst, const Warp &warp) const {
  const Program &program = *launch.program;
  std::string text;
  ptx::Location at = inst.location;
  uint32_t depth = 0;
  for (const Frame *frame = warp.strands[warp.current].frame; frame;
       frame = frame->parent) {
    text += "  #" + std::to_string(depth++) + " " +
            check::demangled(frame->function->name) + " at " +
            locationText(program.source, at) + "\n";
    // The call stands before the place to which it returns.
    if (frame->parent)
      at = program.code[frame->returnPc - 1].location;
  }
  return "stack\n" + text;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static std::string padded(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string WarpView::renderRegisters(const Inst &inst, const Warp &warp,
                                      uint32_t lanes) const {
  const Frame &frame = *warp.strands[warp.current].frame;
  const FunctionSymbols *symbols =
      launch.program->symbols->find(*frame.function);
  auto known = written.find(&warp);
  if (!symbols || known == written.end())
    return {};
  std::string text;
  for (const auto &[name, what] : visibleRegisters(*symbols, inst.location)) {
    auto found = known->second.find(rowOf(what, frame));
    uint32_t shown =
        found == known->second.end() ? 0 : found->second.lanes & lanes;
    if (!shown)
      continue;
    Type type = ptx::isBits(what.type) ? found->second.type : what.type;
    text += "  " + padded(name, 8) + " " +
            padded("." + std::string(ptx::typeName(type)), 7) + " " +
            renderNamed(readRegister(warp, what, type, shown), names);
    if (shown != lanes)
      text += "  [lanes " + hexText(shown) + "]";
    text += "\n";
  }
  return text.empty() ? "" : "registers\n" + text;
}

/// Scalars of a variable in some memory, one value a lane.
template <typename Read>
static std::string elementsText(const Symbol &symbol, uint32_t lanes,
                                const AddressNames &names, const Read &read) {
  Type type = symbol.what.type;
  uint32_t bytes = std::max(ptx::typeBytes(type), 1u);
  // Aggregates are declared as bytes.
  if (bytes < 4 && symbol.what.size % 4 == 0 && symbol.what.size > bytes)
    type = symbol.what.size == 8 ? Type::B64 : Type::B32,
    bytes = symbol.what.size == 8 ? 8 : 4;
  uint64_t count = symbol.what.size / bytes;
  std::string text;
  for (uint64_t i = 0; i < std::min(count, elementLimit); ++i) {
    LaneValues values{type, lanes, {}};
    for (uint32_t rest = lanes; rest; rest &= rest - 1) {
      uint64_t bits = 0;
      std::memcpy(&bits,
                  read(static_cast<uint32_t>(std::countr_zero(rest)),
                       symbol.what.offset + i * bytes),
                  std::min(bytes, 8u));
      values.bits.push_back(bits);
    }
    text += (i ? ", " : "") + renderNamed(values, names);
  }
  if (count > elementLimit)
    text += ", and " + std::to_string(count - elementLimit) + " more";
  return "  " + padded(std::string(symbol.name), 8) + " " +
         padded("." + std::string(ptx::typeName(type)), 7) + " " + text + "\n";
}

std::string WarpView::renderVariables(const Inst &inst, Warp &warp,
                                      uint32_t lanes) const {
  const Frame &frame = *warp.strands[warp.current].frame;
  const FunctionSymbols *symbols =
      launch.program->symbols->find(*frame.function);
  if (!symbols || !lanes)
    return {};
  std::string params, locals;
  for (const Symbol &symbol : visibleVariables(*symbols, inst.location)) {
    if (symbol.what.size == 0)
      continue;
    if (symbol.what.kind == Kind::Param)
      params +=
          elementsText(symbol, lanes, names, [&](uint32_t, uint64_t offset) {
            return launch.params + offset;
          });
    else
      locals += elementsText(
          symbol, lanes, names, [&](uint32_t lane, uint64_t offset) {
            return warp.localMemory(lane) + frame.localBase + offset;
          });
  }
  return (params.empty() ? "" : "parameters\n" + params) +
         (locals.empty() ? "" : "local memory\n" + locals);
}

std::string WarpView::renderMbarriers(const Warp &warp) const {
  auto found = mbarriers.find(warp.cta);
  std::string text;
  if (found == mbarriers.end())
    return text;
  std::vector<uint64_t> live = found->second;
  std::sort(live.begin(), live.end());
  for (uint64_t offset : live) {
    PlacedName name = names.shared(offset);
    text += "  " + name.name + " + " + std::to_string(offset - name.start) +
            ": " + mbarrierText(warp.cta->shared + offset) + "\n";
  }
  return text.empty() ? "" : "mbarriers\n" + text;
}

std::string WarpView::render(const Inst &inst, Warp &warp, uint32_t lanes,
                             uint64_t step) const {
  const Dim3 &id = warp.cta->id;
  uint32_t shown = lanes ? lanes : warp.active;
  std::string text =
      "kernel '" + check::demangled(launch.launch->kernel->name) +
      "', launch " + std::to_string(number) + ", block " +
      tripleText(id.x, id.y, id.z) + ", warp " + std::to_string(warp.index) +
      ", after " + std::to_string(step) + " steps\n";
  text += "at " + locationText(launch.program->source, inst.location);
  if (!lanes)
    text += ", skipped by lanes " + hexText(warp.active);
  else if (lanes != allLanes)
    text += ", lanes " + hexText(lanes);
  text += "\n" + renderPlace(inst) + renderStack(inst, warp) +
          renderRegisters(inst, warp, shown) +
          renderVariables(inst, warp, shown) + renderMbarriers(warp) +
          renderShared(*warp.cta, launch, sharedTypes);
  return text;
}

} // namespace tilewright::sim::debug
