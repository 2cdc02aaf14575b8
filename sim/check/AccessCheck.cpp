//===- AccessCheck.cpp - Accesses against objects and written bytes -------===//

#include "sim/check/AccessCheck.h"

#include <bit>

namespace tilewright::sim::check {

static Dim3 threadOf(const Warp &warp, uint32_t lane) {
  const Dim3 &block = warp.launch->launch->block;
  uint32_t linear = warp.index * laneCount + lane;
  return {linear % block.x, linear / block.x % block.y,
          linear / block.x / block.y};
}

Finding findingAt(Kind kind, const Inst &inst, const Warp &warp, uint32_t lane,
                  std::string message) {
  Finding finding;
  finding.kind = kind;
  finding.kernel = warp.launch->launch->kernel->name;
  finding.place = {&warp.launch->program->source, inst.location};
  finding.block = warp.cta->id;
  finding.thread = threadOf(warp, lane);
  finding.message = std::move(message);
  return finding;
}

std::string describeShared(const Cta &cta, uint64_t offset) {
  const LaunchContext &launch = *cta.launch;
  for (const SharedVariable &variable :
       launch.launch->kernel->code->sharedVariables)
    if (offset - variable.offset < variable.size)
      return std::to_string(offset - variable.offset) +
             " bytes into shared variable '" + demangled(variable.name) +
             "' of " + std::to_string(variable.size) + " bytes";
  if (launch.launch->dynamicSharedBytes && offset >= launch.staticSharedEnd &&
      offset < cta.sharedSize)
    return std::to_string(offset - launch.staticSharedEnd) +
           " bytes into dynamic shared memory of " +
           std::to_string(cta.sharedSize - launch.staticSharedEnd) + " bytes";
  return "byte " + std::to_string(offset) + " of shared memory of " +
         std::to_string(cta.sharedSize) + " bytes";
}

void AccessCheck::clusterStarts(Cluster &cluster) {
  if (!checksWrites)
    return;
  for (const Cta &cta : cluster.ctas) {
    WrittenBits &bits = sharedBits(cta);
    bits.reset(cta.sharedSize);
    // What the system keeps at the start is not the program's to write.
    bits.mark(0, cta.launch->config->sharedReservedPerBlock);
  }
}

void AccessCheck::clusterEnds(Cluster &cluster) {
  for (const Cta &cta : cluster.ctas) {
    shared.erase(&cta);
    for (const Warp &warp : cta.warps) {
      local.erase(&warp);
      values.forget(warp);
    }
  }
}

/// A store that the host and other launches see.
static bool storesGlobally(const Effect &effect, const Footprint &footprint) {
  if (effect.kind != EffectKind::Store)
    return effect.kind == EffectKind::StoreAsync;
  if (footprint.hasHull)
    return footprint.hull.space == ptx::Space::Global;
  for (const Span &span : footprint.spans)
    if (span.space == ptx::Space::Global)
      return true;
  return false;
}

/// Whether all bytes between the lanes' lowest and highest are of one object,
/// and written, so that neither reads nor writes have to be looked at.
bool AccessCheck::isHarmless(Warp &warp, const Span &hull) {
  constexpr uint64_t quick = 1 << 16;
  bool global = hull.space == ptx::Space::Global;
  if (checksMemory && global && !isLive(hull.address, hull.bytes))
    return false;
  if (checksMemory && !global && leavesVariables(warp, hull))
    return false;
  return !checksWrites ||
         (hull.bytes <= quick && isWritten(warp, hull, 0, hull.bytes));
}

void AccessCheck::before(const Inst &inst, const Effect &effect, Warp &warp) {
  if (!checksMemory && !checksWrites)
    return;
  footprint.find(inst, effect, warp);
  if (footprint.hasHull && !isHarmless(warp, footprint.hull))
    footprint.expand(inst, effect, warp);
  if (checksWrites && effect.undefined)
    report(findingAt(Kind::Initialization, inst, warp,
                     static_cast<uint32_t>(std::countr_zero(warp.mask)),
                     "register " + *effect.undefined +
                         " is read, which no path to here has written"));
  if (checksMemory)
    checkObjects(inst, warp);
  if (checksWrites)
    values.before(inst, effect, warp, storesGlobally(effect, footprint));
}

void AccessCheck::after(const Inst &inst, const Effect &effect, Warp &warp,
                        Status status) {
  if (!checksWrites || status == Status::Block || status == Status::Fault)
    return;
  values.after(effect, warp);
  checkReads(inst, effect, warp);
  markWrites(inst, effect, warp);
}

void AccessCheck::skipped(const Inst &inst, const Effect &effect, Warp &warp) {
  if (checksWrites)
    values.skipped(inst, effect, warp);
}

} // namespace tilewright::sim::check
