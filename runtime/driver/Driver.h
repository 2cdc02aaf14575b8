//===- Driver.h - A CUDA driver library -----------------------------------===//
//
// The one place that knows where the driver comes from. No driver on the
// machine is an error at run time (UNAVAILABLE), never a build option.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_DRIVER_DRIVER_H
#define TILEWRIGHT_RUNTIME_DRIVER_DRIVER_H

#include "runtime/driver/Abi.h"
#include "runtime/support/Result.h"

#include <memory>
#include <string>

namespace tilewright::runtime {

/// What a device name says: "cuda:0", "sim:h800-sxm", "lib:PATH:1".
struct DeviceName {
  enum class Kind { Cuda, Simulator, Library };
  Kind kind;
  int ordinal = 0;
  std::string sku;     ///< of the simulator
  std::string library; ///< path of the driver library

  static Result<DeviceName> parse(const std::string &text);
};

class Driver {
public:
  /// Opens the library, resolves every symbol, and initializes the driver.
  static Result<std::shared_ptr<const Driver>> open(const DeviceName &name);

  ~Driver();
  Driver(const Driver &) = delete;
  Driver &operator=(const Driver &) = delete;

  /// Success, or `status` with what was tried and the driver's own words.
  Result<void> check(int code, tilewright_status status,
                     const std::string &what) const;
  /// The driver's name and text of an error code.
  std::string describe(int code) const;
  bool hasGraphs() const;

#define TILEWRIGHT_DRIVER_SYMBOL(member, symbol, parameters)                   \
  int(*member) parameters = nullptr;
#include "runtime/driver/Symbols.def"

private:
  Driver() = default;
  Result<void> resolve(const std::string &path);

  void *library = nullptr;
};

using DriverPtr = std::shared_ptr<const Driver>;

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DRIVER_DRIVER_H
