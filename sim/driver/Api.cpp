//===- Api.cpp - What entry points share ----------------------------------===//

#include "sim/driver/Api.h"

#include "sim/driver/PerThread.h"

namespace tilewright::sim::driver {

ThreadState &threadState() { return perThread<ThreadState>(); }

std::shared_ptr<Context> currentContext() {
  std::vector<std::shared_ptr<Context>> &stack = threadState().stack;
  if (stack.empty() || !stack.back() ||
      !Driver::instance().contexts.find(stack.back().get()))
    return nullptr;
  return stack.back();
}

CUresult missingContext() {
  std::vector<std::shared_ptr<Context>> &stack = threadState().stack;
  return stack.empty() || !stack.back() ? CUDA_ERROR_INVALID_CONTEXT
                                        : CUDA_ERROR_CONTEXT_IS_DESTROYED;
}

CUresult resolveStream(CUstream handle, std::shared_ptr<Context> &context,
                       std::shared_ptr<Stream> &stream) {
  bool isDefault = handle == nullptr || handle == CU_STREAM_LEGACY ||
                   handle == CU_STREAM_PER_THREAD;
  if (!isDefault) {
    stream = Driver::instance().streams.find(handle);
    if (stream)
      context = stream->context.lock();
    return stream && context ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  }
  context = currentContext();
  if (!context)
    return missingContext();
  bool perThread = handle == CU_STREAM_PER_THREAD ||
                   (handle == nullptr && threadState().perThreadDefault != 0);
  stream = perThread ? context->perThreadStream() : context->legacyStream;
  return CUDA_SUCCESS;
}

bool isDeviceAccessible(uint64_t address, uint64_t bytes) {
  Driver &driver = Driver::instance();
  if (std::optional<Allocation> allocation = driver.findAllocation(address))
    return allocation->contains(address, bytes);
  return driver.isRegistered(address, bytes);
}

} // namespace tilewright::sim::driver
