//===- Operation.h - What a stream or a graph node can do -----------------===//
// The same values are executed at once, queued on a stream, and kept in graph
// nodes, so that a captured call does exactly what the call itself would.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_OPERATION_H
#define TILEWRIGHT_SIM_DRIVER_OPERATION_H

#include "sim/driver/Cuda.h"
#include "sim/exec/Engine.h"
#include "sim/memory/Transfer.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <thread>
#include <variant>
#include <vector>

namespace tilewright::sim::driver {

class Context;
class Event;
class Function;
class Graph;
struct GraphProgram;

struct EmptyOperation {};

struct KernelOperation {
  std::shared_ptr<Function> function;
  Dim3 grid, block, cluster;
  uint32_t dynamicSharedBytes = 0;
  bool cooperative = false;
  /// Asks to start before the launch that it follows in its stream is over.
  bool dependent = false;
  std::vector<std::byte> params; ///< laid out as the kernel wants them
};

struct CopyOperation {
  PitchedBox target, source;
  Extent extent;
  /// Source bytes, kept here because the caller's buffer may change.
  std::shared_ptr<std::vector<std::byte>> staged;
  /// As a graph node gives it back.
  std::optional<CUDA_MEMCPY3D> description;
};

struct FillOperation {
  PitchedBox target;
  Extent extent; ///< width in bytes
  uint32_t value = 0, valueBytes = 1;
};

struct HostOperation {
  CUhostFn function = nullptr;
  void *userData = nullptr;
};

/// cuStreamAddCallback: unlike a host function it is told about errors.
struct CallbackOperation {
  CUstreamCallback callback = nullptr;
  CUstream stream = nullptr;
  void *userData = nullptr;
};

/// An event recorded from inside a graph.
struct EventRecordOperation {
  std::shared_ptr<Event> event;
};

/// A graph node that waits for an event recorded outside.
struct EventWaitOperation {
  std::shared_ptr<Event> event;
};

/// cuStreamWaitValue and cuStreamWriteValue.
struct MemoryValueOperation {
  bool isWait = false;
  uint64_t address = 0, value = 0;
  uint32_t bytes = 4, flags = 0;
};

struct FreeOperation {
  uint64_t address = 0;
};

/// A graph inside a graph, as it was when it was added.
struct ChildGraphOperation {
  std::shared_ptr<Graph> graph;
};

/// An instantiated graph, launched on a stream.
struct ProgramOperation {
  std::shared_ptr<const GraphProgram> program;
};

using Operation =
    std::variant<EmptyOperation, KernelOperation, CopyOperation, FillOperation,
                 HostOperation, CallbackOperation, EventRecordOperation,
                 EventWaitOperation, MemoryValueOperation, FreeOperation,
                 ChildGraphOperation, ProgramOperation>;

/// Runs the operation to its end on this thread. A kernel's fault becomes the
/// context's sticky error.
void execute(const Operation &operation, Context &context);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_OPERATION_H
