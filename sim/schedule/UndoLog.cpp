//===- UndoLog.cpp - What a launch writes to global memory ----------------===//

#include "sim/schedule/UndoLog.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/AtomicOps.h"
#include "sim/schedule/Value.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::schedule {

using ptx::Space;
using ptx::Type;

//===----------------------------------------------------------------------===//
// What instructions write
//===----------------------------------------------------------------------===//

/// Tells the log of every instruction that is about to write global memory.
class UndoLog::Watcher final : public Observer {
public:
  explicit Watcher(UndoLog &log) : log(log) {}
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;

private:
  void access(const Inst &inst, const Effect &effect, Warp &warp);
  void copies(const Inst &inst);
  void boxes(const Inst &inst);
  void lanes(const Inst &inst, Warp &warp, uint64_t bytes, Type type,
             bool isFloatAtomic);
  void tensormapCopy(const Inst &inst, Warp &warp);

  UndoLog &log;
  Footprint footprint;
  std::unordered_map<const Inst *, Type> types; ///< of stores
};

/// `st.global.v4.f32` names what its elements are; a decoded store is bytes.
static Type typeInText(const Inst &inst, const Warp &warp) {
  const ptx::Source &source = warp.launch->program->source;
  std::string_view text = source.text();
  if (inst.location >= text.size())
    return Type::None;
  text = text.substr(inst.location);
  text = text.substr(0, text.find(';'));
  size_t opcode = text.find("st.");
  if (opcode == std::string_view::npos)
    return Type::None;
  text = text.substr(opcode);
  text = text.substr(0, text.find_first_of(" \t\n["));
  size_t dot = text.rfind('.');
  return ptx::typeFromName(text.substr(dot + 1)).value_or(Type::None);
}

void UndoLog::Watcher::lanes(const Inst &inst, Warp &warp, uint64_t bytes,
                             Type type, bool isFloatAtomic) {
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(left));
    Span span;
    if (locate(inst, warp, lane, spaceOf(inst),
               laneAddress(inst, warp, static_cast<int>(lane)), bytes, span) &&
        span.space == Space::Global)
      log.written(span.address, bytes, type, isFloatAtomic);
  }
}

void UndoLog::Watcher::access(const Inst &inst, const Effect &effect,
                              Warp &warp) {
  Space space = spaceOf(inst);
  if (space != Space::None && space != Space::Global)
    return;
  if (effect.kind != EffectKind::Store) {
    const auto &spec = *static_cast<const AtomicSpec *>(inst.aux);
    bool sums = ptx::isFloat(spec.type) && spec.op == AtomicOp::Add;
    return lanes(inst, warp, effect.bytes, spec.type, sums);
  }
  auto [found, isNew] = types.try_emplace(&inst, Type::None);
  if (isNew)
    found->second = typeInText(inst, warp);
  lanes(inst, warp, effect.bytes, found->second, false);
}

void UndoLog::Watcher::copies(const Inst &inst) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  Type type = spec.reduces ? spec.type : Type::None;
  bool sums = spec.reduces && ptx::isFloat(type) && spec.op == AtomicOp::Add;
  for (const CopySpans &copy : footprint.copies)
    if (copy.to.space == Space::Global)
      log.written(copy.to.address, copy.to.bytes, type, sums);
}

void UndoLog::Watcher::boxes(const Inst &inst) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  struct Runs {
    UndoLog &log;
    Type type;
    bool sums;
  };
  for (const BoxTransfer &box : footprint.boxes) {
    if (box.load)
      continue;
    Type type = elementType(box.map.type);
    Runs runs{log, type,
              spec.reduces && ptx::isFloat(type) &&
                  spec.reduction == TensorReduction::Add};
    visitGlobalRuns(
        box.map, box.coordinates,
        [](void *context, uint64_t address, uint32_t bytes) {
          Runs &self = *static_cast<Runs *>(context);
          self.log.written(address, bytes, self.type, self.sums);
        },
        &runs);
  }
}

void UndoLog::Watcher::tensormapCopy(const Inst &inst, Warp &warp) {
  for (uint32_t left = warp.mask; left; left &= left - 1) {
    uint64_t to = warp.row64<uint64_t>(inst.a)[std::countr_zero(left)];
    if (warp.launch->memory.contains(to, tensorMapBytes))
      log.written(to, tensorMapBytes, Type::None, false);
  }
}

void UndoLog::Watcher::before(const Inst &inst, const Effect &effect,
                              Warp &warp) {
  switch (effect.kind) {
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    return access(inst, effect, warp);
  case EffectKind::WmmaStore:
    footprint.find(inst, effect, warp);
    for (const Span &span : footprint.spans)
      if (span.space == Space::Global)
        log.written(span.address, span.bytes, Type::None, false);
    return;
  case EffectKind::BulkCopy:
    footprint.find(inst, effect, warp);
    return copies(inst);
  case EffectKind::TensorCopy:
    footprint.find(inst, effect, warp);
    return boxes(inst);
  case EffectKind::TensormapReplace:
    return lanes(inst, warp, tensorMapBytes, Type::None, false);
  case EffectKind::TensormapCopy:
    return tensormapCopy(inst, warp);
  default:
    return;
  }
}

//===----------------------------------------------------------------------===//
// The log
//===----------------------------------------------------------------------===//

UndoLog::UndoLog() = default;
UndoLog::~UndoLog() = default;

std::unique_ptr<Observer> UndoLog::watch() {
  return std::make_unique<Watcher>(*this);
}

UndoLog::Page &UndoLog::pageOf(uint64_t address) {
  uint64_t base = address & ~(pageBytes - 1);
  if (base != lastPage) {
    std::unique_ptr<Page> &page = pages[base];
    if (!page)
      page = std::make_unique<Page>();
    last = page.get();
    lastPage = base;
  }
  return *last;
}

void UndoLog::written(uint64_t address, uint64_t bytes, Type type,
                      bool isFloatAtomic) {
  Mark kind = static_cast<Mark>(1 + static_cast<uint32_t>(type));
  while (bytes) {
    Page &page = pageOf(address);
    uint64_t at = address % pageBytes;
    uint64_t here = std::min(bytes, pageBytes - at);
    const auto *memory = reinterpret_cast<const std::byte *>(address);
    for (uint64_t i = 0; i < here; ++i) {
      Mark &mark = page.marks[at + i];
      if (mark == 0) {
        page.start[at + i] = memory[i];
        // The run whose result was kept left it alone.
        page.result[at + i] = memory[i];
        mark = onlyFloatAtomic;
      }
      Mark flag = isFloatAtomic ? mark & onlyFloatAtomic : 0;
      mark = kind | flag;
    }
    address += here;
    bytes -= here;
  }
}

/// Calls `visit(page, its address, offset, bytes)` for each run of written
/// bytes.
template <typename Visit>
void UndoLog::eachRun(const Visit &visit) const {
  for (const auto &[base, page] : pages)
    for (uint64_t at = 0; at < pageBytes;) {
      uint64_t end = at;
      while (end < pageBytes && page->marks[end])
        ++end;
      if (end > at)
        visit(*page, base, at, end - at);
      at = end + 1;
    }
}

static std::byte *hostAt(uint64_t address) {
  return reinterpret_cast<std::byte *>(address);
}

void UndoLog::keepResult() {
  eachRun([](Page &page, uint64_t base, uint64_t at, uint64_t bytes) {
    std::memcpy(&page.result[at], hostAt(base + at), bytes);
  });
}

void UndoLog::restoreStart() {
  eachRun([](Page &page, uint64_t base, uint64_t at, uint64_t bytes) {
    std::memcpy(hostAt(base + at), &page.start[at], bytes);
  });
}

void UndoLog::restoreResult() {
  eachRun([](Page &page, uint64_t base, uint64_t at, uint64_t bytes) {
    std::memcpy(hostAt(base + at), &page.result[at], bytes);
  });
}

std::optional<Difference> UndoLog::compare() const {
  Difference difference;
  eachRun([&](const Page &page, uint64_t base, uint64_t at, uint64_t bytes) {
    const std::byte *now = hostAt(base + at);
    if (std::memcmp(now, &page.result[at], bytes) == 0)
      return;
    for (uint64_t i = 0; i < bytes; ++i) {
      if (now[i] == page.result[at + i])
        continue;
      Mark mark = page.marks[at + i];
      difference.onlyFloatAtomics &= (mark & onlyFloatAtomic) != 0;
      if (difference.bytes++ != 0)
        continue;
      difference.type =
          static_cast<Type>((mark & ~uint32_t(onlyFloatAtomic)) - 1);
      // Elements are aligned, and lie in one page.
      uint64_t size = elementBytes(difference.type);
      uint64_t first = (at + i) & ~(size - 1);
      difference.address = base + first;
      difference.usual = valueText(difference.type, &page.result[first]);
      difference.other = valueText(difference.type, hostAt(base + first));
    }
  });
  if (difference.bytes == 0)
    return std::nullopt;
  return difference;
}

} // namespace tilewright::sim::schedule
