//===- OrderLaunch.cpp - A launch among others ----------------------------===//
//
// What a launch touched in global memory, for LaunchOrder, and which of it came
// behind a griddepcontrol.wait (ISA 9.7.13.13). One agent of the grid stands
// for the prerequisites: whoever knows of it knows that they are complete.
//
//===----------------------------------------------------------------------===//

#include "sim/check/OrderCheck.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::check {

//===----------------------------------------------------------------------===//
// Programmatic dependent launch
//===----------------------------------------------------------------------===//

bool OrderCheck::knowsPrerequisites(const View &view) const {
  return view.generic && view.generic->foreign.whole.get(prerequisites);
}

/// Everything that the prerequisites did is visible to the grid, through any
/// proxy; from the thread that waits, word of it spreads like any other.
void OrderCheck::gridWait(Warp &warp) {
  if (!isDependent())
    return;
  touched->dependence.waited = true;
  View view;
  view.generic.edit().foreign.whole.raise(prerequisites, 1);
  acquire(warp, warp.mask, view);
}

void OrderCheck::gridTrigger(Warp &warp) {
  if (!touched)
    return;
  touched->dependence.triggered = true;
  if (!std::exchange(ctaOf(warp).triggered, true))
    addTrigger(release(warp, warp.mask));
}

/// A block that ends has let dependents start.
void OrderCheck::addTrigger(const View &view) {
  touched->dependence.triggeredEarly |= !knowsPrerequisites(view);
}

/// Accesses that no wait comes before, apart from those that do: the latter may
/// be the last ones of the same bytes.
void OrderCheck::touchEarly(Accessor &who, uint64_t offset, uint64_t bytes,
                            uint32_t lanes, uint32_t laneBytes, bool writes) {
  if (earlyRecord.first != globalRecord(who))
    earlyRecord = {globalRecord(who), early.log.add(who.record)};
  auto first = static_cast<uint32_t>(std::countr_zero(lanes));
  early.forCells(offset, bytes, laneBytes, [&](Cell &cell, uint64_t at) {
    auto lane =
        laneBytes ? static_cast<uint32_t>((at - offset) / laneBytes) : first;
    (writes ? cell.write : cell.read) = packTouch(earlyRecord.second, lane);
  });
}

//===----------------------------------------------------------------------===//
// What other launches meet
//===----------------------------------------------------------------------===//

/// Fills in what some accesses of a shadow did. The shadow knows who wrote each
/// byte last, and who has read it since.
class OrderCheck::TouchedList {
public:
  TouchedList(const OrderCheck &check, const Shadow &shadow, bool onlyBehind,
              Touched &into)
      : check(check), shadow(shadow), onlyBehind(onlyBehind), into(into) {}

  void add(const Cell &cell, uint64_t address, uint64_t bytes) {
    // Neighbours have the same word where one access wrote them.
    if (cell.write && cell.write != lastWrite) {
      writer = toucherOf(shadow.log.touch(cell.write), true);
      lastWrite = cell.write;
    }
    if (cell.write && writer != none)
      into.add(address, bytes, writer);
    if (cell.read && cell.read != lastRead) {
      reader = readerOf(cell.read);
      lastRead = cell.read;
    }
    if (cell.read && reader != none)
      into.add(address, bytes, reader);
  }

private:
  static constexpr uint32_t none = ~uint32_t(0);

  uint32_t readerOf(uint32_t word) {
    if (!(word & readSetBit))
      return toucherOf(shadow.log.touch(word), false);
    for (const Touch &each : shadow.readSet(word).touches)
      if (uint32_t toucher = toucherOf(each, false); toucher != none)
        return toucher;
    return none;
  }

  /// The number in `into` of an instruction that accessed global memory.
  uint32_t toucherOf(Touch touch, bool writes) {
    const AccessRecord &record = shadow.log[touch.record];
    if (onlyBehind && !record.behindWait)
      return none;
    bool strong =
        record.order != MemoryOrder::Weak && record.scope >= MemoryScope::Gpu;
    auto [found, isNew] =
        known.try_emplace({record.pc, writes, strong},
                          static_cast<uint32_t>(into.touchers.size()));
    if (!isNew)
      return found->second;
    Finding at;
    check.setOther(at, record.cluster, record.warp,
                   static_cast<uint32_t>(std::countr_zero(touch.lanes)),
                   record.pc);
    into.touchers.push_back({at.other, check.nameOf(check.code(record.pc)),
                             writes, strong, at.otherBlock, at.otherThread});
    return found->second;
  }

  const OrderCheck &check;
  const Shadow &shadow;
  const bool onlyBehind;
  Touched &into;
  std::map<std::array<uint32_t, 3>, uint32_t> known;
  uint32_t lastWrite = 0, writer = 0, lastRead = 0, reader = 0;
};

Touched OrderCheck::touchedIn(const Shadow &shadow, bool onlyBehind) const {
  Touched result;
  result.kernel = launch->launch->kernel->name;
  result.launch = launchNumber;
  uint64_t base = reinterpret_cast<uint64_t>(launch->memory.base);
  TouchedList list(*this, shadow, onlyBehind, result);
  shadow.forTouched([&](const Cell &cell, uint64_t offset, uint64_t bytes) {
    list.add(cell, base + offset, bytes);
  });
  return result;
}

void OrderCheck::launchEnds(LaunchContext &) {
  if (!touched)
    return;
  bool hasTwoParts = isDependent() && touched->dependence.waited;
  touched->rest = touchedIn(global, hasTwoParts);
  touched->early = hasTwoParts ? touchedIn(early, false) : Touched();
}

} // namespace tilewright::sim::check
