//===- Checker.cpp - The observers of one checked launch ------------------===//

#include "sim/check/Checker.h"

#include "sim/check/AccessCheck.h"
#include "sim/check/OrderCheck.h"
#include "sim/check/Session.h"
#include "sim/exec/ObserverList.h"

namespace tilewright::sim::check {

/// Whether OrderCheck has anything to find.
static bool checksOrder(const KindSet &kinds) {
  for (Kind kind : {Kind::Race, Kind::Proxy, Kind::Wgmma, Kind::Barrier,
                    Kind::Cluster, Kind::Deadlock, Kind::Divergence})
    if (kinds.has(kind))
      return true;
  return false;
}

void addChecks(Session &session, MemoryState &memory, ObserverList &observers,
               TouchedParts *touched) {
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
    observers.add(std::make_unique<AccessCheck>(memory, kinds, report));
  if (checksOrder(kinds))
    observers.add(std::make_unique<OrderCheck>(launch, report, touched));
}

} // namespace tilewright::sim::check
