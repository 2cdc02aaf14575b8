//===- ModuleFuzz.cpp - Any text through the whole of a module load -------===//
//
// An input starts with the text of a kernel's body; what surrounds it is given,
// so that more of the inputs reach the decoder.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/Engine.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

using namespace tilewright::sim;

namespace {
/// Little memory, so that a variable of gigabytes is refused and not cleared.
class SmallArena final : public GlobalAllocator {
public:
  uint64_t allocate(uint64_t size, uint64_t align) override {
    if (size > bytes.size() || align > bytes.size())
      return 0;
    top = (top + align - 1) / align * align;
    if (top > bytes.size() - size)
      return 0;
    uint64_t address = reinterpret_cast<uint64_t>(bytes.data()) + top;
    top += size;
    return address;
  }
  void release(uint64_t) override {}
  void reset() { top = 0; }

private:
  std::vector<std::byte> bytes = std::vector<std::byte>(1 << 16);
  uint64_t top = 0;
};
} // namespace

static DeviceConfig makeConfig() {
  DeviceConfig config;
  config.smCount = 4;
  config.sharedPerSm = 228 * 1024;
  config.sharedPerBlock = 48 * 1024;
  config.sharedPerBlockOptin = 227 * 1024;
  config.sharedReservedPerBlock = 1024;
  config.regsPerSm = config.regsPerBlock = 65536;
  config.maxThreadsPerSm = 2048;
  config.maxThreadsPerBlock = 1024;
  config.maxBlocksPerSm = 32;
  config.maxClusterSize = 16;
  return config;
}

static const char head[] =
    ".version 8.5\n.target sm_90a\n.address_size 64\n"
    ".global .align 16 .b8 g[64];\n.shared .align 128 .b8 s[1024];\n"
    ".func (.param .b32 r) f(.param .b32 a) { ret; }\n"
    ".visible .entry k(.param .u64 p, .param .align 64 .b8 m[128])\n{\n"
    ".reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<64>; .reg .b64 %d<16>;\n"
    ".reg .b128 %q<4>; .local .b8 l[64];\n";

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const DeviceConfig config = makeConfig();
  static SmallArena arena;
  std::string input(reinterpret_cast<const char *>(data), size);
  // Whole modules are told by their first word.
  bool whole = input.starts_with("//") || input.starts_with(".version");
  arena.reset();
  auto module = Module::load(whole ? input : head + input + "\nret;\n}\n",
                             "fuzz", config, arena);
  if (!module && module.error().message.empty())
    std::abort();
  return 0;
}
