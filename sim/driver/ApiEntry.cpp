//===- ApiEntry.cpp - Entry points: names, versions, error texts ----------===//

#include "sim/driver/EntryPoints.h"

#include <algorithm>
#include <cstring>

using namespace tilewright::sim::driver;

namespace tilewright::sim::driver {

CUresult refuseCall(const char *name, std::atomic<bool> &wasNamed) {
  if (!wasNamed.exchange(true))
    printMessage(std::string(name) +
                 " is not supported by the simulated driver");
  return CUDA_ERROR_NOT_SUPPORTED;
}

} // namespace tilewright::sim::driver

CUresult cuGetProcAddress_v2(const char *name, void **out, int version,
                             cuuint64_t flags,
                             CUdriverProcAddressQueryResult *status) {
  if (!name || !out || version < 0 ||
      flags > CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM)
    return CUDA_ERROR_INVALID_VALUE;
  *out = nullptr;
  bool nameExists = false;
  bool perThread = flags == CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM;
  for (size_t i = 0; i < kEntryPointCount; ++i) {
    const EntryPoint &entry = kEntryPoints[i];
    if (strcmp(entry.name, name) != 0)
      continue;
    nameExists = true;
    // Later versions of a name come later in the table.
    if (entry.version <= version)
      *out = perThread && entry.perThread ? entry.perThread : entry.function;
  }
  if (status)
    *status = *out         ? CU_GET_PROC_ADDRESS_SUCCESS
              : nameExists ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
                           : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
  return *out ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

CUresult cuGetProcAddress(const char *name, void **out, int version,
                          cuuint64_t flags) {
  return cuGetProcAddress_v2(name, out, version, flags, nullptr);
}

CUresult cuGetExportTable(const void **table, const CUuuid *id) {
  if (!table || !id)
    return CUDA_ERROR_INVALID_VALUE;
  // Private tables between the vendor's libraries: there are none here.
  *table = nullptr;
  return CUDA_ERROR_NOT_FOUND;
}

namespace {
struct ErrorText {
  CUresult code;
  const char *name, *text;
};
} // namespace

#define ERROR_TEXT(code, text) {code, #code, text}
static const ErrorText kErrorTexts[] = {
    ERROR_TEXT(CUDA_SUCCESS, "no error"),
    ERROR_TEXT(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    ERROR_TEXT(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    ERROR_TEXT(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    ERROR_TEXT(CUDA_ERROR_DEINITIALIZED, "driver shutting down"),
    ERROR_TEXT(CUDA_ERROR_PROFILER_DISABLED, "profiler disabled"),
    ERROR_TEXT(CUDA_ERROR_PROFILER_NOT_INITIALIZED, "profiler not initialized"),
    ERROR_TEXT(CUDA_ERROR_PROFILER_ALREADY_STARTED, "profiler already started"),
    ERROR_TEXT(CUDA_ERROR_PROFILER_ALREADY_STOPPED, "profiler already stopped"),
    ERROR_TEXT(CUDA_ERROR_STUB_LIBRARY, "driver is a stub library"),
    ERROR_TEXT(CUDA_ERROR_CALL_REQUIRES_NEWER_DRIVER,
               "call requires a newer driver"),
    ERROR_TEXT(CUDA_ERROR_DEVICE_UNAVAILABLE, "device is busy or unavailable"),
    ERROR_TEXT(CUDA_ERROR_NO_DEVICE, "no device is available"),
    ERROR_TEXT(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    ERROR_TEXT(CUDA_ERROR_DEVICE_NOT_LICENSED, "device is not licensed"),
    ERROR_TEXT(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    ERROR_TEXT(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    ERROR_TEXT(CUDA_ERROR_CONTEXT_ALREADY_CURRENT, "context already current"),
    ERROR_TEXT(CUDA_ERROR_MAP_FAILED, "mapping of a buffer failed"),
    ERROR_TEXT(CUDA_ERROR_UNMAP_FAILED, "unmapping of a buffer failed"),
    ERROR_TEXT(CUDA_ERROR_ARRAY_IS_MAPPED, "array is mapped"),
    ERROR_TEXT(CUDA_ERROR_ALREADY_MAPPED, "resource already mapped"),
    ERROR_TEXT(CUDA_ERROR_NO_BINARY_FOR_GPU,
               "no kernel image is available for execution on the device"),
    ERROR_TEXT(CUDA_ERROR_ALREADY_ACQUIRED, "resource already acquired"),
    ERROR_TEXT(CUDA_ERROR_NOT_MAPPED, "resource not mapped"),
    ERROR_TEXT(CUDA_ERROR_NOT_MAPPED_AS_ARRAY, "resource not mapped as array"),
    ERROR_TEXT(CUDA_ERROR_NOT_MAPPED_AS_POINTER,
               "resource not mapped as pointer"),
    ERROR_TEXT(CUDA_ERROR_ECC_UNCORRECTABLE,
               "uncorrectable ECC error encountered"),
    ERROR_TEXT(CUDA_ERROR_UNSUPPORTED_LIMIT,
               "limit is not supported on this architecture"),
    ERROR_TEXT(CUDA_ERROR_CONTEXT_ALREADY_IN_USE,
               "exclusive-thread device already in use by a different thread"),
    ERROR_TEXT(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED,
               "peer access is not supported between these two devices"),
    ERROR_TEXT(CUDA_ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    ERROR_TEXT(CUDA_ERROR_INVALID_GRAPHICS_CONTEXT, "invalid OpenGL context"),
    ERROR_TEXT(CUDA_ERROR_NVLINK_UNCORRECTABLE,
               "uncorrectable NVLink error detected during the execution"),
    ERROR_TEXT(CUDA_ERROR_JIT_COMPILER_NOT_FOUND,
               "PTX JIT compiler library not found"),
    ERROR_TEXT(CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
               "the provided PTX was compiled with an unsupported toolchain"),
    ERROR_TEXT(CUDA_ERROR_JIT_COMPILATION_DISABLED,
               "PTX JIT compilation was disabled"),
    ERROR_TEXT(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY,
               "the provided execution affinity is not supported"),
    ERROR_TEXT(CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC,
               "device-side synchronization is not supported in this PTX"),
    ERROR_TEXT(CUDA_ERROR_CONTAINED,
               "a contained error was met; the process must be restarted"),
    ERROR_TEXT(CUDA_ERROR_INVALID_SOURCE, "device kernel image is invalid"),
    ERROR_TEXT(CUDA_ERROR_FILE_NOT_FOUND, "file not found"),
    ERROR_TEXT(CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND,
               "shared object symbol not found"),
    ERROR_TEXT(CUDA_ERROR_SHARED_OBJECT_INIT_FAILED,
               "shared object initialization failed"),
    ERROR_TEXT(CUDA_ERROR_OPERATING_SYSTEM,
               "OS call failed or operation not supported on this OS"),
    ERROR_TEXT(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    ERROR_TEXT(CUDA_ERROR_ILLEGAL_STATE,
               "the operation cannot be performed in the present state"),
    ERROR_TEXT(CUDA_ERROR_LOSSY_QUERY,
               "attempted introspection would be semantically lossy"),
    ERROR_TEXT(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    ERROR_TEXT(CUDA_ERROR_NOT_READY, "device not ready"),
    ERROR_TEXT(CUDA_ERROR_ILLEGAL_ADDRESS,
               "an illegal memory access was encountered"),
    ERROR_TEXT(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES,
               "too many resources requested for launch"),
    ERROR_TEXT(CUDA_ERROR_LAUNCH_TIMEOUT,
               "the launch timed out and was terminated"),
    ERROR_TEXT(CUDA_ERROR_LAUNCH_INCOMPATIBLE_TEXTURING,
               "launch uses incompatible texturing mode"),
    ERROR_TEXT(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED,
               "peer access is already enabled"),
    ERROR_TEXT(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED,
               "peer access has not been enabled"),
    ERROR_TEXT(CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE,
               "cannot set while device is active in this process"),
    ERROR_TEXT(CUDA_ERROR_CONTEXT_IS_DESTROYED, "context is destroyed"),
    ERROR_TEXT(CUDA_ERROR_ASSERT, "device-side assert triggered"),
    ERROR_TEXT(CUDA_ERROR_TOO_MANY_PEERS, "peer mapping resources exhausted"),
    ERROR_TEXT(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED,
               "part or all of the requested memory range is already mapped"),
    ERROR_TEXT(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED,
               "pointer does not correspond to a registered memory region"),
    ERROR_TEXT(CUDA_ERROR_HARDWARE_STACK_ERROR, "hardware stack error"),
    ERROR_TEXT(CUDA_ERROR_ILLEGAL_INSTRUCTION,
               "an illegal instruction was encountered"),
    ERROR_TEXT(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    ERROR_TEXT(CUDA_ERROR_INVALID_ADDRESS_SPACE,
               "operation not supported on global/shared address space"),
    ERROR_TEXT(CUDA_ERROR_INVALID_PC, "invalid program counter"),
    ERROR_TEXT(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    ERROR_TEXT(CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE,
               "too many blocks in cooperative launch"),
    ERROR_TEXT(CUDA_ERROR_TENSOR_MEMORY_LEAK,
               "a kernel exited with tensor memory still allocated"),
    ERROR_TEXT(CUDA_ERROR_NOT_PERMITTED, "operation not permitted"),
    ERROR_TEXT(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    ERROR_TEXT(CUDA_ERROR_SYSTEM_NOT_READY, "system not yet initialized"),
    ERROR_TEXT(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH,
               "system has unsupported display driver / cuda driver "
               "combination"),
    ERROR_TEXT(CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE,
               "forward compatibility was attempted on non supported HW"),
    ERROR_TEXT(CUDA_ERROR_MPS_CONNECTION_FAILED,
               "MPS client failed to connect to the MPS control daemon"),
    ERROR_TEXT(CUDA_ERROR_MPS_RPC_FAILURE, "the remote procedural call between "
                                           "the MPS server and the MPS client "
                                           "failed"),
    ERROR_TEXT(CUDA_ERROR_MPS_SERVER_NOT_READY,
               "MPS server is not ready to accept new MPS client requests"),
    ERROR_TEXT(CUDA_ERROR_MPS_MAX_CLIENTS_REACHED,
               "the hardware resources required to create MPS client have "
               "been exhausted"),
    ERROR_TEXT(CUDA_ERROR_MPS_MAX_CONNECTIONS_REACHED,
               "the hardware resources required to support device connections "
               "have been exhausted"),
    ERROR_TEXT(CUDA_ERROR_MPS_CLIENT_TERMINATED,
               "the MPS client has been terminated by the server"),
    ERROR_TEXT(CUDA_ERROR_CDP_NOT_SUPPORTED,
               "device-side launches are not supported"),
    ERROR_TEXT(CUDA_ERROR_CDP_VERSION_MISMATCH,
               "device-side launch versions do not match"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
               "operation not permitted when stream is capturing"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
               "operation failed due to a previous error during capture"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_MERGE,
               "operation would result in a merge of separate capture "
               "sequences"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED,
               "capture was not ended in the same stream as it began"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_UNJOINED,
               "capturing stream has unjoined work"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_ISOLATION,
               "dependency created on uncaptured work in another stream"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT,
               "operation would make the legacy stream depend on a capturing "
               "blocking stream"),
    ERROR_TEXT(CUDA_ERROR_CAPTURED_EVENT,
               "operation not permitted on an event last recorded in a "
               "capturing stream"),
    ERROR_TEXT(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD,
               "attempt to terminate a thread-local capture sequence from "
               "another thread"),
    ERROR_TEXT(CUDA_ERROR_TIMEOUT, "wait operation timed out"),
    ERROR_TEXT(CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE,
               "the graph update was not performed because it included "
               "changes which violated constraints specific to instantiated "
               "graph update"),
    ERROR_TEXT(CUDA_ERROR_EXTERNAL_DEVICE,
               "an async error has occurred in external entity outside of "
               "CUDA"),
    ERROR_TEXT(CUDA_ERROR_INVALID_CLUSTER_SIZE, "invalid cluster size"),
    ERROR_TEXT(CUDA_ERROR_FUNCTION_NOT_LOADED, "function is not loaded"),
    ERROR_TEXT(CUDA_ERROR_INVALID_RESOURCE_TYPE, "invalid resource type"),
    ERROR_TEXT(CUDA_ERROR_INVALID_RESOURCE_CONFIGURATION,
               "invalid resource configuration"),
    ERROR_TEXT(CUDA_ERROR_KEY_ROTATION,
               "an encrypted channel is rotating its keys"),
    ERROR_TEXT(CUDA_ERROR_STREAM_DETACHED, "stream is detached"),
    ERROR_TEXT(CUDA_ERROR_GRAPH_RECAPTURE_FAILURE,
               "the graph could not be captured again"),
    ERROR_TEXT(CUDA_ERROR_MULTICAST_RESOURCE_FULL,
               "no multicast resources are left"),
    ERROR_TEXT(CUDA_ERROR_INSUFFICIENT_LOADER_VERSION,
               "the loader is too old for this driver"),
    ERROR_TEXT(CUDA_ERROR_FABRIC_NOT_READY, "the fabric is not ready"),
    ERROR_TEXT(CUDA_ERROR_UNKNOWN, "unknown error"),
};
#undef ERROR_TEXT

static const ErrorText *findError(CUresult code) {
  const ErrorText *end = std::end(kErrorTexts);
  const ErrorText *found =
      std::find_if(std::begin(kErrorTexts), end,
                   [&](const ErrorText &entry) { return entry.code == code; });
  return found == end ? nullptr : found;
}

CUresult cuGetErrorName(CUresult code, const char **name) {
  if (!name)
    return CUDA_ERROR_INVALID_VALUE;
  const ErrorText *found = findError(code);
  *name = found ? found->name : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult code, const char **text) {
  if (!text)
    return CUDA_ERROR_INVALID_VALUE;
  const ErrorText *found = findError(code);
  *text = found ? found->text : nullptr;
  return found ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
