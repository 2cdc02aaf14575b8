//===- StoreBuffer.cpp - Stores that others see late ----------------------===//

#include "sim/exec/StoreBuffer.h"

#include "sim/exec/Cta.h"
#include "sim/exec/Lanes.h"
#include "sim/exec/Memory.h"
#include "sim/exec/ops/Control.h"
#include "sim/exec/ops/WholeOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim {

using ptx::Space;

/// Stores of lanes that are held at once; more only cost time.
static constexpr size_t capacity = 512;
/// A seed writes something in one of 1 to 2^so many slices of a warp.
static constexpr uint32_t patienceBits = 6;
/// Everything is written when something is, once in so many times.
static constexpr uint32_t writeAllOneIn = 8;
static constexpr uint32_t mbarrierBytes = 8;

/// A stream of its own, so that holding stores changes no other choice.
static constexpr uint64_t storeStream = ~uint64_t(1);

StoreBuffer::StoreBuffer(uint64_t seed) {
  random.start(seed, storeStream);
  patience = 1u << random.below(patienceBits + 1);
}

//===----------------------------------------------------------------------===//
// What is held
//===----------------------------------------------------------------------===//

size_t StoreBuffer::slotOf(uintptr_t line) {
  // Fibonacci hashing: the golden ratio's bits spread neighbouring lines.
  return line * 0x9e3779b97f4a7c15 >> (64 - std::bit_width(lineSlots - 1));
}

/// Visits the slot of each line until `visit` returns true.
template <typename Visit>
bool StoreBuffer::eachLine(const std::byte *at, uint64_t bytes,
                           const Visit &visit) {
  uintptr_t first = reinterpret_cast<uintptr_t>(at) / lineBytes;
  uintptr_t last = (reinterpret_cast<uintptr_t>(at) + bytes - 1) / lineBytes;
  for (uintptr_t line = first; line <= last; ++line)
    if (visit(slotOf(line)))
      return true;
  return false;
}

void StoreBuffer::add(const Held &store) {
  held.push_back(store);
  eachLine(store.at, store.bytes, [&](size_t slot) {
    ++lines[slot];
    return false;
  });
}

void StoreBuffer::write(size_t index) {
  Held store = held[index];
  held[index] = held.back();
  held.pop_back();
  eachLine(store.at, store.bytes, [&](size_t slot) {
    --lines[slot];
    return false;
  });
  // Kernels that run beside this one may look, as they may at any store.
  if (store.bytes == 8 || store.bytes == 16)
    storeWhole(store.at, store.bytes, store.value);
  else
    std::memcpy(store.at, store.value, store.bytes);
}

void StoreBuffer::step() {
  if (!held.empty() && random.below(patience) == 0)
    writeSome();
}

void StoreBuffer::writeSome() {
  if (random.oneIn(writeAllOneIn))
    return writeAll();
  write(random.below(static_cast<uint32_t>(held.size())));
}

void StoreBuffer::writeAll() {
  while (!held.empty())
    write(random.below(static_cast<uint32_t>(held.size())));
}

void StoreBuffer::leave(const Cluster &cluster) {
  for (size_t i = held.size(); i-- > 0;) {
    if (!held[i].warp || held[i].warp->cta->cluster != &cluster)
      continue;
    if (held[i].shared)
      write(i);
    else
      held[i].warp = nullptr;
  }
}

//===----------------------------------------------------------------------===//
// Who sees it
//===----------------------------------------------------------------------===//

bool StoreBuffer::isSeenBy(const Held &store, const Warp &warp,
                           uint32_t lanes) {
  if (!store.warp)
    return false;
  if (store.warp == &warp && (store.lanes & lanes))
    return true;
  switch (store.reach) {
  case Reach::Thread:
    return false;
  case Reach::Cta:
    return store.warp->cta == warp.cta;
  case Reach::Cluster:
    return store.warp->cta->cluster == warp.cta->cluster;
  }
  return true;
}

/// What the lanes see, their own stores and those that reached them, everybody
/// in the scope sees now: causality order passes on what came before.
void StoreBuffer::publish(const Warp &warp, MemoryScope scope) {
  Reach reach = scope <= MemoryScope::Cta ? Reach::Cta : Reach::Cluster;
  for (size_t i = held.size(); i-- > 0;) {
    if (!isSeenBy(held[i], warp, warp.mask))
      continue;
    // Blocks of other clusters, other kernels and the host read memory.
    if (scope >= MemoryScope::Gpu && !held[i].shared)
      write(i);
    else
      held[i].reach = std::max(held[i].reach, reach);
  }
}

/// For proxies, which read memory.
void StoreBuffer::writeSeen(const Warp &warp) {
  for (size_t i = held.size(); i-- > 0;)
    if (isSeenBy(held[i], warp, warp.mask))
      write(i);
}

//===----------------------------------------------------------------------===//
// Before an instruction
//===----------------------------------------------------------------------===//

void StoreBuffer::addRange(const Span &span, uint32_t lanes) {
  if (span.space == Space::Local || span.bytes == 0)
    return;
  std::byte *at = span.space == Space::Shared
                      ? span.cta->shared + span.address
                      : reinterpret_cast<std::byte *>(span.address);
  ranges.push_back({at, span.bytes, lanes});
}

/// What the generic proxy accesses. The asynchronous one sees memory alone.
void StoreBuffer::findRanges(const Inst &inst, const Effect &effect,
                             Warp &warp) {
  ranges.clear();
  auto addLanes = [&](uint64_t bytes) {
    Span span;
    eachLane(warp.mask, [&](uint32_t lane) {
      if (locate(inst, warp, lane, spaceOf(inst),
                 laneAddress(inst, warp, static_cast<int>(lane)), bytes, span))
        addRange(span, 1u << lane);
    });
  };
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    return addLanes(effect.bytes);
  case EffectKind::AsyncArrive:
    return addLanes(mbarrierBytes);
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
  case EffectKind::WmmaLoad:
  case EffectKind::WmmaStore:
    footprint.find(inst, effect, warp);
    for (const Span &span : footprint.spans)
      addRange(span, warp.mask);
    return;
  case EffectKind::AsyncCopy:
    footprint.find(inst, effect, warp);
    for (const CopySpans &copy : footprint.copies) {
      addRange(copy.from, 1u << copy.to.lane);
      addRange(copy.to, 1u << copy.to.lane);
    }
    return;
  case EffectKind::StoreAsync:
    footprint.find(inst, effect, warp);
    for (const Span &span : footprint.spans)
      addRange(span, 1u << span.lane);
    return;
  default:
    if (isMbarrier(effect.kind))
      addLanes(mbarrierBytes);
    return;
  }
}

bool StoreBuffer::mayOverlap() const {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range &range) {
    return eachLine(range.at, range.bytes,
                    [&](size_t slot) { return lines[slot] != 0; });
  });
}

/// Writes the held stores to bytes that are accessed, where those who access
/// them see the stores.
void StoreBuffer::writeAccessed(const Warp &warp) {
  if (!mayOverlap())
    return;
  for (size_t i = held.size(); i-- > 0;) {
    const Held &store = held[i];
    if (isSeenBy(store, warp, warp.mask) &&
        std::any_of(ranges.begin(), ranges.end(), [&](const Range &range) {
          return range.at < store.at + store.bytes &&
                 store.at < range.at + range.bytes &&
                 isSeenBy(store, warp, range.lanes);
        }))
      write(i);
  }
}

void StoreBuffer::prepare(const Inst &inst, const Effect &effect, Warp &warp) {
  if (held.empty())
    return;
  findRanges(inst, effect, warp);
  writeAccessed(warp);
  switch (effect.kind) {
  case EffectKind::Fence:
    return publish(warp, effect.scope);
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    return effect.releases() ? publish(warp, effect.scope) : void();
  case EffectKind::MbarrierArrive:
    // Also where the object lies in another block.
    return effect.releases()
               ? publish(warp, std::max(effect.scope, MemoryScope::Cluster))
               : void();
  case EffectKind::ClusterArrive:
    return effect.releases() ? publish(warp, MemoryScope::Cluster) : void();
  case EffectKind::BarrierSync:
  case EffectKind::BarrierArrive:
  case EffectKind::WarpSync:
    return publish(warp, MemoryScope::Cta);
  case EffectKind::Exit:
    // Who has exited counts as arrived at barriers.
    return inst.run == runExit || !warp.frame().parent
               ? publish(warp, MemoryScope::Cta)
               : void();
  case EffectKind::ProxyFence:
  case EffectKind::TensormapFence:
  case EffectKind::TensormapReplace:
  case EffectKind::TensormapCopy:
    return writeSeen(warp);
  default:
    return;
  }
}

//===----------------------------------------------------------------------===//
// Holding a store
//===----------------------------------------------------------------------===//

bool StoreBuffer::hasRoom() {
  if (held.size() >= capacity)
    writeSome();
  return held.size() < capacity;
}

/// Mostly all of an instruction's lanes or none.
uint32_t StoreBuffer::chooseLanes(uint32_t lanes) {
  switch (random.below(4)) {
  case 0:
    return 0;
  case 1:
    return lanes & static_cast<uint32_t>(random.next());
  default:
    return lanes;
  }
}

/// The bytes that a lane of `st` stores, from its registers.
static void takeValue(const Inst &inst, const Effect &effect, const Warp &warp,
                      uint32_t lane, std::byte *value) {
  const auto *refs = static_cast<const VectorRefs *>(inst.aux);
  uint32_t count = refs ? refs->count : 1;
  uint32_t element = effect.bytes / count;
  for (uint32_t i = 0; i < count; ++i) {
    Ref ref = refs ? refs->refs[i] : inst.d;
    uint64_t bits = effect.row64 ? warp.row64<uint64_t>(ref)[lane]
                                 : warp.row32<uint32_t>(ref)[lane];
    std::memcpy(value + i * element, &bits, element);
  }
}

/// False when the handler has to run: it knows what is wrong.
bool StoreBuffer::holdLane(const Inst &inst, const Effect &effect, Warp &warp,
                           uint32_t lane) {
  uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
  Span span;
  if (effect.bytes > maxBytes || address % effect.bytes != 0 ||
      !locate(inst, warp, lane, spaceOf(inst), address, effect.bytes, span) ||
      span.space == Space::Local || !hasRoom())
    return false;
  Held store;
  store.shared = span.space == Space::Shared;
  store.at = store.shared ? span.cta->shared + span.address
                          : reinterpret_cast<std::byte *>(span.address);
  store.warp = &warp;
  store.lanes = 1u << lane;
  store.bytes = effect.bytes;
  takeValue(inst, effect, warp, lane, store.value);
  add(store);
  return true;
}

Status StoreBuffer::runStore(const Inst &inst, const Effect &effect,
                             Warp &warp) {
  const uint32_t lanes = warp.mask;
  uint32_t now = lanes;
  eachLane(chooseLanes(lanes), [&](uint32_t lane) {
    if (holdLane(inst, effect, warp, lane))
      now &= ~(1u << lane);
  });
  if (now == 0)
    return Status::Next;
  warp.mask = now;
  Status status = inst.run(inst, warp);
  warp.mask = lanes;
  return status;
}

/// What a warp stores together. Only in shared memory, where nobody looks
/// between the handler's store and its being taken back.
Status StoreBuffer::runCollective(const Inst &inst, const Effect &effect,
                                  Warp &warp) {
  footprint.find(inst, effect, warp);
  std::vector<Held> pieces; // first with what was there
  for (const Span &span : footprint.spans)
    for (uint64_t from = 0; from < span.bytes; from += maxBytes) {
      if (span.space != Space::Shared)
        return inst.run(inst, warp);
      Held piece;
      piece.at = span.cta->shared + span.address + from;
      piece.warp = &warp;
      piece.lanes = warp.mask;
      piece.shared = true;
      piece.bytes =
          static_cast<uint8_t>(std::min<uint64_t>(maxBytes, span.bytes - from));
      std::memcpy(piece.value, piece.at, piece.bytes);
      pieces.push_back(piece);
    }
  Status status = inst.run(inst, warp);
  if (status != Status::Next || chooseLanes(warp.mask) == 0)
    return status;
  // Pieces may overlap: take all before anything goes back.
  std::vector<Held> stores = pieces;
  for (Held &store : stores)
    std::memcpy(store.value, store.at, store.bytes);
  for (const Held &piece : pieces)
    std::memcpy(piece.at, piece.value, piece.bytes);
  for (const Held &store : stores) {
    hasRoom();
    add(store);
  }
  return status;
}

Status StoreBuffer::execute(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  switch (effect.kind) {
  case EffectKind::Store:
    return effect.releases() || spaceOf(inst) == Space::Param
               ? inst.run(inst, warp)
               : runStore(inst, effect, warp);
  case EffectKind::StoreMatrix:
  case EffectKind::WmmaStore:
    return runCollective(inst, effect, warp);
  default:
    return inst.run(inst, warp);
  }
}

} // namespace tilewright::sim
