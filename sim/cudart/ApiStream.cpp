//===- ApiStream.cpp - Streams, events, capture ---------------------------===//

#include "sim/cudart/Runtime.h"

using namespace tilewright::sim::cudart;

cudaError_t cudaStreamCreate(cudaStream_t *stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) {
  return withContext([&] { return cuStreamCreate(stream, flags); });
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags,
                                         int priority) {
  return withContext(
      [&] { return cuStreamCreateWithPriority(stream, flags, priority); });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return withContext([&] { return cuStreamDestroy(stream); });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return withContext([&] { return cuStreamSynchronize(streamOf(stream)); });
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  return withContext([&] { return cuStreamQuery(streamOf(stream)); });
}

cudaError_t cudaStreamGetPriority(cudaStream_t stream, int *priority) {
  return withContext(
      [&] { return cuStreamGetPriority(streamOf(stream), priority); });
}

cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned *flags) {
  return withContext([&] { return cuStreamGetFlags(streamOf(stream), flags); });
}

cudaError_t cudaStreamGetId(cudaStream_t stream, unsigned long long *id) {
  return withContext([&] { return cuStreamGetId(streamOf(stream), id); });
}

cudaError_t cudaStreamGetDevice(cudaStream_t stream, int *device) {
  return withContext(
      [&] { return cuStreamGetDevice(streamOf(stream), device); });
}

cudaError_t cudaStreamCopyAttributes(cudaStream_t target, cudaStream_t source) {
  return withContext([&] {
    return cuStreamCopyAttributes(streamOf(target), streamOf(source));
  });
}

cudaError_t cudaStreamGetAttribute(cudaStream_t stream,
                                   cudaLaunchAttributeID attribute,
                                   cudaLaunchAttributeValue *value) {
  return withContext([&] {
    return cuStreamGetAttribute(streamOf(stream),
                                static_cast<CUstreamAttrID>(attribute),
                                reinterpret_cast<CUstreamAttrValue *>(value));
  });
}

cudaError_t cudaStreamSetAttribute(cudaStream_t stream,
                                   cudaLaunchAttributeID attribute,
                                   const cudaLaunchAttributeValue *value) {
  return withContext([&] {
    return cuStreamSetAttribute(
        streamOf(stream), static_cast<CUstreamAttrID>(attribute),
        reinterpret_cast<const CUstreamAttrValue *>(value));
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                unsigned flags) {
  return withContext(
      [&] { return cuStreamWaitEvent(streamOf(stream), event, flags); });
}

cudaError_t cudaStreamAddCallback(cudaStream_t stream,
                                  cudaStreamCallback_t callback, void *data,
                                  unsigned flags) {
  return withContext([&] {
    // The two types differ in the name of their error code only.
    return cuStreamAddCallback(streamOf(stream),
                               reinterpret_cast<CUstreamCallback>(callback),
                               data, flags);
  });
}

cudaError_t cudaStreamAttachMemAsync(cudaStream_t stream, void *pointer,
                                     size_t bytes, unsigned flags) {
  return withContext([&] {
    return cuStreamAttachMemAsync(
        streamOf(stream), reinterpret_cast<CUdeviceptr>(pointer), bytes, flags);
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream,
                                   cudaStreamCaptureMode mode) {
  return withContext([&] {
    return cuStreamBeginCapture(streamOf(stream),
                                static_cast<CUstreamCaptureMode>(mode));
  });
}

cudaError_t cudaStreamBeginCaptureToGraph(
    cudaStream_t stream, cudaGraph_t graph, const cudaGraphNode_t *dependencies,
    const cudaGraphEdgeData *edges, size_t count, cudaStreamCaptureMode mode) {
  return withContext([&] {
    return cuStreamBeginCaptureToGraph(
        streamOf(stream), graph, dependencies,
        reinterpret_cast<const CUgraphEdgeData *>(edges), count,
        static_cast<CUstreamCaptureMode>(mode));
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) {
  return withContext(
      [&] { return cuStreamEndCapture(streamOf(stream), graph); });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream,
                                  cudaStreamCaptureStatus *status) {
  return withContext([&] {
    return cuStreamIsCapturing(
        streamOf(stream), reinterpret_cast<CUstreamCaptureStatus *>(status));
  });
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t stream,
                                     cudaStreamCaptureStatus *status,
                                     unsigned long long *id, cudaGraph_t *graph,
                                     const cudaGraphNode_t **dependencies,
                                     const cudaGraphEdgeData **edges,
                                     size_t *count) {
  return withContext([&] {
    return cuStreamGetCaptureInfo(
        streamOf(stream), reinterpret_cast<CUstreamCaptureStatus *>(status),
        reinterpret_cast<cuuint64_t *>(id), graph, dependencies,
        reinterpret_cast<const CUgraphEdgeData **>(edges), count);
  });
}

cudaError_t cudaStreamUpdateCaptureDependencies(cudaStream_t stream,
                                                cudaGraphNode_t *dependencies,
                                                const cudaGraphEdgeData *edges,
                                                size_t count, unsigned flags) {
  return withContext([&] {
    return cuStreamUpdateCaptureDependencies(
        streamOf(stream), dependencies,
        reinterpret_cast<const CUgraphEdgeData *>(edges), count, flags);
  });
}

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode *mode) {
  return guarded([&] {
    return cuThreadExchangeStreamCaptureMode(
        reinterpret_cast<CUstreamCaptureMode *>(mode));
  });
}

cudaError_t cudaEventCreate(cudaEvent_t *event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) {
  return withContext([&] { return cuEventCreate(event, flags); });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  return withContext([&] { return cuEventDestroy(event); });
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return withContext([&] { return cuEventRecord(event, streamOf(stream)); });
}

cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream,
                                     unsigned flags) {
  return withContext(
      [&] { return cuEventRecordWithFlags(event, streamOf(stream), flags); });
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return withContext([&] { return cuEventQuery(event); });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return withContext([&] { return cuEventSynchronize(event); });
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start,
                                 cudaEvent_t end) {
  return withContext(
      [&] { return cuEventElapsedTime(milliseconds, start, end); });
}
