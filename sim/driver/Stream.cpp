//===- Stream.cpp - Streams and events ------------------------------------===//

#include "sim/driver/Stream.h"

#include "sim/driver/Api.h"
#include "sim/driver/Driver.h"
#include "sim/driver/Ordering.h"
#include "sim/driver/Overlap.h"

#include <algorithm>
#include <new>

namespace tilewright::sim::driver {

using Link = check::LaunchOrder::Link;

Stream::Stream(Context &context, unsigned flags, int priority)
    : context(context.weak_from_this()), flags(flags), priority(priority),
      id(nextObjectId()) {}

/// A launch may ask to be a dependent of the one right before it.
static Predecessor newestOf(const Stream &stream, const Operation &operation) {
  const auto *launch = std::get_if<KernelOperation>(&operation);
  if (launch && launch->dependent && stream.lastLaunch && stream.waits.empty())
    return {stream.last, Link::Programmatic, stream.lastLaunch};
  return {stream.last};
}

std::vector<Predecessor> predecessorsOf(Context &context, Stream &stream,
                                        const Operation &operation) {
  Predecessor newest = newestOf(stream, operation);
  std::vector<Predecessor> found = std::move(stream.waits);
  stream.waits.clear();
  // Only launches can wait for more than a programmatic event says.
  if (!std::holds_alternative<KernelOperation>(operation))
    for (Predecessor &each : found)
      if (each.link == Link::Programmatic)
        each = {each.task};
  found.push_back(std::move(newest));
  if (!stream.isBlocking())
    return found;
  Stream &legacy = *context.legacyStream;
  if (&stream != &legacy) {
    found.push_back({legacy.last});
    return found;
  }
  // The legacy default stream is ordered with every blocking stream.
  std::erase_if(context.streams,
                [](const auto &weak) { return weak.expired(); });
  for (const std::weak_ptr<Stream> &weak : context.streams)
    if (std::shared_ptr<Stream> other = weak.lock();
        other && other->isBlocking())
      found.push_back({other->last});
  return found;
}

/// A call on the legacy stream would order itself with a blocking stream that
/// is being captured, which breaks that capture.
static CUresult refuseImplicitOrder(Context &context, Stream &stream) {
  if (&stream != context.legacyStream.get())
    return CUDA_SUCCESS;
  for (std::weak_ptr<Stream> &weak : context.streams) {
    std::shared_ptr<Stream> other = weak.lock();
    if (!other || !other->isBlocking() || !other->capture)
      continue;
    other->capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
  }
  return CUDA_SUCCESS;
}

static CUgraphNodeType nodeTypeOf(const Operation &operation) {
  struct Visitor {
    CUgraphNodeType operator()(const KernelOperation &) const {
      return CU_GRAPH_NODE_TYPE_KERNEL;
    }
    CUgraphNodeType operator()(const CopyOperation &) const {
      return CU_GRAPH_NODE_TYPE_MEMCPY;
    }
    CUgraphNodeType operator()(const FillOperation &) const {
      return CU_GRAPH_NODE_TYPE_MEMSET;
    }
    CUgraphNodeType operator()(const HostOperation &) const {
      return CU_GRAPH_NODE_TYPE_HOST;
    }
    CUgraphNodeType operator()(const CallbackOperation &) const {
      return CU_GRAPH_NODE_TYPE_HOST;
    }
    CUgraphNodeType operator()(const EventRecordOperation &) const {
      return CU_GRAPH_NODE_TYPE_EVENT_RECORD;
    }
    CUgraphNodeType operator()(const EventWaitOperation &) const {
      return CU_GRAPH_NODE_TYPE_WAIT_EVENT;
    }
    CUgraphNodeType operator()(const MemoryValueOperation &) const {
      return CU_GRAPH_NODE_TYPE_BATCH_MEM_OP;
    }
    CUgraphNodeType operator()(const FreeOperation &) const {
      return CU_GRAPH_NODE_TYPE_MEM_FREE;
    }
    CUgraphNodeType operator()(const ChildGraphOperation &) const {
      return CU_GRAPH_NODE_TYPE_GRAPH;
    }
    CUgraphNodeType operator()(const EmptyOperation &) const {
      return CU_GRAPH_NODE_TYPE_EMPTY;
    }
    CUgraphNodeType operator()(const ProgramOperation &) const {
      return CU_GRAPH_NODE_TYPE_EMPTY;
    }
  };
  return std::visit(Visitor{}, operation);
}

static CUresult captureOperation(Stream &stream, Operation operation) {
  if (stream.capture->invalidated)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (std::holds_alternative<FreeOperation>(operation) ||
      std::holds_alternative<ProgramOperation>(operation)) {
    stream.capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  const auto *launch = std::get_if<KernelOperation>(&operation);
  bool isDependent =
      launch && launch->dependent && stream.captureTail.size() == 1;
  CUgraphNodeType type = nodeTypeOf(operation);
  std::lock_guard<std::mutex> lock(graphMutex());
  Graph &graph = *stream.capture->graph;
  GraphNode *node = graph.add(type, std::move(operation), {});
  for (auto [before, edge] : stream.captureTail) {
    if (isDependent && before == stream.captureLaunch)
      edge = programmaticEdge;
    if (!isValidEdge(*before, type, edge)) // what only launches may have
      edge = {};
    graph.addEdge(before, node, edge);
  }
  stream.captureTail = {{node, {}}};
  stream.captureLaunch = type == CU_GRAPH_NODE_TYPE_KERNEL ? node : nullptr;
  return CUDA_SUCCESS;
}

/// Dependent launches are a reason to follow the order of work even where there
/// is one stream only: from the first kernel on that names its dependents.
static void watchDependents(const Operation &operation) {
  const auto *launch = std::get_if<KernelOperation>(&operation);
  Checks *checks = Driver::instance().checks.get();
  if (launch && checks &&
      (launch->dependent || launch->function->kernel->controlsGrids))
    checks->watchOrder();
}

/// The launch beside which the next one may run, no longer among what that
/// waits for; null where there is none, or where other work is under way that
/// would make the moment of its start a matter of chance.
static TaskHandle takePrimary(const Stream &stream,
                              std::vector<Predecessor> &predecessors) {
  auto isPrimary = [&](const Predecessor &each) {
    return each.link == Link::Programmatic && each.task == each.launch;
  };
  auto found =
      std::find_if(predecessors.begin(), predecessors.end(), isPrimary);
  if (!stream.lastOverlap || found == predecessors.end())
    return nullptr;
  TaskHandle primary = found->task;
  for (const Predecessor &each : predecessors)
    if (each.task != primary &&
        !Driver::instance().scheduler.hasEnded(each.task))
      return nullptr;
  predecessors.erase(found);
  return primary;
}

CUresult enqueue(const std::shared_ptr<Context> &context,
                 const std::shared_ptr<Stream> &stream, Operation operation,
                 EnqueueMode mode) {
  Driver &driver = Driver::instance();
  TaskHandle task;
  {
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (stream->capture) {
      if (mode == EnqueueMode::Async)
        return captureOperation(*stream, std::move(operation));
      stream->capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (CUresult error = refuseImplicitOrder(*context, *stream))
      return error;
    std::vector<Predecessor> predecessors =
        predecessorsOf(*context, *stream, operation);
    bool tellsErrors = std::holds_alternative<CallbackOperation>(operation);
    bool isLaunch = std::holds_alternative<KernelOperation>(operation);
    watchDependents(operation);
    Ordering ordering = orderBehind(predecessors, operation);
    TaskHandle primary = takePrimary(*stream, predecessors);
    std::shared_ptr<Overlap> overlap =
        Overlap::make(operation, primary ? stream->lastOverlap : nullptr);
    auto body = [context, tellsErrors, ordering, overlap,
                 work = std::move(operation)] {
      OverlapTask task(overlap.get());
      OrderedTask ordered(ordering);
      OrderedRun run(ordering.steps.empty() ? ordering.whole : nullptr);
      OverlapTurns turns(overlap.get(), *context);
      if (context->error() != CUDA_SUCCESS && !tellsErrors)
        return;
      try {
        execute(work, *context);
      } catch (const std::bad_alloc &) {
        context->fail(CUDA_ERROR_OUT_OF_MEMORY,
                      "the host has no memory left for this work");
      }
    };
    task = driver.scheduler.submit(std::move(body), tasksOf(predecessors),
                                   mode == EnqueueMode::Synchronous
                                       ? Task::Kind::Caller
                                       : Task::Kind::Pooled,
                                   primary);
    task->order = ordering.whole;
    stream->last = task;
    stream->lastLaunch = isLaunch ? task : nullptr;
    if (overlap)
      overlap->task = task;
    stream->lastOverlap = overlap;
  }
  if (mode == EnqueueMode::Async)
    return CUDA_SUCCESS;
  driver.scheduler.runHere(task);
  return context->error();
}

CUresult synchronizeStream(Context &context, Stream &stream) {
  Driver &driver = Driver::instance();
  std::vector<TaskHandle> pending;
  {
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (stream.capture) {
      stream.capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    pending = tasksOf(stream.waits);
    pending.push_back(stream.last);
    // Synchronizing the legacy stream waits for what it is ordered behind.
    if (&stream == context.legacyStream.get())
      for (const std::weak_ptr<Stream> &weak : context.streams)
        if (std::shared_ptr<Stream> other = weak.lock())
          if (other->isBlocking())
            pending.push_back(other->last);
  }
  for (const TaskHandle &task : pending)
    driver.scheduler.wait(task);
  return context.error();
}

CUresult recordEvent(const std::shared_ptr<Context> &context,
                     const std::shared_ptr<Stream> &stream,
                     const std::shared_ptr<Event> &event, unsigned flags,
                     const CUgraphEdgeData &edge) {
  Driver &driver = Driver::instance();
  if (flags & CU_EVENT_RECORD_EXTERNAL) {
    {
      std::lock_guard<std::mutex> lock(driver.streamMutex);
      if (!stream->capture)
        return CUDA_ERROR_ILLEGAL_STATE;
    }
    return enqueue(context, stream, EventRecordOperation{event});
  }
  std::lock_guard<std::mutex> lock(driver.streamMutex);
  if (stream->capture) {
    if (stream->capture->invalidated)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    event->capture = stream->capture;
    event->captureNodes = stream->captureTail;
    if (linkOf(edge) != Link::Complete && stream->captureLaunch)
      event->captureNodes = {{stream->captureLaunch, edge}};
    else
      stream->captureLaunch = nullptr;
    event->recording.reset();
    return CUDA_SUCCESS;
  }
  if (CUresult error = refuseImplicitOrder(*context, *stream))
    return error;
  auto recording = std::make_shared<EventRecording>();
  event->recording = recording;
  event->capture.reset();
  event->captureNodes.clear();
  Predecessor &recorded = recording->recorded;
  if (linkOf(edge) != Link::Complete && stream->lastLaunch) {
    recorded.link = linkOf(edge);
    recorded.launch = stream->lastLaunch;
  }
  std::vector<Predecessor> predecessors =
      predecessorsOf(*context, *stream, EmptyOperation{});
  // Recording and task refer to each other until the body has run.
  Ordering ordering = orderBehind(predecessors, EmptyOperation{});
  auto stamp = [recording, ordering] {
    OrderedRun run(ordering.whole);
    recording->time = std::chrono::steady_clock::now();
  };
  recorded.task =
      driver.scheduler.submit(stamp, tasksOf(predecessors), Task::Kind::Light);
  recorded.task->order = ordering.whole;
  stream->last = recorded.task;
  if (recorded.link == Link::Complete)
    stream->lastLaunch = nullptr;
  return CUDA_SUCCESS;
}

void addCaptured(NodeEdges &tail, GraphNode *node,
                 const CUgraphEdgeData &edge) {
  auto [known, isNew] = tail.try_emplace(node, edge);
  if (!isNew && linkOf(edge) == Link::Complete)
    known->second = edge;
}

/// A captured event makes the waiting stream part of its capture.
static CUresult joinCapture(const std::shared_ptr<Stream> &stream,
                            const Event &event) {
  const std::shared_ptr<Capture> &capture = event.capture;
  if (capture->invalidated || capture->graph == nullptr)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  if (stream->capture && stream->capture != capture) {
    capture->invalidated = true;
    stream->capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_MERGE;
  }
  if (!stream->capture) {
    stream->capture = capture;
    stream->captureTail.clear();
    capture->members.push_back(stream);
  }
  for (const auto &[node, edge] : event.captureNodes)
    addCaptured(stream->captureTail, node, edge);
  return CUDA_SUCCESS;
}

CUresult waitEvent(const std::shared_ptr<Context> &context,
                   const std::shared_ptr<Stream> &stream,
                   const std::shared_ptr<Event> &event, unsigned flags) {
  Driver &driver = Driver::instance();
  if (flags & CU_EVENT_WAIT_EXTERNAL) {
    {
      std::lock_guard<std::mutex> lock(driver.streamMutex);
      if (!stream->capture)
        return CUDA_ERROR_ILLEGAL_STATE;
    }
    return enqueue(context, stream, EventWaitOperation{event});
  }
  std::lock_guard<std::mutex> lock(driver.streamMutex);
  if (event->capture && event->capture->graph)
    return joinCapture(stream, *event);
  if (stream->capture) {
    stream->capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
  }
  if (event->recording)
    stream->waits.push_back(event->recording->recorded);
  return CUDA_SUCCESS;
}

} // namespace tilewright::sim::driver
