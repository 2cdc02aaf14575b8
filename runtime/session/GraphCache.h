//===- GraphCache.h - Captured steps --------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_GRAPHCACHE_H
#define TILEWRIGHT_RUNTIME_SESSION_GRAPHCACHE_H

#include "runtime/driver/Device.h"
#include "runtime/session/LaunchPlan.h"

#include <functional>
#include <map>
#include <set>

namespace tilewright::runtime {

/// Keeps the launches of steps as CUDA graphs: a replay costs the CPU one call
/// instead of one per kernel.
class GraphCache {
public:
  /// What tells one graph from another: the plan and the sizes it looks at.
  using Key = std::pair<const LaunchPlan *, SymbolValues>;
  /// Launches everything on the stream; returns the number of kernels.
  using Body = std::function<Result<int64_t>()>;

  GraphCache() = default;
  explicit GraphCache(DevicePtr device) : device(std::move(device)) {}
  GraphCache(GraphCache &&other) = default;
  GraphCache &operator=(GraphCache &&other) {
    std::swap(device, other.device);
    std::swap(graphs, other.graphs);
    std::swap(seen, other.seen);
    std::swap(captured, other.captured);
    return *this;
  }
  ~GraphCache() { clear(); }

  bool isEnabled() const { return device != nullptr; }
  int64_t numCaptured() const { return captured; }

  /// Replays the graph of `key`, or runs `body`, which it captures when the key
  /// comes up again. Returns the number of kernels.
  Result<int64_t> run(const Key &key, const Stream &stream, const Body &body);

private:
  struct Graph {
    abi::GraphExec exec;
    int64_t launches;
  };

  Result<int64_t> capture(const Key &key, const Stream &stream,
                          const Body &body);
  void clear();

  DevicePtr device; ///< null: every step runs directly
  std::map<Key, Graph> graphs;
  std::set<Key> seen;
  int64_t captured = 0;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_GRAPHCACHE_H
