//===- ApiCopy.cpp - Copies and fills -------------------------------------===//
// Every copy is a case of the 3-D one, as in the driver. The kind says what the
// two sides must be; with addresses unified it decides nothing else.
//===----------------------------------------------------------------------===//

#include "sim/cudart/Registry.h"

#include <algorithm>
#include <cstring>

using namespace tilewright::sim::cudart;

namespace tilewright::sim::cudart {

/// The memory types of source and target.
static bool typesOf(cudaMemcpyKind kind, CUmemorytype &source,
                    CUmemorytype &target) {
  switch (kind) {
  case cudaMemcpyHostToHost:
    source = target = CU_MEMORYTYPE_HOST;
    return true;
  case cudaMemcpyHostToDevice:
    source = CU_MEMORYTYPE_HOST;
    target = CU_MEMORYTYPE_DEVICE;
    return true;
  case cudaMemcpyDeviceToHost:
    source = CU_MEMORYTYPE_DEVICE;
    target = CU_MEMORYTYPE_HOST;
    return true;
  case cudaMemcpyDeviceToDevice:
    source = target = CU_MEMORYTYPE_DEVICE;
    return true;
  case cudaMemcpyDefault:
    source = target = CU_MEMORYTYPE_UNIFIED;
    return true;
  }
  return false;
}

cudaError_t describeCopy(const cudaMemcpy3DParms &parameters,
                         CUDA_MEMCPY3D &copy) {
  if (parameters.srcArray || parameters.dstArray) {
    static std::atomic<bool> wasNamed{false};
    return refuseCall("a copy of arrays", wasNamed);
  }
  std::memset(&copy, 0, sizeof copy);
  if (!typesOf(parameters.kind, copy.srcMemoryType, copy.dstMemoryType))
    return cudaErrorInvalidMemcpyDirection;
  copy.srcHost = parameters.srcPtr.ptr;
  copy.srcDevice = reinterpret_cast<CUdeviceptr>(parameters.srcPtr.ptr);
  copy.srcPitch = parameters.srcPtr.pitch;
  copy.srcHeight = parameters.srcPtr.ysize;
  copy.srcXInBytes = parameters.srcPos.x;
  copy.srcY = parameters.srcPos.y;
  copy.srcZ = parameters.srcPos.z;
  copy.dstHost = parameters.dstPtr.ptr;
  copy.dstDevice = reinterpret_cast<CUdeviceptr>(parameters.dstPtr.ptr);
  copy.dstPitch = parameters.dstPtr.pitch;
  copy.dstHeight = parameters.dstPtr.ysize;
  copy.dstXInBytes = parameters.dstPos.x;
  copy.dstY = parameters.dstPos.y;
  copy.dstZ = parameters.dstPos.z;
  copy.WidthInBytes = parameters.extent.width;
  copy.Height = parameters.extent.height;
  copy.Depth = parameters.extent.depth;
  bool isTooNarrow = (copy.srcPitch && copy.srcPitch < copy.WidthInBytes) ||
                     (copy.dstPitch && copy.dstPitch < copy.WidthInBytes);
  return isTooNarrow && copy.Height > 1 ? cudaErrorInvalidPitchValue
                                        : cudaSuccess;
}

static cudaMemcpyKind kindOf(CUmemorytype source, CUmemorytype target) {
  bool fromHost = source == CU_MEMORYTYPE_HOST;
  bool toHost = target == CU_MEMORYTYPE_HOST;
  if (source == CU_MEMORYTYPE_UNIFIED || target == CU_MEMORYTYPE_UNIFIED)
    return cudaMemcpyDefault;
  if (fromHost)
    return toHost ? cudaMemcpyHostToHost : cudaMemcpyHostToDevice;
  return toHost ? cudaMemcpyDeviceToHost : cudaMemcpyDeviceToDevice;
}

void describeCopy(const CUDA_MEMCPY3D &copy, cudaMemcpy3DParms &parameters) {
  parameters = cudaMemcpy3DParms{};
  auto pointer = [](CUmemorytype type, const void *host, CUdeviceptr device) {
    return type == CU_MEMORYTYPE_HOST ? const_cast<void *>(host)
                                      : reinterpret_cast<void *>(device);
  };
  parameters.srcPtr = {
      pointer(copy.srcMemoryType, copy.srcHost, copy.srcDevice), copy.srcPitch,
      copy.WidthInBytes, copy.srcHeight};
  parameters.dstPtr = {
      pointer(copy.dstMemoryType, copy.dstHost, copy.dstDevice), copy.dstPitch,
      copy.WidthInBytes, copy.dstHeight};
  parameters.srcPos = {copy.srcXInBytes, copy.srcY, copy.srcZ};
  parameters.dstPos = {copy.dstXInBytes, copy.dstY, copy.dstZ};
  parameters.extent = {copy.WidthInBytes, copy.Height, copy.Depth};
  parameters.kind = kindOf(copy.srcMemoryType, copy.dstMemoryType);
}

static cudaMemcpy3DParms pitchedCopy(void *target, size_t targetPitch,
                                     const void *source, size_t sourcePitch,
                                     size_t width, size_t height,
                                     cudaMemcpyKind kind) {
  cudaMemcpy3DParms parameters{};
  parameters.srcPtr = {const_cast<void *>(source), sourcePitch, width, height};
  parameters.dstPtr = {target, targetPitch, width, height};
  parameters.extent = {width, height, 1};
  parameters.kind = kind;
  return parameters;
}

cudaMemcpy3DParms flatCopy(void *target, const void *source, size_t bytes,
                           cudaMemcpyKind kind) {
  return pitchedCopy(target, bytes, source, bytes, bytes, 1, kind);
}

} // namespace tilewright::sim::cudart

static bool isEmpty(const cudaMemcpy3DParms &parameters) {
  return parameters.extent.width == 0 || parameters.extent.height == 0 ||
         parameters.extent.depth == 0;
}

static cudaError_t copyNow(const cudaMemcpy3DParms &parameters) {
  return withContext([&] {
    CUDA_MEMCPY3D copy;
    if (cudaError_t error = describeCopy(parameters, copy))
      return error;
    if (isEmpty(parameters))
      return cudaSuccess;
    if (!isPerThreadDefault())
      return errorOf(cuMemcpy3D(&copy));
    CUresult result = cuMemcpy3DAsync(&copy, CU_STREAM_PER_THREAD);
    return errorOf(result ? result : cuStreamSynchronize(CU_STREAM_PER_THREAD));
  });
}

static cudaError_t copyLater(const cudaMemcpy3DParms &parameters,
                             cudaStream_t stream) {
  return withContext([&] {
    CUDA_MEMCPY3D copy;
    if (cudaError_t error = describeCopy(parameters, copy))
      return error;
    return isEmpty(parameters)
               ? cudaSuccess
               : errorOf(cuMemcpy3DAsync(&copy, streamOf(stream)));
  });
}

cudaError_t cudaMemcpy(void *target, const void *source, size_t bytes,
                       cudaMemcpyKind kind) {
  return copyNow(flatCopy(target, source, bytes, kind));
}

cudaError_t cudaMemcpyAsync(void *target, const void *source, size_t bytes,
                            cudaMemcpyKind kind, cudaStream_t stream) {
  return copyLater(flatCopy(target, source, bytes, kind), stream);
}

cudaError_t cudaMemcpy2D(void *target, size_t targetPitch, const void *source,
                         size_t sourcePitch, size_t width, size_t height,
                         cudaMemcpyKind kind) {
  return copyNow(pitchedCopy(target, targetPitch, source, sourcePitch, width,
                             height, kind));
}

cudaError_t cudaMemcpy2DAsync(void *target, size_t targetPitch,
                              const void *source, size_t sourcePitch,
                              size_t width, size_t height, cudaMemcpyKind kind,
                              cudaStream_t stream) {
  return copyLater(pitchedCopy(target, targetPitch, source, sourcePitch, width,
                               height, kind),
                   stream);
}

cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms *parameters) {
  return parameters ? copyNow(*parameters) : record(cudaErrorInvalidValue);
}

cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms *parameters,
                              cudaStream_t stream) {
  return parameters ? copyLater(*parameters, stream)
                    : record(cudaErrorInvalidValue);
}

/// Copies of a batch may run in any order; one after the other is one.
cudaError_t cudaMemcpyBatchAsync(void *const *targets,
                                 const void *const *sources,
                                 const size_t *sizes, size_t count,
                                 cudaMemcpyAttributes *attributes,
                                 size_t *attributeIndices,
                                 size_t attributeCount, cudaStream_t stream) {
  if (!targets || !sources || !sizes || count == 0)
    return record(cudaErrorInvalidValue);
  for (size_t i = 0; i < count; ++i)
    if (cudaError_t error = cudaMemcpyAsync(targets[i], sources[i], sizes[i],
                                            cudaMemcpyDefault, stream))
      return error;
  return cudaSuccess;
}

cudaError_t cudaMemcpyWithAttributesAsync(void *target, const void *source,
                                          size_t bytes,
                                          cudaMemcpyAttributes *attributes,
                                          cudaStream_t stream) {
  return cudaMemcpyAsync(target, source, bytes, cudaMemcpyDefault, stream);
}

static cudaMemcpy3DParms peerCopy(const cudaMemcpy3DPeerParms &peer) {
  cudaMemcpy3DParms parameters{};
  parameters.srcArray = peer.srcArray;
  parameters.srcPos = peer.srcPos;
  parameters.srcPtr = peer.srcPtr;
  parameters.dstArray = peer.dstArray;
  parameters.dstPos = peer.dstPos;
  parameters.dstPtr = peer.dstPtr;
  parameters.extent = peer.extent;
  parameters.kind = cudaMemcpyDeviceToDevice;
  return parameters;
}

cudaError_t cudaMemcpy3DPeer(const cudaMemcpy3DPeerParms *parameters) {
  return parameters ? copyNow(peerCopy(*parameters))
                    : record(cudaErrorInvalidValue);
}

cudaError_t cudaMemcpy3DPeerAsync(const cudaMemcpy3DPeerParms *parameters,
                                  cudaStream_t stream) {
  return parameters ? copyLater(peerCopy(*parameters), stream)
                    : record(cudaErrorInvalidValue);
}

cudaError_t cudaMemcpyPeer(void *target, int targetDevice, const void *source,
                           int sourceDevice, size_t bytes) {
  return guarded([&] {
    if (!isDevice(targetDevice) || !isDevice(sourceDevice))
      return cudaErrorInvalidDevice;
    return copyNow(flatCopy(target, source, bytes, cudaMemcpyDeviceToDevice));
  });
}

cudaError_t cudaMemcpyPeerAsync(void *target, int targetDevice,
                                const void *source, int sourceDevice,
                                size_t bytes, cudaStream_t stream) {
  return guarded([&] {
    if (!isDevice(targetDevice) || !isDevice(sourceDevice))
      return cudaErrorInvalidDevice;
    return copyLater(flatCopy(target, source, bytes, cudaMemcpyDeviceToDevice),
                     stream);
  });
}

/// Runs `body(address, size)` with the variable behind a host symbol.
template <typename Body>
static cudaError_t withVariable(const void *symbol, Body &&body) {
  return withContext([&] {
    CUdeviceptr address = 0;
    size_t size = 0;
    if (cudaError_t error =
            Registry::instance().findVariable(symbol, address, size))
      return error;
    return body(address, size);
  });
}

cudaError_t cudaGetSymbolAddress(void **out, const void *symbol) {
  return withVariable(symbol, [&](CUdeviceptr address, size_t) {
    if (!out)
      return cudaErrorInvalidValue;
    *out = reinterpret_cast<void *>(address);
    return cudaSuccess;
  });
}

cudaError_t cudaGetSymbolSize(size_t *out, const void *symbol) {
  return withVariable(symbol, [&](CUdeviceptr, size_t size) {
    if (!out)
      return cudaErrorInvalidValue;
    *out = size;
    return cudaSuccess;
  });
}

namespace tilewright::sim::cudart {

cudaError_t symbolRange(const void *symbol, size_t offset, size_t bytes,
                        void *&out) {
  return withVariable(symbol, [&](CUdeviceptr address, size_t size) {
    if (offset > size || bytes > size - offset)
      return cudaErrorInvalidValue;
    out = reinterpret_cast<void *>(address + offset);
    return cudaSuccess;
  });
}

} // namespace tilewright::sim::cudart

cudaError_t cudaMemcpyToSymbol(const void *symbol, const void *source,
                               size_t bytes, size_t offset,
                               cudaMemcpyKind kind) {
  void *target = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, target))
    return error;
  return cudaMemcpy(target, source, bytes, kind);
}

cudaError_t cudaMemcpyFromSymbol(void *target, const void *symbol, size_t bytes,
                                 size_t offset, cudaMemcpyKind kind) {
  void *source = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, source))
    return error;
  return cudaMemcpy(target, source, bytes, kind);
}

cudaError_t cudaMemcpyToSymbolAsync(const void *symbol, const void *source,
                                    size_t bytes, size_t offset,
                                    cudaMemcpyKind kind, cudaStream_t stream) {
  void *target = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, target))
    return error;
  return cudaMemcpyAsync(target, source, bytes, kind, stream);
}

cudaError_t cudaMemcpyFromSymbolAsync(void *target, const void *symbol,
                                      size_t bytes, size_t offset,
                                      cudaMemcpyKind kind,
                                      cudaStream_t stream) {
  void *source = nullptr;
  if (cudaError_t error = symbolRange(symbol, offset, bytes, source))
    return error;
  return cudaMemcpyAsync(target, source, bytes, kind, stream);
}

/// Slices of a fill one after the other; a dense one is a single row.
static CUresult fill(cudaPitchedPtr target, int value, cudaExtent extent,
                     CUstream stream) {
  auto byte = static_cast<unsigned char>(value);
  auto address = reinterpret_cast<CUdeviceptr>(target.ptr);
  if (extent.width == 0 || extent.height == 0 || extent.depth == 0)
    return CUDA_SUCCESS;
  if (extent.height == 1 && extent.depth == 1)
    return cuMemsetD8Async(address, byte, extent.width, stream);
  size_t rows = std::max(target.ysize, extent.height);
  for (size_t z = 0; z < extent.depth; ++z)
    if (CUresult error =
            cuMemsetD2D8Async(address + z * target.pitch * rows, target.pitch,
                              byte, extent.width, extent.height, stream))
      return error;
  return CUDA_SUCCESS;
}

static cudaError_t fillNow(cudaPitchedPtr target, int value,
                           cudaExtent extent) {
  return withContext([&] {
    CUstream stream =
        isPerThreadDefault() ? CU_STREAM_PER_THREAD : CU_STREAM_LEGACY;
    CUresult result = fill(target, value, extent, stream);
    return result ? result : cuStreamSynchronize(stream);
  });
}

static cudaError_t fillLater(cudaPitchedPtr target, int value,
                             cudaExtent extent, cudaStream_t stream) {
  return withContext(
      [&] { return fill(target, value, extent, streamOf(stream)); });
}

cudaError_t cudaMemset(void *target, int value, size_t bytes) {
  return fillNow({target, bytes, bytes, 1}, value, {bytes, 1, 1});
}

cudaError_t cudaMemsetAsync(void *target, int value, size_t bytes,
                            cudaStream_t stream) {
  return fillLater({target, bytes, bytes, 1}, value, {bytes, 1, 1}, stream);
}

cudaError_t cudaMemset2D(void *target, size_t pitch, int value, size_t width,
                         size_t height) {
  return fillNow({target, pitch, width, height}, value, {width, height, 1});
}

cudaError_t cudaMemset2DAsync(void *target, size_t pitch, int value,
                              size_t width, size_t height,
                              cudaStream_t stream) {
  return fillLater({target, pitch, width, height}, value, {width, height, 1},
                   stream);
}

cudaError_t cudaMemset3D(cudaPitchedPtr target, int value, cudaExtent extent) {
  return fillNow(target, value, extent);
}

cudaError_t cudaMemset3DAsync(cudaPitchedPtr target, int value,
                              cudaExtent extent, cudaStream_t stream) {
  return fillLater(target, value, extent, stream);
}
