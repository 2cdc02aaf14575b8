//===- Device.cpp - One device of a driver --------------------------------===//

#include "runtime/driver/Device.h"

#include <utility>

namespace tilewright::runtime {

Result<DevicePtr> Device::open(const std::string &text) {
  TILEWRIGHT_ASSIGN(DeviceName name, DeviceName::parse(text));
  TILEWRIGHT_ASSIGN(DriverPtr driver, Driver::open(name));
  DevicePtr device(new Device(std::move(driver)));
  if (Result<void> opened = device->query(name.ordinal); !opened)
    return opened.takeError().in(text);
  return device;
}

Result<void> Device::query(int ordinal) {
  auto check = [&](int code, const char *what) {
    return library->check(code, TILEWRIGHT_UNAVAILABLE, what);
  };
  int count = 0;
  TILEWRIGHT_TRY(check(library->deviceGetCount(&count), "cuDeviceGetCount"));
  if (ordinal >= count)
    return Error(TILEWRIGHT_UNAVAILABLE,
                 "no such device: the driver has " + std::to_string(count));
  TILEWRIGHT_TRY(check(library->deviceGet(&handle, ordinal), "cuDeviceGet"));
  char buffer[256] = {};
  TILEWRIGHT_TRY(
      check(library->deviceGetName(buffer, sizeof(buffer) - 1, handle),
            "cuDeviceGetName"));
  reportedName = buffer;
  size_t bytes = 0;
  TILEWRIGHT_TRY(
      check(library->deviceTotalMem(&bytes, handle), "cuDeviceTotalMem"));
  memory = bytes;
  int major = 0, minor = 0;
  for (auto [value, attribute] :
       {std::pair(&sms, abi::MultiprocessorCount),
        std::pair(&major, abi::ComputeCapabilityMajor),
        std::pair(&minor, abi::ComputeCapabilityMinor)})
    TILEWRIGHT_TRY(check(library->deviceGetAttribute(value, attribute, handle),
                         "cuDeviceGetAttribute"));
  capability = major * 10 + minor;
  TILEWRIGHT_TRY(
      check(library->driverGetVersion(&version), "cuDriverGetVersion"));
  return check(library->primaryCtxRetain(&context, handle),
               "cuDevicePrimaryCtxRetain");
}

Device::~Device() {
  if (context)
    library->primaryCtxRelease(handle);
}

Result<void> Device::makeCurrent() const {
  return library->check(library->ctxSetCurrent(context), TILEWRIGHT_UNAVAILABLE,
                        "cuCtxSetCurrent");
}

//===----------------------------------------------------------------------===//
// DeviceBuffer
//===----------------------------------------------------------------------===//

static std::string megabytes(uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

Result<DeviceBuffer> DeviceBuffer::allocate(DevicePtr device, uint64_t bytes,
                                            const std::string &purpose) {
  DeviceBuffer buffer;
  if (bytes == 0)
    return buffer;
  const Driver &driver = device->driver();
  TILEWRIGHT_TRY(driver.check(driver.memAlloc(&buffer.start, bytes),
                              TILEWRIGHT_OUT_OF_MEMORY,
                              "cannot allocate " + megabytes(bytes) +
                                  " of device memory for " + purpose));
  buffer.length = bytes;
  buffer.device = std::move(device);
  return buffer;
}

DeviceBuffer::~DeviceBuffer() {
  if (device)
    device->driver().memFree(start);
}

void DeviceBuffer::swap(DeviceBuffer &other) noexcept {
  std::swap(device, other.device);
  std::swap(start, other.start);
  std::swap(length, other.length);
}

//===----------------------------------------------------------------------===//
// PinnedBuffer
//===----------------------------------------------------------------------===//

Result<PinnedBuffer> PinnedBuffer::allocate(DevicePtr device, uint64_t bytes) {
  PinnedBuffer buffer;
  if (bytes == 0)
    return buffer;
  const Driver &driver = device->driver();
  void *start = nullptr;
  TILEWRIGHT_TRY(driver.check(
      driver.memHostAlloc(&start, bytes, 0), TILEWRIGHT_OUT_OF_MEMORY,
      "cannot allocate " + megabytes(bytes) + " of pinned host memory"));
  buffer.start = static_cast<std::byte *>(start);
  buffer.length = bytes;
  buffer.device = std::move(device);
  return buffer;
}

PinnedBuffer::~PinnedBuffer() {
  if (device)
    device->driver().memFreeHost(start);
}

void PinnedBuffer::swap(PinnedBuffer &other) noexcept {
  std::swap(device, other.device);
  std::swap(start, other.start);
  std::swap(length, other.length);
}

//===----------------------------------------------------------------------===//
// Stream
//===----------------------------------------------------------------------===//

Result<Stream> Stream::create(DevicePtr device) {
  Stream stream;
  const Driver &driver = device->driver();
  TILEWRIGHT_TRY(
      driver.check(driver.streamCreate(&stream.stream, abi::streamNonBlocking),
                   TILEWRIGHT_OUT_OF_MEMORY, "cuStreamCreate"));
  stream.device = std::move(device);
  return stream;
}

Stream::~Stream() {
  if (!device)
    return;
  device->driver().streamSynchronize(stream);
  device->driver().streamDestroy(stream);
}

void Stream::swap(Stream &other) noexcept {
  std::swap(device, other.device);
  std::swap(stream, other.stream);
}

Result<void> Stream::copyIn(abi::DevicePointer to, const void *from,
                            uint64_t bytes) const {
  const Driver &driver = device->driver();
  if (bytes == 0)
    return success();
  return driver.check(driver.memcpyHtoDAsync(to, from, bytes, stream),
                      TILEWRIGHT_LAUNCH_FAILED, "copy to the device");
}

Result<void> Stream::copyOut(void *to, abi::DevicePointer from,
                             uint64_t bytes) const {
  const Driver &driver = device->driver();
  if (bytes == 0)
    return success();
  return driver.check(driver.memcpyDtoHAsync(to, from, bytes, stream),
                      TILEWRIGHT_LAUNCH_FAILED, "copy from the device");
}

Result<void> Stream::fillZero(abi::DevicePointer to, uint64_t bytes) const {
  const Driver &driver = device->driver();
  if (bytes == 0)
    return success();
  return driver.check(driver.memsetD8Async(to, 0, bytes, stream),
                      TILEWRIGHT_LAUNCH_FAILED, "cuMemsetD8Async");
}

Result<void> Stream::synchronize() const {
  const Driver &driver = device->driver();
  return driver.check(driver.streamSynchronize(stream),
                      TILEWRIGHT_LAUNCH_FAILED, "the device failed");
}

//===----------------------------------------------------------------------===//
// Event
//===----------------------------------------------------------------------===//

Result<Event> Event::create(DevicePtr device, Timing timing) {
  Event event;
  const Driver &driver = device->driver();
  unsigned flags = timing == Timing::On ? 0 : abi::eventDisableTiming;
  TILEWRIGHT_TRY(driver.check(driver.eventCreate(&event.event, flags),
                              TILEWRIGHT_OUT_OF_MEMORY, "cuEventCreate"));
  event.device = std::move(device);
  return event;
}

Event::~Event() {
  if (device)
    device->driver().eventDestroy(event);
}

void Event::swap(Event &other) noexcept {
  std::swap(device, other.device);
  std::swap(event, other.event);
}

Result<void> Event::record(const Stream &stream) const {
  const Driver &driver = device->driver();
  return driver.check(driver.eventRecord(event, stream.handle()),
                      TILEWRIGHT_LAUNCH_FAILED, "cuEventRecord");
}

Result<void> Event::wait() const {
  const Driver &driver = device->driver();
  return driver.check(driver.eventSynchronize(event), TILEWRIGHT_LAUNCH_FAILED,
                      "the device failed");
}

Result<double> Event::secondsSince(const Event &start) const {
  const Driver &driver = device->driver();
  if (!driver.eventElapsedTime)
    return Error(TILEWRIGHT_UNAVAILABLE, "the driver has no event timing");
  float milliseconds = 0;
  TILEWRIGHT_TRY(
      driver.check(driver.eventElapsedTime(&milliseconds, start.event, event),
                   TILEWRIGHT_LAUNCH_FAILED, "cuEventElapsedTime"));
  return double(milliseconds) / 1e3;
}

} // namespace tilewright::runtime
