//===- ApiLibrary.cpp - Libraries that programs load themselves -----------===//

#include "sim/cudart/Runtime.h"

using namespace tilewright::sim::cudart;

cudaError_t cudaLibraryLoadData(cudaLibrary_t *library, const void *code,
                                cudaJitOption *jitOptions, void **jitValues,
                                unsigned jitCount,
                                cudaLibraryOption *libraryOptions,
                                void **libraryValues, unsigned libraryCount) {
  return withContext([&] {
    return cuLibraryLoadData(
        library, code, reinterpret_cast<CUjit_option *>(jitOptions), jitValues,
        jitCount, reinterpret_cast<CUlibraryOption *>(libraryOptions),
        libraryValues, libraryCount);
  });
}

cudaError_t cudaLibraryLoadFromFile(cudaLibrary_t *library, const char *path,
                                    cudaJitOption *jitOptions, void **jitValues,
                                    unsigned jitCount,
                                    cudaLibraryOption *libraryOptions,
                                    void **libraryValues,
                                    unsigned libraryCount) {
  return withContext([&] {
    return cuLibraryLoadFromFile(
        library, path, reinterpret_cast<CUjit_option *>(jitOptions), jitValues,
        jitCount, reinterpret_cast<CUlibraryOption *>(libraryOptions),
        libraryValues, libraryCount);
  });
}

cudaError_t cudaLibraryUnload(cudaLibrary_t library) {
  return withContext([&] { return cuLibraryUnload(library); });
}

cudaError_t cudaLibraryGetKernel(cudaKernel_t *kernel, cudaLibrary_t library,
                                 const char *name) {
  return withContext([&] { return cuLibraryGetKernel(kernel, library, name); });
}

cudaError_t cudaLibraryGetKernelCount(unsigned *count, cudaLibrary_t library) {
  return withContext([&] { return cuLibraryGetKernelCount(count, library); });
}

cudaError_t cudaLibraryEnumerateKernels(cudaKernel_t *kernels, unsigned count,
                                        cudaLibrary_t library) {
  return withContext(
      [&] { return cuLibraryEnumerateKernels(kernels, count, library); });
}

cudaError_t cudaLibraryGetGlobal(void **address, size_t *bytes,
                                 cudaLibrary_t library, const char *name) {
  return withContext([&] {
    return cuLibraryGetGlobal(reinterpret_cast<CUdeviceptr *>(address), bytes,
                              library, name);
  });
}

cudaError_t cudaLibraryGetManaged(void **address, size_t *bytes,
                                  cudaLibrary_t library, const char *name) {
  return withContext([&] {
    return cuLibraryGetManaged(reinterpret_cast<CUdeviceptr *>(address), bytes,
                               library, name);
  });
}

cudaError_t cudaKernelSetAttributeForDevice(cudaKernel_t kernel,
                                            cudaFuncAttribute attribute,
                                            int value, int device) {
  return withContext([&] {
    return cuKernelSetAttribute(static_cast<CUfunction_attribute>(attribute),
                                value, kernel, device);
  });
}
