//===- ValueTaint.cpp - Registers that hold what nobody wrote -------------===//

#include "sim/check/ValueTaint.h"

#include "sim/check/AccessCheck.h"
#include "sim/exec/Lanes.h"

#include <bit>

namespace tilewright::sim::check {

using File = RegisterUse::File;
using Rule = RegisterUse::Rule;

/// Frames share the files, so rows are told apart by their place there.
uint64_t ValueTaint::keyOf(Warp &warp, const Register &reg) {
  const Frame &frame = warp.frame();
  uint32_t base = reg.file == File::Row32   ? frame.base32
                  : reg.file == File::Row64 ? frame.base64
                                            : frame.basePredicate;
  return uint64_t(reg.file) << 32 | (base + reg.ref);
}

ValueTaint::Taint *ValueTaint::find(Warp &warp, const Register &reg) {
  auto registers = warps.find(&warp);
  if (!reg || registers == warps.end())
    return nullptr;
  auto found = registers->second.find(keyOf(warp, reg));
  return found == registers->second.end() ? nullptr : &found->second;
}

uint32_t ValueTaint::lanesOf(Warp &warp, const Register &reg) {
  const Taint *taint = find(warp, reg);
  return taint ? taint->lanes : 0;
}

/// Of `lanes`, those in `tainted` become so and the others clean.
void ValueTaint::set(Warp &warp, const Register &reg, uint32_t lanes,
                     uint32_t tainted, const Origins &origins) {
  if (!reg)
    return;
  Registers &registers = warps[&warp];
  uint64_t key = keyOf(warp, reg);
  auto known = registers.find(key);
  uint32_t old = known == registers.end() ? 0 : known->second.lanes;
  uint32_t now = (old & ~lanes) | (tainted & lanes);
  if (now == 0) {
    if (known != registers.end())
      registers.erase(known);
  } else {
    Taint &taint = registers[key];
    taint.lanes = now;
    eachLane(tainted & lanes,
             [&](uint32_t lane) { taint.origins[lane] = origins[lane]; });
  }
  warp.followsValues = !registers.empty();
}

/// The value has an effect at `inst`; it is not followed any further.
void ValueTaint::show(const Inst &inst, Warp &warp, const Register &reg,
                      uint32_t lanes) {
  Taint *taint = find(warp, reg);
  if (!taint || !(taint->lanes & lanes))
    return;
  uint32_t seen = taint->lanes & lanes;
  Origins origins = taint->origins;
  eachLane(seen, [&](uint32_t lane) {
    Finding finding = *origins[lane];
    Finding use = findingAt(finding.kind, inst, warp, lane, "");
    finding.other = use.place;
    finding.otherBlock = use.block;
    finding.otherThread = use.thread;
    finding.message += ", and the value is used";
    report(std::move(finding));
  });
  set(warp, reg, seen, 0, {});
}

static uint32_t valueOf(const Warp &warp, const RegisterUse::Register &reg) {
  uint32_t value = warp.predicates[reg.ref];
  return reg.negated ? ~value : value;
}

/// Lanes in which what the instruction computes hangs on such a value.
uint32_t ValueTaint::resultLanes(const RegisterUse &use, Warp &warp) {
  uint32_t any = 0;
  for (const Register &source : use.sources)
    if (const Taint *taint = find(warp, source)) {
      any |= taint->lanes;
      eachLane(taint->lanes, [&](uint32_t lane) {
        pendingOrigins[lane] = taint->origins[lane];
      });
    }
  if (!any || use.rule == Rule::Defined)
    return 0;
  if (use.rule == Rule::Any || use.sources.size() < 2)
    return any;
  uint32_t a = lanesOf(warp, use.sources[0]);
  uint32_t b = lanesOf(warp, use.sources[1]);
  uint32_t av = 0, bv = 0, c = 0, cv = 0;
  if (use.rule == Rule::And || use.rule == Rule::Or) {
    // Constants are no registers here; they decide nothing then.
    av = use.sources[0] ? valueOf(warp, use.sources[0]) : 0;
    bv = use.sources[1] ? valueOf(warp, use.sources[1]) : 0;
    uint32_t decides = use.rule == Rule::And ? 0 : allLanes;
    uint32_t byA = use.sources[0] ? ~a & ~(av ^ decides) : 0;
    uint32_t byB = use.sources[1] ? ~b & ~(bv ^ decides) : 0;
    return (a | b) & ~byA & ~byB;
  }
  if (use.sources.size() < 3 || !use.sources[2])
    return any;
  c = lanesOf(warp, use.sources[2]);
  cv = valueOf(warp, use.sources[2]);
  if (use.rule == Rule::Select)
    return c | (a & cv) | (b & ~cv);
  uint32_t passes = use.rule == Rule::CompareAnd ? cv : ~cv;
  return c | ((a | b) & passes);
}

void ValueTaint::before(const Inst &inst, const Effect &effect, Warp &warp,
                        bool storesOutside) {
  pending = 0;
  if (!effect.use || !warp.followsValues)
    return;
  const RegisterUse &use = *effect.use;
  show(inst, warp, use.guard, warp.active);
  for (const Register &reg : use.addresses)
    show(inst, warp, reg, warp.mask);
  if (use.shows || storesOutside)
    for (const Register &reg : use.sources)
      show(inst, warp, reg, warp.mask);
  pending = resultLanes(use, warp);
}

void ValueTaint::after(const Effect &effect, Warp &warp) {
  if (!effect.use || !warp.followsValues)
    return;
  for (const Register &reg : effect.use->results)
    set(warp, reg, warp.mask, pending, pendingOrigins);
}

void ValueTaint::skipped(const Inst &inst, const Effect &effect, Warp &warp) {
  if (effect.use)
    show(inst, warp, effect.use->guard, warp.active);
}

void ValueTaint::load(const Effect &effect, Warp &warp, uint32_t lane,
                      uint32_t element, Finding origin) {
  if (!effect.use || element >= effect.use->results.size())
    return report(std::move(origin));
  // Results are clean by now: this load itself was here, with lower bytes.
  const Register &result = effect.use->results[element];
  if (lanesOf(warp, result) >> lane & 1)
    return;
  Origins origins;
  origins[lane] = std::make_shared<const Finding>(std::move(origin));
  set(warp, result, 1u << lane, 1u << lane, origins);
}

uint32_t ValueTaint::storedLanes(const Effect &effect, Warp &warp,
                                 uint32_t element) {
  if (!effect.use || element >= effect.use->sources.size())
    return 0;
  return lanesOf(warp, effect.use->sources[element]) & warp.mask;
}

} // namespace tilewright::sim::check
