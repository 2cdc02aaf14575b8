//===- OrderAccess.cpp - Accesses against what came before them -----------===//

#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/MatrixOps.h"
#include "sim/exec/ops/WmmaOps.h"

#include <bit>

namespace tilewright::sim::check {

/// Unordered readers of global memory that are remembered: a later write races
/// with nearly all of them or with none, so a few are enough.
static constexpr size_t globalReaders = 4;

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// Whether what was written to a tensor map shows to whoever reads it through
/// the tensormap proxy: it is ordered as for anybody else, handed over by a
/// release, and let through by an acquire of this map.
bool OrderCheck::orderedForMap(const Accessor &who, const AccessRecord &other,
                               uint32_t otherLanes, uint32_t lanes) const {
  Accessor generic = who;
  generic.mapAddress = 0;
  generic.clock = who.generic;
  generic.record.method = Method::Generic;
  if (!ordered(generic, other, otherLanes, lanes))
    return false;
  for (const LaneGroup &group : who.state->groups) {
    if (!(group.lanes & lanes) || !group.view.maps)
      continue;
    const MapFences::Acquired *found = group.view.maps->find(who.mapAddress);
    auto covers = [&](const ClockRef &clock) {
      return other.cluster == who.record.cluster
                 ? clock.covers(other.agent, otherLanes, other.time)
                 : clock && clock->foreign.covers(other.globalAgent, otherLanes,
                                                  other.time);
    };
    return found && covers(found->all) &&
           (other.releasesMap || covers(found->released));
  }
  return false;
}

bool OrderCheck::ordered(const Accessor &who, const AccessRecord &other,
                         uint32_t otherLanes, uint32_t lanes) const {
  if (who.mapAddress) [[unlikely]]
    return orderedForMap(who, other, otherLanes, lanes);
  if (other.cluster != who.record.cluster)
    return who.clock &&
           who.clock->foreign.covers(other.globalAgent, otherLanes, other.time);
  // A lane's own accesses are the most common case.
  bool own = other.warp == who.record.warp && otherLanes == lanes &&
             std::has_single_bit(lanes);
  if (own && !isAsync(other.method) && !isAsyncProxy(who.record.method))
    return true;
  if (who.clock.covers(other.agent, otherLanes, other.time))
    return true;
  if (!own)
    return false;
  auto lane = static_cast<size_t>(std::countr_zero(lanes));
  if (isAsyncProxy(who.record.method))
    return !isAsync(other.method) && other.time <= (*who.fences)[lane];
  if (other.agent != who.state->copyAgent || who.state->copyAgent == 0)
    return false;
  return other.time <= who.state->copies[lane].done;
}

/// Whether neither can be observed half done (ISA 8.7: morally strong).
static bool scopesMeet(const AccessRecord &a, const AccessRecord &b,
                       uint32_t warpsPerCta) {
  MemoryScope scope = std::min(a.scope, b.scope);
  if (scope >= MemoryScope::Gpu)
    return true;
  if (a.cluster != b.cluster)
    return false;
  return scope == MemoryScope::Cluster ||
         a.warp / warpsPerCta == b.warp / warpsPerCta;
}

bool OrderCheck::conflicts(const Accessor &who,
                           const AccessRecord &other) const {
  bool strong =
      who.record.order != MemoryOrder::Weak && other.order != MemoryOrder::Weak;
  return !strong || !scopesMeet(who.record, other, launch->warpsPerCta);
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

Accessor OrderCheck::accessor(const Inst &inst, const Effect &effect,
                              Warp &warp, const LaneGroup &group,
                              uint32_t lanes, bool uniform, bool updates) {
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  Accessor who;
  who.inst = &inst;
  who.effect = &effect;
  who.warp = &warp;
  who.state = &stateOf(warp);
  who.lanes = lanes;
  who.clock = who.generic = group.view.generic;
  who.fences = &who.state->proxyFences;
  AccessRecord &record = who.record;
  record.agent = record.warp = who.state->agent;
  record.globalAgent = cluster.globalAgents[record.agent];
  record.time = who.state->time;
  record.cluster = cluster.number;
  record.pc = pcOf(inst);
  record.lanes = lanes;
  record.order = effect.order;
  record.scope = effect.scope;
  record.uniform = uniform && !std::has_single_bit(lanes);
  record.updates = updates;
  record.behindWait = isDependent() && knowsPrerequisites(group.view);
  return who;
}

/// Executions of a load that nothing tells apart share a record; stores do not,
/// so that lanes that collide in one instruction can be told from others.
static WarpState::RecentRecord &recentOf(Accessor &who) {
  WarpState::RecentRecord &recent =
      who.state->recent[who.record.pc % WarpState::recentRecords];
  bool same = recent.pc == who.record.pc && recent.time == who.record.time &&
              recent.lanes == who.record.lanes &&
              recent.uniform == who.record.uniform &&
              recent.behindWait == who.record.behindWait;
  bool stores = who.effect->kind == EffectKind::Store ||
                who.effect->kind == EffectKind::StoreMatrix;
  if (!same || stores || isAsync(who.record.method))
    recent = {who.record.pc,
              who.record.time,
              who.record.lanes,
              who.record.uniform,
              who.record.behindWait,
              0,
              0};
  return recent;
}

RecordId OrderCheck::sharedRecord(Accessor &who) {
  if (who.sharedId)
    return who.sharedId;
  WarpState::RecentRecord &recentRecord = recentOf(who);
  if (!recentRecord.shared)
    recentRecord.shared =
        stateOf(*who.warp->cta->cluster).shared.log.add(who.record);
  return who.sharedId = recentRecord.shared;
}

RecordId OrderCheck::globalRecord(Accessor &who) {
  if (who.globalId)
    return who.globalId;
  WarpState::RecentRecord &recentRecord = recentOf(who);
  if (!recentRecord.global)
    recentRecord.global = global.log.add(who.record);
  return who.globalId = recentRecord.global;
}

//===----------------------------------------------------------------------===//
// Granules
//===----------------------------------------------------------------------===//

/// Whether whoever knows of `who`'s access knows of the older one: an
/// asynchronous agent's events complete in order.
static bool subsumes(const Accessor &who, const AccessRecord &older,
                     uint32_t olderLanes, uint32_t lanes) {
  return isAsync(who.record.method) &&
         older.globalAgent == who.record.globalAgent && olderLanes == lanes &&
         older.time <= who.record.time;
}

/// Enters a read into the reads that no later one is known to follow.
void OrderCheck::addRead(Pass &pass, Cell &cell, uint32_t word,
                         uint32_t lanes) {
  Shadow &shadow = pass.shadow;
  if (!(cell.read & readSetBit)) {
    RecordId id = cell.read >> laneBits;
    Touch old = shadow.log.touch(cell.read);
    if (id == pass.known ||
        subsumes(pass.who, shadow.log[id], old.lanes, lanes) ||
        ordered(pass.who, shadow.log[id], old.lanes, lanes)) {
      cell.read = word;
      return;
    }
    uint32_t set = shadow.newReadSet();
    shadow.readSet(set).touches.push_back(old);
    cell.read = set;
  }
  std::vector<Touch> &touches = shadow.readSet(cell.read).touches;
  if (pass.isGlobal && touches.size() >= globalReaders)
    return;
  for (size_t i = 0; i < touches.size();) {
    if (touches[i].record == pass.self) {
      touches[i].lanes |= lanes;
      return;
    }
    const AccessRecord &older = shadow.log[touches[i].record];
    bool before = touches[i].record == pass.known ||
                  subsumes(pass.who, older, touches[i].lanes, lanes) ||
                  ordered(pass.who, older, touches[i].lanes, lanes);
    if (!before) {
      ++i;
      continue;
    }
    touches[i] = touches.back();
    touches.pop_back();
  }
  touches.push_back({pass.self, lanes});
}

/// One earlier access against the one at hand.
void OrderCheck::checkTouch(Pass &pass, Touch touch, uint32_t lanes,
                            bool writes, bool otherWrites, uint64_t at) {
  const AccessRecord &other = pass.shadow.log[touch.record];
  if (touch.record == pass.self && touch.lanes == lanes)
    return;
  const Accessor &who = pass.who;
  // Whether the init is visible has been looked at.
  if (!writes && who.record.method == Method::Mbarrier &&
      other.method == Method::Mbarrier)
    return;
  if (ordered(who, other, touch.lanes, lanes)) {
    if (other.cluster == who.record.cluster && who.clock &&
        who.clock->wholeTime(other.agent) >= other.time)
      pass.known = touch.record;
    return;
  }
  if (conflicts(who, other))
    reportConflict({who,
                    other,
                    touch.lanes,
                    lanes,
                    writes,
                    otherWrites,
                    touch.record == pass.self,
                    {},
                    {}},
                   at, pass.isGlobal);
}

template <bool Writes>
void OrderCheck::touch(Pass &pass, Cell &cell, uint64_t at, uint32_t lanes) {
  if (cell.write && cell.write >> laneBits != pass.known)
    checkTouch(pass, pass.shadow.log.touch(cell.write), lanes, Writes, true,
               at);
  if constexpr (!Writes) {
    uint32_t word =
        packTouch(pass.self, static_cast<uint32_t>(std::countr_zero(lanes)));
    if (cell.read == 0)
      cell.read = word;
    else if (cell.read != word)
      addRead(pass, cell, word, lanes);
    return;
  }
  if (cell.read & readSetBit) {
    for (const Touch &each : pass.shadow.readSet(cell.read).touches)
      if (each.record != pass.known)
        checkTouch(pass, each, lanes, true, false, at);
    pass.shadow.freeReads(cell);
  } else if (cell.read && cell.read >> laneBits != pass.known) {
    checkTouch(pass, pass.shadow.log.touch(cell.read), lanes, true, false, at);
  }
  cell.read = 0;
  cell.write =
      packTouch(pass.self, static_cast<uint32_t>(std::countr_zero(lanes)));
}

template <bool Writes>
void OrderCheck::walk(Pass &pass, uint64_t offset, uint64_t bytes,
                      uint32_t lanes, uint32_t laneBytes) {
  if (laneBytes == 0)
    return pass.shadow.forCells(offset, bytes, 0, [&](Cell &cell, uint64_t at) {
      touch<Writes>(pass, cell, at, lanes);
    });
  uint32_t shift = static_cast<uint32_t>(std::countr_zero(laneBytes));
  pass.shadow.forCells(offset, bytes, laneBytes, [&](Cell &cell, uint64_t at) {
    touch<Writes>(pass, cell, at, 1u << ((at - offset) >> shift));
  });
}

OrderCheck::Pass OrderCheck::sharedPass(Accessor &who) {
  return {who, stateOf(*who.warp->cta->cluster).shared, sharedRecord(who),
          who.knownShared, false};
}

void OrderCheck::sharedRange(Accessor &who, Cta &cta, uint64_t offset,
                             uint64_t bytes, uint32_t lanes, uint32_t laneBytes,
                             bool writes) {
  if (&cta != who.warp->cta)
    remoteAccess(who, cta);
  if (writes)
    checkMbarrierBytes(who, cta, offset, bytes);
  Pass pass = sharedPass(who);
  offset += cta.rank * stateOf(*cta.cluster).sharedStride;
  if (writes)
    walk<true>(pass, offset, bytes, lanes, laneBytes);
  else
    walk<false>(pass, offset, bytes, lanes, laneBytes);
}

void OrderCheck::globalRange(Accessor &who, uint64_t address, uint64_t bytes,
                             uint32_t lanes, uint32_t laneBytes, bool writes) {
  uint64_t offset = address - reinterpret_cast<uint64_t>(launch->memory.base);
  if (isDependent() && !who.record.behindWait)
    touchEarly(who, offset, bytes, lanes, laneBytes, writes);
  Pass pass{who, global, globalRecord(who), who.knownGlobal, true};
  if (writes)
    walk<true>(pass, offset, bytes, lanes, laneBytes);
  else
    walk<false>(pass, offset, bytes, lanes, laneBytes);
}

/// Every `step`-th of some chunks of the block's own shared memory. Products
/// read the same chunks again and again, so most of them were read last by the
/// record that the chunk before was read by.
void OrderCheck::readChunks(Accessor &who, const uint32_t *addresses, int count,
                            int step, uint32_t bytes) {
  const Cta &cta = *who.warp->cta;
  uint64_t start = cta.rank * stateOf(*cta.cluster).sharedStride;
  Pass pass = sharedPass(who);
  const uint32_t word = packTouch(pass.self, 0);
  uint32_t replaced = word;
  // Writers that are known to be done; neighbouring chunks have several.
  static constexpr uint32_t writers = 16;
  std::array<RecordId, writers> done{};
  for (int i = 0; i < count; i += step) {
    if (addresses[i] + bytes > cta.sharedSize)
      continue;
    uint64_t at = start + addresses[i];
    ShadowBlock &home = pass.shadow.block(at, bytes);
    if (uint64_t(1) << home.shift != bytes) {
      walk<false>(pass, at, bytes, 1, 0);
      continue;
    }
    Cell &cell = home.cells[at % blockBytes >> home.shift];
    RecordId writer = cell.write >> laneBits;
    if (writer != done[writer % writers]) {
      checkTouch(pass, pass.shadow.log.touch(cell.write), 1, false, true, at);
      if (pass.known == writer)
        done[writer % writers] = writer;
    }
    if (cell.read == replaced || cell.read == 0) {
      cell.read = word;
      continue;
    }
    uint32_t before = cell.read;
    addRead(pass, cell, word, 1);
    if (cell.read == word)
      replaced = before;
  }
}

/// Lanes whose addresses follow no pattern: those in the block's own shared
/// memory, the common case, one after another.
template <bool Writes>
void OrderCheck::scattered(Accessor &who, const LanePointers &at,
                           uint32_t lanes, uint32_t bytes) {
  const Cta &cta = *who.warp->cta;
  ClusterState &cluster = stateOf(*cta.cluster);
  bool plain = !Writes || cluster.ctas[cta.rank].mbarriers.empty();
  uint64_t start = cta.rank * cluster.sharedStride;
  for (; lanes; lanes &= lanes - 1) {
    const std::byte *pointer = at.at[std::countr_zero(lanes)];
    auto offset = static_cast<uint64_t>(pointer - cta.shared);
    if (offset >= cta.sharedSize || !plain) {
      range(who, pointer, bytes, lanes & -lanes, 0, Writes);
      continue;
    }
    Pass pass = sharedPass(who);
    walk<Writes>(pass, start + offset, bytes, lanes & -lanes, 0);
  }
}

/// The CTA of the cluster whose shared memory holds `at`.
static Cta *ctaAt(Warp &warp, const std::byte *at) {
  auto holds = [at](const Cta &cta) {
    return at >= cta.shared && at < cta.shared + cta.sharedSize;
  };
  if (holds(*warp.cta))
    return warp.cta;
  for (Cta &cta : warp.cta->cluster->ctas)
    if (holds(cta))
      return &cta;
  return nullptr;
}

void OrderCheck::range(Accessor &who, const std::byte *at, uint64_t bytes,
                       uint32_t lanes, uint32_t laneBytes, bool writes) {
  if (launch->memory.contains(reinterpret_cast<uint64_t>(at), bytes))
    globalRange(who, reinterpret_cast<uint64_t>(at), bytes, lanes, laneBytes,
                writes);
  else if (Cta *cta = ctaAt(*who.warp, at))
    sharedRange(who, *cta, static_cast<uint64_t>(at - cta->shared), bytes,
                lanes, laneBytes, writes);
  // Local memory and parameters belong to one thread or to nobody.
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

bool resolveQuietly(const Inst &inst, Warp &warp, uint32_t bytes,
                    LanePointers &out) {
  LaunchContext &launch = *warp.launch;
  Observer *observer = std::exchange(launch.observer, nullptr);
  bool ok = resolve(inst, warp, bytes, out);
  launch.observer = observer;
  return ok;
}

void OrderCheck::accessGroup(const Inst &inst, Accessor &who,
                             const LanePointers &at, uint32_t lanes,
                             uint32_t bytes, bool writes) {
  switch (at.pattern) {
  case Pattern::Uniform:
    if (who.record.uniform && who.effect->kind == EffectKind::Store)
      sameInstruction(who, at.at[0], lanes);
    return range(who, at.at[0], bytes, lanes, 0, writes);
  case Pattern::Contiguous:
    if (lanes == allLanes)
      return range(who, at.at[0], uint64_t(bytes) * laneCount, lanes, bytes,
                   writes);
    for (; lanes; lanes &= lanes - 1) {
      int lane = std::countr_zero(lanes);
      range(who, at.at[0] + lane * static_cast<ptrdiff_t>(bytes), bytes,
            lanes & -lanes, 0, writes);
    }
    return;
  case Pattern::Scattered:
    if (writes)
      scattered<true>(who, at, lanes, bytes);
    else
      scattered<false>(who, at, lanes, bytes);
    return;
  }
}

void OrderCheck::access(const Inst &inst, const Effect &effect, Warp &warp) {
  ptx::Space space = spaceOf(inst);
  if (space == ptx::Space::Local || space == ptx::Space::Param ||
      space == ptx::Space::Const)
    return;
  LanePointers pointers;
  if (!resolveQuietly(inst, warp, effect.bytes, pointers))
    return;
  forgetOldRecords(warp);
  bool updates =
      effect.kind == EffectKind::Atomic || effect.kind == EffectKind::Reduction;
  bool writes = updates || effect.kind == EffectKind::Store;
  bool uniform = pointers.pattern == Pattern::Uniform;
  WarpState &state = stateOf(warp);
  for (size_t i = 0; i < state.groups.size(); ++i) {
    uint32_t lanes = state.groups[i].lanes & warp.mask;
    if (!lanes)
      continue;
    Accessor who =
        accessor(inst, effect, warp, state.groups[i], lanes, uniform, updates);
    who.at = &pointers;
    accessGroup(inst, who, pointers, lanes, effect.bytes, writes);
  }
  if (effect.order != MemoryOrder::Weak)
    strongAccess(effect, warp, pointers, effect.bytes,
                 effect.kind != EffectKind::Store &&
                     effect.kind != EffectKind::Reduction,
                 writes);
}

/// The 16 bytes that stmatrix stores to row `row` of its matrices: a lane holds
/// two neighbours of a row, or of a column with .trans (ISA 9.7.14.5.15).
static std::array<std::byte, 16> storedRow(const MatrixMoveSpec &spec,
                                           const Warp &warp, uint32_t row) {
  static constexpr uint32_t columns = 8, rowLanes = 4;
  const auto *registers = warp.row32<uint32_t>(spec.registers[row / columns]);
  uint32_t line = row % columns;
  std::array<uint16_t, columns> halves;
  for (uint32_t column = 0; column < columns; ++column) {
    uint32_t major = spec.transpose ? column : line;
    uint32_t minor = spec.transpose ? line : column;
    uint32_t pair = registers[major * rowLanes + minor / 2];
    halves[column] = static_cast<uint16_t>(pair >> (minor % 2 * 16));
  }
  return std::bit_cast<std::array<std::byte, 16>>(halves);
}

/// ldmatrix and stmatrix: each lane gives the address of a row of 16 bytes that
/// the whole warp accesses.
void OrderCheck::matrixAccess(const Inst &inst, const Effect &effect,
                              Warp &warp) {
  if (warp.mask != allLanes)
    return;
  const auto &spec = *static_cast<const MatrixMoveSpec *>(inst.aux);
  static constexpr uint32_t rowBytes = 16, matrixRows = 8;
  uint32_t rows = matrixRows * static_cast<uint32_t>(spec.count);
  LanePointers pointers;
  warp.mask = rows == laneCount ? allLanes : (1u << rows) - 1;
  bool ok = resolveQuietly(inst, warp, rowBytes, pointers);
  warp.mask = allLanes;
  if (!ok)
    return;
  forgetOldRecords(warp);
  for (uint32_t row = 0; row < rows; ++row) {
    const std::byte *at = pointers.at[row];
    if (pointers.pattern == Pattern::Uniform)
      at = pointers.at[0];
    else if (pointers.pattern == Pattern::Contiguous)
      at = pointers.at[0] + row * rowBytes;
    bool writes = effect.kind == EffectKind::StoreMatrix;
    std::array<std::byte, rowBytes> value{};
    if (writes)
      value = storedRow(spec, warp, row);
    warpRange(inst, effect, warp, at, rowBytes, writes,
              writes ? &value : nullptr);
  }
}

/// The lines of a wmma matrix. Which lane accesses which element is not said.
void OrderCheck::wmmaAccess(const Inst &inst, const Effect &effect,
                            Warp &warp) {
  if (warp.mask != allLanes)
    return;
  const auto &spec = *static_cast<const WmmaMoveSpec *>(inst.aux);
  int leading = 0, count = 0;
  wmmaExtents(spec, leading, count);
  auto bits = static_cast<uint64_t>(spec.bits);
  uint64_t stride = warp.row32<uint32_t>(inst.b)[0] * bits / 8;
  uint64_t lineBytes = static_cast<uint64_t>(leading) * bits / 8;
  forgetOldRecords(warp);
  for (int line = 0; line < count; ++line) {
    const char *error = nullptr;
    const std::byte *at = hostPointer(inst, warp, 0, spaceOf(inst),
                                      laneAddress(inst, warp, 0) +
                                          static_cast<uint64_t>(line) * stride,
                                      lineBytes, error);
    if (at)
      warpRange(inst, effect, warp, at, lineBytes,
                effect.kind == EffectKind::WmmaStore);
  }
}

/// Bytes that all lanes access together.
void OrderCheck::warpRange(const Inst &inst, const Effect &effect, Warp &warp,
                           const std::byte *at, uint64_t bytes, bool writes,
                           const std::array<std::byte, 16> *value) {
  WarpState &state = stateOf(warp);
  for (size_t i = 0; i < state.groups.size(); ++i) {
    Accessor who = accessor(inst, effect, warp, state.groups[i],
                            state.groups[i].lanes, true, false);
    if (value) {
      who.rowAt = at;
      who.row = *value;
    }
    range(who, at, bytes, state.groups[i].lanes, 0, writes);
  }
}

/// Lanes of one store that all write the same place.
void OrderCheck::sameInstruction(Accessor &who, const std::byte *at,
                                 uint32_t lanes) {
  auto first = static_cast<uint32_t>(std::countr_zero(lanes));
  for (uint32_t rest = lanes & (lanes - 1); rest; rest &= rest - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(rest));
    if (sameValue(who, lane, first))
      continue;
    Finding found = finding(Kind::Race, *who.inst, *who.warp, lane,
                            "lanes of one " + nameOf(*who.inst) +
                                " write different values to the same bytes");
    found.severity = Severity::Formal;
    if (Cta *cta = ctaAt(*who.warp, at))
      nameShared(found, *cta, static_cast<uint64_t>(at - cta->shared));
    else
      found.address = reinterpret_cast<uint64_t>(at);
    setOther(found, who.record.cluster, who.record.warp, first, who.record.pc);
    return report(std::move(found));
  }
}

void OrderCheck::forgetOldRecords(Warp &warp) {
  ClusterState &cluster = stateOf(*warp.cta->cluster);
  bool changed = cluster.shared.compact();
  bool globalChanged = global.compact();
  if (early.compact() || globalChanged)
    earlyRecord = {};
  if (!changed && !globalChanged)
    return;
  for (auto &[key, each] : clusters)
    for (WarpState &state : each->warps)
      state.recent = {};
}

} // namespace tilewright::sim::check
