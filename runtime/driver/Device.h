//===- Device.h - One device of a driver ----------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_DRIVER_DEVICE_H
#define TILEWRIGHT_RUNTIME_DRIVER_DEVICE_H

#include "runtime/driver/Driver.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace tilewright::runtime {

/// A device with its primary context, which the calling thread uses from
/// `makeCurrent` on.
class Device {
public:
  static Result<std::shared_ptr<Device>> open(const std::string &name);
  ~Device();
  Device(const Device &) = delete;
  Device &operator=(const Device &) = delete;

  /// Every entry from the outside calls this first: the driver's state is per
  /// thread, and the caller may come from any.
  Result<void> makeCurrent() const;

  const Driver &driver() const { return *library; }
  const std::string &name() const { return reportedName; }
  int32_t computeCapability() const { return capability; }
  int32_t numSms() const { return sms; }
  uint64_t memoryBytes() const { return memory; }
  int32_t driverVersion() const { return version; }

private:
  explicit Device(DriverPtr driver) : library(std::move(driver)) {}
  Result<void> query(int ordinal);

  DriverPtr library;
  abi::Device handle = 0;
  abi::Context context = nullptr;
  std::string reportedName;
  int32_t capability = 0;
  int32_t sms = 0;
  uint64_t memory = 0;
  int32_t version = 0;
};

using DevicePtr = std::shared_ptr<Device>;

/// Owns device memory; empty when made with zero bytes.
class DeviceBuffer {
public:
  static Result<DeviceBuffer> allocate(DevicePtr device, uint64_t bytes,
                                       const std::string &purpose);
  DeviceBuffer() = default;
  DeviceBuffer(DeviceBuffer &&other) noexcept { swap(other); }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    swap(other);
    return *this;
  }
  ~DeviceBuffer();

  abi::DevicePointer address() const { return start; }
  uint64_t size() const { return length; }

private:
  void swap(DeviceBuffer &other) noexcept;

  DevicePtr device;
  abi::DevicePointer start = 0;
  uint64_t length = 0;
};

/// Owns pinned host memory, which copies to and from the device overlap with.
class PinnedBuffer {
public:
  static Result<PinnedBuffer> allocate(DevicePtr device, uint64_t bytes);
  PinnedBuffer() = default;
  PinnedBuffer(PinnedBuffer &&other) noexcept { swap(other); }
  PinnedBuffer &operator=(PinnedBuffer &&other) noexcept {
    swap(other);
    return *this;
  }
  ~PinnedBuffer();

  std::byte *data() const { return start; }
  uint64_t size() const { return length; }

private:
  void swap(PinnedBuffer &other) noexcept;

  DevicePtr device;
  std::byte *start = nullptr;
  uint64_t length = 0;
};

/// Owns a stream.
class Stream {
public:
  static Result<Stream> create(DevicePtr device);
  Stream() = default;
  Stream(Stream &&other) noexcept { swap(other); }
  Stream &operator=(Stream &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Stream();

  abi::Stream handle() const { return stream; }
  Result<void> copyIn(abi::DevicePointer to, const void *from,
                      uint64_t bytes) const;
  Result<void> copyOut(void *to, abi::DevicePointer from, uint64_t bytes) const;
  Result<void> fillZero(abi::DevicePointer to, uint64_t bytes) const;
  /// Waits; a fault of any earlier launch shows up here.
  Result<void> synchronize() const;

private:
  void swap(Stream &other) noexcept;

  DevicePtr device;
  abi::Stream stream = nullptr;
};

/// Owns an event: a point in a stream to wait for, and to measure from.
class Event {
public:
  enum class Timing { Off, On };
  /// An event without timing is cheaper.
  static Result<Event> create(DevicePtr device, Timing timing = Timing::Off);
  Event() = default;
  Event(Event &&other) noexcept { swap(other); }
  Event &operator=(Event &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Event();

  Result<void> record(const Stream &stream) const;
  Result<void> wait() const;
  /// Device time from `start` to this one; both must be complete, and timed.
  Result<double> secondsSince(const Event &start) const;

private:
  void swap(Event &other) noexcept;

  DevicePtr device;
  abi::Event event = nullptr;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DRIVER_DEVICE_H
