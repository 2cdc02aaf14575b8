//===- ApiStream.cpp - Entry points: streams and events -------------------===//

#include "sim/driver/Api.h"

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

CUresult cuStreamCreateWithPriority(CUstream *out, unsigned flags,
                                    int priority) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        if (!out || (flags & ~unsigned(CU_STREAM_NON_BLOCKING)))
          return CUDA_ERROR_INVALID_VALUE;
        int least = 0, greatest = 0;
        cuCtxGetStreamPriorityRange(&least, &greatest);
        priority = std::min(least, std::max(greatest, priority));
        if (driver.checks)
          driver.checks->watchOrder();
        auto stream = std::make_shared<Stream>(*context, flags, priority);
        {
          std::lock_guard<std::mutex> lock(driver.streamMutex);
          context->streams.push_back(stream);
        }
        driver.streams.insert(stream);
        *out = handleOf(stream);
        return CUDA_SUCCESS;
      });
}

CUresult cuStreamCreate(CUstream *out, unsigned flags) {
  return cuStreamCreateWithPriority(out, flags, 0);
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Stream> stream = driver.streams.take(handle);
    if (!stream)
      return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (stream->capture)
      stream->capture->invalidated = true;
    // Queued work goes on; the context still has to wait for it.
    if (std::shared_ptr<Context> context = stream->context.lock())
      if (stream->last && !driver.scheduler.isDone(stream->last))
        context->orphans.push_back(stream);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return withStream(handle,
                    [&](Driver &, const std::shared_ptr<Context> &context,
                        const std::shared_ptr<Stream> &stream) {
                      return synchronizeStream(*context, *stream);
                    });
}

CUresult cuStreamQuery(CUstream handle) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    std::lock_guard<std::mutex> lock(driver.streamMutex);
    if (stream->capture) {
      stream->capture->invalidated = true;
      return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    for (const Predecessor &each : stream->waits)
      if (!driver.scheduler.isDone(each.task))
        return CUDA_ERROR_NOT_READY;
    return driver.scheduler.isDone(stream->last) ? context->error()
                                                 : CUDA_ERROR_NOT_READY;
  });
}

/// Runs `body(context, stream)` for a query of one property.
template <typename Output, typename Body>
static CUresult getProperty(CUstream handle, Output *output, const Body &body) {
  return withStream(handle,
                    [&](Driver &, const std::shared_ptr<Context> &context,
                        const std::shared_ptr<Stream> &stream) {
                      if (!output)
                        return CUDA_ERROR_INVALID_VALUE;
                      *output = body(context, *stream);
                      return CUDA_SUCCESS;
                    });
}

CUresult cuStreamGetPriority(CUstream handle, int *priority) {
  return getProperty(handle, priority,
                     [](const std::shared_ptr<Context> &, Stream &stream) {
                       return stream.priority;
                     });
}

CUresult cuStreamGetFlags(CUstream handle, unsigned *flags) {
  return getProperty(handle, flags,
                     [](const std::shared_ptr<Context> &, Stream &stream) {
                       return stream.flags;
                     });
}

CUresult cuStreamGetId(CUstream handle, unsigned long long *id) {
  return getProperty(handle, id,
                     [](const std::shared_ptr<Context> &, Stream &stream) {
                       return stream.id;
                     });
}

CUresult cuStreamGetDevice(CUstream handle, CUdevice *device) {
  return getProperty(handle, device,
                     [](const std::shared_ptr<Context> &context, Stream &) {
                       return context->device.ordinal;
                     });
}

CUresult cuStreamGetCtx(CUstream handle, CUcontext *out) {
  return getProperty(handle, out,
                     [](const std::shared_ptr<Context> &context, Stream &) {
                       return handleOf(context);
                     });
}

CUresult cuStreamGetCtx_v2(CUstream handle, CUcontext *out, CUgreenCtx *green) {
  if (green)
    *green = nullptr;
  return cuStreamGetCtx(handle, out);
}

CUresult cuStreamSetAttribute(CUstream handle, CUstreamAttrID attribute,
                              const CUstreamAttrValue *value) {
  return withStream(handle, [&](Driver &, const std::shared_ptr<Context> &,
                                const std::shared_ptr<Stream> &) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    // Hints only: nothing that a result depends on.
    switch (attribute) {
    case CU_LAUNCH_ATTRIBUTE_ACCESS_POLICY_WINDOW:
    case CU_LAUNCH_ATTRIBUTE_SYNCHRONIZATION_POLICY:
    case CU_LAUNCH_ATTRIBUTE_PRIORITY:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN:
    case CU_LAUNCH_ATTRIBUTE_MEM_SYNC_DOMAIN_MAP:
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent eventHandle,
                           unsigned flags) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    std::shared_ptr<Event> event = driver.events.find(eventHandle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~unsigned(CU_EVENT_WAIT_EXTERNAL))
      return CUDA_ERROR_INVALID_VALUE;
    return waitEvent(context, stream, event, flags);
  });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void *userData) {
  return withStream(handle, [&](Driver &,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    if (!function)
      return CUDA_ERROR_INVALID_VALUE;
    return enqueue(context, stream, HostOperation{function, userData});
  });
}

CUresult cuStreamAddCallback(CUstream handle, CUstreamCallback callback,
                             void *userData, unsigned flags) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    if (!callback || flags != 0)
      return CUDA_ERROR_INVALID_VALUE;
    {
      std::lock_guard<std::mutex> lock(driver.streamMutex);
      if (stream->capture) {
        stream->capture->invalidated = true;
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
      }
    }
    return enqueue(context, stream,
                   CallbackOperation{callback, handle, userData});
  });
}

/// Waits and writes of one word of memory in stream order.
static CUresult enqueueMemoryValue(CUstream handle, bool isWait,
                                   CUdeviceptr address, uint64_t value,
                                   uint32_t bytes, unsigned flags) {
  return withStream(handle, [&](Driver &,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    unsigned known = isWait ? 3u | unsigned(CU_STREAM_WAIT_VALUE_FLUSH)
                            : unsigned(CU_STREAM_WRITE_VALUE_NO_MEMORY_BARRIER);
    if ((flags & ~known) || address % bytes != 0 ||
        !isDeviceAccessible(address, bytes))
      return CUDA_ERROR_INVALID_VALUE;
    return enqueue(context, stream,
                   MemoryValueOperation{isWait, address, value, bytes, flags});
  });
}

CUresult cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address,
                                cuuint32_t value, unsigned flags) {
  return enqueueMemoryValue(stream, true, address, value, 4, flags);
}
CUresult cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address,
                                cuuint64_t value, unsigned flags) {
  return enqueueMemoryValue(stream, true, address, value, 8, flags);
}
CUresult cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address,
                                 cuuint32_t value, unsigned flags) {
  return enqueueMemoryValue(stream, false, address, value, 4, flags);
}
CUresult cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address,
                                 cuuint64_t value, unsigned flags) {
  return enqueueMemoryValue(stream, false, address, value, 8, flags);
}

CUresult cuEventCreate(CUevent *out, unsigned flags) {
  return withContext([&](Driver &driver,
                         const std::shared_ptr<Context> &context) {
    constexpr unsigned known = CU_EVENT_BLOCKING_SYNC |
                               CU_EVENT_DISABLE_TIMING | CU_EVENT_INTERPROCESS;
    if (!out || (flags & ~known))
      return CUDA_ERROR_INVALID_VALUE;
    if (flags & CU_EVENT_INTERPROCESS)
      return CUDA_ERROR_NOT_SUPPORTED;
    auto event = std::make_shared<Event>(context, flags);
    driver.events.insert(event);
    *out = handleOf(event);
    return CUDA_SUCCESS;
  });
}

CUresult cuEventDestroy_v2(CUevent handle) {
  return guarded([&](Driver &driver) {
    return driver.events.take(handle) ? CUDA_SUCCESS
                                      : CUDA_ERROR_INVALID_HANDLE;
  });
}

CUresult cuEventRecordWithFlags(CUevent eventHandle, CUstream handle,
                                unsigned flags) {
  return withStream(handle, [&](Driver &driver,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    std::shared_ptr<Event> event = driver.events.find(eventHandle);
    if (!event || event->context.lock() != context)
      return CUDA_ERROR_INVALID_HANDLE;
    if (flags & ~unsigned(CU_EVENT_RECORD_EXTERNAL))
      return CUDA_ERROR_INVALID_VALUE;
    return recordEvent(context, stream, event, flags);
  });
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
  return cuEventRecordWithFlags(event, stream, CU_EVENT_RECORD_DEFAULT);
}

/// Runs `body(event, recording)`; the recording is null before the first one.
template <typename Body>
static CUresult withEvent(CUevent handle, const Body &body) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Event> event = driver.events.find(handle);
    if (!event)
      return CUDA_ERROR_INVALID_HANDLE;
    std::shared_ptr<Context> context = event->context.lock();
    if (!context)
      return CUDA_ERROR_INVALID_HANDLE;
    std::shared_ptr<EventRecording> recording;
    TaskHandle task;
    {
      std::lock_guard<std::mutex> lock(driver.streamMutex);
      if (event->capture && event->capture->graph)
        return CUDA_ERROR_CAPTURED_EVENT;
      recording = event->recording;
      if (recording)
        task = recording->recorded.task;
    }
    if (CUresult error = context->error())
      return error;
    return body(driver, *context, task);
  });
}

CUresult cuEventQuery(CUevent handle) {
  return withEvent(
      handle, [](Driver &driver, Context &context, const TaskHandle &task) {
        if (!driver.scheduler.isDone(task))
          return CUDA_ERROR_NOT_READY;
        return context.error();
      });
}

CUresult cuEventSynchronize(CUevent handle) {
  return withEvent(
      handle, [](Driver &driver, Context &context, const TaskHandle &task) {
        driver.scheduler.wait(task);
        return context.error();
      });
}

CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent startHandle,
                               CUevent endHandle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Event> start = driver.events.find(startHandle);
    std::shared_ptr<Event> end = driver.events.find(endHandle);
    if (!milliseconds)
      return CUDA_ERROR_INVALID_VALUE;
    if (!start || !end || start->context.lock() != end->context.lock() ||
        ((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING))
      return CUDA_ERROR_INVALID_HANDLE;
    std::shared_ptr<EventRecording> from, to;
    TaskHandle fromTask, toTask;
    {
      std::lock_guard<std::mutex> lock(driver.streamMutex);
      from = start->recording;
      to = end->recording;
      if (from && to) {
        fromTask = from->recorded.task;
        toTask = to->recorded.task;
      }
    }
    if (!from || !to)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!driver.scheduler.isDone(fromTask) || !driver.scheduler.isDone(toTask))
      return CUDA_ERROR_NOT_READY;
    *milliseconds =
        std::chrono::duration<float, std::milli>(to->time - from->time).count();
    return CUDA_SUCCESS;
  });
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
  return cuEventElapsedTime_v2(milliseconds, start, end);
}
