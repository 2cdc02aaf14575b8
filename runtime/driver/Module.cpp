//===- Module.cpp - A kernel in the driver --------------------------------===//

#include "runtime/driver/Module.h"

#include <cstring>
#include <elf.h>
#include <utility>
#include <vector>

namespace tilewright::runtime {

static constexpr size_t logBytes = 16 << 10;

/// Whether `count` records of `bytes` at `offset` lie in `size` bytes.
static bool contains(uint64_t size, uint64_t offset, uint64_t count,
                     uint64_t bytes) {
  uint64_t length;
  return !__builtin_mul_overflow(count, bytes, &length) && offset <= size &&
         length <= size - offset;
}

bool isCompleteElf(std::string_view image) {
  Elf64_Ehdr header;
  if (image.size() < sizeof(header))
    return false;
  std::memcpy(&header, image.data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize != sizeof(Elf64_Shdr) ||
      (header.e_phnum != 0 && header.e_phentsize != sizeof(Elf64_Phdr)) ||
      !contains(image.size(), header.e_shoff, header.e_shnum,
                sizeof(Elf64_Shdr)) ||
      !contains(image.size(), header.e_phoff, header.e_phnum,
                sizeof(Elf64_Phdr)))
    return false;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    std::memcpy(&section, image.data() + header.e_shoff + i * sizeof(section),
                sizeof(section));
    if (section.sh_type != SHT_NOBITS &&
        !contains(image.size(), section.sh_offset, 1, section.sh_size))
      return false;
  }
  return true;
}

/// Loads one image, which is NUL-terminated if it is text.
static int loadImage(const Driver &driver, const void *image, std::string &log,
                     abi::Module &module) {
  log.assign(logBytes, '\0');
  int options[] = {abi::ErrorLogBuffer, abi::ErrorLogBufferSizeBytes};
  void *values[] = {log.data(), reinterpret_cast<void *>(logBytes)};
  int code = driver.moduleLoadDataEx(&module, image, 2, options, values);
  log.resize(strnlen(log.data(), logBytes));
  while (!log.empty() && (log.back() == '\n' || log.back() == ' '))
    log.pop_back();
  return code;
}

Result<Module> Module::load(DevicePtr device, std::string_view ptx,
                            std::string_view cubin) {
  const Driver &driver = device->driver();
  Module result;
  std::string log;
  // A cubin for another revision of the GPU is no error: that is why the PTX
  // is there.
  bool loaded =
      !cubin.empty() && isCompleteElf(cubin) &&
      loadImage(driver, cubin.data(), log, result.module) == abi::Success;
  if (!loaded) {
    std::string text(ptx);
    int code = loadImage(driver, text.c_str(), log, result.module);
    TILEWRIGHT_TRY(driver.check(code, TILEWRIGHT_COMPILE_FAILED,
                                "the driver rejects the PTX" +
                                    (log.empty() ? "" : ":\n" + log + "\n")));
  }
  result.device = std::move(device);
  return result;
}

Module::~Module() {
  if (device)
    device->driver().moduleUnload(module);
}

void Module::swap(Module &other) noexcept {
  std::swap(device, other.device);
  std::swap(module, other.module);
}

Result<abi::Function> Module::function(const std::string &name) const {
  abi::Function function = nullptr;
  const Driver &driver = device->driver();
  TILEWRIGHT_TRY(
      driver.check(driver.moduleGetFunction(&function, module, name.c_str()),
                   TILEWRIGHT_COMPILE_FAILED, "it has no such entry"));
  return function;
}

} // namespace tilewright::runtime
