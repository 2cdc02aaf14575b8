//===- Breakpoint.h - The state of a warp where it reaches a line ---------===//
#ifndef TILEWRIGHT_SIM_DEBUG_BREAKPOINT_H
#define TILEWRIGHT_SIM_DEBUG_BREAKPOINT_H

#include "sim/debug/Selection.h"
#include "sim/debug/Tool.h"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace tilewright::sim::debug {

/// [KERNEL@][FILE:]LINE[:BLOCK[:WARP]]
struct BreakPlace {
  std::string kernel; ///< empty: every one
  std::string file;   ///< of the program's source; empty: LINE is of the PTX
  uint32_t line = 0;
  WarpSelection warps;
};
bool parseBreak(std::string_view text, BreakPlace &place, std::string &error);

struct BreakSettings {
  std::optional<BreakPlace> place;
  std::string text;  ///< the place as it was written
  uint64_t hits = 1; ///< that are shown
};

/// Shows where a warp stands and what it sees, and lets it go on.
class Breakpoint final : public Tool {
public:
  Breakpoint(BreakSettings settings, const Host &host)
      : settings(std::move(settings)), host(host) {}

  std::unique_ptr<Observer> watch(const Launch &launch,
                                  uint64_t number) override;
  void finish() override;

  const Host &services() const { return host; }
  const BreakPlace &place() const { return *settings.place; }
  /// The number of a hit that is to be shown; 0 when there were enough.
  uint64_t nextHit();
  void show(const std::string &text) { host.print(text); }
  /// The kernel has code at the place.
  void found();

private:
  const BreakSettings settings;
  const Host &host;
  std::mutex mutex; ///< guards what follows
  KernelsSeen seen;
  bool matched = false, exists = false;
  uint64_t hits = 0;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_BREAKPOINT_H
