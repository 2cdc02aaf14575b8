//===- ObserverList.cpp - Several observers of one launch -----------------===//

#include "sim/exec/ObserverList.h"

#include "sim/exec/Warp.h"

namespace tilewright::sim {

void ObserverList::add(std::unique_ptr<Observer> observer) {
  if (!observer)
    return;
  bool all = observer->watchesAll();
  watchAll |= all;
  shortTurns |= observer->wantsShortTurns();
  members.push_back({std::move(observer), all});
}

void ObserverList::launchStarts(LaunchContext &launch) {
  for (const Member &member : members)
    member.observer->launchStarts(launch);
}

void ObserverList::launchEnds(LaunchContext &launch) {
  for (const Member &member : members)
    member.observer->launchEnds(launch);
}

void ObserverList::clusterStarts(Cluster &cluster) {
  for (const Member &member : members)
    member.observer->clusterStarts(cluster);
}

void ObserverList::clusterEnds(Cluster &cluster) {
  for (const Member &member : members)
    member.observer->clusterEnds(cluster);
}

void ObserverList::before(const Inst &inst, const Effect &effect, Warp &warp) {
  // The call may change what is followed; after() has to match before().
  matters = hasVisibleEffect(inst, warp);
  for (const Member &member : members)
    if (matters || member.watchesAll)
      member.observer->before(inst, effect, warp);
}

void ObserverList::after(const Inst &inst, const Effect &effect, Warp &warp,
                         Status status) {
  for (const Member &member : members)
    if (matters || member.watchesAll)
      member.observer->after(inst, effect, warp, status);
}

void ObserverList::skipped(const Inst &inst, const Effect &effect, Warp &warp) {
  bool follows = inst.effect && warp.followsValues;
  for (const Member &member : members)
    if (follows || member.watchesAll)
      member.observer->skipped(inst, effect, warp);
}

void ObserverList::faulted(const Inst &inst, Warp &warp, uint32_t lane,
                           ErrorKind kind, const std::string &message) {
  for (const Member &member : members)
    member.observer->faulted(inst, warp, lane, kind, message);
}

void ObserverList::overdue(Cluster &cluster) {
  for (const Member &member : members)
    member.observer->overdue(cluster);
}

void ObserverList::deadlocked(Cluster &cluster, const std::string &text) {
  for (const Member &member : members)
    member.observer->deadlocked(cluster, text);
}

} // namespace tilewright::sim
