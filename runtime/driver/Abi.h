//===- Abi.h - The part of the CUDA driver's ABI that we use --------------===//
//
// Our own declarations, so that building needs no toolkit: opaque handles,
// structs of the documented layout, constants with the ABI's values. Names are
// those of the CUDA driver API reference, in our spelling.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_DRIVER_ABI_H
#define TILEWRIGHT_RUNTIME_DRIVER_ABI_H

#include <cstddef>
#include <cstdint>

namespace tilewright::runtime::abi {

using Device = int;
using DevicePointer = uint64_t;
using Context = struct ContextHandle *;
using Module = struct ModuleHandle *;
using Function = struct FunctionHandle *;
using Stream = struct StreamHandle *;
using Event = struct EventHandle *;
using Graph = struct GraphHandle *;
using GraphExec = struct GraphExecHandle *;

enum Status : int {
  Success = 0,
  InvalidValue = 1,
  OutOfMemory = 2,
  NoDevice = 100,
  InvalidDevice = 101,
  InvalidImage = 200,
  NoBinaryForGpu = 209,
  UnsupportedPtxVersion = 222,
  NotSupported = 801,
};

// CUdevice_attribute
enum DeviceAttribute : int {
  MultiprocessorCount = 16,
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76,
};

// CUfunction_attribute
enum FunctionAttribute : int {
  MaxDynamicSharedSizeBytes = 8,
  NonPortableClusterSizeAllowed = 14,
};

// CUjit_option
enum JitOption : int {
  InfoLogBuffer = 3,
  InfoLogBufferSizeBytes = 4,
  ErrorLogBuffer = 5,
  ErrorLogBufferSizeBytes = 6,
};

inline constexpr unsigned streamNonBlocking = 1;  // CU_STREAM_NON_BLOCKING
inline constexpr unsigned eventDisableTiming = 2; // CU_EVENT_DISABLE_TIMING
inline constexpr int captureThreadLocal =
    1; // CU_STREAM_CAPTURE_MODE_THREAD_LOCAL

// CUlaunchAttributeID
inline constexpr int launchAttributeClusterDimension = 4;

struct LaunchAttribute { // CUlaunchAttribute
  int id;
  char pad[4];
  union {
    char bytes[64];
    struct {
      unsigned x, y, z;
    } clusterDim;
  } value;
};
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfig { // CUlaunchConfig
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  Stream stream;
  LaunchAttribute *attributes;
  unsigned numAttributes;
};
static_assert(sizeof(LaunchConfig) == 56);

struct alignas(128) TensorMap { // CUtensorMap
  uint64_t opaque[16];
};
static_assert(sizeof(TensorMap) == 128);

// CUtensorMapDataType
enum TensorMapDataType : int {
  MapUint8 = 0,
  MapUint16 = 1,
  MapUint32 = 2,
  MapInt32 = 3,
  MapUint64 = 4,
  MapInt64 = 5,
  MapFloat16 = 6,
  MapFloat32 = 7,
  MapFloat64 = 8,
  MapBfloat16 = 9,
};

inline constexpr int mapInterleaveNone = 0; // CU_TENSOR_MAP_INTERLEAVE_NONE

} // namespace tilewright::runtime::abi

#endif // TILEWRIGHT_RUNTIME_DRIVER_ABI_H
