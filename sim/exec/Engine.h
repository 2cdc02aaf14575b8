//===- Engine.h - Loading PTX modules and running their kernels -*- C++ -*-===//
//
// The whole interface between the execution engine and the driver-API front.
// The engine owns no device memory: the front reserves one host mapping as the
// device's arena, and a device address is a host address inside it.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_ENGINE_H
#define TILEWRIGHT_SIM_EXEC_ENGINE_H

#include "sim/exec/Result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::sim {

/// The limits of one device, filled from the description of its SKU.
struct DeviceConfig {
  std::string arch = "sm_90a";
  uint32_t smCount = 0;
  uint32_t sharedPerSm = 0;         ///< bytes, reserved part included
  uint32_t sharedPerBlock = 0;      ///< bytes without opting in to more
  uint32_t sharedPerBlockOptin = 0; ///< bytes
  uint32_t sharedReservedPerBlock = 0;
  uint32_t sharedAllocationUnit = 1; ///< bytes
  uint32_t regsPerSm = 0;
  uint32_t regsPerBlock = 0;
  uint32_t maxThreadsPerSm = 0;
  uint32_t maxThreadsPerBlock = 0;
  uint32_t maxBlocksPerSm = 0;
  uint32_t maxClusterSize = 0; ///< CTAs; 1 where there are no clusters
  uint32_t clockKhz = 0;       ///< what %clock and %globaltimer are scaled by
  /// Whether loading a module looks for reads of registers that nothing wrote.
  bool findsUndefinedReads = false;
  /// Whether a loaded module keeps the names that its text declares.
  bool keepsSymbols = false;
};

/// The arena of device addresses: [base, base + size). All of it must be
/// readable and writable host memory (reserve it with MAP_NORESERVE), so that
/// a stray access inside the arena is wrong data and never a host fault.
struct GlobalMemory {
  std::byte *base = nullptr;
  uint64_t size = 0;

  bool contains(uint64_t address, uint64_t bytes) const {
    uint64_t offset = address - reinterpret_cast<uint64_t>(base);
    return offset < size && bytes <= size - offset;
  }
};

/// Gives and takes arena memory for a module's .global and .const variables.
class GlobalAllocator {
public:
  virtual ~GlobalAllocator() = default;
  /// A device address, or 0 when the arena is full. The bytes are undefined.
  virtual uint64_t allocate(uint64_t size, uint64_t align) = 0;
  virtual void release(uint64_t address) = 0;
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
  bool operator==(const Dim3 &) const = default;
};

struct KernelParam {
  std::string name;
  uint32_t offset = 0;
  uint32_t size = 0;
  uint32_t align = 1;
};

class LaunchTurns;
class Observer;
struct KernelCode; // decoded instructions, private to the engine

/// A kernel as the driver sees it.
struct Kernel {
  std::string name;
  std::vector<KernelParam> params;
  uint32_t totalParamBytes = 0;
  uint32_t staticSharedBytes = 0;
  uint32_t localBytesPerThread = 0;
  /// An estimate for occupancy: registers of 32 bits live at once.
  uint32_t regs = 0;
  int targetVersion = 0;           ///< 80 of `.target sm_80`
  uint32_t maxThreadsPerBlock = 0; ///< from .maxntid/.reqntid, else the arch's
  uint32_t minBlocksPerSm = 0;     ///< .minnctapersm, 0 when absent
  std::optional<Dim3> requiredBlock; ///< .reqntid
  std::optional<Dim3> requiredCluster;
  bool explicitCluster = false; ///< .explicitcluster
  uint32_t maxClusterRank = 0;  ///< .maxclusterrank, 0 when absent
  bool controlsGrids = false;   ///< griddepcontrol is in its module
  const KernelCode *code = nullptr;
};

struct GlobalVariable {
  uint64_t address = 0;
  uint64_t size = 0;
  bool isManaged = false;
};

/// PTX text, decoded for one device, with its variables placed in the arena.
class Module {
public:
  /// Parses, verifies and decodes `ptx`; `name` is what diagnostics call it.
  /// `allocator` must outlive the module.
  static Result<std::unique_ptr<Module>> load(std::string_view ptx,
                                              std::string name,
                                              const DeviceConfig &config,
                                              GlobalAllocator &allocator);
  virtual ~Module() = default;

  /// Null when there is no `.entry` of that name.
  virtual const Kernel *findKernel(std::string_view name) const = 0;
  virtual std::optional<GlobalVariable>
  findGlobal(std::string_view name) const = 0;
  virtual std::vector<std::pair<std::string, GlobalVariable>>
  globals() const = 0;
  /// In the order of the text.
  virtual std::vector<const Kernel *> kernels() const = 0;
};

struct Launch {
  const Kernel *kernel = nullptr;
  Dim3 grid;
  Dim3 block;
  /// {1,1,1} without clusters; the kernel's own .reqnctapercluster wins.
  Dim3 cluster;
  uint32_t dynamicSharedBytes = 0;
  /// Kernel parameters, laid out as Kernel::params says; read during the call.
  std::span<const std::byte> params;
  bool cooperative = false;
  /// Address of the words through which a cooperative grid meets: %envreg1 and
  /// %envreg2, from which cooperative groups take it.
  uint64_t gridWorkspace = 0;
  /// Host threads to use; 0 means TILEWRIGHT_SIM_THREADS, else all cores.
  uint32_t hostThreads = 0;
  /// An adversarial schedule, the same every time (see Schedule.h); 0 means
  /// TILEWRIGHT_SIM_SCHEDULE, else the default one.
  uint64_t scheduleSeed = 0;
  /// How long a grid that does nothing but poll memory may go on before it
  /// counts as a deadlock: longer than none where the host or another kernel
  /// may write what it polls.
  std::chrono::milliseconds spinTimeout{0};
  /// How long the grid may run at all; 0 means TILEWRIGHT_SIM_TIMEOUT, else
  /// without end. Nobody can tell of every loop whether it ends.
  std::chrono::seconds timeLimit{0};
  /// Under a seed: the launches that this one runs beside, or null.
  LaunchTurns *turns = nullptr;
  /// Sees all that happens; null without checks. See Observer.h.
  Observer *observer = nullptr;
  /// Receives what the program prints; stdout when empty.
  std::function<void(std::string_view)> print;
};

struct LaunchStats {
  uint64_t warpInstructions = 0;
  uint64_t threadInstructions = 0;
};

/// Blocks of `kernel` that fit on one SM at once; 0 when not even one does.
uint32_t maxActiveBlocksPerSm(const Kernel &kernel, const DeviceConfig &config,
                              uint32_t blockThreads,
                              uint32_t dynamicSharedBytes);

/// Runs a kernel to its end. Thread-safe for launches that do not share data.
Result<LaunchStats> run(const Launch &launch, const DeviceConfig &config,
                        const GlobalMemory &memory);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_ENGINE_H
