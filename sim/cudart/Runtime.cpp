//===- Runtime.cpp - Contexts and errors of the runtime -------------------===//

#include "sim/cudart/Runtime.h"

#include "sim/driver/PerThread.h"

#include <cstdio>
#include <map>
#include <mutex>
#include <string>

namespace tilewright::sim::cudart {

ThreadState &threadState() { return perThread<ThreadState>(); }

cudaError_t record(cudaError_t error) {
  if (error != cudaSuccess)
    threadState().lastError = error;
  return error;
}

cudaError_t refuseCall(const char *name, std::atomic<bool> &wasNamed) {
  if (!wasNamed.exchange(true)) {
    std::string line = "tilewright-sim: " + std::string(name) +
                       " is not supported by the simulated runtime\n";
    fwrite(line.data(), 1, line.size(), stderr);
  }
  return record(cudaErrorNotSupported);
}

cudaError_t initialize() {
  static std::atomic<bool> isOpen{false};
  if (isOpen.load(std::memory_order_acquire))
    return cudaSuccess;
  CUresult result = cuInit(0);
  if (result == CUDA_SUCCESS)
    isOpen.store(true, std::memory_order_release);
  return errorOf(result);
}

namespace {
/// The primary contexts that the runtime holds a reference to, by their ids:
/// a context that was reset is another one, whatever its handle.
struct Holdings {
  std::mutex mutex;
  std::map<int, unsigned long long> contexts;
};
} // namespace

static Holdings &holdings() {
  static Holdings *all = new Holdings;
  return *all;
}

cudaError_t primaryContext(int device, CUcontext &context) {
  std::lock_guard<std::mutex> lock(holdings().mutex);
  if (CUresult error = cuDevicePrimaryCtxRetain(&context, device))
    return errorOf(error);
  unsigned long long id = 0;
  if (CUresult error = cuCtxGetId(context, &id))
    return errorOf(error);
  auto [held, isNew] = holdings().contexts.try_emplace(device, id);
  if (!isNew && held->second == id)
    return errorOf(cuDevicePrimaryCtxRelease(device));
  held->second = id;
  return cudaSuccess;
}

cudaError_t makePrimaryCurrent(int device) {
  CUcontext context = nullptr;
  if (cudaError_t error = primaryContext(device, context))
    return error;
  return errorOf(cuCtxSetCurrent(context));
}

cudaError_t enterContext() {
  if (cudaError_t error = initialize())
    return error;
  CUcontext current = nullptr;
  if (CUresult error = cuCtxGetCurrent(&current))
    return errorOf(error);
  return current ? cudaSuccess : makePrimaryCurrent(threadState().device);
}

int currentDevice() {
  CUdevice device = 0;
  return cuCtxGetDevice(&device) == CUDA_SUCCESS ? device
                                                 : threadState().device;
}

bool isDevice(int device) {
  int count = 0;
  return cuDeviceGetCount(&count) == CUDA_SUCCESS && device >= 0 &&
         device < count;
}

} // namespace tilewright::sim::cudart
