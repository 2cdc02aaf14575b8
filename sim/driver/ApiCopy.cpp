//===- ApiCopy.cpp - Entry points: copies and fills -----------------------===//
// Every copy is a case of the 3-D one. Pageable host memory behaves as on a
// GPU: an upload has read its source, and a download is complete, when the
// call returns.
//===----------------------------------------------------------------------===//

#include "sim/driver/Api.h"

#include <cstring>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

/// Uploads from pageable memory up to this size are staged, not waited for.
static constexpr uint64_t kStagedBytes = 64 * 1024;

namespace {
/// One side of a CUDA_MEMCPY3D.
struct CopySide {
  CUmemorytype type;
  const void *host;
  CUdeviceptr device;
  CUarray array;
  size_t x, y, z, lod, pitch, height;
};
} // namespace

static CopySide sourceOf(const CUDA_MEMCPY3D &c) {
  return {c.srcMemoryType, c.srcHost, c.srcDevice, c.srcArray, c.srcXInBytes,
          c.srcY,          c.srcZ,    c.srcLOD,    c.srcPitch, c.srcHeight};
}

static CopySide targetOf(const CUDA_MEMCPY3D &c) {
  return {c.dstMemoryType, c.dstHost, c.dstDevice, c.dstArray, c.dstXInBytes,
          c.dstY,          c.dstZ,    c.dstLOD,    c.dstPitch, c.dstHeight};
}

/// With checks on, says which memory a copy or fill would have left.
static void reportLeaving(const char *what, uint64_t address, uint64_t bytes) {
  Driver &driver = Driver::instance();
  if (driver.checks && driver.space.contains(address))
    driver.checks->hostAccess(std::string(what) + " of " +
                                  std::to_string(bytes) + " bytes",
                              address, bytes);
}

/// Turns a side into addresses, and checks that all of the box is memory that
/// this side may name.
static CUresult resolveSide(const CopySide &side, const Extent &extent,
                            PitchedBox &box) {
  if (side.type == CU_MEMORYTYPE_ARRAY)
    return CUDA_ERROR_NOT_SUPPORTED;
  if (side.lod != 0)
    return CUDA_ERROR_INVALID_VALUE;
  bool isHost = side.type == CU_MEMORYTYPE_HOST;
  if (!isHost && side.type != CU_MEMORYTYPE_DEVICE &&
      side.type != CU_MEMORYTYPE_UNIFIED)
    return CUDA_ERROR_INVALID_VALUE;
  uint64_t base =
      isHost ? reinterpret_cast<uint64_t>(side.host) : uint64_t(side.device);
  if (base == 0)
    return CUDA_ERROR_INVALID_VALUE;
  bool isFlat = extent.height == 1 && extent.depth == 1;
  uint64_t pitch = side.pitch ? side.pitch : side.x + extent.width;
  uint64_t rows = side.height ? side.height : side.y + extent.height;
  if (!isFlat && pitch < extent.width)
    return CUDA_ERROR_INVALID_VALUE;
  if (extent.depth > 1 && rows < extent.height)
    return CUDA_ERROR_INVALID_VALUE;
  // In 128 bits, so that no product of hostile sizes wraps around.
  auto wide = [](uint64_t value) { return static_cast<__uint128_t>(value); };
  __uint128_t slice = wide(pitch) * rows;
  __uint128_t first =
      wide(base) + slice * side.z + wide(pitch) * side.y + side.x;
  __uint128_t end = first + slice * (extent.depth - 1) +
                    wide(pitch) * (extent.height - 1) + extent.width;
  if (end > UINT64_MAX)
    return CUDA_ERROR_INVALID_VALUE;
  box = {uint64_t(first), pitch, extent.depth > 1 ? uint64_t(slice) : 0};
  uint64_t bytes = uint64_t(end - first);
  if (isDeviceAccessible(box.address, bytes))
    return CUDA_SUCCESS;
  // Inside the devices' address space, but not (wholly) allocated.
  if (Driver::instance().space.contains(box.address)) {
    reportLeaving("copy", box.address, bytes);
    return CUDA_ERROR_INVALID_VALUE;
  }
  return side.type == CU_MEMORYTYPE_DEVICE ? CUDA_ERROR_INVALID_VALUE
                                           : CUDA_SUCCESS;
}

namespace tilewright::sim::driver {

CUresult makeCopyOperation(const CUDA_MEMCPY3D &description,
                           CopyOperation &operation) {
  operation.description = description;
  operation.extent = {description.WidthInBytes, description.Height,
                      description.Depth};
  if (operation.extent.empty())
    return CUDA_SUCCESS;
  if (CUresult error = resolveSide(targetOf(description), operation.extent,
                                   operation.target))
    return error;
  return resolveSide(sourceOf(description), operation.extent, operation.source);
}

CUresult makeFillOperation(CUdeviceptr target, size_t pitch, uint32_t value,
                           uint32_t elementBytes, size_t width, size_t height,
                           FillOperation &operation) {
  operation.value = value;
  operation.valueBytes = elementBytes;
  if (width == 0 || height == 0)
    return CUDA_SUCCESS;
  __uint128_t row = static_cast<__uint128_t>(width) * elementBytes;
  __uint128_t all = static_cast<__uint128_t>(pitch) * (height - 1) + row;
  if (target % elementBytes != 0 || all > UINT64_MAX ||
      (height > 1 && (pitch < row || pitch % elementBytes != 0)))
    return CUDA_ERROR_INVALID_VALUE;
  if (!isDeviceAccessible(target, uint64_t(all))) {
    reportLeaving("fill", target, uint64_t(all));
    return CUDA_ERROR_INVALID_VALUE;
  }
  operation.target = {target, pitch, 0};
  operation.extent = {uint64_t(row), height, 1};
  return CUDA_SUCCESS;
}

} // namespace tilewright::sim::driver

static CUDA_MEMCPY3D flatCopy(CUmemorytype targetType, uint64_t target,
                              CUmemorytype sourceType, uint64_t source,
                              size_t bytes) {
  CUDA_MEMCPY3D copy{};
  copy.dstMemoryType = targetType;
  copy.dstHost = reinterpret_cast<void *>(target);
  copy.dstDevice = target;
  copy.srcMemoryType = sourceType;
  copy.srcHost = reinterpret_cast<const void *>(source);
  copy.srcDevice = source;
  copy.WidthInBytes = bytes;
  copy.Height = copy.Depth = 1;
  return copy;
}

static bool isPageable(const PitchedBox &box) {
  return !isDeviceAccessible(box.address, 1);
}

/// Keeps the source's rows, so that the caller may reuse its buffer.
static void stageSource(CopyOperation &operation) {
  const Extent &extent = operation.extent;
  uint64_t rows = extent.height * extent.depth;
  auto bytes = std::make_shared<std::vector<std::byte>>(rows * extent.width);
  PitchedBox packed{reinterpret_cast<uint64_t>(bytes->data()), extent.width,
                    extent.width * extent.height};
  copyBox(packed, operation.source, extent);
  packed.address = 0;
  operation.source = packed;
  operation.staged = std::move(bytes);
}

static CUresult submitCopy(const std::shared_ptr<Context> &context,
                           const std::shared_ptr<Stream> &stream,
                           const CUDA_MEMCPY3D &description, EnqueueMode mode) {
  CopyOperation operation;
  if (CUresult error = makeCopyOperation(description, operation))
    return error;
  if (operation.extent.empty())
    return CUDA_SUCCESS;
  bool capturing;
  {
    std::lock_guard<std::mutex> lock(Driver::instance().streamMutex);
    capturing = stream->capture != nullptr;
  }
  if (mode == EnqueueMode::Async && !capturing) {
    uint64_t bytes = operation.extent.width * operation.extent.height *
                     operation.extent.depth;
    if (isPageable(operation.target))
      mode = EnqueueMode::Synchronous;
    else if (isPageable(operation.source) && bytes <= kStagedBytes)
      stageSource(operation);
    else if (isPageable(operation.source))
      mode = EnqueueMode::Synchronous;
  }
  return enqueue(context, stream, std::move(operation), mode);
}

static CUresult copyNow(const CUDA_MEMCPY3D &description) {
  if (CUresult error = refuseDuringCapture())
    return error;
  return withStream(nullptr, [&](Driver &,
                                 const std::shared_ptr<Context> &context,
                                 const std::shared_ptr<Stream> &stream) {
    return submitCopy(context, stream, description, EnqueueMode::Synchronous);
  });
}

static CUresult copyLater(const CUDA_MEMCPY3D &description, CUstream handle) {
  return withStream(handle, [&](Driver &,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    return submitCopy(context, stream, description, EnqueueMode::Async);
  });
}

static uint64_t addressOf(const void *pointer) {
  return reinterpret_cast<uint64_t>(pointer);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t bytes) {
  return copyNow(flatCopy(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_HOST,
                          addressOf(source), bytes));
}

CUresult cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t bytes) {
  return copyNow(flatCopy(CU_MEMORYTYPE_HOST, addressOf(target),
                          CU_MEMORYTYPE_DEVICE, source, bytes));
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr target, CUdeviceptr source, size_t bytes) {
  return copyNow(flatCopy(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_DEVICE,
                          source, bytes));
}

CUresult cuMemcpy(CUdeviceptr target, CUdeviceptr source, size_t bytes) {
  return copyNow(flatCopy(CU_MEMORYTYPE_UNIFIED, target, CU_MEMORYTYPE_UNIFIED,
                          source, bytes));
}

CUresult cuMemcpyPeer(CUdeviceptr target, CUcontext, CUdeviceptr source,
                      CUcontext, size_t bytes) {
  return cuMemcpyDtoD_v2(target, source, bytes);
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr target, const void *source,
                              size_t bytes, CUstream stream) {
  return copyLater(flatCopy(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_HOST,
                            addressOf(source), bytes),
                   stream);
}

CUresult cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t bytes,
                              CUstream stream) {
  return copyLater(flatCopy(CU_MEMORYTYPE_HOST, addressOf(target),
                            CU_MEMORYTYPE_DEVICE, source, bytes),
                   stream);
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr target, CUdeviceptr source,
                              size_t bytes, CUstream stream) {
  return copyLater(flatCopy(CU_MEMORYTYPE_DEVICE, target, CU_MEMORYTYPE_DEVICE,
                            source, bytes),
                   stream);
}

CUresult cuMemcpyAsync(CUdeviceptr target, CUdeviceptr source, size_t bytes,
                       CUstream stream) {
  return copyLater(flatCopy(CU_MEMORYTYPE_UNIFIED, target,
                            CU_MEMORYTYPE_UNIFIED, source, bytes),
                   stream);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr target, CUcontext, CUdeviceptr source,
                           CUcontext, size_t bytes, CUstream stream) {
  return cuMemcpyDtoDAsync_v2(target, source, bytes, stream);
}

static CUDA_MEMCPY3D deepen(const CUDA_MEMCPY2D &flat) {
  CUDA_MEMCPY3D copy{};
  copy.srcXInBytes = flat.srcXInBytes;
  copy.srcY = flat.srcY;
  copy.srcMemoryType = flat.srcMemoryType;
  copy.srcHost = flat.srcHost;
  copy.srcDevice = flat.srcDevice;
  copy.srcArray = flat.srcArray;
  copy.srcPitch = flat.srcPitch;
  copy.dstXInBytes = flat.dstXInBytes;
  copy.dstY = flat.dstY;
  copy.dstMemoryType = flat.dstMemoryType;
  copy.dstHost = flat.dstHost;
  copy.dstDevice = flat.dstDevice;
  copy.dstArray = flat.dstArray;
  copy.dstPitch = flat.dstPitch;
  copy.WidthInBytes = flat.WidthInBytes;
  copy.Height = flat.Height;
  copy.Depth = 1;
  return copy;
}

CUresult cuMemcpy2D_v2(const CUDA_MEMCPY2D *copy) {
  return copy ? copyNow(deepen(*copy)) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemcpy2DUnaligned_v2(const CUDA_MEMCPY2D *copy) {
  return cuMemcpy2D_v2(copy);
}

CUresult cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, CUstream stream) {
  return copy ? copyLater(deepen(*copy), stream) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemcpy3D_v2(const CUDA_MEMCPY3D *copy) {
  return copy ? copyNow(*copy) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemcpy3DAsync_v2(const CUDA_MEMCPY3D *copy, CUstream stream) {
  return copy ? copyLater(*copy, stream) : CUDA_ERROR_INVALID_VALUE;
}

/// Fills on the default stream wait for device memory too: nothing observable
/// differs, and errors are met at the call.
static CUresult fill(CUdeviceptr target, size_t pitch, uint32_t value,
                     uint32_t elementBytes, size_t width, size_t height,
                     CUstream handle, EnqueueMode mode) {
  if (mode == EnqueueMode::Synchronous)
    if (CUresult error = refuseDuringCapture())
      return error;
  return withStream(handle, [&](Driver &,
                                const std::shared_ptr<Context> &context,
                                const std::shared_ptr<Stream> &stream) {
    FillOperation operation;
    if (CUresult error = makeFillOperation(target, pitch, value, elementBytes,
                                           width, height, operation))
      return error;
    if (operation.extent.empty())
      return CUDA_SUCCESS;
    return enqueue(context, stream, operation, mode);
  });
}

CUresult cuMemsetD8_v2(CUdeviceptr target, unsigned char value, size_t count) {
  return fill(target, 0, value, 1, count, 1, nullptr, EnqueueMode::Synchronous);
}
CUresult cuMemsetD16_v2(CUdeviceptr target, unsigned short value,
                        size_t count) {
  return fill(target, 0, value, 2, count, 1, nullptr, EnqueueMode::Synchronous);
}
CUresult cuMemsetD32_v2(CUdeviceptr target, unsigned value, size_t count) {
  return fill(target, 0, value, 4, count, 1, nullptr, EnqueueMode::Synchronous);
}
CUresult cuMemsetD2D8_v2(CUdeviceptr target, size_t pitch, unsigned char value,
                         size_t width, size_t height) {
  return fill(target, pitch, value, 1, width, height, nullptr,
              EnqueueMode::Synchronous);
}
CUresult cuMemsetD2D16_v2(CUdeviceptr target, size_t pitch,
                          unsigned short value, size_t width, size_t height) {
  return fill(target, pitch, value, 2, width, height, nullptr,
              EnqueueMode::Synchronous);
}
CUresult cuMemsetD2D32_v2(CUdeviceptr target, size_t pitch, unsigned value,
                          size_t width, size_t height) {
  return fill(target, pitch, value, 4, width, height, nullptr,
              EnqueueMode::Synchronous);
}
CUresult cuMemsetD8Async(CUdeviceptr target, unsigned char value, size_t count,
                         CUstream stream) {
  return fill(target, 0, value, 1, count, 1, stream, EnqueueMode::Async);
}
CUresult cuMemsetD16Async(CUdeviceptr target, unsigned short value,
                          size_t count, CUstream stream) {
  return fill(target, 0, value, 2, count, 1, stream, EnqueueMode::Async);
}
CUresult cuMemsetD32Async(CUdeviceptr target, unsigned value, size_t count,
                          CUstream stream) {
  return fill(target, 0, value, 4, count, 1, stream, EnqueueMode::Async);
}
CUresult cuMemsetD2D8Async(CUdeviceptr target, size_t pitch,
                           unsigned char value, size_t width, size_t height,
                           CUstream stream) {
  return fill(target, pitch, value, 1, width, height, stream,
              EnqueueMode::Async);
}
CUresult cuMemsetD2D16Async(CUdeviceptr target, size_t pitch,
                            unsigned short value, size_t width, size_t height,
                            CUstream stream) {
  return fill(target, pitch, value, 2, width, height, stream,
              EnqueueMode::Async);
}
CUresult cuMemsetD2D32Async(CUdeviceptr target, size_t pitch, unsigned value,
                            size_t width, size_t height, CUstream stream) {
  return fill(target, pitch, value, 4, width, height, stream,
              EnqueueMode::Async);
}
