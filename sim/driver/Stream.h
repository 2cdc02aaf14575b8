//===- Stream.h - Streams and events --------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_STREAM_H
#define TILEWRIGHT_SIM_DRIVER_STREAM_H

#include "sim/driver/Cuda.h"
#include "sim/driver/Operation.h"
#include "sim/driver/Ordering.h"
#include "sim/driver/Scheduler.h"

#include <chrono>
#include <map>
#include <memory>
#include <vector>

namespace tilewright::sim::driver {

class Context;
class Stream;
class Graph;
class Overlap;
struct GraphNode;

/// Nodes that the next one depends on, and how.
using NodeEdges = std::map<GraphNode *, CUgraphEdgeData>;

/// A stream capture in progress; guarded by the driver's stream mutex.
struct Capture {
  std::shared_ptr<Graph> graph;
  CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL;
  uint64_t id = 0;
  const Stream *origin = nullptr;
  std::thread::id thread;
  bool invalidated = false;
  std::vector<std::weak_ptr<Stream>> members;
};

class Stream {
public:
  Stream(Context &context, unsigned flags, int priority);

  bool isBlocking() const { return !(flags & CU_STREAM_NON_BLOCKING); }

  /// Empty for the default stream, which its context owns.
  const std::weak_ptr<Context> context;
  const unsigned flags;
  const int priority;
  const uint64_t id;

  // Guarded by the driver's stream mutex.
  TaskHandle last; ///< the newest work
  /// Set where that is a launch, or an event that it has recorded itself.
  TaskHandle lastLaunch;
  std::shared_ptr<Overlap> lastOverlap; ///< of that launch, if it has one
  std::vector<Predecessor> waits;       ///< what the next work also waits for
  std::shared_ptr<Capture> capture;
  NodeEdges captureTail; ///< what the next captured node depends on
  GraphNode *captureLaunch = nullptr; ///< like lastLaunch
};

/// One recording of an event: the task that stamps it, and what it says.
struct EventRecording {
  Predecessor recorded;
  std::chrono::steady_clock::time_point time;
};

class Event {
public:
  Event(const std::shared_ptr<Context> &context, unsigned flags)
      : context(context), flags(flags) {}

  const std::weak_ptr<Context> context;
  const unsigned flags;

  // Guarded by the driver's stream mutex.
  std::shared_ptr<EventRecording> recording; ///< null before the first one
  std::shared_ptr<Capture> capture; ///< set when last recorded in a capture
  NodeEdges captureNodes;
};

/// Adds a node that the next captured one depends on; the stronger of two edges
/// counts.
void addCaptured(NodeEdges &tail, GraphNode *node, const CUgraphEdgeData &edge);

enum class EnqueueMode {
  Async,
  /// Runs on the calling thread in stream order, and returns when done.
  Synchronous,
};

/// Appends `operation` to the stream, or to the graph that it captures.
CUresult enqueue(const std::shared_ptr<Context> &context,
                 const std::shared_ptr<Stream> &stream, Operation operation,
                 EnqueueMode mode = EnqueueMode::Async);

CUresult synchronizeStream(Context &context, Stream &stream);

/// What an operation on `stream` must come after. The stream mutex is held.
std::vector<Predecessor> predecessorsOf(Context &context, Stream &stream,
                                        const Operation &operation);

/// `edge` says what whoever waits for the event knows of the newest launch.
CUresult recordEvent(const std::shared_ptr<Context> &context,
                     const std::shared_ptr<Stream> &stream,
                     const std::shared_ptr<Event> &event, unsigned flags,
                     const CUgraphEdgeData &edge = {});
CUresult waitEvent(const std::shared_ptr<Context> &context,
                   const std::shared_ptr<Stream> &stream,
                   const std::shared_ptr<Event> &event, unsigned flags);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_STREAM_H
