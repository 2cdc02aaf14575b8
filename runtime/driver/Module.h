//===- Module.h - A kernel in the driver ----------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_DRIVER_MODULE_H
#define TILEWRIGHT_RUNTIME_DRIVER_MODULE_H

#include "runtime/driver/Device.h"

#include <string>
#include <string_view>

namespace tilewright::runtime {

/// Owns a loaded module.
class Module {
public:
  /// Loads `cubin` if there is one and the driver takes it, else `ptx`. The
  /// error carries the driver's log.
  static Result<Module> load(DevicePtr device, std::string_view ptx,
                             std::string_view cubin);
  Module() = default;
  Module(Module &&other) noexcept { swap(other); }
  Module &operator=(Module &&other) noexcept {
    swap(other);
    return *this;
  }
  ~Module();

  Result<abi::Function> function(const std::string &name) const;

private:
  void swap(Module &other) noexcept;

  DevicePtr device;
  abi::Module module = nullptr;
};

/// Whether every part that the headers of an ELF file speak of lies within
/// it. The driver is told no size, and would read on.
bool isCompleteElf(std::string_view image);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DRIVER_MODULE_H
