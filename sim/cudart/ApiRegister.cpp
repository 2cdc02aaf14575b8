//===- ApiRegister.cpp - Calls that nvcc puts into programs ---------------===//
// Declared in the toolkit's crt/host_runtime.h and crt/device_functions.h.
// Textures and surfaces by reference are gone since CUDA 12.
//===----------------------------------------------------------------------===//

#include "sim/cudart/Registry.h"

using namespace tilewright::sim::cudart;

static FatBinary *binaryOf(void **handle) {
  return reinterpret_cast<FatBinary *>(handle);
}

#pragma GCC visibility push(default)
extern "C" {

void **__cudaRegisterFatBinary(void *image) {
  return reinterpret_cast<void **>(Registry::instance().addBinary(image));
}

void __cudaRegisterFatBinaryEnd(void **) {}

void __cudaUnregisterFatBinary(void **handle) {
  Registry::instance().removeBinary(binaryOf(handle));
}

void __cudaRegisterFunction(void **handle, const char *host, char *,
                            const char *name, int, uint3 *, uint3 *, dim3 *,
                            dim3 *, int *) {
  Registry::instance().addKernel(binaryOf(handle), host, name);
}

void __cudaRegisterVar(void **handle, char *host, char *, const char *name, int,
                       size_t, int, int) {
  Registry::instance().addVariable(binaryOf(handle), host, name);
}

/// Host variables that the device reads by name would need a driver that
/// patches their address into the code.
void __cudaRegisterHostVar(void **, const char *, char *, size_t) {
  static std::atomic<bool> wasNamed{false};
  refuseCall("__cudaRegisterHostVar", wasNamed);
}

void __cudaRegisterManagedVar(void **handle, void **hostSlot, char *,
                              const char *name, int, size_t, int, int) {
  Registry::instance().addManaged(binaryOf(handle), hostSlot, name);
}

/// Called before the first use of a managed variable; true when all is placed.
char __cudaInitModule(void **handle) {
  return guarded([&] {
           return Registry::instance().placeManaged(binaryOf(handle));
         }) == cudaSuccess;
}

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t sharedBytes,
                                     CUstream_st *stream) {
  threadState().configurations.push_back({grid, block, sharedBytes, stream});
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3 *grid, dim3 *block,
                                       size_t *sharedBytes, void *stream) {
  std::vector<CallConfiguration> &stack = threadState().configurations;
  if (stack.empty())
    return record(cudaErrorMissingConfiguration);
  *grid = stack.back().grid;
  *block = stack.back().block;
  *sharedBytes = stack.back().sharedBytes;
  *static_cast<cudaStream_t *>(stream) = stack.back().stream;
  stack.pop_back();
  return cudaSuccess;
}

/// A stub asks once and keeps the handle, so it is the stub's own address: the
/// kernel behind it is looked up at each launch, and a failure is met there.
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *host) {
  *kernel = static_cast<cudaKernel_t>(const_cast<void *>(host));
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block,
                               void **arguments, size_t sharedBytes,
                               cudaStream_t stream) {
  return cudaLaunchKernel(kernel, grid, block, arguments, sharedBytes, stream);
}

cudaError_t __cudaLaunchKernel_ptsz(cudaKernel_t kernel, dim3 grid, dim3 block,
                                    void **arguments, size_t sharedBytes,
                                    cudaStream_t stream) {
  PerThreadDefault scope;
  return cudaLaunchKernel(kernel, grid, block, arguments, sharedBytes, stream);
}

} // extern "C"
#pragma GCC visibility pop
