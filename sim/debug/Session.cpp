//===- Session.cpp - Tools of debugging in one process --------------------===//

#include "sim/debug/Session.h"

#include <unistd.h>

namespace tilewright::sim::debug {

Session::Session(Settings settings, Host host)
    : settings(std::move(settings)), host(std::move(host)), process(getpid()) {
  // A tool for each wish.
}

void Session::addObservers(ObserverList &observers, const Launch &launch) {
  uint64_t number = ++launches;
  for (const std::unique_ptr<Tool> &tool : tools)
    observers.add(tool->watch(launch, number));
}

void Session::launchEnded() {
  for (const std::unique_ptr<Tool> &tool : tools)
    tool->launchEnded();
}

void Session::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (finished || getpid() != process)
    return;
  finished = true;
  for (const std::unique_ptr<Tool> &tool : tools)
    tool->finish();
}

} // namespace tilewright::sim::debug
