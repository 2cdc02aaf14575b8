//===- Driver.cpp - The process-wide state of the simulated driver --------===//

#include "sim/driver/Driver.h"

#include "sim/exec/Environment.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <unistd.h>

namespace tilewright::sim::driver {

static constexpr const char *kDefaultSku = "h800-sxm";

void printMessage(const std::string &message) {
  std::string line = "tilewright-sim: " + message + "\n";
  fwrite(line.data(), 1, line.size(), stderr);
}

Driver &Driver::instance() {
  static Driver *driver = new Driver;
  return *driver;
}

/// The folder of this library's file.
static std::string libraryDirectory() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&libraryDirectory), &info) ||
      !info.dli_fname)
    return ".";
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

static std::string skuDirectory() {
  if (const char *directory = getenv("TILEWRIGHT_SKU_DIR"))
    return directory;
  std::string own = libraryDirectory();
  for (std::string candidate :
       {own + "/skus", own + "/../share/tilewright/skus"})
    if (access(candidate.c_str(), R_OK) == 0)
      return candidate;
  return own + "/skus";
}

static std::vector<std::string> splitAtCommas(const std::string &text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// What the environment or the default says when nobody configured.
static std::string skusOfEnvironment() {
  const char *environment = getenv("TILEWRIGHT_SIM_SKU");
  return environment && *environment ? environment : kDefaultSku;
}

static bool loadSkus(const std::string &names, std::vector<Sku> &skus) {
  std::string error;
  for (const std::string &name : splitAtCommas(names))
    if (!loadSku(name, skuDirectory(), skus.emplace_back(), error)) {
      printMessage(error);
      return false;
    }
  return true;
}

CUresult Driver::configure(const std::string &skus) {
  std::lock_guard<std::mutex> lock(mutex);
  if (initialized)
    return skus == activeSkus ? CUDA_SUCCESS : CUDA_ERROR_ALREADY_ACQUIRED;
  std::vector<Sku> loaded;
  if (!loadSkus(skus, loaded))
    return CUDA_ERROR_NO_DEVICE;
  activeSkus = skus;
  return CUDA_SUCCESS;
}

CUresult Driver::configureChecks(const std::string &kinds,
                                 const std::string &json) {
  std::lock_guard<std::mutex> lock(mutex);
  if (initialized)
    return CUDA_ERROR_ALREADY_ACQUIRED;
  std::string error;
  std::optional<check::Settings> settings =
      check::parseSettings(kinds, json, error);
  if (!settings) {
    printMessage(error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  chosenChecks = std::move(settings);
  return CUDA_SUCCESS;
}

CUresult Driver::configureDebugging(const std::string &option,
                                    const std::string &value) {
  std::lock_guard<std::mutex> lock(mutex);
  if (initialized)
    return CUDA_ERROR_ALREADY_ACQUIRED;
  std::string error;
  if (debug::choose(debugSettings, option, value, error))
    return CUDA_SUCCESS;
  printMessage(error);
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult Driver::initialize() {
  std::lock_guard<std::mutex> lock(mutex);
  if (initialized)
    return CUDA_SUCCESS;
  if (std::string error = checkNumbers(); !error.empty()) {
    printMessage(error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  CUresult result = openDevices();
  if (result == CUDA_SUCCESS)
    result = openChecks();
  if (result == CUDA_SUCCESS)
    result = openDebugging();
  if (result == CUDA_SUCCESS)
    result = openSchedules();
  if (result != CUDA_SUCCESS) {
    devices.clear();
    return result;
  }
  // What is still queued when the process ends is dropped, as on a GPU. A
  // forked child has this object but none of its threads, and maybe a mutex
  // that one of them held; it has nothing to say either.
  process = getpid();
  atexit([] {
    Driver &driver = Driver::instance();
    if (getpid() != driver.process)
      return;
    driver.scheduler.shutDown();
    if (driver.checks)
      driver.checks->finish();
    if (driver.debugging)
      driver.debugging->finish();
    if (driver.schedules)
      driver.schedules->finish();
  });
  initialized = true;
  return CUDA_SUCCESS;
}

/// Pinned and managed memory can take what the host has.
static uint64_t hostArenaBytes() {
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
}

CUresult Driver::openDevices() {
  std::vector<Sku> skus;
  if (activeSkus.empty())
    activeSkus = skusOfEnvironment();
  if (!loadSkus(activeSkus, skus)) {
    activeSkus.clear();
    return CUDA_ERROR_NO_DEVICE;
  }
  uint64_t total = hostArenaBytes();
  for (const Sku &sku : skus)
    total += uint64_t(sku.visibleMemoryBytes());
  // The first and last pages stay unused, so that a pointer just outside any
  // memory is an illegal address and not a neighbour.
  constexpr uint64_t guard = uint64_t(2) << 20;
  if (!space.base() && !space.reserve(total + 2 * guard)) {
    printMessage("cannot reserve " + std::to_string(total >> 30) +
                 " GiB of address space for the devices' memory; check "
                 "'ulimit -v' and vm.overcommit_memory");
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  uint64_t base = reinterpret_cast<uint64_t>(space.base()) + guard;
  base = (base + guard - 1) / guard * guard;
  for (Sku &sku : skus) {
    uint64_t bytes = uint64_t(sku.visibleMemoryBytes());
    devices.push_back(std::make_unique<Device>(int(devices.size()),
                                               std::move(sku), base, bytes));
    base += bytes;
  }
  hostArena = std::make_unique<Arena>(base, hostArenaBytes() - guard);
  for (auto &device : devices)
    pools.insert(device->defaultPool);
  return CUDA_SUCCESS;
}

/// With the devices there and nothing allocated yet.
CUresult Driver::openChecks() {
  std::string error;
  std::optional<check::Settings> settings =
      chosenChecks ? chosenChecks : checksOfEnvironment(error);
  if (!error.empty()) {
    printMessage("TILEWRIGHT_SIM_CHECK: " + error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (!settings)
    return CUDA_SUCCESS;
  checks = std::make_unique<Checks>(std::move(*settings));
  if (!checks->open(space)) {
    printMessage("cannot reserve the address space that the checks need; "
                 "check 'ulimit -v' and vm.overcommit_memory");
    checks.reset();
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  scheduler.seen = [this](const Task &task) {
    if (task.order)
      checks->order().hostSaw(task.order);
  };
  for (auto &device : devices)
    checks->guard(device->arena);
  checks->guard(*hostArena);
  return CUDA_SUCCESS;
}

CUresult Driver::openDebugging() {
  std::string error;
  if (!addEnvironment(debugSettings, error)) {
    printMessage(error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (debugSettings.any())
    debugging =
        std::make_unique<debug::Session>(std::move(debugSettings), debugHost());
  return CUDA_SUCCESS;
}

CUresult Driver::openSchedules() {
  const char *count = getenv("TILEWRIGHT_SIM_SCHEDULES");
  const char *json = getenv("TILEWRIGHT_SIM_SCHEDULES_JSON");
  if (!count || !*count)
    return CUDA_SUCCESS;
  std::string error;
  std::optional<schedule::Settings> settings =
      schedule::parseSettings(count, json ? json : "", error);
  if (!settings) {
    printMessage("TILEWRIGHT_SIM_SCHEDULES: " + error);
    return CUDA_ERROR_INVALID_VALUE;
  }
  if (auto seed = readNumber(scheduleVariable); seed && seed->value_or(0)) {
    printMessage("TILEWRIGHT_SIM_SCHEDULES: runs launches in orders of its "
                 "own, and TILEWRIGHT_SIM_SCHEDULE asks for another one");
    return CUDA_ERROR_INVALID_VALUE;
  }
  schedule::Session::Host host;
  host.print = debugHost().print;
  host.describe = [](uint64_t address) -> std::string {
    debug::Host::Object object = debugHost().findObject(address);
    if (object.name.empty())
      return "";
    return "byte " + std::to_string(address - object.address) + " of " +
           object.name;
  };
  schedules = std::make_unique<schedule::Session>(std::move(*settings),
                                                  std::move(host));
  return CUDA_SUCCESS;
}

Device *Driver::device(CUdevice ordinal) {
  if (ordinal < 0 || size_t(ordinal) >= devices.size())
    return nullptr;
  return devices[size_t(ordinal)].get();
}

Arena *Driver::arenaOf(uint64_t address) const {
  if (!space.contains(address))
    return nullptr;
  for (const auto &device : devices)
    if (device->arena.contains(address))
      return &device->arena;
  return hostArena->contains(address) ? hostArena.get() : nullptr;
}

std::optional<Allocation> Driver::findAllocation(uint64_t address) const {
  const Arena *arena = arenaOf(address);
  return arena ? arena->find(address) : std::nullopt;
}

Device *Driver::deviceOf(uint64_t address) const {
  for (const auto &device : devices)
    if (device->arena.contains(address))
      return device.get();
  return nullptr;
}

bool Driver::isRegistered(uint64_t address, uint64_t bytes) const {
  std::lock_guard<std::mutex> lock(registeredMutex);
  auto it = registered.upper_bound(address);
  if (it == registered.begin())
    return false;
  --it;
  uint64_t offset = address - it->first;
  return offset <= it->second.size && bytes <= it->second.size - offset;
}

} // namespace tilewright::sim::driver
