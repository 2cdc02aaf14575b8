//===- Module.h - Modules, functions, libraries, kernels ------------------===//
#ifndef TILEWRIGHT_SIM_DRIVER_MODULE_H
#define TILEWRIGHT_SIM_DRIVER_MODULE_H

#include "sim/driver/Context.h"
#include "sim/driver/Image.h"
#include "sim/exec/Engine.h"

#include <map>
#include <memory>
#include <string>

namespace tilewright::sim::driver {

/// Decoded PTX with its variables; lives as long as a launch needs it.
struct LoadedImage {
  /// Declared first: the module gives its variables back when destroyed.
  std::shared_ptr<ContextAllocator> allocator;
  std::unique_ptr<sim::Module> module;
};

class ModuleObject;

/// What a program can set on a function or a kernel.
struct FunctionAttributes {
  int maxDynamicShared = -1; ///< -1: the limit without opting in
  int carveout = -1;
  int clusterWidth = 0, clusterHeight = 0, clusterDepth = 0;
  bool clusterMustBeSet = false, nonPortableCluster = false;
  int clusterScheduling = 0;
  CUfunc_cache cacheConfig = CU_FUNC_CACHE_PREFER_NONE;
};

class Function {
public:
  std::shared_ptr<LoadedImage> image;
  const sim::Kernel *kernel = nullptr;
  std::weak_ptr<ModuleObject> module;
  std::shared_ptr<Context> context;

  std::mutex mutex;
  FunctionAttributes attributes; ///< guarded by `mutex`

  FunctionAttributes currentAttributes() {
    std::lock_guard<std::mutex> lock(mutex);
    return attributes;
  }
  /// Dynamic shared memory that a launch may ask for.
  uint32_t dynamicSharedLimit(const FunctionAttributes &attributes) const;
  std::optional<int> attribute(int attribute);
  CUresult setAttribute(int attribute, int value);
};

class ModuleObject : public std::enable_shared_from_this<ModuleObject> {
public:
  std::shared_ptr<Context> context;
  std::shared_ptr<LoadedImage> image;

  /// The function of that name, made on first use; null when there is none.
  std::shared_ptr<Function> function(const std::string &name);

  std::mutex mutex;
  std::map<std::string, std::shared_ptr<Function>> functions;
};

class Library;

class LibraryKernel {
public:
  std::weak_ptr<Library> library;
  std::string name;
};

/// A module that is loaded into each context on first use there.
class Library : public std::enable_shared_from_this<Library> {
public:
  PtxText ptx;
  std::mutex mutex;
  std::map<const Context *, std::shared_ptr<ModuleObject>> modules;
  std::map<std::string, std::shared_ptr<LibraryKernel>> kernels;
  std::vector<std::string> kernelNames; ///< in the order of the text

  /// The module of `context`; loads it when it is not there.
  CUresult moduleIn(const std::shared_ptr<Context> &context,
                    std::shared_ptr<ModuleObject> &module);
};

/// Decodes `ptx` into `context`. The diagnostic goes to `log`, whole.
CUresult loadModule(const std::shared_ptr<Context> &context, const PtxText &ptx,
                    std::shared_ptr<ModuleObject> &module, std::string &log);

void unloadModule(const std::shared_ptr<ModuleObject> &module);

/// The CUresult that stands for an engine error.
CUresult resultOf(const Error &error);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_MODULE_H
