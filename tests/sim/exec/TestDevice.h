//===- TestDevice.h - An engine with an arena, for tests --------*- C++ -*-===//

#ifndef TILEWRIGHT_TESTS_SIM_EXEC_TESTDEVICE_H
#define TILEWRIGHT_TESTS_SIM_EXEC_TESTDEVICE_H

#include "sim/exec/Engine.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace tilewright::sim {

/// A device of test size: an arena with a bump allocator that frees nothing.
class TestDevice final : public GlobalAllocator {
public:
  explicit TestDevice(std::string arch = "sm_90a");
  ~TestDevice() override;
  TestDevice(const TestDevice &) = delete;

  uint64_t allocate(uint64_t size, uint64_t align) override;
  void release(uint64_t) override {}
  /// Takes back everything that was allocated.
  void reset() { top = 0; }

  template <typename T>
  uint64_t upload(const std::vector<T> &values) {
    uint64_t address = allocate(values.size() * sizeof(T) + 16, 256);
    std::copy_n(values.data(), values.size(), reinterpret_cast<T *>(address));
    return address;
  }
  template <typename T>
  std::vector<T> download(uint64_t address, size_t count) {
    std::vector<T> values(count);
    std::memcpy(values.data(), reinterpret_cast<const void *>(address),
                count * sizeof(T));
    return values;
  }

  DeviceConfig config;
  GlobalMemory memory;

private:
  uint64_t top = 0;
};

/// Kernel parameters, packed with their natural alignment.
class Params {
public:
  template <typename T>
  Params &add(T value) {
    size_t at = (bytes.size() + alignof(T) - 1) / alignof(T) * alignof(T);
    bytes.resize(at + sizeof(T));
    std::memcpy(bytes.data() + at, &value, sizeof(T));
    return *this;
  }
  std::vector<std::byte> bytes;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_TESTS_SIM_EXEC_TESTDEVICE_H
