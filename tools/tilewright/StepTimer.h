//===- StepTimer.h - Seconds of each kernel of a step ---------------------===//
// Two events around every launch of real steps. What a pair encloses is the
// launch as the step sees it: weights come from memory, activations from the
// cache, and on a GPU a microsecond or so of the stream's own time is in it.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_STEPTIMER_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_STEPTIMER_H

#include "runtime/session/LaunchPlan.h"

#include <deque>
#include <map>
#include <vector>

namespace tilewright {

class StepTimer : public runtime::LaunchObserver {
public:
  explicit StepTimer(runtime::DevicePtr device) : device(std::move(device)) {}

  runtime::Result<void> before(const runtime::Stream &stream,
                               const runtime::LaunchView &launch) override;
  runtime::Result<void> after(const runtime::Stream &stream,
                              const runtime::LaunchView &launch) override;

  /// Forgets everything: another kind of step comes next.
  void clear();
  /// Forgets the times of a step that comes again.
  void forgetTimes();
  /// Reads the events of a finished step; keeps each launch's best time.
  runtime::Result<void> finishStep();

  struct KernelTime {
    const runtime::Kernel *kernel;
    int64_t launches = 0;
    double seconds = 0; ///< of all its launches in one step, each at its best
  };
  /// In the order in which a step first launches them.
  std::vector<KernelTime> byKernel() const;
  const runtime::SymbolValues &symbols() const { return sizes; }

private:
  struct Launch {
    runtime::Event start, end;
    const runtime::Kernel *kernel;
    double best;
  };

  runtime::DevicePtr device;
  std::deque<Launch> launches; ///< of a step, in order
  size_t next = 0;             ///< launch of the step that runs
  runtime::SymbolValues sizes;
};

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_STEPTIMER_H
