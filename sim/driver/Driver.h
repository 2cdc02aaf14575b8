//===- Driver.h - The process-wide state of the simulated driver ----------===//
#ifndef TILEWRIGHT_SIM_DRIVER_DRIVER_H
#define TILEWRIGHT_SIM_DRIVER_DRIVER_H

#include "sim/driver/Checks.h"
#include "sim/driver/Context.h"
#include "sim/driver/Debugging.h"
#include "sim/driver/Graph.h"
#include "sim/driver/HandleTable.h"
#include "sim/driver/Module.h"
#include "sim/memory/AddressSpace.h"
#include "sim/schedule/Session.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tilewright::sim::driver {

/// Host memory that the program registered.
struct RegisteredRange {
  uint64_t size = 0;
  unsigned flags = 0;
};

class Driver {
public:
  /// Never destroyed: other libraries' exit handlers may still call in.
  static Driver &instance();

  /// Chooses the boards, before initialization: names or paths of SKU files,
  /// separated by commas, one device each. Later, only the same choice is
  /// accepted.
  CUresult configure(const std::string &skus);
  /// Chooses the checks, before initialization, in place of the environment.
  CUresult configureChecks(const std::string &kinds, const std::string &json);
  /// Chooses one thing to see of kernels, before initialization, in place of
  /// its variable of the environment.
  CUresult configureDebugging(const std::string &option,
                              const std::string &value);
  CUresult initialize();
  bool isInitialized() const { return initialized.load(); }

  /// Null when there is no such device.
  Device *device(CUdevice ordinal);

  /// The live allocation of any memory that contains `address`.
  std::optional<Allocation> findAllocation(uint64_t address) const;
  /// The device whose memory contains `address`; null for shared memory of
  /// host and device, and for plain host memory.
  Device *deviceOf(uint64_t address) const;
  Arena *arenaOf(uint64_t address) const;
  bool isRegistered(uint64_t address, uint64_t bytes) const;

  /// Null without checks. Declared before the arenas, which tell it of
  /// releases.
  std::unique_ptr<Checks> checks;
  /// Null without tools of debugging.
  std::unique_ptr<debug::Session> debugging;
  /// Null unless each launch runs under several schedules.
  std::unique_ptr<schedule::Session> schedules;
  AddressSpace space;
  std::vector<std::unique_ptr<Device>> devices;
  std::unique_ptr<Arena> hostArena; ///< pinned and managed memory
  Scheduler scheduler;
  std::mutex streamMutex; ///< guards streams, events and captures

  HandleTable<Context> contexts;
  HandleTable<Stream> streams;
  HandleTable<Event> events;
  HandleTable<ModuleObject> modules;
  HandleTable<Function> functions;
  HandleTable<Library> libraries;
  HandleTable<LibraryKernel> kernels;
  HandleTable<Graph> graphs;
  HandleTable<GraphExec> graphExecs;
  HandleTable<MemoryPool> pools;

  mutable std::mutex registeredMutex;
  std::map<uint64_t, RegisteredRange> registered;

private:
  Driver() = default;
  CUresult openDevices();
  CUresult openChecks();
  CUresult openDebugging();
  CUresult openSchedules();

  std::mutex mutex;
  std::atomic<bool> initialized{false};
  pid_t process = 0;                           ///< that has initialized this
  std::string activeSkus;                      ///< guarded by `mutex`
  std::optional<check::Settings> chosenChecks; ///< the same
  debug::Settings debugSettings;               ///< the same
};

/// Prints one line of advice on stderr, with the library's name in front.
void printMessage(const std::string &message);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_DRIVER_H
