//===- Api.h - What every entry point does first --------------------------===//
// Each entry point is one call of `guarded` or `withContext`: no exception
// leaves the library, and the order of refusals is the same everywhere (not
// initialized, inside a host function, no context, context broken).
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_API_H
#define TILEWRIGHT_SIM_DRIVER_API_H

#include "sim/driver/Driver.h"

#include <new>
#include <system_error>

namespace tilewright::sim::driver {

/// What the API keeps per thread.
struct ThreadState {
  std::vector<std::shared_ptr<Context>> stack;
  bool inHostFunction = false;
  /// Depth of entry points whose default stream is the thread's own.
  unsigned perThreadDefault = 0;
  CUstreamCaptureMode captureMode = CU_STREAM_CAPTURE_MODE_GLOBAL;
};

ThreadState &threadState();

/// The thread's current context, if it is still alive.
std::shared_ptr<Context> currentContext();

/// Why there is none: never set, or destroyed since.
CUresult missingContext();

/// While one lives, handle 0 means the thread's own stream: the `_ptsz` and
/// `_ptds` variants of entry points.
struct PerThreadDefault {
  PerThreadDefault() { ++threadState().perThreadDefault; }
  ~PerThreadDefault() { --threadState().perThreadDefault; }
};

template <typename Body>
CUresult guarded(const Body &body) noexcept {
  if (!Driver::instance().isInitialized())
    return CUDA_ERROR_NOT_INITIALIZED;
  try {
    if (threadState().inHostFunction)
      return CUDA_ERROR_NOT_PERMITTED;
    return body(Driver::instance());
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (const std::system_error &) {
    return CUDA_ERROR_OPERATING_SYSTEM; // no more threads, say
  } catch (...) {
    return CUDA_ERROR_UNKNOWN;
  }
}

/// `body(driver, context)` with the current context, a shared_ptr.
template <typename Body>
CUresult withContext(const Body &body) noexcept {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Context> context = currentContext();
    if (!context)
      return missingContext();
    if (CUresult error = context->error())
      return error;
    return body(driver, context);
  });
}

/// Finds a stream and its context. Handle 0 and the two special handles mean
/// streams of the current context.
CUresult resolveStream(CUstream handle, std::shared_ptr<Context> &context,
                       std::shared_ptr<Stream> &stream);

/// `body(driver, context, stream)` for calls that take a stream.
template <typename Body>
CUresult withStream(CUstream handle, const Body &body) noexcept {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Context> context;
    std::shared_ptr<Stream> stream;
    if (CUresult error = resolveStream(handle, context, stream))
      return error;
    if (CUresult error = context->error())
      return error;
    return body(driver, context, stream);
  });
}

/// Refuses calls that a capture in progress forbids, such as cuMemAlloc while
/// a stream is captured in global mode; the stream mutex must not be held.
CUresult refuseDuringCapture();

/// Gives a block back to the pool it came from.
void freePooled(uint64_t address);

/// The handle of a live object.
inline CUcontext handleOf(const std::shared_ptr<Context> &object) {
  return reinterpret_cast<CUcontext>(object.get());
}
inline CUmodule handleOf(const std::shared_ptr<ModuleObject> &object) {
  return reinterpret_cast<CUmodule>(object.get());
}
inline CUfunction handleOf(const std::shared_ptr<Function> &object) {
  return reinterpret_cast<CUfunction>(object.get());
}
inline CUlibrary handleOf(const std::shared_ptr<Library> &object) {
  return reinterpret_cast<CUlibrary>(object.get());
}
inline CUkernel handleOf(const std::shared_ptr<LibraryKernel> &object) {
  return reinterpret_cast<CUkernel>(object.get());
}
inline CUstream handleOf(const std::shared_ptr<Stream> &object) {
  return reinterpret_cast<CUstream>(object.get());
}
inline CUevent handleOf(const std::shared_ptr<Event> &object) {
  return reinterpret_cast<CUevent>(object.get());
}
inline CUgraph handleOf(const std::shared_ptr<Graph> &object) {
  return reinterpret_cast<CUgraph>(object.get());
}
inline CUgraphNode handleOf(const GraphNode *node) {
  return reinterpret_cast<CUgraphNode>(const_cast<GraphNode *>(node));
}
inline CUgraphExec handleOf(const std::shared_ptr<GraphExec> &object) {
  return reinterpret_cast<CUgraphExec>(object.get());
}
inline CUmemoryPool handleOf(const std::shared_ptr<MemoryPool> &object) {
  return reinterpret_cast<CUmemoryPool>(object.get());
}

/// Builds the operation of a launch, checking everything that the device and
/// the function limit.
CUresult makeKernelOperation(const std::shared_ptr<Context> &context,
                             CUfunction handle, const CUlaunchConfig &config,
                             void **kernelParams, void **extra,
                             KernelOperation &operation);

/// The function behind a CUfunction, or behind a CUkernel in its place.
CUresult resolveFunction(const std::shared_ptr<Context> &context,
                         CUfunction handle,
                         std::shared_ptr<Function> &function);

/// Builds the operation of a 3-D copy, of which all other copies are cases.
CUresult makeCopyOperation(const CUDA_MEMCPY3D &description,
                           CopyOperation &operation);

/// Builds the operation of a fill; `elementBytes` is 1, 2 or 4, `width` counts
/// elements.
CUresult makeFillOperation(CUdeviceptr target, size_t pitch, uint32_t value,
                           uint32_t elementBytes, size_t width, size_t height,
                           FillOperation &operation);

/// True when all of [address, address + bytes) is live memory that kernels may
/// use, or registered host memory.
bool isDeviceAccessible(uint64_t address, uint64_t bytes);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_API_H
