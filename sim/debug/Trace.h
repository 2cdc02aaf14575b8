//===- Trace.h - Every instruction of some warps, with its values ---------===//
#ifndef TILEWRIGHT_SIM_DEBUG_TRACE_H
#define TILEWRIGHT_SIM_DEBUG_TRACE_H

#include "sim/debug/Selection.h"
#include "sim/debug/Tool.h"

#include <cstdio>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace tilewright::sim::debug {

struct TraceSettings {
  std::optional<Selection> selection;
  std::string path;       ///< stderr when empty
  uint64_t limit = 10000; ///< instructions that are printed
};

/// Prints what the selected warps execute. A file grows line by line, so that
/// it has everything up to whatever ends the program.
class Trace final : public Tool {
public:
  Trace(TraceSettings settings, const Host &host);
  ~Trace() override;

  std::unique_ptr<Observer> watch(const Launch &launch,
                                  uint64_t number) override;
  void launchEnded() override;
  void finish() override;

  const Host &services() const { return host; }
  const WarpSelection &warps() const { return settings.selection->warps; }
  /// Prints the lines of one instruction; false, and one more not printed, when
  /// the limit is reached.
  bool print(const std::string &text);
  /// Prints what is no instruction.
  void note(const std::string &text);

private:
  void write(const std::string &text);

  const TraceSettings settings;
  const Host &host;
  std::mutex mutex; ///< guards what follows
  FILE *file = nullptr;
  KernelsSeen seen;
  bool matched = false;
  uint64_t printed = 0, cut = 0;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_TRACE_H
