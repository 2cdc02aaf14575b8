//===- Footprint.cpp - The bytes that an instruction reads and writes -----===//

#include "sim/exec/Footprint.h"

#include "sim/exec/Lanes.h"
#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/MatrixOps.h"
#include "sim/exec/ops/WmmaOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim {

using ptx::Space;

static uint64_t read64(const Warp &warp, Ref ref, uint32_t lane) {
  return warp.row64<uint64_t>(ref)[lane];
}
static uint32_t read32(const Warp &warp, Ref ref, uint32_t lane) {
  return warp.row32<uint32_t>(ref)[lane];
}

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

static bool locateShared(Warp &warp, uint64_t address, uint64_t bytes,
                         Span &span) {
  span.cta = ctaOfShared(warp, address);
  span.space = Space::Shared;
  span.address = address & clusterOffsetMask;
  return span.cta && span.address < span.cta->sharedSize &&
         bytes <= span.cta->sharedSize - span.address;
}

static bool locateLocal(Warp &warp, uint64_t address, uint64_t bytes,
                        Span &span) {
  span.space = Space::Local;
  span.address = address;
  return address < warp.localBytes && bytes <= warp.localBytes - address;
}

static bool locateGlobal(Warp &warp, uint64_t address, uint64_t bytes,
                         Span &span) {
  span.space = Space::Global;
  span.address = address;
  return warp.launch->memory.contains(address, bytes);
}

bool locate(const Inst &inst, Warp &warp, uint32_t lane, Space space,
            uint64_t address, uint64_t bytes, Span &span) {
  span.lane = lane;
  span.bytes = bytes;
  switch (space) {
  case Space::None:
    if (address - sharedWindow < windowSize)
      return locateShared(warp, address - sharedWindow, bytes, span);
    if (address - localWindow < windowSize)
      return locateLocal(warp, address - localWindow, bytes, span);
    return locateGlobal(warp, address, bytes, span);
  case Space::Global:
  case Space::Const:
    return locateGlobal(warp, address, bytes, span);
  case Space::Shared:
  case Space::SharedCluster:
    return locateShared(warp, address, bytes, span);
  case Space::Local:
    if (inst.flags & addressInFrame)
      address += warp.frame().localBase;
    return locateLocal(warp, address, bytes, span);
  default:
    return false;
  }
}

/// Joins what continues the lane before, and drops what repeats it.
void Footprint::addLane(const Span &span) {
  if (!spans.empty()) {
    Span &last = spans.back();
    bool alike = last.space == span.space && last.cta == span.cta &&
                 last.laneBytes == span.laneBytes && last.reads == span.reads &&
                 last.writes == span.writes;
    // Each lane has local memory of its own.
    if (alike && span.space != Space::Local) {
      if (last.address + last.bytes == span.address &&
          last.laneAt(last.bytes) == span.lane) {
        last.bytes += span.bytes;
        return;
      }
      if (last.address == span.address && last.bytes == span.bytes)
        return;
    }
  }
  spans.push_back(span);
}

//===----------------------------------------------------------------------===//
// Generic accesses
//===----------------------------------------------------------------------===//

/// Bytes of one element of an access.
static uint32_t elementBytes(const Inst &inst, const Effect &effect) {
  if (effect.kind == EffectKind::Load && inst.aux) {
    uint32_t count = static_cast<const VectorRefs *>(inst.aux)->count;
    if (count > 1 && effect.bytes % count == 0)
      return effect.bytes / count;
  }
  return effect.bytes;
}

/// Whether nobody asks where the access leads.
static bool isLeftOut(const Inst &inst, const Effect &effect) {
  Space space = spaceOf(inst);
  // By name: results and arguments of calls, which calls write.
  return space == Space::Param ||
         (space == Space::Local && (inst.flags & addressInFrame) &&
          effect.kind == EffectKind::Load);
}

/// Lowest and highest address of the executing lanes.
static void findBounds(const Inst &inst, Warp &warp, uint64_t &low,
                       uint64_t &high) {
  low = ~uint64_t(0);
  high = 0;
  if (warp.mask == allLanes && inst.a != noRef && !(inst.flags & address32)) {
    const uint64_t *row = warp.row64<uint64_t>(inst.a);
    for (int lane = 0; lane < laneCount; ++lane) {
      low = std::min(low, row[lane]);
      high = std::max(high, row[lane]);
    }
    uint64_t offset = static_cast<uint64_t>(int64_t{inst.imm});
    low += offset;
    high += offset;
    return;
  }
  eachLane(warp.mask, [&](uint32_t lane) {
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    low = std::min(low, address);
    high = std::max(high, address);
  });
}

bool Footprint::findHull(const Inst &inst, const Effect &effect, Warp &warp) {
  Space space = spaceOf(inst);
  if (space == Space::Local || warp.mask == 0)
    return false;
  uint64_t low = 0, high = 0;
  findBounds(inst, warp, low, high);
  hull = {};
  return low <= high &&
         locate(inst, warp, 0, space, low, high - low + effect.bytes, hull) &&
         hull.space != Space::Local;
}

void Footprint::expand(const Inst &inst, const Effect &effect, Warp &warp) {
  hasHull = false;
  addAccess(inst, effect, warp);
}

void Footprint::addAccess(const Inst &inst, const Effect &effect, Warp &warp) {
  Space space = spaceOf(inst);
  Span span;
  bool updates =
      effect.kind == EffectKind::Atomic || effect.kind == EffectKind::Reduction;
  // An exchange does not care for what was there.
  bool exchanges =
      updates && inst.aux &&
      static_cast<const AtomicSpec *>(inst.aux)->op == AtomicOp::Exch;
  span.reads = effect.kind == EffectKind::Load || (updates && !exchanges);
  span.writes = effect.kind == EffectKind::Store || updates;
  span.laneBytes = effect.bytes;
  span.elementBytes = elementBytes(inst, effect);
  eachLane(warp.mask, [&](uint32_t lane) {
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    if (locate(inst, warp, lane, space, address, effect.bytes, span))
      addLane(span);
  });
}

void Footprint::addMatrixRows(const Inst &inst, Warp &warp, bool writes) {
  const auto &spec = *static_cast<const MatrixMoveSpec *>(inst.aux);
  constexpr uint32_t rowBytes = 16, rows = 8;
  Span span;
  span.reads = !writes;
  span.writes = writes;
  span.laneBytes = rowBytes;
  span.elementBytes = 2;
  uint32_t lanes = rows * static_cast<uint32_t>(spec.count);
  for (uint32_t lane = 0; lane < lanes; ++lane) {
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    if (locate(inst, warp, lane, spaceOf(inst), address, rowBytes, span))
      addLane(span);
  }
}

/// Rows or columns of a matrix, which the whole warp accesses together.
void Footprint::addWmmaLines(const Inst &inst, Warp &warp, bool writes) {
  const auto &spec = *static_cast<const WmmaMoveSpec *>(inst.aux);
  int leading = 0, count = 0;
  wmmaExtents(spec, leading, count);
  uint64_t bits = static_cast<uint64_t>(spec.bits);
  uint64_t stride = read32(warp, inst.b, 0) * bits / 8;
  Span span;
  span.reads = !writes;
  span.writes = writes;
  span.elementBytes = std::max(1u, static_cast<uint32_t>(bits / 8));
  for (int line = 0; line < count; ++line)
    if (locate(inst, warp, 0, spaceOf(inst),
               laneAddress(inst, warp, 0) +
                   static_cast<uint64_t>(line) * stride,
               static_cast<uint64_t>(leading) * bits / 8, span))
      spans.push_back(span);
}

//===----------------------------------------------------------------------===//
// Asynchronous operations
//===----------------------------------------------------------------------===//

void Footprint::addAsyncCopy(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const AsyncCopySpec *>(inst.aux);
  eachLane(warp.mask, [&](uint32_t lane) {
    uint32_t bytes = bytesRead(spec, warp, lane);
    CopySpans copy;
    if (!locate(inst, warp, lane, Space::Shared, read64(warp, inst.a, lane),
                spec.bytes, copy.to))
      return;
    if (bytes && !locate(inst, warp, lane, Space::Global,
                         read64(warp, inst.b, lane), bytes, copy.from))
      return;
    copy.from.bytes = bytes;
    copies.push_back(copy);
  });
}

/// The same place in each CTA of a multicast, or only there.
template <typename Visit>
static void eachTarget(const Warp &warp, uint32_t lane, Ref ctaMask,
                       uint64_t address, const Visit &visit) {
  if (ctaMask == noRef)
    return visit(address);
  eachLane(read32(warp, ctaMask, lane) & 0xffff, [&](uint32_t rank) {
    visit((address & clusterOffsetMask) | uint64_t(rank + 1)
                                              << clusterRankShift);
  });
}

void Footprint::addBulkCopy(const Inst &inst, Warp &warp, uint32_t lane) {
  const auto &spec = *static_cast<const BulkSpec *>(inst.aux);
  uint64_t size = read32(warp, spec.size, lane);
  Span from;
  if (size == 0 || !locate(inst, warp, lane, spec.from,
                           read64(warp, spec.source, lane), size, from))
    return;
  // Reading shared memory to publish it is where a missing write shows.
  from.reads = from.space == Space::Shared;
  spans.push_back(from);
  eachTarget(warp, lane, spec.ctaMask, read64(warp, spec.destination, lane),
             [&](uint64_t address) {
               CopySpans copy{from, {}};
               if (!locate(inst, warp, lane, spec.to, address, size, copy.to))
                 return;
               copy.to.reads = spec.reduces;
               copies.push_back(copy);
             });
}

void Footprint::addBox(const Inst &inst, Warp &warp, uint32_t lane) {
  const auto &spec = *static_cast<const TensorCopySpec *>(inst.aux);
  const char *error = nullptr;
  uint64_t address = read64(warp, spec.map, lane);
  const std::byte *bytes =
      hostPointer(inst, warp, static_cast<int>(lane), Space::None, address,
                  tensorMapBytes, error);
  alignas(64) uint8_t aligned[tensorMapBytes];
  BoxTransfer box;
  if (!bytes)
    return;
  std::memcpy(aligned, bytes, tensorMapBytes);
  if (!decodeTensorMap(aligned, box.map).empty() || box.map.rank != spec.rank)
    return;
  for (uint32_t i = 0; i < spec.rank; ++i)
    box.coordinates[i] =
        static_cast<int32_t>(read32(warp, spec.coordinates[i], lane));
  box.load = spec.load;
  eachTarget(warp, lane, spec.ctaMask, read64(warp, spec.shared, lane),
             [&](uint64_t at) {
               box.shared = {};
               if (locate(inst, warp, lane, Space::SharedCluster, at,
                          box.map.boxBytes(), box.shared))
                 boxes.push_back(box);
             });
}

/// A tensor map that is changed, or bytes that lose their value.
void Footprint::addBlocks(const Inst &inst, const Effect &effect, Warp &warp) {
  Span span;
  span.reads = effect.kind == EffectKind::TensormapReplace;
  span.writes = true;
  eachLane(warp.mask, [&](uint32_t lane) {
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    if (locate(inst, warp, lane, spaceOf(inst), address, effect.bytes, span))
      spans.push_back(span);
  });
}

/// The warp copies one map.
void Footprint::addMapCopy(const Inst &inst, Warp &warp) {
  auto lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
  CopySpans copy;
  if (locate(inst, warp, lane, Space::Shared, read64(warp, inst.b, lane),
             tensorMapBytes, copy.from) &&
      locate(inst, warp, lane, Space::Global, read64(warp, inst.a, lane),
             tensorMapBytes, copy.to))
    copies.push_back(copy);
}

void Footprint::addStoreAsync(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const StoreAsyncSpec *>(inst.aux);
  uint32_t bytes = ptx::typeBytes(spec.type) * spec.count;
  eachLane(warp.mask, [&](uint32_t lane) {
    Span span;
    span.reads = spec.reduces;
    span.writes = true;
    span.elementBytes = ptx::typeBytes(spec.type);
    if (locate(inst, warp, lane, Space::SharedCluster,
               read64(warp, spec.address, lane), bytes, span))
      spans.push_back(span);
  });
}

/// Both operands in shared memory, chunk by chunk.
void Footprint::addWgmma(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const WgmmaSpec *>(inst.aux);
  // The four warps issue one operation.
  if (warp.index % warpgroupWarps != 0)
    return;
  auto addOperand = [&](Ref descriptor, int rows, bool mnMajor) {
    uint32_t chunks[maxOperandChunks];
    chunkAddresses(MatrixDescriptor::decode(read64(warp, descriptor, 0)), rows,
                   mnMajor, chunks);
    int count = operandChunks(rows);
    std::sort(chunks, chunks + count);
    for (int i = 0; i < count; ++i) {
      Span span;
      span.reads = true;
      if (!locate(inst, warp, 0, Space::Shared, chunks[i], chunkBytes, span))
        continue;
      Span *last = spans.empty() ? nullptr : &spans.back();
      if (last && last->address + last->bytes == span.address)
        last->bytes += chunkBytes;
      else
        spans.push_back(span);
    }
  };
  if (!spec.op.aInRegisters)
    addOperand(inst.a, WgmmaOp::m, spec.op.transposeA);
  addOperand(inst.b, spec.op.n, spec.op.transposeB);
}

void Footprint::find(const Inst &inst, const Effect &effect, Warp &warp) {
  spans.clear();
  copies.clear();
  boxes.clear();
  hasHull = false;
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    if (isLeftOut(inst, effect))
      return;
    hasHull = findHull(inst, effect, warp);
    return hasHull ? void() : addAccess(inst, effect, warp);
  case EffectKind::LoadMatrix:
    return addMatrixRows(inst, warp, false);
  case EffectKind::StoreMatrix:
    return addMatrixRows(inst, warp, true);
  case EffectKind::WmmaLoad:
    return addWmmaLines(inst, warp, false);
  case EffectKind::WmmaStore:
    return addWmmaLines(inst, warp, true);
  case EffectKind::AsyncCopy:
    return addAsyncCopy(inst, warp);
  case EffectKind::BulkCopy:
    return eachLane(warp.mask,
                    [&](uint32_t lane) { addBulkCopy(inst, warp, lane); });
  case EffectKind::TensorCopy:
    return eachLane(warp.mask,
                    [&](uint32_t lane) { addBox(inst, warp, lane); });
  case EffectKind::StoreAsync:
    return addStoreAsync(inst, warp);
  case EffectKind::TensormapReplace:
  case EffectKind::Discard:
    return addBlocks(inst, effect, warp);
  case EffectKind::TensormapCopy:
    return addMapCopy(inst, warp);
  case EffectKind::WgmmaIssue:
    return addWgmma(inst, warp);
  case EffectKind::MbarrierInit: {
    Span span;
    span.writes = true;
    eachLane(warp.mask, [&](uint32_t lane) {
      uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
      if (locate(inst, warp, lane, spaceOf(inst), address, 8, span))
        spans.push_back(span);
    });
    return;
  }
  default:
    return;
  }
}

ptx::Type elementType(TensorDataType type) {
  switch (type) {
  case TensorDataType::UInt8:
    return ptx::Type::U8;
  case TensorDataType::UInt16:
    return ptx::Type::U16;
  case TensorDataType::UInt32:
    return ptx::Type::U32;
  case TensorDataType::Int32:
    return ptx::Type::S32;
  case TensorDataType::UInt64:
    return ptx::Type::U64;
  case TensorDataType::Int64:
    return ptx::Type::S64;
  case TensorDataType::Float16:
    return ptx::Type::F16;
  case TensorDataType::BFloat16:
    return ptx::Type::BF16;
  case TensorDataType::Float64:
    return ptx::Type::F64;
  case TensorDataType::Float32:
  case TensorDataType::Float32Ftz:
  case TensorDataType::TFloat32:
  case TensorDataType::TFloat32Ftz:
    return ptx::Type::F32;
  }
  return ptx::Type::None;
}

} // namespace tilewright::sim
