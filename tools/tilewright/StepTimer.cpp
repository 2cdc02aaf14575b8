//===- StepTimer.cpp - Seconds of each kernel of a step -------------------===//

#include "tools/tilewright/StepTimer.h"

#include <algorithm>
#include <limits>

using namespace tilewright::runtime;

namespace tilewright {

Result<void> StepTimer::before(const Stream &stream, const LaunchView &launch) {
  sizes = launch.symbols;
  if (next == launches.size()) {
    TILEWRIGHT_ASSIGN(Event start, Event::create(device, Event::Timing::On));
    TILEWRIGHT_ASSIGN(Event end, Event::create(device, Event::Timing::On));
    launches.push_back({std::move(start), std::move(end), &launch.kernel,
                        std::numeric_limits<double>::infinity()});
  }
  return launches[next].start.record(stream);
}

Result<void> StepTimer::after(const Stream &stream, const LaunchView &) {
  return launches[next++].end.record(stream);
}

void StepTimer::clear() {
  launches.clear();
  next = 0;
}

void StepTimer::forgetTimes() {
  for (Launch &launch : launches)
    launch.best = std::numeric_limits<double>::infinity();
}

Result<void> StepTimer::finishStep() {
  for (Launch &launch : launches) {
    TILEWRIGHT_ASSIGN(double seconds, launch.end.secondsSince(launch.start));
    launch.best = std::min(launch.best, seconds);
  }
  next = 0;
  return success();
}

std::vector<StepTimer::KernelTime> StepTimer::byKernel() const {
  std::vector<KernelTime> times;
  std::map<const Kernel *, size_t> places;
  for (const Launch &launch : launches) {
    auto [place, isNew] = places.try_emplace(launch.kernel, times.size());
    if (isNew)
      times.push_back({launch.kernel});
    KernelTime &time = times[place->second];
    ++time.launches;
    time.seconds += launch.best;
  }
  return times;
}

} // namespace tilewright
