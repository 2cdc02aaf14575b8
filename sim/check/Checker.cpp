//===- Checker.cpp - The observer of one checked launch -------------------===//

#include "sim/check/Checker.h"

#include "sim/check/AccessCheck.h"
#include "sim/check/OrderCheck.h"
#include "sim/check/Session.h"

namespace tilewright::sim::check {

void Checker::launchStarts(LaunchContext &launch) {
  for (const auto &check : checks)
    check->launchStarts(launch);
}

void Checker::launchEnds(LaunchContext &launch) {
  for (const auto &check : checks)
    check->launchEnds(launch);
}

void Checker::clusterStarts(Cluster &cluster) {
  for (const auto &check : checks)
    check->clusterStarts(cluster);
}

void Checker::clusterEnds(Cluster &cluster) {
  for (const auto &check : checks)
    check->clusterEnds(cluster);
}

void Checker::before(const Inst &inst, const Effect &effect, Warp &warp) {
  for (const auto &check : checks)
    check->before(inst, effect, warp);
}

void Checker::after(const Inst &inst, const Effect &effect, Warp &warp,
                    Status status) {
  for (const auto &check : checks)
    check->after(inst, effect, warp, status);
}

void Checker::skipped(const Inst &inst, const Effect &effect, Warp &warp) {
  for (const auto &check : checks)
    check->skipped(inst, effect, warp);
}

void Checker::faulted(const Inst &inst, Warp &warp, uint32_t lane,
                      ErrorKind kind, const std::string &message) {
  for (const auto &check : checks)
    check->faulted(inst, warp, lane, kind, message);
}

void Checker::deadlocked(Cluster &cluster, const std::string &text) {
  for (const auto &check : checks)
    check->deadlocked(cluster, text);
}

/// Whether OrderCheck has anything to find.
static bool checksOrder(const KindSet &kinds) {
  for (Kind kind : {Kind::Race, Kind::Proxy, Kind::Wgmma, Kind::Barrier,
                    Kind::Cluster, Kind::Deadlock, Kind::Divergence})
    if (kinds.has(kind))
      return true;
  return false;
}

std::unique_ptr<Observer> makeChecker(Session &session, MemoryState &memory) {
  auto checker = std::make_unique<Checker>();
  const KindSet &kinds = session.kinds();
  uint64_t launch = session.nextLaunch();
  auto report = [&session, &memory, launch](Finding finding) {
    finding.launch = launch;
    if (finding.address && finding.object.empty() &&
        memory.contains(*finding.address))
      finding.object = memory.describe(*finding.address, 1);
    session.add(std::move(finding));
  };
  // Wrong addresses of products and barriers are met there too.
  if (kinds.has(Kind::Memory) || kinds.has(Kind::Initialization) ||
      kinds.has(Kind::Wgmma) || kinds.has(Kind::Barrier))
    checker->addCheck(std::make_unique<AccessCheck>(memory, kinds, report));
  if (checksOrder(kinds))
    checker->addCheck(std::make_unique<OrderCheck>(launch, report));
  return checker;
}

} // namespace tilewright::sim::check
