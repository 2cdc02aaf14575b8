//===- MemoryCheck.cpp - Accesses lie in objects that live ----------------===//

#include "sim/check/AccessCheck.h"
#include "sim/exec/Memory.h"

namespace tilewright::sim::check {

using ptx::Space;

bool AccessCheck::isLive(uint64_t address, uint64_t bytes) {
  uint64_t now = memory.generation();
  if (now != generation) {
    std::fill(std::begin(recent), std::end(recent), LiveRange());
    generation = now;
  }
  for (const LiveRange &range : recent)
    if (range.contains(address, bytes))
      return true;
  std::optional<LiveRange> found = memory.findLive(address);
  if (!found)
    return false;
  recent[nextRecent++ % std::size(recent)] = *found;
  return found->contains(address, bytes);
}

static std::string accessText(const Span &span, uint64_t bytes,
                              const char *what) {
  const char *verb = span.reads && span.writes ? "updates"
                     : span.writes             ? "writes"
                                               : "reads";
  return std::string(what) + " " + verb + " " + std::to_string(bytes) +
         (bytes == 1 ? " byte" : " bytes") + " outside of every object";
}

/// What lies behind the last static variable is there because memory is given
/// out in larger units, and belongs to nobody.
static uint64_t endOfVariables(const Warp &warp, const Span &span) {
  const LaunchContext &launch = *warp.launch;
  return launch.launch->dynamicSharedBytes ? span.cta->sharedSize
                                           : launch.staticSharedEnd;
}

bool AccessCheck::leavesVariables(const Warp &warp, const Span &span) const {
  return span.address + span.bytes > endOfVariables(warp, span);
}

void AccessCheck::checkShared(const Inst &inst, Warp &warp, const Span &span,
                              const char *what) {
  if (!leavesVariables(warp, span))
    return;
  uint64_t end = endOfVariables(warp, span);
  uint64_t step = span.laneBytes ? span.laneBytes : span.bytes;
  uint64_t lanes = (span.address + span.bytes - end + step - 1) / step;
  uint64_t first = span.bytes - std::min(lanes * step, span.bytes);
  Finding finding = findingAt(Kind::Memory, inst, warp, span.laneAt(first),
                              accessText(span, step, what));
  finding.address = span.address + first;
  finding.object = describeShared(*span.cta, span.address + first);
  report(std::move(finding));
}

void AccessCheck::checkObject(const Inst &inst, Warp &warp, const Span &span,
                              const char *what) {
  if (span.space == Space::Shared)
    return checkShared(inst, warp, span, what);
  if (span.space != Space::Global || span.bytes == 0 ||
      isLive(span.address, span.bytes))
    return;
  uint64_t step = span.laneBytes ? span.laneBytes : span.bytes;
  for (uint64_t at = 0; at < span.bytes; at += step) {
    uint64_t address = span.address + at;
    if (isLive(address, step))
      continue;
    Finding finding = findingAt(Kind::Memory, inst, warp, span.laneAt(at),
                                accessText(span, step, what));
    finding.address = address;
    finding.object = memory.describe(address, step);
    report(std::move(finding));
  }
}

static void addRun(void *context, uint64_t address, uint32_t bytes) {
  Span span;
  span.address = address;
  span.bytes = bytes;
  static_cast<std::vector<Span> *>(context)->push_back(span);
}

void AccessCheck::checkObjects(const Inst &inst, Warp &warp) {
  for (const Span &span : footprint.spans)
    checkObject(inst, warp, span, "the access");
  for (CopySpans &copy : footprint.copies) {
    copy.from.reads = copy.to.writes = true;
    checkObject(inst, warp, copy.from, "the copy");
    checkObject(inst, warp, copy.to, "the copy");
  }
  for (const BoxTransfer &box : footprint.boxes) {
    std::vector<Span> runs;
    visitGlobalRuns(box.map, box.coordinates, addRun, &runs);
    for (Span &span : runs) {
      span.lane = box.shared.lane;
      (box.load ? span.reads : span.writes) = true;
      checkObject(inst, warp, span, "the tensor's box");
    }
  }
}

/// The lane's address, for instructions that have one.
static bool addressOf(const Inst &inst, const Effect &effect, Warp &warp,
                      uint32_t lane, uint64_t &address) {
  switch (effect.kind) {
  case EffectKind::Load:
  case EffectKind::Store:
  case EffectKind::Atomic:
  case EffectKind::Reduction:
  case EffectKind::LoadMatrix:
  case EffectKind::StoreMatrix:
  case EffectKind::TensormapReplace:
    address = laneAddress(inst, warp, static_cast<int>(lane));
    return true;
  default:
    return false;
  }
}

static bool isWgmma(EffectKind kind) {
  return kind >= EffectKind::WgmmaIssue && kind <= EffectKind::WgmmaWait;
}

/// What an address is for decides whose error a wrong one is.
static Kind kindOf(const Effect &effect, const std::string &message) {
  if (isWgmma(effect.kind))
    return Kind::Wgmma;
  return message.find("mbarrier") != std::string::npos ? Kind::Barrier
                                                       : Kind::Memory;
}

/// What the engine itself cannot do, when an address is the reason.
void AccessCheck::faulted(const Inst &inst, Warp &warp, uint32_t lane,
                          ErrorKind kind, const std::string &message) {
  const Effect &effect = warp.launch->program->effects[inst.effect];
  bool isAddress =
      kind == ErrorKind::IllegalAddress || kind == ErrorKind::MisalignedAddress;
  if (!isAddress)
    return;
  Finding finding =
      findingAt(kindOf(effect, message), inst, warp, lane, message);
  uint64_t address = 0;
  if (addressOf(inst, effect, warp, lane, address)) {
    finding.address = address;
    Space space = spaceOf(inst);
    if (space == Space::Shared || space == Space::SharedCluster)
      finding.object = describeShared(*warp.cta, address & clusterOffsetMask);
    else if (memory.contains(address))
      finding.object = memory.describe(address, effect.bytes);
  }
  report(std::move(finding));
}

} // namespace tilewright::sim::check
