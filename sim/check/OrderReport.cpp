//===- OrderReport.cpp - Findings of the order check ----------------------===//

#include "sim/check/AccessCheck.h"
#include "sim/check/OrderCheck.h"

#include "sim/exec/ops/BarrierOps.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::check {

/// Findings of one pair of instructions that are passed on; they fold into one
/// record, and a broken inner loop would make millions.
static constexpr uint32_t repeatsPassed = 10000;

static Dim3 threadAt(const LaunchContext &launch, uint32_t warpInCta,
                     uint32_t lane) {
  const Dim3 &block = launch.launch->block;
  uint32_t linear = warpInCta * laneCount + lane;
  return {linear % block.x, linear / block.x % block.y,
          linear / block.x / block.y};
}

/// Blocks of a cluster by its place in the grid.
static Dim3 blockAt(const LaunchContext &launch, uint32_t cluster,
                    uint32_t rank) {
  const Dim3 &grid = launch.launch->grid, &shape = launch.cluster;
  uint32_t nx = grid.x / shape.x, ny = grid.y / shape.y;
  return {cluster % nx * shape.x + rank % shape.x,
          cluster / nx % ny * shape.y + rank / shape.x % shape.y,
          cluster / nx / ny * shape.z + rank / shape.x / shape.y};
}

static std::string tupleText(const Dim3 &dim) {
  return "(" + std::to_string(dim.x) + "," + std::to_string(dim.y) + "," +
         std::to_string(dim.z) + ")";
}

Finding OrderCheck::finding(Kind kind, const Inst &inst, const Warp &warp,
                            uint32_t lane, std::string message) const {
  Finding found;
  found.kind = kind;
  found.launch = launchNumber;
  found.kernel = launch->launch->kernel->name;
  found.place = {&launch->program->source, inst.location};
  found.block = warp.cta->id;
  found.thread = threadAt(*launch, warp.index, lane);
  found.message = std::move(message);
  return found;
}

void OrderCheck::setOther(Finding &finding, uint32_t cluster, uint32_t warp,
                          uint32_t lane, uint32_t pc) const {
  finding.other = {&launch->program->source, code(pc).location};
  finding.otherBlock = blockAt(*launch, cluster, warp / launch->warpsPerCta);
  finding.otherThread = threadAt(*launch, warp % launch->warpsPerCta, lane);
}

void OrderCheck::setOther(Finding &finding, const ClusterState &cluster,
                          uint32_t warp, uint32_t lane, uint32_t pc) const {
  setOther(finding, cluster.number, warp, lane, pc);
}

void OrderCheck::nameShared(Finding &finding, const Cta &cta,
                            uint64_t offset) const {
  finding.address = offset;
  finding.object =
      describeShared(cta, offset) + " of block " + tupleText(cta.id);
}

void OrderCheck::report(Finding finding) {
  uint32_t &count = repeats[{finding.place.location, finding.other.location,
                             static_cast<uint32_t>(finding.kind)}];
  if (++count <= repeatsPassed)
    sink(std::move(finding));
}

//===----------------------------------------------------------------------===//
// Conflicts
//===----------------------------------------------------------------------===//

/// The instruction as people call it: opcode and modifiers up to the type.
std::string OrderCheck::nameOf(const Inst &inst) const {
  std::string_view text = launch->program->source.text();
  size_t at = inst.location;
  size_t end = text.find_first_of(" \t\n;", at);
  std::string name(text.substr(at, end - at));
  // The long tails of copies say little.
  static constexpr std::string_view known[] = {"cp.reduce.async.bulk.tensor",
                                               "cp.reduce.async.bulk",
                                               "cp.async.bulk.tensor",
                                               "cp.async.bulk",
                                               "wgmma.mma_async",
                                               "cp.async",
                                               "st.async",
                                               "red.async"};
  for (std::string_view each : known)
    if (name.starts_with(each))
      return std::string(each);
  return name;
}

static const char *verb(bool writes) { return writes ? "writes" : "reads"; }

/// What would have waited for an asynchronous operation to be done with memory.
static std::string missingWait(Method method, bool otherWrites, bool inGroup) {
  switch (method) {
  case Method::AsyncCopy:
    return inGroup ? "no cp.async.wait_group (and, for other threads, no "
                     "barrier after it)"
                   : "no wait for the mbarrier's phase";
  case Method::Wgmma:
    return "no wgmma.wait_group";
  default:
    break;
  }
  if (!inGroup)
    return "no wait for the mbarrier's phase that it completes";
  return otherWrites ? "no cp.async.bulk.wait_group"
                     : "no cp.async.bulk.wait_group.read";
}

/// Whether a lane's earlier access and its own asynchronous operation, or what
/// it knows through the generic proxy, are ordered but for the proxy. cp.async
/// writes through the generic proxy and counts as an access once it was waited
/// for.
bool OrderCheck::orderedGenerically(const Accessor &who,
                                    const AccessRecord &other,
                                    uint32_t otherLanes, uint32_t lanes) const {
  if (!isAsyncProxy(who.record.method) ||
      (isAsync(other.method) && other.method != Method::AsyncCopy))
    return false;
  Accessor generic = who;
  generic.mapAddress = 0;
  generic.clock = who.generic;
  generic.record.method = Method::Generic;
  return ordered(generic, other, otherLanes, lanes) ||
         (!isAsync(other.method) && other.cluster == who.record.cluster &&
          other.warp == who.record.warp && (otherLanes & ~who.lanes) == 0 &&
          who.record.method == Method::Wgmma);
}

/// Which of the two fences is missing behind what was written to a tensor map.
std::string OrderCheck::missingMapFence(const Conflict &conflict) const {
  AccessRecord other = conflict.other;
  other.releasesMap = true;
  if (ordered(conflict.who, other, conflict.otherLanes, conflict.lanes))
    return "no fence.proxy.tensormap with release between this " +
           conflict.them + " and the acquire of the tensor map that the " +
           conflict.self + " uses";
  return "no fence.proxy.tensormap with acquire of this address between the " +
         conflict.them + " and the " + conflict.self +
         " that uses the tensor map";
}

/// Ordered but for the proxy.
void OrderCheck::describeProxy(const Conflict &conflict, Finding &found) const {
  found.kind = Kind::Proxy;
  std::string ends =
      " between this " + conflict.them + " and the " + conflict.self;
  if (conflict.who.mapAddress)
    found.message = missingMapFence(conflict);
  else
    found.message = "no fence.proxy.async" + ends + " that " +
                    verb(conflict.writes) + " the same bytes";
  // Readers are ordered before the copy by what they arrived on; only the
  // letter asks for a fence. So it does behind a cp.async that was waited for,
  // where Triton's products and others have none.
  if (!conflict.otherWrites || conflict.other.method == Method::AsyncCopy ||
      conflict.other.method == Method::Mbarrier)
    found.severity = Severity::Formal;
}

/// Two lanes of a warp. False for what harms nobody.
bool OrderCheck::describeLanes(const Conflict &conflict, uint32_t lane,
                               uint32_t otherLane, Finding &found) const {
  const Accessor &who = conflict.who;
  if (conflict.sameInstruction && conflict.writes && conflict.otherWrites &&
      who.effect->kind == EffectKind::Store) {
    // One of the lanes wins (ISA 8.7 calls it a race, the programming guide
    // says that the value is undefined).
    found.severity = Severity::Formal;
    found.message = "lanes of one " + conflict.self +
                    " write different values to the same bytes";
    return !sameValue(who, lane, otherLane);
  }
  if (bothDiscard(conflict))
    found.severity = Severity::Formal;
  found.message = "no bar.warp.sync orders this " + conflict.self +
                  " behind the " + conflict.them +
                  " of another lane of the warp";
  if (conflict.other.time <= who.state->exchangeTime &&
      (conflict.otherLanes & ~who.state->exchangeLanes) == 0) {
    found.severity = Severity::Formal;
    found.message += "; a shuffle, vote or elect in between orders no memory";
  } else if (bothMatrices(conflict)) {
    found.severity = Severity::Formal;
    found.message += "; each is one operation of the whole warp, which is "
                     "relied on, but .sync orders no memory";
  }
  return true;
}

/// Both move matrices for all lanes at once. A warp issues such instructions
/// one after the other, and CUTLASS's epilogues rely on it.
bool OrderCheck::bothMatrices(const Conflict &conflict) const {
  auto isMatrix = [](EffectKind kind) {
    return kind == EffectKind::LoadMatrix || kind == EffectKind::StoreMatrix;
  };
  return isMatrix(conflict.who.effect->kind) &&
         isMatrix(kindOf(code(conflict.other.pc)));
}

/// Neither leaves a value.
bool OrderCheck::bothDiscard(const Conflict &conflict) const {
  return conflict.who.effect->kind == EffectKind::Discard &&
         kindOf(code(conflict.other.pc)) == EffectKind::Discard;
}

/// Threads of different warps.
void OrderCheck::describeThreads(const Conflict &conflict, uint32_t lane,
                                 Finding &found) const {
  const AccessRecord &mine = conflict.who.record, &other = conflict.other;
  std::string what =
      " that " + std::string(verb(conflict.otherWrites)) + " the same bytes";
  bool otherBlock =
      other.cluster != mine.cluster ||
      other.warp / launch->warpsPerCta != mine.warp / launch->warpsPerCta;
  if (other.order != MemoryOrder::Weak && mine.order != MemoryOrder::Weak)
    found.message = "the scope of this " + conflict.self + " or of the " +
                    conflict.them + what + " does not include the other thread";
  else
    found.message = (otherBlock ? "nothing" : "no barrier") +
                    (" orders this " + conflict.self) + " behind the " +
                    conflict.them + (otherBlock ? " of another block" : "") +
                    what;
  if (conflict.writes && !conflict.otherWrites &&
      orderedBy(&View::hinted, conflict.who, other, conflict.otherLanes,
                lane)) {
    found.severity = Severity::Formal;
    found.message += "; a relaxed store without a fence tells of it";
  }
  if (orderedBy(&View::counted, conflict.who, other, conflict.otherLanes,
                lane)) {
    found.severity = Severity::Formal;
    found.message += "; a fence is missing behind the atomic that has seen it";
  }
  // Threads that store what is there already do no harm.
  if (conflict.writes && conflict.otherWrites &&
      (storesWhatIsThere(conflict.who, lane) || bothDiscard(conflict)))
    found.severity = Severity::Formal;
}

void OrderCheck::reportConflict(Conflict conflict, uint64_t address,
                                bool isGlobal) {
  const Accessor &who = conflict.who;
  const AccessRecord &other = conflict.other;
  auto lane = static_cast<uint32_t>(std::countr_zero(conflict.lanes));
  auto otherLane = static_cast<uint32_t>(std::countr_zero(conflict.otherLanes));
  bool sameWarp =
      other.cluster == who.record.cluster && other.warp == who.record.warp;
  // The accesses must be of different lanes.
  if (sameWarp && lane == otherLane && !isAsync(other.method) &&
      !isAsync(who.record.method) && !std::has_single_bit(conflict.otherLanes))
    otherLane = static_cast<uint32_t>(
        std::countr_zero(conflict.otherLanes & ~(1u << lane)));
  Finding found = finding(Kind::Race, *who.inst, *who.warp, lane, {});
  conflict.self = nameOf(*who.inst);
  conflict.them = nameOf(code(other.pc));

  if (orderedGenerically(who, other, conflict.otherLanes, conflict.lanes)) {
    describeProxy(conflict, found);
  } else if (isAsync(other.method)) {
    if (other.method == Method::Wgmma)
      found.kind = Kind::Wgmma;
    found.message = missingWait(other.method, conflict.otherWrites,
                                completesInGroup(code(other.pc))) +
                    " orders this " + conflict.self + " behind the " +
                    conflict.them + " that " + verb(conflict.otherWrites) +
                    " the same bytes";
    if (mapIsFree(conflict)) {
      found.severity = Severity::Formal;
      found.message += "; a cp.async.bulk.wait_group.read, which is relied on, "
                       "waits for copies of its groups only";
    }
  } else if (!sameWarp) {
    describeThreads(conflict, lane, found);
  } else if (!describeLanes(conflict, lane, otherLane, found)) {
    return;
  }
  if (endsBehindSome(who, other, conflict.otherLanes))
    found.severity = Severity::Formal;
  if (isGlobal) {
    found.address = address + reinterpret_cast<uint64_t>(launch->memory.base);
  } else {
    ClusterState &cluster = stateOf(*who.warp->cta->cluster);
    auto rank = static_cast<size_t>(address / cluster.sharedStride);
    nameShared(found, cluster.cluster->ctas[rank],
               address % cluster.sharedStride);
  }
  setOther(found, other.cluster, other.warp, otherLane, other.pc);
  report(std::move(found));
}

/// A load reads a tensor map and completes on an mbarrier, but its thread has
/// waited for bulk groups since: CUTLASS's tma_desc_wait_group, by which "all
/// TMA descriptor previously issued are safe to be modified".
bool OrderCheck::mapIsFree(const Conflict &conflict) const {
  AccessRecord other = conflict.other;
  const Accessor &who = conflict.who;
  if (!other.mapGroup || other.cluster != who.record.cluster)
    return false;
  const ClusterState &cluster = *clusters.at(who.warp->cta->cluster);
  auto issuer = static_cast<uint32_t>(std::countr_zero(conflict.otherLanes));
  auto groups = cluster.warps[other.warp].bulk.find(issuer);
  if (groups == cluster.warps[other.warp].bulk.end())
    return false;
  other.agent = groups->second.readAgent;
  other.time = other.mapGroup;
  return ordered(who, other, conflict.otherLanes, conflict.lanes);
}

/// Whether the other access would be ordered if `part` of the lane's view were
/// known to it.
bool OrderCheck::orderedBy(ClockRef View::*part, const Accessor &who,
                           const AccessRecord &other, uint32_t otherLanes,
                           uint32_t lane) const {
  for (const LaneGroup &group : who.state->groups)
    if (group.lanes >> lane & 1) {
      Accessor told = who;
      told.clock = group.view.*part;
      return ordered(told, other, otherLanes, 1u << lane);
    }
  return false;
}

/// An mbarrier.inval behind some of the lanes that used the object together:
/// cuda::pipeline lets one lane of a match.any speak for the others.
bool OrderCheck::endsBehindSome(const Accessor &who, const AccessRecord &other,
                                uint32_t otherLanes) const {
  if (who.record.method != Method::Mbarrier || other.method != Method::Mbarrier)
    return false;
  for (; otherLanes; otherLanes &= otherLanes - 1)
    if (ordered(who, other, otherLanes & -otherLanes, who.lanes))
      return true;
  return false;
}

bool OrderCheck::completesInGroup(const Inst &inst) const {
  switch (kindOf(inst)) {
  case EffectKind::AsyncCopy:
    return true;
  case EffectKind::BulkCopy:
    return static_cast<const BulkSpec *>(inst.aux)->completion ==
           BulkCompletion::Group;
  case EffectKind::TensorCopy:
    return !static_cast<const TensorCopySpec *>(inst.aux)->load;
  default:
    return false;
  }
}

/// Registers that a store writes, as bytes of one lane.
static bool valueOf(const Accessor &who, uint32_t lane,
                    std::vector<std::byte> &out) {
  const Inst &inst = *who.inst;
  const auto *refs = static_cast<const VectorRefs *>(inst.aux);
  uint32_t count = refs ? refs->count : 1;
  uint32_t element = who.effect->bytes / count;
  for (uint32_t i = 0; i < count; ++i) {
    Ref ref = refs ? refs->refs[i] : inst.d;
    uint64_t value = who.effect->row64 ? who.warp->row64<uint64_t>(ref)[lane]
                                       : who.warp->row32<uint32_t>(ref)[lane];
    const auto *bytes = reinterpret_cast<const std::byte *>(&value);
    out.insert(out.end(), bytes, bytes + std::min<uint32_t>(element, 8));
  }
  return true;
}

bool OrderCheck::sameValue(const Accessor &who, uint32_t lane,
                           uint32_t otherLane) const {
  std::vector<std::byte> mine, theirs;
  valueOf(who, lane, mine);
  valueOf(who, otherLane, theirs);
  return mine == theirs;
}

bool OrderCheck::storesWhatIsThere(const Accessor &who, uint32_t lane) const {
  if (who.rowAt)
    return std::memcmp(who.row.data(), who.rowAt, who.row.size()) == 0;
  if (!who.at || who.effect->kind != EffectKind::Store)
    return false;
  const std::byte *at = who.at->of(lane, who.effect->bytes);
  std::vector<std::byte> value;
  valueOf(who, lane, value);
  return std::memcmp(value.data(), at, value.size()) == 0;
}

} // namespace tilewright::sim::check
