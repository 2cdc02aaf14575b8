//===- Driver.cpp - A CUDA driver library ---------------------------------===//

#include "runtime/driver/Driver.h"

#include "runtime/support/Json.h"

#include <charconv>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <mutex>
#include <set>

namespace tilewright::runtime {

static constexpr const char *systemLibrary = "libcuda.so.1";
// Where the simulator's library lies, seen from the folder of our own.
static constexpr const char *simulatorPlaces[] = {"sim/libcuda.so.1",
                                                  "../lib/sim/libcuda.so.1"};

static Error unavailable(const std::string &message) {
  return Error(TILEWRIGHT_UNAVAILABLE, message);
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static bool parseOrdinal(std::string_view text, int &ordinal) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), ordinal);
  return error == std::errc() && end == text.data() + text.size() &&
         ordinal >= 0;
}

// name ::= "cuda:" ORDINAL | "sim:" SKU | "lib:" PATH (":" ORDINAL)?
Result<DeviceName> DeviceName::parse(const std::string &text) {
  DeviceName name;
  size_t colon = text.find(':');
  std::string scheme = text.substr(0, colon);
  std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  const char *chosen = std::getenv("TILEWRIGHT_LIBCUDA");
  if (chosen)
    name.library = chosen;
  if (scheme == "cuda" && parseOrdinal(rest, name.ordinal)) {
    name.kind = Kind::Cuda;
    return name;
  }
  if (scheme == "sim" && !rest.empty()) {
    name.kind = Kind::Simulator;
    name.sku = rest;
    return name;
  }
  if (scheme == "lib" && !rest.empty()) {
    name.kind = Kind::Library;
    name.library = rest;
    size_t last = rest.rfind(':');
    if (last != std::string::npos &&
        parseOrdinal(std::string_view(rest).substr(last + 1), name.ordinal))
      name.library = rest.substr(0, last);
    return name;
  }
  return Error(TILEWRIGHT_INVALID_ARGUMENT,
               "unknown device " + inQuotes(text) +
                   ": expected cuda:N, sim:SKU or lib:PATH");
}

//===----------------------------------------------------------------------===//
// Opening
//===----------------------------------------------------------------------===//

/// The folder of the library or program that this code is linked into.
static std::filesystem::path ownFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&ownFolder), &info) || !info.dli_fname)
    return {};
  std::error_code ignored;
  // A program's name is what it was called by: without a slash it was found
  // along PATH, and says nothing about where it is.
  std::string name = info.dli_fname;
  if (name.find('/') == std::string::npos)
    name = "/proc/self/exe";
  std::filesystem::path path = std::filesystem::weakly_canonical(name, ignored);
  return path.parent_path();
}

static Result<std::string> findSimulator() {
  std::filesystem::path folder = ownFolder();
  std::error_code ignored;
  for (const char *place : simulatorPlaces)
    if (std::filesystem::exists(folder / place, ignored))
      return (folder / place).lexically_normal().string();
  return unavailable("the simulator's library is not at " +
                     (folder / simulatorPlaces[0]).string() +
                     "; build it, or set TILEWRIGHT_LIBCUDA");
}

static Result<std::string> libraryPath(const DeviceName &name) {
  if (!name.library.empty())
    return name.library;
  if (name.kind == DeviceName::Kind::Simulator)
    return findSimulator();
  return std::string(systemLibrary);
}

/// A simulator exports one function that no GPU's driver has: it says which
/// GPU to be. Nothing after this can tell the two apart.
static Result<void> configureSimulator(void *library, const DeviceName &name,
                                       const std::string &path) {
  using Configure = int (*)(const char *);
  auto configure =
      reinterpret_cast<Configure>(dlsym(library, "tilewright_sim_configure"));
  if (!configure)
    return success();
  if (int code = configure(name.sku.c_str()))
    return unavailable(path + ": the simulator cannot be the GPU " +
                       inQuotes(name.sku) + " (error " + std::to_string(code) +
                       "): unknown, or in use as another");
  return success();
}

/// The loader finds libraries that are open by their short names too: once the
/// simulator is, "libcuda.so.1" means the simulator. Whoever asks for a GPU
/// must not be given that in silence.
static Result<void> checkNotHidden(void *library, const DeviceName &name) {
  static std::mutex mutex;
  static std::set<void *> simulators;
  std::lock_guard<std::mutex> lock(mutex);
  if (name.kind == DeviceName::Kind::Simulator)
    simulators.insert(library);
  bool isSystems = name.kind == DeviceName::Kind::Cuda && name.library.empty();
  if (isSystems && simulators.contains(library))
    return unavailable("the simulator is open in this process and hides the "
                       "system's libcuda.so.1: give its path as lib:PATH");
  return success();
}

Result<void> Driver::resolve(const std::string &path) {
  std::string missing;
  auto find = [&](const char *symbol, bool needed) {
    void *address = dlsym(library, symbol);
    if (!address && needed)
      missing += (missing.empty() ? "" : ", ") + std::string(symbol);
    return address;
  };
#define TILEWRIGHT_DRIVER_SYMBOL(member, symbol, parameters)                   \
  member = reinterpret_cast<int(*) parameters>(find(symbol, true));
#define TILEWRIGHT_DRIVER_OPTIONAL(member, symbol, parameters)                 \
  member = reinterpret_cast<int(*) parameters>(find(symbol, false));
#include "runtime/driver/Symbols.def"
  if (!missing.empty())
    return unavailable(path + ": too old a CUDA driver, it lacks " + missing);
  return success();
}

Result<DriverPtr> Driver::open(const DeviceName &name) {
  TILEWRIGHT_ASSIGN(std::string path, libraryPath(name));
  std::shared_ptr<Driver> driver(new Driver);
  driver->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!driver->library)
    return unavailable(std::string("no CUDA driver: ") + dlerror());
  TILEWRIGHT_TRY(checkNotHidden(driver->library, name));
  if (name.kind == DeviceName::Kind::Simulator)
    TILEWRIGHT_TRY(configureSimulator(driver->library, name, path));
  TILEWRIGHT_TRY(driver->resolve(path));
  TILEWRIGHT_TRY(driver->check(driver->init(0), TILEWRIGHT_UNAVAILABLE,
                               path + ": cuInit"));
  return DriverPtr(std::move(driver));
}

Driver::~Driver() {
  // Never unloaded: a driver keeps threads and handlers of its own, and does
  // not expect to be.
}

bool Driver::hasGraphs() const {
  return streamBeginCapture && streamEndCapture && graphInstantiate &&
         graphLaunch && graphDestroy && graphExecDestroy;
}

std::string Driver::describe(int code) const {
  const char *name = nullptr;
  const char *text = nullptr;
  getErrorName(code, &name);
  getErrorString(code, &text);
  std::string result = name ? name : "error " + std::to_string(code);
  return text ? result + " (" + text + ")" : result;
}

Result<void> Driver::check(int code, tilewright_status status,
                           const std::string &what) const {
  if (code == abi::Success)
    return success();
  if (code == abi::OutOfMemory)
    status = TILEWRIGHT_OUT_OF_MEMORY;
  return Error(status, what + ": " + describe(code));
}

} // namespace tilewright::runtime
