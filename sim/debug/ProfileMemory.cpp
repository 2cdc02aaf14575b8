//===- ProfileMemory.cpp - What accesses, copies and products move --------===//

#include "sim/debug/ProfileObserver.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/MatrixOps.h"
#include "sim/exec/ops/WmmaOps.h"

#include <algorithm>
#include <bit>

namespace tilewright::sim::debug {

using ptx::Space;

static uint64_t divideUp(uint64_t value, uint64_t by) {
  return (value + by - 1) / by;
}

static bool isMma(const Inst &inst) {
  return inst.run == runMma || inst.run == runWmma ||
         inst.run == runQuadMmaSync;
}

bool ProfileObserver::movesData(const Inst &inst, const Effect &effect) {
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
  case EffectKind::WmmaLoad:
  case EffectKind::WmmaStore:
  case EffectKind::AsyncCopy:
  case EffectKind::BulkCopy:
  case EffectKind::TensorCopy:
  case EffectKind::StoreAsync:
  case EffectKind::WgmmaIssue:
    return true;
  case EffectKind::None:
    return isMma(inst);
  default:
    return false;
  }
}

/// What the instruction does with memory, before it does it.
void ProfileObserver::countAccess(const Inst &inst, const Effect &effect,
                                  Warp &warp) {
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    return countLanes(inst, effect, warp);
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
    return countMatrixRows(inst, warp);
  case EffectKind::None:
    return countProducts(inst, warp);
  default:
    break;
  }
  footprint.find(inst, effect, warp);
  switch (effect.kind) {
  case EffectKind::AsyncCopy:
    return countAsyncCopy();
  case EffectKind::BulkCopy:
    return countBulk();
  case EffectKind::TensorCopy:
    return countBoxes();
  case EffectKind::StoreAsync:
    return countStoreAsync();
  case EffectKind::WgmmaIssue:
    return countProducts(inst, warp);
  default:
    return countLines();
  }
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

void ProfileObserver::countShared(const Request &request) {
  if (request.count == 0)
    return;
  Wavefronts passes = countWavefronts(request);
  ++now.sharedRequests;
  now.sharedBytes += uint64_t(request.count) * request.bytes;
  now.wavefronts += passes.needed;
  now.idealWavefronts += passes.ideal;
}

void ProfileObserver::countGlobal(const Request &request, bool reads,
                                  bool writes) {
  if (request.count == 0)
    return;
  Sectors found;
  findSectors(request, found);
  uint64_t bytes = uint64_t(request.count) * request.bytes;
  ++now.globalRequests;
  now.globalReadBytes += reads ? bytes : 0;
  now.globalWriteBytes += writes ? bytes : 0;
  now.globalNeededBytes += found.neededBytes;
  now.sectors += found.count;
  now.idealSectors += divideUp(found.neededBytes, memoryRules.sectorBytes);
  now.lines += found.lines;
  for (uint32_t i = 0; i < found.count; ++i)
    touch(found.number[i], reads, writes);
}

/// Neighbouring sectors of a line are joined.
void ProfileObserver::touch(uint64_t sector, bool reads, bool writes) {
  uint64_t line = SectorMap::lineOf(sector);
  uint8_t bits = SectorMap::bitsOf(sector, reads, writes);
  if (!touched.empty() && touched.back().line == line)
    touched.back().bits |= bits;
  else
    touched.push_back({line, bits});
}

/// Loads, stores and atomics: the lanes' addresses, space by space.
void ProfileObserver::countLanes(const Inst &inst, const Effect &effect,
                                 Warp &warp) {
  if (current->isParameter)
    return;
  Request global, shared, remote, local;
  global.bytes = shared.bytes = remote.bytes = local.bytes = effect.bytes;
  bool isGlobal = spaceOf(inst) == Space::Global;
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    auto lane = static_cast<uint32_t>(std::countr_zero(lanes));
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    if (isGlobal) { // the most frequent one
      if (warp.launch->memory.contains(address, effect.bytes))
        global.add(lane, address);
      continue;
    }
    Span span;
    if (!locate(inst, warp, lane, spaceOf(inst), address, effect.bytes, span))
      continue;
    Request &request = span.space == Space::Local    ? local
                       : span.space == Space::Global ? global
                       : span.cta == warp.cta        ? shared
                                                     : remote;
    request.add(lane, span.address);
  }
  bool atomic =
      effect.kind == EffectKind::Atomic || effect.kind == EffectKind::Reduction;
  if (atomic) {
    ++now.atomicRequests;
    now.atomicLanes += std::popcount(warp.mask);
    for (const Request *request : {&global, &shared, &remote})
      now.atomicSerial += busiestAddress(*request);
  }
  now.localRequests += local.count != 0;
  now.localBytes += uint64_t(local.count) * local.bytes;
  now.remoteRequests += remote.count != 0;
  now.remoteBytes += uint64_t(remote.count) * remote.bytes;
  if (current->isConstant) {
    now.constantRequests += global.count != 0;
    now.constantBytes += uint64_t(global.count) * global.bytes;
    return;
  }
  // How atomics go through the banks is not known.
  if (atomic && shared.count) {
    ++now.sharedRequests;
    now.sharedBytes += uint64_t(shared.count) * shared.bytes;
  } else {
    countShared(shared);
  }
  countGlobal(global, atomic || effect.kind == EffectKind::Load,
              atomic || effect.kind == EffectKind::Store);
}

/// ldmatrix and stmatrix: eight rows of a matrix go together.
void ProfileObserver::countMatrixRows(const Inst &inst, Warp &warp) {
  constexpr uint32_t rowBytes = 16, rows = 8;
  auto count = static_cast<uint32_t>(
      static_cast<const MatrixMoveSpec *>(inst.aux)->count);
  Request request;
  request.bytes = rowBytes;
  for (uint32_t lane = 0; lane < rows * count; ++lane) {
    Span span;
    if (locate(inst, warp, lane, spaceOf(inst),
               laneAddress(inst, warp, static_cast<int>(lane)), rowBytes, span))
      request.add(lane, span.address);
  }
  countShared(request);
}

/// wmma.load and wmma.store: which lane has which element is not laid down, so
/// the rows of the matrix are counted as a whole, without banks.
void ProfileObserver::countLines() {
  bool anyGlobal = false, anyShared = false;
  for (const Span &span : footprint.spans) {
    if (span.space == Space::Shared) {
      anyShared = true;
      now.sharedBytes += span.bytes;
      continue;
    }
    if (span.space != Space::Global)
      continue;
    anyGlobal = true;
    (span.reads ? now.globalReadBytes : now.globalWriteBytes) += span.bytes;
    now.globalNeededBytes += span.bytes;
    now.idealSectors += divideUp(span.bytes, memoryRules.sectorBytes);
    now.sectors +=
        touchRange(span.address, span.bytes, span.reads, span.writes);
    now.lines += (span.address + span.bytes - 1) / memoryRules.lineBytes -
                 span.address / memoryRules.lineBytes + 1;
  }
  now.sharedRequests += anyShared;
  now.globalRequests += anyGlobal;
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

uint64_t ProfileObserver::touchRange(uint64_t address, uint64_t bytes,
                                     bool reads, bool writes) {
  if (bytes == 0)
    return 0;
  uint64_t first = address / memoryRules.sectorBytes;
  uint64_t last = (address + bytes - 1) / memoryRules.sectorBytes;
  for (uint64_t sector = first; sector <= last; ++sector)
    touch(sector, reads, writes);
  return last - first + 1;
}

/// A reduction counts as a write: it reads in the L2 itself.
void ProfileObserver::copyGlobal(uint64_t address, uint64_t bytes,
                                 bool writes) {
  (writes ? now.copyWriteBytes : now.copyReadBytes) += bytes;
  now.copySectors += touchRange(address, bytes, !writes, writes);
}

/// cp.async is a load as far as sectors go: those of a warp are joined.
void ProfileObserver::countAsyncCopy() {
  current->profile.copyKind = CopyKind::Async;
  Request request;
  for (const CopySpans &copy : footprint.copies) {
    ++now.copies;
    now.copyToShared += copy.to.bytes;
    now.copyReadBytes += copy.from.bytes;
    if (copy.from.bytes == 0)
      continue;
    // Lanes may copy different amounts; those of a request are alike.
    if (request.count && request.bytes != copy.from.bytes)
      countCopiedSectors(request);
    request.bytes = static_cast<uint32_t>(copy.from.bytes);
    request.add(copy.from.lane, copy.from.address);
  }
  countCopiedSectors(request);
}

void ProfileObserver::countCopiedSectors(Request &request) {
  Sectors found;
  findSectors(request, found);
  now.copySectors += found.count;
  for (uint32_t i = 0; i < found.count; ++i)
    touch(found.number[i], true, false);
  request.count = 0;
}

/// `spans` has the source of each lane's copy, `copies` an entry for each block
/// that gets it.
void ProfileObserver::countBulk() {
  current->profile.copyKind = CopyKind::Bulk;
  for (const Span &from : footprint.spans) {
    ++now.copies;
    if (from.space == Space::Global)
      copyGlobal(from.address, from.bytes, false);
    else
      now.copyFromShared += from.bytes;
  }
  for (const CopySpans &copy : footprint.copies) {
    if (copy.to.space == Space::Global)
      copyGlobal(copy.to.address, copy.to.bytes, true);
    else
      now.copyToShared += copy.to.bytes;
  }
}

/// A box that goes to several blocks is read once.
void ProfileObserver::countBoxes() {
  current->profile.copyKind = CopyKind::Tensor;
  struct Context {
    ProfileObserver *self;
    bool writes;
  };
  const BoxTransfer *previous = nullptr;
  for (const BoxTransfer &box : footprint.boxes) {
    uint64_t bytes = box.map.boxBytes();
    (box.load ? now.copyToShared : now.copyFromShared) += bytes;
    if (previous && previous->shared.lane == box.shared.lane)
      continue;
    previous = &box;
    ++now.copies;
    Context context{this, !box.load};
    visitGlobalRuns(
        box.map, box.coordinates,
        [](void *opaque, uint64_t address, uint32_t run) {
          auto &to = *static_cast<Context *>(opaque);
          to.self->copyGlobal(address, run, to.writes);
        },
        &context);
  }
}

void ProfileObserver::countStoreAsync() {
  current->profile.copyKind = CopyKind::Store;
  for (const Span &span : footprint.spans) {
    ++now.copies;
    now.copyToShared += span.bytes;
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Multiplications and additions of an m x n x k product.
static uint64_t flopsOf(int m, int n, int k) {
  return 2 * static_cast<uint64_t>(m) * static_cast<uint64_t>(n) *
         static_cast<uint64_t>(k);
}

static uint64_t flopsOfWmma(const WmmaTiling &tiling) {
  constexpr int tileColumns = 8;
  return flopsOf(tiling.tileRows * tiling.rowTiles,
                 tileColumns * tiling.columnTiles, tiling.k);
}

void ProfileObserver::countProducts(const Inst &inst, const Warp &warp) {
  if (inst.run == runWgmmaIssue) {
    // The four warps issue one operation.
    if (warp.index % warpgroupWarps != 0)
      return;
    const WgmmaOp &op = static_cast<const WgmmaSpec *>(inst.aux)->op;
    now.productFlops += flopsOf(WgmmaOp::m, op.n, op.k());
    for (const Span &span : footprint.spans)
      now.productSharedBytes += span.bytes;
  } else if (inst.run == runMma) {
    const MmaSyncOp &op = static_cast<const MmaSpec *>(inst.aux)->op;
    now.productFlops += flopsOf(op.m, op.n, op.k);
  } else if (inst.run == runWmma) {
    now.productFlops +=
        flopsOfWmma(static_cast<const WmmaSpec *>(inst.aux)->tiling);
  } else if (inst.run == runQuadMmaSync) {
    constexpr int products = 4, m = 8, n = 8, k = 4;
    now.productFlops += products * flopsOf(m, n, k);
  } else {
    return;
  }
  ++now.products;
}

} // namespace tilewright::sim::debug
