//===- Session.cpp - Tools of debugging in one process --------------------===//

#include "sim/debug/Session.h"

#include "sim/debug/Profile.h"
#include "sim/debug/Timeline.h"

namespace tilewright::sim::debug {

Session::Session(Settings settings, Host host)
    : settings(std::move(settings)), host(std::move(host)) {
  if (this->settings.trace.selection)
    tools.push_back(std::make_unique<Trace>(this->settings.trace, this->host));
  if (this->settings.breakpoint.place)
    tools.push_back(
        std::make_unique<Breakpoint>(this->settings.breakpoint, this->host));
  const Settings &wish = this->settings;
  if (!wish.profilePath.empty() || !wish.annotatePath.empty())
    tools.push_back(std::make_unique<ProfileTool>(this->host, wish.profilePath,
                                                  wish.annotatePath));
  if (!wish.timelinePath.empty())
    tools.push_back(
        std::make_unique<TimelineTool>(this->host, wish.timelinePath));
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
  if (finished)
    return;
  finished = true;
  for (const std::unique_ptr<Tool> &tool : tools)
    tool->finish();
}

} // namespace tilewright::sim::debug
