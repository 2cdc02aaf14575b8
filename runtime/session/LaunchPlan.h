//===- LaunchPlan.h - The launches of a plan, ready to go -----------------===//
//
// Made once per session and plan, with every address in place. A step only
// rewrites what depends on its sizes, then hands each launch to the driver.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_LAUNCHPLAN_H
#define TILEWRIGHT_RUNTIME_SESSION_LAUNCHPLAN_H

#include "runtime/session/Model.h"

#include <array>
#include <bitset>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace tilewright::runtime {

/// The address of an operand and the bytes from there to its end.
struct Extent {
  abi::DevicePointer address;
  uint64_t bytes;
};
using Resolver = std::function<Extent(const Operand &)>;

/// A launch as it is about to be queued.
struct LaunchView {
  size_t index; ///< among the kernels of the plan
  const Kernel &kernel;
  /// Where the kernel's arguments lie, one after the other.
  std::span<const abi::DevicePointer> arguments;
  const SymbolValues &symbols;
  bool isEmpty; ///< no block of it runs
};

/// Told of each launch as it is queued: a profiler's or a checker's way in.
class LaunchObserver {
public:
  virtual ~LaunchObserver() = default;
  virtual Result<void> before(const Stream &stream,
                              const LaunchView &launch) = 0;
  virtual Result<void> after(const Stream &stream,
                             const LaunchView &launch) = 0;
};

/// One launch of a kernel: its parameters as the driver wants them.
class PreparedLaunch {
public:
  PreparedLaunch(const Kernel &kernel, abi::Function function)
      : kernel(kernel), function(function) {}

  /// Lays out the parameters, and writes those that no step changes.
  Result<void> prepare(const Driver &driver, const KernelLaunch &launch,
                       const Resolver &resolve, const SymbolValues &symbols);
  /// Rewrites the parameters that depend on the step's sizes.
  Result<void> update(const Driver &driver, const SymbolValues &symbols);
  /// False if the grid is empty.
  Result<bool> launch(const Driver &driver, abi::Stream stream);
  /// As of the last `update`; refers to `symbols` and to this launch.
  LaunchView view(size_t index, const SymbolValues &symbols) const {
    return {index, kernel, addresses, symbols, isEmpty};
  }

private:
  struct SizeSlot {
    const SizeParam *param;
    uint64_t *word;
  };
  struct MapSlot {
    const TensorMapParam *param;
    abi::DevicePointer address;
    abi::TensorMap *map;
    std::array<uint64_t, 5> sizes{}; ///< that the map was encoded for
  };

  Result<void> updateGrid(const SymbolValues &symbols);
  Result<void> writeSize(const SizeSlot &slot, const SymbolValues &symbols);
  Result<void> writeMap(const Driver &driver, MapSlot &slot,
                        const SymbolValues &symbols);
  Error broken(const std::string &problem) const;

  const Kernel &kernel;
  abi::Function function;
  std::array<uint32_t, 3> grid{};
  bool isEmpty = false;
  // Fixed in size once made: the driver is given pointers into them.
  std::vector<abi::DevicePointer> addresses; ///< of the arguments
  std::vector<uint64_t> words;
  std::vector<abi::TensorMap> maps;
  std::vector<void *> params;
  std::vector<SizeSlot> sizeSlots; ///< those that a step changes
  std::vector<MapSlot> mapSlots;
};

class LaunchPlan {
public:
  static Result<LaunchPlan> prepare(const Model &model, const Plan &plan,
                                    const Resolver &resolve,
                                    const SymbolValues &symbols);

  int64_t maxTokens() const { return plan->maxTokens; }
  /// Launches everything; returns the number of kernels. What a launch's
  /// parameters say is updated for `symbols` first. `observer` may be null.
  Result<int64_t> run(const Driver &driver, const Stream &stream,
                      const SymbolValues &symbols, LaunchObserver *observer);
  /// `symbols` with those that no launch looks at set to zero: two steps with
  /// equal keys launch the same.
  SymbolValues key(SymbolValues symbols) const;

private:
  using Step = std::variant<std::unique_ptr<PreparedLaunch>,
                            std::pair<const ZeroFill *, abi::DevicePointer>>;

  const Plan *plan = nullptr;
  std::vector<Step> steps;
  std::bitset<numSymbols> usedSymbols;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_LAUNCHPLAN_H
