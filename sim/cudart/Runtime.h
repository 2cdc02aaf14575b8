//===- Runtime.h - What every runtime call does first ---------------------===//
// The runtime is a layer over the public driver API: errors keep their number,
// handles of streams, events, graphs and pools are the driver's own. What it
// adds is per thread (device, last error) or in the registry (what nvcc-built
// code registers before main).
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_CUDART_RUNTIME_H
#define TILEWRIGHT_SIM_CUDART_RUNTIME_H

#pragma GCC visibility push(default)
#include <cuda.h>
#include <cuda_runtime_api.h>
#pragma GCC visibility pop

#include <atomic>
#include <cstddef>
#include <new>
#include <vector>

namespace tilewright::sim::cudart {

/// What `<<<...>>>` leaves for the launch stub behind it.
struct CallConfiguration {
  dim3 grid, block;
  size_t sharedBytes;
  cudaStream_t stream;
};

struct ThreadState {
  int device = 0; ///< what the next context of this thread is made on
  cudaError_t lastError = cudaSuccess;
  /// Depth of calls whose default stream is the thread's own.
  unsigned perThreadDefault = 0;
  std::vector<CallConfiguration> configurations;
};

ThreadState &threadState();

/// While one lives, stream 0 means the thread's own: the `_ptsz` and `_ptds`
/// variants of calls.
struct PerThreadDefault {
  PerThreadDefault() { ++threadState().perThreadDefault; }
  ~PerThreadDefault() { --threadState().perThreadDefault; }
};

inline bool isPerThreadDefault() { return threadState().perThreadDefault != 0; }

/// The driver's stream behind a handle.
inline CUstream streamOf(cudaStream_t stream) {
  return !stream && isPerThreadDefault() ? CU_STREAM_PER_THREAD : stream;
}

/// Error codes of the driver have the same number here.
inline cudaError_t errorOf(CUresult result) {
  return static_cast<cudaError_t>(result);
}
inline cudaError_t errorOf(cudaError_t error) { return error; }

/// Keeps an error for cudaGetLastError, and returns it.
cudaError_t record(cudaError_t error);

/// Opens the driver, once.
cudaError_t initialize();

/// Opens the driver and makes sure that a context is current: the primary one
/// of the thread's device when the thread has none.
cudaError_t enterContext();

/// Makes a device's primary context current; the runtime holds one reference.
cudaError_t makePrimaryCurrent(int device);

/// The primary context of a device, made when it is not there.
cudaError_t primaryContext(int device, CUcontext &context);

/// The device of the current context, or of the next one.
int currentDevice();

bool isDevice(int device);

/// Runs `body`, whose result may be an error of either API, and keeps it.
template <typename Body>
cudaError_t guarded(const Body &body) noexcept {
  try {
    if (cudaError_t error = initialize())
      return record(error);
    return record(errorOf(body()));
  } catch (const std::bad_alloc &) {
    return record(cudaErrorMemoryAllocation);
  } catch (...) {
    return record(cudaErrorUnknown);
  }
}

/// The same with a current context.
template <typename Body>
cudaError_t withContext(const Body &body) noexcept {
  return guarded([&] {
    cudaError_t error = enterContext();
    return error ? error : errorOf(body());
  });
}

/// cudaErrorNotSupported; names the call on stderr the first time.
cudaError_t refuseCall(const char *name, std::atomic<bool> &wasNamed);

struct ErrorName {
  cudaError_t code;
  const char *name;
};

/// Generated from driver_types.h.
extern const ErrorName kErrorNames[];
extern const size_t kErrorNameCount;

/// The driver's description of a copy; refuses arrays and kinds that do not
/// exist.
cudaError_t describeCopy(const cudaMemcpy3DParms &parameters,
                         CUDA_MEMCPY3D &copy);

/// The reverse, for queries.
void describeCopy(const CUDA_MEMCPY3D &copy, cudaMemcpy3DParms &parameters);

/// A copy of `bytes` consecutive bytes.
cudaMemcpy3DParms flatCopy(void *target, const void *source, size_t bytes,
                           cudaMemcpyKind kind);

/// Where [offset, offset + bytes) of a device variable lies.
cudaError_t symbolRange(const void *symbol, size_t offset, size_t bytes,
                        void *&out);

} // namespace tilewright::sim::cudart

#endif // TILEWRIGHT_SIM_CUDART_RUNTIME_H
