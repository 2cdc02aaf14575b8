//===- ApiError.cpp - Last error, names and texts of errors, entry points -===//

#include "sim/cudart/Runtime.h"

#include <iterator>

using namespace tilewright::sim::cudart;

/// Errors that break the context: no call makes them go away.
static bool isSticky(cudaError_t error) {
  switch (error) {
  case cudaErrorIllegalAddress:
  case cudaErrorLaunchTimeout:
  case cudaErrorAssert:
  case cudaErrorHardwareStackError:
  case cudaErrorIllegalInstruction:
  case cudaErrorMisalignedAddress:
  case cudaErrorInvalidAddressSpace:
  case cudaErrorInvalidPc:
  case cudaErrorLaunchFailure:
  case cudaErrorECCUncorrectable:
    return true;
  default:
    return false;
  }
}

cudaError_t cudaPeekAtLastError() { return threadState().lastError; }

cudaError_t cudaGetLastError() {
  cudaError_t error = threadState().lastError;
  if (!isSticky(error))
    threadState().lastError = cudaSuccess;
  return error;
}

namespace {
struct ErrorText {
  cudaError_t code;
  const char *text;
};
} // namespace

/// Codes that the driver does not have.
static const ErrorText kRuntimeErrors[] = {
    {cudaErrorInvalidConfiguration, "invalid configuration argument"},
    {cudaErrorVersionTranslation, "driver newer than the runtime"},
    {cudaErrorInvalidPitchValue, "invalid pitch argument"},
    {cudaErrorInvalidSymbol, "invalid device symbol"},
    {cudaErrorInvalidHostPointer, "invalid host pointer"},
    {cudaErrorInvalidDevicePointer, "invalid device pointer"},
    {cudaErrorInvalidTexture, "invalid texture reference"},
    {cudaErrorInvalidChannelDescriptor, "invalid channel descriptor"},
    {cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"},
    {cudaErrorNotYetImplemented, "feature not yet implemented"},
    {cudaErrorInsufficientDriver,
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidSurface, "invalid surface reference"},
    {cudaErrorDuplicateVariableName, "duplicate global variable looked up"},
    {cudaErrorIncompatibleDriverContext, "incompatible driver context"},
    {cudaErrorMissingConfiguration,
     "__global__ function call is not configured"},
    {cudaErrorInvalidDeviceFunction, "invalid device function"},
    {cudaErrorStartupFailure, "startup failure in cuda runtime"},
};

static_assert(int(cudaErrorUnknown) == int(CUDA_ERROR_UNKNOWN));

#pragma GCC visibility push(default)

const char *cudaGetErrorName(cudaError_t error) {
  for (size_t i = 0; i < kErrorNameCount; ++i)
    if (kErrorNames[i].code == error)
      return kErrorNames[i].name;
  return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t error) {
  for (const ErrorText &entry : kRuntimeErrors)
    if (entry.code == error)
      return entry.text;
  const char *text = nullptr;
  cuGetErrorString(static_cast<CUresult>(error), &text);
  return text ? text : "unrecognized error code";
}

cudaChannelFormatDesc cudaCreateChannelDesc(int x, int y, int z, int w,
                                            cudaChannelFormatKind kind) {
  return {x, y, z, w, kind};
}

extern "C" cudaError_t cudaProfilerStart() { return cudaSuccess; }
extern "C" cudaError_t cudaProfilerStop() { return cudaSuccess; }

#pragma GCC visibility pop

cudaError_t cudaDriverGetVersion(int *version) {
  return guarded([&] { return cuDriverGetVersion(version); });
}

cudaError_t cudaRuntimeGetVersion(int *version) {
  return guarded([&] {
    if (!version)
      return cudaErrorInvalidValue;
    *version = CUDART_VERSION;
    return cudaSuccess;
  });
}

static unsigned long long lookupFlags(unsigned long long flags) {
  return flags == cudaEnableDefault && isPerThreadDefault()
             ? CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM
             : flags;
}

/// A missing symbol is a state and a null pointer, not an error, for a caller
/// who asks for the state.
static cudaError_t findEntryPoint(const char *symbol, void **out, int version,
                                  unsigned long long flags,
                                  cudaDriverEntryPointQueryResult *state) {
  if (!symbol || !out)
    return cudaErrorInvalidValue;
  CUdriverProcAddressQueryResult found = CU_GET_PROC_ADDRESS_SUCCESS;
  CUresult result =
      cuGetProcAddress(symbol, out, version, lookupFlags(flags), &found);
  if (state)
    *state = static_cast<cudaDriverEntryPointQueryResult>(found);
  if (result == CUDA_ERROR_NOT_FOUND && state)
    return cudaSuccess;
  return errorOf(result);
}

cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **out,
                                    unsigned long long flags,
                                    cudaDriverEntryPointQueryResult *state) {
  return guarded([&] {
    return findEntryPoint(symbol, out, CUDART_VERSION, flags, state);
  });
}

cudaError_t
cudaGetDriverEntryPointByVersion(const char *symbol, void **out,
                                 unsigned version, unsigned long long flags,
                                 cudaDriverEntryPointQueryResult *state) {
  return guarded(
      [&] { return findEntryPoint(symbol, out, int(version), flags, state); });
}
