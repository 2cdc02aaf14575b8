//===- Checks.cpp - What the driver does for the checks -------------------===//

#include "sim/driver/Checks.h"

#include "sim/check/Checker.h"
#include "sim/driver/Device.h"
#include "sim/driver/Ordering.h"

#include <cstdio>
#include <cstdlib>

namespace tilewright::sim::driver {

using check::Finding;
using check::Kind;

/// Bytes behind every allocation, and of released blocks that are kept back.
static constexpr uint64_t kRedZone = Arena::kGranularity;
static constexpr uint64_t kQuarantine = uint64_t(1) << 30;

std::optional<check::Settings> checksOfEnvironment(std::string &error) {
  const char *kinds = getenv("TILEWRIGHT_SIM_CHECK");
  const char *json = getenv("TILEWRIGHT_SIM_CHECK_JSON");
  if (!kinds || !*kinds)
    return std::nullopt;
  return check::parseSettings(kinds, json ? json : "", error);
}

Checks::Checks(check::Settings settings)
    : session(std::move(settings),
              [](const std::string &text) {
                fwrite(text.data(), 1, text.size(), stderr);
              }),
      launchOrder([this](Finding finding) {
        finding.object = memory.describe(*finding.address, 1);
        session.add(std::move(finding));
      }) {}

bool Checks::open(const AddressSpace &space) {
  return memory.open(reinterpret_cast<uint64_t>(space.base()), space.size(),
                     session.kinds().has(Kind::Initialization));
}

void Checks::guard(Arena &arena) { arena.guard({this, kRedZone, kQuarantine}); }

static const char *callOf(MemoryKind kind) {
  switch (kind) {
  case MemoryKind::Device:
    return "cuMemAlloc";
  case MemoryKind::Pool:
    return "cuMemAllocAsync";
  case MemoryKind::ModuleVariable:
    return "variable";
  case MemoryKind::PinnedHost:
    return "cuMemHostAlloc";
  case MemoryKind::Managed:
    return "cuMemAllocManaged";
  }
  return "memory";
}

std::string describe(const Allocation &allocation) {
  return callOf(kindOf(allocation)) + std::string(" of ") +
         std::to_string(allocation.size) + " bytes, allocation #" +
         std::to_string(allocation.id);
}

std::string shortName(const Allocation &allocation) {
  return callOf(kindOf(allocation)) + std::string(" #") +
         std::to_string(allocation.id);
}

void Checks::allocated(const Allocation &allocation) {
  MemoryKind kind = kindOf(allocation);
  // The host writes to what it shares without telling; variables start as zero.
  bool startsWritten = kind != MemoryKind::Device && kind != MemoryKind::Pool;
  memory.allocated({allocation.address, allocation.size, describe(allocation)},
                   startsWritten);
  launchOrder.forget(allocation.address, allocation.size);
  if (kind == MemoryKind::PinnedHost || kind == MemoryKind::Managed)
    launchOrder.sharedWithHost(allocation.address, allocation.size);
}

void Checks::released(const Allocation &allocation) {
  memory.released(allocation.address);
}

void Checks::named(const sim::Module &module, const std::string &moduleName) {
  for (const auto &[name, variable] : module.globals())
    memory.rename(variable.address, "variable '" + check::demangled(name) +
                                        "' of " +
                                        std::to_string(variable.size) +
                                        " bytes in " + moduleName);
}

/// Calls `visit(offset of the row in target, in source)` for each row.
template <typename Visit>
static void eachRow(const PitchedBox &target, const PitchedBox &source,
                    const Extent &extent, const Visit &visit) {
  for (uint64_t z = 0; z < extent.depth; ++z)
    for (uint64_t y = 0; y < extent.height; ++y)
      visit(target.address + z * target.slicePitch + y * target.rowPitch,
            source.address + z * source.slicePitch + y * source.rowPitch);
}

void Checks::copied(const PitchedBox &target, const PitchedBox &source,
                    const Extent &extent) {
  if (memory.writtenBytes())
    eachRow(target, source, extent, [&](uint64_t to, uint64_t from) {
      memory.copied(to, from, extent.width);
    });
  touchRows(target, source, extent, "copy", true);
  touchRows(source, target, extent, "copy", false);
}

void Checks::filled(const PitchedBox &target, const Extent &extent) {
  if (memory.writtenBytes())
    eachRow(target, {}, extent,
            [&](uint64_t to, uint64_t) { memory.written(to, extent.width); });
  touchRows(target, {}, extent, "fill", true);
}

/// What the operation that runs on this thread does to the rows of `box`.
void Checks::touchRows(const PitchedBox &box, const PitchedBox &other,
                       const Extent &extent, const char *what, bool writes) {
  OrderedRun *run = OrderedRun::current();
  if (!run || !memory.contains(box.address))
    return;
  check::Touched &touched = run->touched.rest;
  auto toucher = static_cast<uint32_t>(touched.touchers.size());
  check::Toucher copy;
  copy.name = what;
  copy.writes = writes;
  touched.touchers.push_back(std::move(copy));
  eachRow(box, other, extent, [&](uint64_t address, uint64_t) {
    touched.add(address, extent.width, toucher);
  });
}

void Checks::watchOrder() {
  if (session.kinds().has(Kind::Race))
    launchOrder.watch();
}

void Checks::orderEnds(const check::LaunchOrder::Handle &operation,
                       check::TouchedParts touched,
                       std::shared_ptr<const void> owner) {
  if (launchOrder.ends(operation, std::move(touched), std::move(owner)))
    session.report();
}

void Checks::hostAccess(const std::string &what, uint64_t address,
                        uint64_t bytes) {
  // Where it leaves its object, not where it begins.
  if (auto live = memory.findLive(address);
      live && live->contains(address, bytes))
    return;
  Finding finding;
  finding.address = address;
  finding.object = memory.describe(address, bytes);
  finding.message = what + " leaves its allocation";
  session.add(std::move(finding));
  session.report();
}

void Checks::hostFree(uint64_t address) {
  Finding finding;
  finding.address = address;
  finding.object = memory.describe(address, 1);
  finding.message = "memory is freed that is not, or no longer, allocated at "
                    "this address";
  session.add(std::move(finding));
  session.report();
}

void Checks::addObservers(ObserverList &observers) {
  OrderedRun *run = OrderedRun::current();
  check::addChecks(session, memory, observers, run ? &run->touched : nullptr);
}

} // namespace tilewright::sim::driver
