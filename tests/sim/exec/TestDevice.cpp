//===- TestDevice.cpp - An engine with an arena, for tests ----------------===//

#include "tests/sim/exec/TestDevice.h"

#include <sys/mman.h>

#include <stdexcept>

namespace tilewright::sim {

static constexpr uint64_t arenaBytes = uint64_t(1) << 32;

TestDevice::TestDevice(std::string arch) {
  void *mapping = mmap(nullptr, arenaBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED)
    throw std::runtime_error("no address space for the arena");
  memory = {static_cast<std::byte *>(mapping), arenaBytes};
  config.arch = std::move(arch);
  config.smCount = 4;
  config.sharedPerSm = 228 * 1024;
  config.sharedPerBlock = 48 * 1024;
  config.sharedPerBlockOptin = 227 * 1024;
  config.sharedReservedPerBlock = 1024;
  config.sharedAllocationUnit = 128;
  config.regsPerSm = 65536;
  config.regsPerBlock = 65536;
  config.maxThreadsPerSm = 2048;
  config.maxThreadsPerBlock = 1024;
  config.maxBlocksPerSm = 32;
  config.maxClusterSize = 16;
  config.clockKhz = 1755000;
}

TestDevice::~TestDevice() { munmap(memory.base, memory.size); }

uint64_t TestDevice::allocate(uint64_t size, uint64_t align) {
  top = (top + align - 1) / align * align;
  if (top + size > memory.size)
    return 0;
  uint64_t address = reinterpret_cast<uint64_t>(memory.base) + top;
  top += size;
  return address;
}

} // namespace tilewright::sim
