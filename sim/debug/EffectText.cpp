//===- EffectText.cpp - What an instruction did to memory and order -------===//

#include "sim/debug/EffectText.h"

#include "sim/exec/Memory.h"
#include "sim/exec/ops/AsyncOps.h"
#include "sim/exec/ops/BarrierOps.h"
#include "sim/exec/ops/MatrixOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::debug {

using ptx::Space;

/// Spans and copies of one instruction that are worth a line each.
static constexpr size_t lineLimit = 4;

static std::string counted(uint64_t count, const char *what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

static std::string offsetText(const PlacedName &object, uint64_t address) {
  if (!object)
    return "global " + hexText(address);
  return object.name + " + " + std::to_string(address - object.start);
}

static PlacedName nameOf(const Span &span, const Warp &warp,
                         const AddressNames &names) {
  PlacedName name;
  if (span.space == Space::Global)
    return names.global(span.address);
  if (span.space == Space::Local)
    return names.local(*warp.strands[warp.current].frame, span.address);
  name = names.shared(span.address);
  if (span.cta && span.cta != warp.cta)
    name.name += " of block " +
                 tripleText(span.cta->id.x, span.cta->id.y, span.cta->id.z);
  return name;
}

std::string EffectText::place(const Span &span, const Warp &warp) const {
  return offsetText(nameOf(span, warp, names), span.address);
}

//===----------------------------------------------------------------------===//
// Loads, stores, atomics
//===----------------------------------------------------------------------===//

static const char *verbOf(EffectKind kind) {
  switch (kind) {
  case EffectKind::Load:
    return "reads ";
  case EffectKind::Store:
    return "writes ";
  default:
    return "updates ";
  }
}

/// Lane by lane, in one line where they are in one object.
void EffectText::addAccess(const Inst &inst, const Effect &effect, Warp &warp) {
  Space space = spaceOf(inst);
  if (space == Space::Param || (inst.flags & addressInFrame))
    return; // by name, in the text
  LaneValues offsets{ptx::Type::S64, 0, {}};
  PlacedName object;
  std::string head =
      std::string(verbOf(effect.kind)) + counted(effect.bytes, "byte");
  if (std::popcount(warp.mask) > 1)
    head += " a lane";
  for (uint32_t rest = warp.mask; rest; rest &= rest - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(rest));
    uint64_t address = laneAddress(inst, warp, static_cast<int>(lane));
    Span span;
    if (!locate(inst, warp, lane, space, address, effect.bytes, span)) {
      lines.push_back(head + " at " + hexText(address) + " in lane " +
                      std::to_string(lane) + ", where nothing is");
      return;
    }
    PlacedName own = nameOf(span, warp, names);
    if (!offsets.lanes)
      object = own;
    if (own.name != object.name || own.start != object.start) {
      lines.push_back(head + " in several objects, the first " +
                      offsetText(object, object.start + offsets.bits[0]));
      return;
    }
    offsets.lanes |= 1u << lane;
    offsets.bits.push_back(span.address - own.start);
  }
  if (!object)
    lines.push_back(head + " at global " + hexText(offsets.bits[0]));
  else
    lines.push_back(head + " at " + object.name + " + " +
                    renderValues(offsets));
}

/// What operations on whole blocks read and write.
void EffectText::addSpans(const Warp &warp) {
  size_t shown = std::min(footprint.spans.size(), lineLimit);
  for (size_t i = 0; i < shown; ++i) {
    const Span &span = footprint.spans[i];
    const char *verb = span.reads && span.writes ? "updates "
                       : span.writes             ? "writes "
                                                 : "reads ";
    lines.push_back(verb + counted(span.bytes, "byte") + " at " +
                    place(span, warp));
  }
  if (footprint.spans.size() > shown)
    lines.push_back("and in " +
                    counted(footprint.spans.size() - shown, "other place"));
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

void EffectText::addCopies(const Warp &warp) {
  size_t shown = std::min(footprint.copies.size(), lineLimit);
  for (size_t i = 0; i < shown; ++i) {
    const CopySpans &copy = footprint.copies[i];
    std::string line =
        "copies " + counted(copy.from.bytes, "byte") +
        (copy.from.bytes ? " from " + place(copy.from, warp) : "") + " to " +
        place(copy.to, warp);
    if (copy.to.bytes > copy.from.bytes)
      line += ", and zeros behind them up to " + counted(copy.to.bytes, "byte");
    lines.push_back(line);
  }
  if (footprint.copies.size() > shown)
    lines.push_back("and " +
                    counted(footprint.copies.size() - shown, "other lane") +
                    " likewise");
}

static const char *elementName(TensorDataType type) {
  static constexpr const char *names[] = {
      "u8",  "u16", "u32",  "s32",     "u64",  "s64",     "f16",
      "f32", "f64", "bf16", "f32.ftz", "tf32", "tf32.ftz"};
  return names[static_cast<size_t>(type)];
}

void EffectText::addBoxes(const Warp &warp) {
  for (const BoxTransfer &box : footprint.boxes) {
    std::string coordinates, extent;
    for (int i = 0; i < box.map.rank; ++i) {
      const char *separator = i ? "," : "";
      coordinates += separator + std::to_string(box.coordinates[i]);
      extent += (i ? "x" : "") + std::to_string(box.map.boxElements(i));
    }
    Span tensor;
    tensor.address = box.map.address;
    std::string there =
        "tensor " + place(tensor, warp) + " at (" + coordinates + ")";
    std::string here = place(box.shared, warp);
    lines.push_back(std::string(box.load ? "loads" : "stores") + " a box of " +
                    extent + " " + elementName(box.map.type) + ", " +
                    counted(box.map.boxBytes(), "byte") + ", from " +
                    (box.load ? there + " to " + here : here + " to " + there));
  }
}

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

static std::string descriptorText(const Warp &warp, Ref ref,
                                  const AddressNames &names) {
  MatrixDescriptor descriptor =
      MatrixDescriptor::decode(warp.row64<uint64_t>(ref)[0]);
  static constexpr const char *swizzles[] = {"no swizzle", "swizzle 128",
                                             "swizzle 64", "swizzle 32"};
  return offsetText(names.shared(descriptor.start), descriptor.start) +
         " (leading " + std::to_string(descriptor.leading) + ", stride " +
         std::to_string(descriptor.stride) + ", " +
         swizzles[static_cast<size_t>(descriptor.swizzle) & 3] + ")";
}

void EffectText::addWgmma(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const WgmmaSpec *>(inst.aux);
  std::string shape = "m" + std::to_string(WgmmaOp::m) + "n" +
                      std::to_string(spec.op.n) + "k" +
                      std::to_string(spec.op.k());
  lines.push_back("product " + shape + ": A " +
                  (spec.op.aInRegisters
                       ? "in registers"
                       : "at " + descriptorText(warp, inst.a, names)) +
                  ", B at " + descriptorText(warp, inst.b, names));
}

//===----------------------------------------------------------------------===//
// Barriers
//===----------------------------------------------------------------------===//

/// The object of an mbarrier instruction, or the one that an asynchronous
/// operation completes on.
void EffectText::findMbarrier(const Inst &inst, Warp &warp) {
  uint32_t lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
  Space space = spaceOf(inst);
  uint64_t address = 0;
  EffectKind kind = warp.launch->program->effects[inst.effect].kind;
  Ref ref = noRef;
  if (kind == EffectKind::BulkCopy)
    ref = static_cast<const BulkSpec *>(inst.aux)->mbarrier;
  else if (kind == EffectKind::TensorCopy)
    ref = static_cast<const TensorCopySpec *>(inst.aux)->mbarrier;
  else if (kind == EffectKind::StoreAsync)
    ref = static_cast<const StoreAsyncSpec *>(inst.aux)->mbarrier;
  else
    address = laneAddress(inst, warp, static_cast<int>(lane));
  if (kind == EffectKind::BulkCopy || kind == EffectKind::TensorCopy ||
      kind == EffectKind::StoreAsync) {
    if (ref == noRef)
      return;
    address = warp.row64<uint64_t>(ref)[lane];
    space = Space::SharedCluster;
  }
  Span span;
  if (!locate(inst, warp, lane, space, address, sizeof(uint64_t), span) ||
      span.space != Space::Shared)
    return;
  mbarrier = span.cta->shared + span.address;
  mbarrierName = place(span, warp);
  stateBefore = mbarrierText(mbarrier);
}

std::string mbarrierText(const std::byte *at) {
  uint64_t bits;
  std::memcpy(&bits, at, sizeof bits);
  Mbarrier object;
  if (!Mbarrier::decode(bits, object))
    return "no mbarrier";
  std::string text =
      "phase " + std::to_string(object.phase) + ", " +
      std::to_string(object.pending) + " of " +
      counted(static_cast<uint64_t>(object.expected), "arrival") + " pending";
  if (object.transactions)
    text += ", " + std::to_string(object.transactions) + " bytes to come";
  return text;
}

static std::string barrierLine(const Inst &inst, const Warp &warp) {
  uint32_t lane = static_cast<uint32_t>(std::countr_zero(warp.mask));
  uint32_t index = warp.row32<uint32_t>(inst.a)[lane];
  if (index >= namedBarriers)
    return {};
  const NamedBarrier &barrier = warp.cta->barriers[index];
  uint32_t expected =
      barrier.expected ? barrier.expected : warp.cta->liveThreads();
  std::string text = "barrier " + std::to_string(index) + ": now in phase " +
                     std::to_string(barrier.phase);
  if (barrier.arrived)
    text += ", " + std::to_string(barrier.arrived) + " of " +
            std::to_string(expected) + " threads arrived";
  return text;
}

static std::string clusterLine(const Warp &warp) {
  const Cluster &cluster = *warp.cta->cluster;
  std::string text =
      "cluster barrier: now in phase " + std::to_string(cluster.barrierPhase);
  if (cluster.barrierArrived)
    text += ", " + std::to_string(cluster.barrierArrived) + " of " +
            std::to_string(cluster.liveThreads()) + " threads arrived";
  return text;
}

static std::string wgmmaLine(const Warp &warp) {
  const WgmmaQueue &queue = warp.cta->wgmma[warp.index / warpgroupWarps];
  return "products of this warp: " + std::to_string(warp.wgmmaIssued) +
         " issued, " + std::to_string(queue.completed) + " done";
}

//===----------------------------------------------------------------------===//
// Both sides
//===----------------------------------------------------------------------===//

void EffectText::before(const Inst &inst, const Effect &effect, Warp &warp) {
  lines.clear();
  mbarrier = nullptr;
  footprint.find(inst, effect, warp);
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
    return addAccess(inst, effect, warp);
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
  case EffectKind::WmmaLoad:
  case EffectKind::WmmaStore:
    return addSpans(warp);
  case EffectKind::AsyncCopy:
    return addCopies(warp);
  case EffectKind::BulkCopy:
    addCopies(warp);
    return findMbarrier(inst, warp);
  case EffectKind::TensorCopy:
    addBoxes(warp);
    return findMbarrier(inst, warp);
  case EffectKind::StoreAsync:
    addSpans(warp);
    return findMbarrier(inst, warp);
  case EffectKind::WgmmaIssue:
    return addWgmma(inst, warp);
  case EffectKind::AsyncArrive:
    return findMbarrier(inst, warp);
  default:
    if (isMbarrier(effect.kind))
      findMbarrier(inst, warp);
    return;
  }
}

std::vector<std::string> EffectText::after(const Inst &inst,
                                           const Effect &effect, Warp &warp) {
  if (mbarrier) {
    std::string now = mbarrierText(mbarrier);
    lines.push_back("mbarrier " + mbarrierName + ": " + stateBefore +
                    (now == stateBefore ? "" : " -> " + now));
  }
  switch (effect.kind) {
  case EffectKind::BarrierSync:
  case EffectKind::BarrierArrive:
    lines.push_back(barrierLine(inst, warp));
    break;
  case EffectKind::ClusterArrive:
  case EffectKind::ClusterWait:
    lines.push_back(clusterLine(warp));
    break;
  case EffectKind::WgmmaIssue:
  case EffectKind::WgmmaCommit:
  case EffectKind::WgmmaWait:
    lines.push_back(wgmmaLine(warp));
    break;
  default:
    break;
  }
  std::erase(lines, std::string());
  return std::move(lines);
}

} // namespace tilewright::sim::debug
