//===- ApiCapture.cpp - Entry points: stream capture ----------------------===//

#include "sim/driver/Api.h"

#include <algorithm>
#include <set>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

/// Captures that forbid unsafe calls: begun in global mode by any thread, or
/// in thread-local mode by this one; guarded by the stream mutex.
static std::vector<std::weak_ptr<Capture>> &activeCaptures() {
  static auto *captures = new std::vector<std::weak_ptr<Capture>>;
  return *captures;
}

namespace tilewright::sim::driver {

CUresult refuseDuringCapture() {
  CUstreamCaptureMode own = threadState().captureMode;
  if (own == CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_SUCCESS;
  std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
  for (const std::weak_ptr<Capture> &weak : activeCaptures()) {
    std::shared_ptr<Capture> capture = weak.lock();
    if (!capture || !capture->graph)
      continue;
    bool isMine = capture->thread == std::this_thread::get_id();
    bool forbids =
        (isMine && capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED) ||
        (capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL &&
         own == CU_STREAM_CAPTURE_MODE_GLOBAL);
    if (!forbids)
      continue;
    capture->invalidated = true;
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  }
  return CUDA_SUCCESS;
}

} // namespace tilewright::sim::driver

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
  return guarded([&](Driver &) {
    if (!mode || *mode < CU_STREAM_CAPTURE_MODE_GLOBAL ||
        *mode > CU_STREAM_CAPTURE_MODE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    std::swap(*mode, threadState().captureMode);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL ||
        mode > CU_STREAM_CAPTURE_MODE_RELAXED)
      return CUDA_ERROR_INVALID_VALUE;
    if (stream == context->legacyStream)
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (stream->capture)
      return CUDA_ERROR_ILLEGAL_STATE;
    auto capture = std::make_shared<Capture>();
    capture->graph = std::make_shared<Graph>();
    capture->graph->id = nextObjectId();
    capture->mode = mode;
    capture->id = nextObjectId();
    capture->origin = stream.get();
    capture->thread = std::this_thread::get_id();
    capture->members.push_back(stream);
    stream->capture = capture;
    stream->captureTail.clear();
    stream->captureLaunch = nullptr;
    driver.graphs.insert(capture->graph);
    auto &active = activeCaptures();
    std::erase_if(active, [](const auto &weak) { return weak.expired(); });
    active.push_back(capture);
    return CUDA_SUCCESS;
  });
}

/// True when every node that forked streams ended on is before the origin's
/// last ones. The graph mutex is held.
static bool isJoined(const Capture &capture, const Stream &origin) {
  std::vector<GraphNode *> stack;
  for (const auto &[node, edge] : origin.captureTail)
    stack.push_back(node);
  std::set<GraphNode *> reached(stack.begin(), stack.end());
  while (!stack.empty()) {
    GraphNode *node = stack.back();
    stack.pop_back();
    for (GraphNode *dependency : node->dependencies)
      if (reached.insert(dependency).second)
        stack.push_back(dependency);
  }
  for (const std::weak_ptr<Stream> &weak : capture.members) {
    std::shared_ptr<Stream> member = weak.lock();
    if (!member || member.get() == &origin)
      continue;
    for (const auto &[node, edge] : member->captureTail)
      if (!reached.count(node))
        return false;
  }
  return true;
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *out) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &,
                                const std::shared_ptr<Stream> &stream) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    std::shared_ptr<Capture> capture = stream->capture;
    if (!capture)
      return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->origin != stream.get())
      return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED &&
        capture->thread != std::this_thread::get_id())
      return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    std::lock_guard<std::mutex> graphLock(graphMutex());
    bool joined = isJoined(*capture, *stream);
    for (const std::weak_ptr<Stream> &weak : capture->members)
      if (std::shared_ptr<Stream> member = weak.lock()) {
        member->capture.reset();
        member->captureTail.clear();
      }
    std::shared_ptr<Graph> graph = std::move(capture->graph);
    capture->graph.reset();
    *out = nullptr;
    if (capture->invalidated || !joined) {
      driver.graphs.take(graph.get());
      return capture->invalidated ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
                                  : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    }
    *out = handleOf(graph);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
  return withStream(handle,
                    [&](Driver &driver, const std::shared_ptr<Context> &,
                        const std::shared_ptr<Stream> &stream) {
                      if (!status)
                        return CUDA_ERROR_INVALID_VALUE;
                      std::lock_guard<std::mutex> lock(driver.streamMutex);
                      *status = !stream->capture ? CU_STREAM_CAPTURE_STATUS_NONE
                                : stream->capture->invalidated
                                    ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
                                    : CU_STREAM_CAPTURE_STATUS_ACTIVE;
                      return CUDA_SUCCESS;
                    });
}

CUresult cuStreamGetCaptureInfo_v3(CUstream handle,
                                   CUstreamCaptureStatus *status,
                                   cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **dependencies,
                                   const CUgraphEdgeData **edges,
                                   size_t *count) {
  CUresult result = cuStreamIsCapturing(handle, status);
  if (result != CUDA_SUCCESS || *status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
    return result;
  return withStream(handle,
                    [&](Driver &driver, const std::shared_ptr<Context> &,
                        const std::shared_ptr<Stream> &stream) {
                      // What is returned stays valid until the thread's next
                      // call.
                      static thread_local std::vector<CUgraphNode> nodes;
                      static thread_local std::vector<CUgraphEdgeData> data;
                      std::lock_guard<std::mutex> lock(driver.streamMutex);
                      if (!stream->capture)
                        return CUDA_SUCCESS;
                      nodes.clear();
                      data.clear();
                      for (const auto &[node, edge] : stream->captureTail) {
                        nodes.push_back(handleOf(node));
                        data.push_back(edge);
                      }
                      if (id)
                        *id = stream->capture->id;
                      if (graph)
                        *graph = handleOf(stream->capture->graph);
                      if (dependencies)
                        *dependencies = nodes.data();
                      if (edges)
                        *edges = data.data();
                      if (count)
                        *count = nodes.size();
                      return CUDA_SUCCESS;
                    });
}

CUresult cuStreamGetCaptureInfo_v2(CUstream stream,
                                   CUstreamCaptureStatus *status,
                                   cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **dependencies,
                                   size_t *count) {
  return cuStreamGetCaptureInfo_v3(stream, status, id, graph, dependencies,
                                   nullptr, count);
}

CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status,
                                cuuint64_t *id) {
  return cuStreamGetCaptureInfo_v3(stream, status, id, nullptr, nullptr,
                                   nullptr, nullptr);
}

CUresult cuStreamUpdateCaptureDependencies_v2(CUstream handle,
                                              CUgraphNode *nodes,
                                              const CUgraphEdgeData *edges,
                                              size_t count, unsigned flags) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &,
                                const std::shared_ptr<Stream> &stream) {
    if ((count != 0 && !nodes) || flags > CU_STREAM_SET_CAPTURE_DEPENDENCIES)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (!stream->capture || stream->capture->invalidated)
      return CUDA_ERROR_ILLEGAL_STATE;
    std::lock_guard<std::mutex> graphLock(graphMutex());
    NodeEdges chosen;
    for (size_t i = 0; i < count; ++i) {
      GraphNode *node = findNode(nodes[i]);
      if (!node || node->graph != stream->capture->graph.get())
        return CUDA_ERROR_INVALID_VALUE;
      CUgraphEdgeData edge = edges ? edges[i] : CUgraphEdgeData{};
      if (!isValidEdge(*node, CU_GRAPH_NODE_TYPE_KERNEL, edge))
        return CUDA_ERROR_INVALID_VALUE;
      addCaptured(chosen, node, edge);
    }
    stream->captureLaunch = nullptr;
    if (flags == CU_STREAM_SET_CAPTURE_DEPENDENCIES)
      stream->captureTail.clear();
    for (const auto &[node, edge] : chosen)
      addCaptured(stream->captureTail, node, edge);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode *nodes,
                                           size_t count, unsigned flags) {
  return cuStreamUpdateCaptureDependencies_v2(stream, nodes, nullptr, count,
                                              flags);
}
