//===- ApiModule.cpp - Entry points: modules, libraries, functions --------===//

#include "sim/driver/Api.h"

#include <cstring>
#include <span>

using namespace tilewright::sim;
using namespace tilewright::sim::driver;

namespace {
/// The buffers that a caller hands in for messages.
struct JitLog {
  char *buffer = nullptr;
  size_t capacity = 0;
  void **sizeSlot = nullptr;

  void write(const std::string &text) {
    if (!buffer || capacity == 0)
      return;
    size_t bytes = std::min(text.size(), capacity - 1);
    memcpy(buffer, text.data(), bytes);
    buffer[bytes] = '\0';
    if (sizeSlot)
      *sizeSlot = reinterpret_cast<void *>(bytes + 1);
  }
};

struct JitOptions {
  JitLog info, error;
};
} // namespace

static CUresult readJitOptions(unsigned count, const CUjit_option *names,
                               void **values, JitOptions &options) {
  if (count != 0 && (!names || !values))
    return CUDA_ERROR_INVALID_VALUE;
  for (unsigned i = 0; i < count; ++i) {
    switch (names[i]) {
    case CU_JIT_INFO_LOG_BUFFER:
      options.info.buffer = static_cast<char *>(values[i]);
      break;
    case CU_JIT_ERROR_LOG_BUFFER:
      options.error.buffer = static_cast<char *>(values[i]);
      break;
    case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES:
      options.info.capacity = uint32_t(reinterpret_cast<uintptr_t>(values[i]));
      options.info.sizeSlot = &values[i];
      break;
    case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES:
      options.error.capacity = uint32_t(reinterpret_cast<uintptr_t>(values[i]));
      options.error.sizeSlot = &values[i];
      break;
    default:
      // How to optimize is nothing to a simulator.
      if (names[i] < 0 || names[i] >= CU_JIT_NUM_OPTIONS)
        return CUDA_ERROR_INVALID_VALUE;
    }
  }
  return CUDA_SUCCESS;
}

/// The diagnostic goes to the caller's buffer, and to stderr when there is
/// none: it is the only place that says what is wrong with the PTX.
static CUresult report(CUresult result, const std::string &log,
                       JitOptions &options) {
  options.info.write("");
  options.error.write(result == CUDA_SUCCESS ? "" : log);
  if (result != CUDA_SUCCESS &&
      (!options.error.buffer || result == CUDA_ERROR_NO_BINARY_FOR_GPU))
    printMessage(log);
  return result;
}

static CUresult loadImage(CUmodule *out, const void *image, const char *path,
                          JitOptions &options) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!out || (!image && !path))
      return CUDA_ERROR_INVALID_VALUE;
    PtxText ptx;
    std::string log;
    const std::string &arch = context->device.config.arch;
    CUresult result = image ? findPtx(image, arch, ptx, log)
                            : findPtxInFile(path, arch, ptx, log);
    std::shared_ptr<ModuleObject> module;
    if (result == CUDA_SUCCESS)
      result = loadModule(context, ptx, module, log);
    if (report(result, log, options) == CUDA_SUCCESS)
      *out = handleOf(module);
    return result;
  });
}

CUresult cuModuleLoad(CUmodule *out, const char *path) {
  JitOptions options;
  return loadImage(out, nullptr, path, options);
}

CUresult cuModuleLoadData(CUmodule *out, const void *image) {
  JitOptions options;
  return loadImage(out, image, nullptr, options);
}

CUresult cuModuleLoadFatBinary(CUmodule *out, const void *image) {
  return cuModuleLoadData(out, image);
}

CUresult cuModuleLoadDataEx(CUmodule *out, const void *image, unsigned count,
                            CUjit_option *names, void **values) {
  JitOptions options;
  if (CUresult error = readJitOptions(count, names, values, options))
    return error;
  return loadImage(out, image, nullptr, options);
}

CUresult cuModuleUnload(CUmodule handle) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        std::shared_ptr<ModuleObject> module = driver.modules.find(handle);
        if (!module)
          return CUDA_ERROR_INVALID_HANDLE;
        synchronizeContext(*module->context);
        unloadModule(module);
        return CUDA_SUCCESS;
      });
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
  if (!mode)
    return CUDA_ERROR_INVALID_VALUE;
  *mode = CU_MODULE_EAGER_LOADING;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *out, CUmodule handle,
                             const char *name) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!out || !name || !*name)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<ModuleObject> module = driver.modules.find(handle);
    if (!module)
      return CUDA_ERROR_INVALID_HANDLE;
    std::shared_ptr<Function> function = module->function(name);
    if (!function)
      return CUDA_ERROR_NOT_FOUND;
    *out = handleOf(function);
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunctionCount(unsigned *count, CUmodule handle) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    std::shared_ptr<ModuleObject> module = driver.modules.find(handle);
    if (!count || !module)
      return CUDA_ERROR_INVALID_VALUE;
    *count = unsigned(module->image->module->kernels().size());
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleEnumerateFunctions(CUfunction *out, unsigned count,
                                    CUmodule handle) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    std::shared_ptr<ModuleObject> module = driver.modules.find(handle);
    if (!out || !module)
      return CUDA_ERROR_INVALID_VALUE;
    for (const Kernel *kernel : module->image->module->kernels()) {
      if (count-- == 0)
        break;
      *out++ = handleOf(module->function(kernel->name));
    }
    return CUDA_SUCCESS;
  });
}

static CUresult findVariable(ModuleObject &module, const char *name,
                             CUdeviceptr *address, size_t *bytes) {
  std::optional<GlobalVariable> variable =
      module.image->module->findGlobal(name);
  if (!variable)
    return CUDA_ERROR_NOT_FOUND;
  if (address)
    *address = variable->address;
  if (bytes)
    *bytes = variable->size;
  return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes,
                              CUmodule handle, const char *name) {
  return withContext([&](Driver &driver, const std::shared_ptr<Context> &) {
    if (!name || (!address && !bytes))
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<ModuleObject> module = driver.modules.find(handle);
    if (!module)
      return CUDA_ERROR_INVALID_HANDLE;
    return findVariable(*module, name, address, bytes);
  });
}

/// Where a library is checked when no context is current: the first device.
static std::shared_ptr<Context> contextForChecking(Driver &driver) {
  if (std::shared_ptr<Context> context = currentContext())
    return context;
  Device &first = *driver.devices.front();
  std::lock_guard<std::mutex> lock(first.mutex);
  return first.primary ? first.primary
                       : std::make_shared<Context>(first, 0, false);
}

static CUresult loadLibrary(CUlibrary *out, const void *image, const char *path,
                            unsigned jitCount, CUjit_option *jitNames,
                            void **jitValues, unsigned libraryCount,
                            CUlibraryOption *libraryNames) {
  return guarded([&](Driver &driver) {
    if (!out || (!image && !path) || (libraryCount != 0 && !libraryNames))
      return CUDA_ERROR_INVALID_VALUE;
    JitOptions options;
    if (CUresult error = readJitOptions(jitCount, jitNames, jitValues, options))
      return error;
    for (unsigned i = 0; i < libraryCount; ++i)
      if (libraryNames[i] < 0 || libraryNames[i] >= CU_LIBRARY_NUM_OPTIONS)
        return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = contextForChecking(driver);
    auto library = std::make_shared<Library>();
    std::string log;
    const std::string &arch = context->device.config.arch;
    CUresult result = image ? findPtx(image, arch, library->ptx, log)
                            : findPtxInFile(path, arch, library->ptx, log);
    std::shared_ptr<ModuleObject> module;
    if (result == CUDA_SUCCESS)
      result = loadModule(context, library->ptx, module, log);
    if (report(result, log, options) != CUDA_SUCCESS)
      return result;
    for (const Kernel *kernel : module->image->module->kernels()) {
      auto entry = std::make_shared<LibraryKernel>();
      entry->library = library;
      entry->name = kernel->name;
      library->kernelNames.push_back(kernel->name);
      library->kernels[kernel->name] = entry;
      driver.kernels.insert(entry);
    }
    if (driver.contexts.find(context.get()))
      library->modules[context.get()] = module;
    else
      unloadModule(module);
    driver.libraries.insert(library);
    *out = handleOf(library);
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryLoadData(CUlibrary *out, const void *code,
                           CUjit_option *jitNames, void **jitValues,
                           unsigned jitCount, CUlibraryOption *libraryNames,
                           void **libraryValues, unsigned libraryCount) {
  return loadLibrary(out, code, nullptr, jitCount, jitNames, jitValues,
                     libraryCount, libraryNames);
}

CUresult cuLibraryLoadFromFile(CUlibrary *out, const char *path,
                               CUjit_option *jitNames, void **jitValues,
                               unsigned jitCount, CUlibraryOption *libraryNames,
                               void **libraryValues, unsigned libraryCount) {
  return loadLibrary(out, nullptr, path, jitCount, jitNames, jitValues,
                     libraryCount, libraryNames);
}

CUresult cuLibraryUnload(CUlibrary handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Library> library = driver.libraries.take(handle);
    if (!library)
      return CUDA_ERROR_INVALID_HANDLE;
    std::lock_guard<std::mutex> lock(library->mutex);
    for (const auto &[context, module] : library->modules) {
      synchronizeContext(*module->context);
      unloadModule(module);
    }
    for (const auto &[name, kernel] : library->kernels)
      driver.kernels.take(kernel.get());
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetKernel(CUkernel *out, CUlibrary handle, const char *name) {
  return guarded([&](Driver &driver) {
    if (!out || !name)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Library> library = driver.libraries.find(handle);
    if (!library)
      return CUDA_ERROR_INVALID_HANDLE;
    auto it = library->kernels.find(name);
    if (it == library->kernels.end())
      return CUDA_ERROR_NOT_FOUND;
    *out = handleOf(it->second);
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryGetKernelCount(unsigned *count, CUlibrary handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Library> library = driver.libraries.find(handle);
    if (!count || !library)
      return CUDA_ERROR_INVALID_VALUE;
    *count = unsigned(library->kernelNames.size());
    return CUDA_SUCCESS;
  });
}

CUresult cuLibraryEnumerateKernels(CUkernel *out, unsigned count,
                                   CUlibrary handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Library> library = driver.libraries.find(handle);
    if (!out || !library)
      return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < library->kernelNames.size() && i < count; ++i)
      out[i] = handleOf(library->kernels[library->kernelNames[i]]);
    return CUDA_SUCCESS;
  });
}

/// The library's module in the current context.
static CUresult moduleOfLibrary(CUlibrary handle,
                                std::shared_ptr<ModuleObject> &module) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        std::shared_ptr<Library> library = driver.libraries.find(handle);
        if (!library)
          return CUDA_ERROR_INVALID_HANDLE;
        return library->moduleIn(context, module);
      });
}

CUresult cuLibraryGetModule(CUmodule *out, CUlibrary handle) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  std::shared_ptr<ModuleObject> module;
  CUresult result = moduleOfLibrary(handle, module);
  if (result == CUDA_SUCCESS)
    *out = handleOf(module);
  return result;
}

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes,
                            CUlibrary handle, const char *name) {
  if (!name || (!address && !bytes))
    return CUDA_ERROR_INVALID_VALUE;
  std::shared_ptr<ModuleObject> module;
  CUresult result = moduleOfLibrary(handle, module);
  return result == CUDA_SUCCESS ? findVariable(*module, name, address, bytes)
                                : result;
}

CUresult cuLibraryGetManaged(CUdeviceptr *address, size_t *bytes,
                             CUlibrary handle, const char *name) {
  if (!name || (!address && !bytes))
    return CUDA_ERROR_INVALID_VALUE;
  std::shared_ptr<ModuleObject> module;
  if (CUresult error = moduleOfLibrary(handle, module))
    return error;
  std::optional<GlobalVariable> variable =
      module->image->module->findGlobal(name);
  return variable && variable->isManaged
             ? findVariable(*module, name, address, bytes)
             : CUDA_ERROR_NOT_FOUND;
}

/// The function of a kernel in a context.
static CUresult functionOf(LibraryKernel &kernel,
                           const std::shared_ptr<Context> &context,
                           std::shared_ptr<Function> &function) {
  std::shared_ptr<Library> library = kernel.library.lock();
  if (!library)
    return CUDA_ERROR_INVALID_HANDLE;
  std::shared_ptr<ModuleObject> module;
  if (CUresult error = library->moduleIn(context, module))
    return error;
  function = module->function(kernel.name);
  return function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

namespace tilewright::sim::driver {

CUresult resolveFunction(const std::shared_ptr<Context> &context,
                         CUfunction handle,
                         std::shared_ptr<Function> &function) {
  Driver &driver = Driver::instance();
  function = driver.functions.find(handle);
  if (function)
    return CUDA_SUCCESS;
  std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
  return kernel ? functionOf(*kernel, context, function)
                : CUDA_ERROR_INVALID_HANDLE;
}

} // namespace tilewright::sim::driver

/// Runs `body(function)` for a call on a function of the current context.
template <typename Body>
static CUresult withFunction(const void *handle, const Body &body) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    std::shared_ptr<Function> function;
    if (CUresult error = resolveFunction(
            context, static_cast<CUfunction>(const_cast<void *>(handle)),
            function))
      return error;
    return body(*function);
  });
}

CUresult cuKernelGetFunction(CUfunction *out, CUkernel handle) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
        if (!out)
          return CUDA_ERROR_INVALID_VALUE;
        if (!kernel)
          return CUDA_ERROR_INVALID_HANDLE;
        std::shared_ptr<Function> function;
        if (CUresult error = functionOf(*kernel, context, function))
          return error;
        *out = handleOf(function);
        return CUDA_SUCCESS;
      });
}

CUresult cuKernelGetLibrary(CUlibrary *out, CUkernel handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
    if (!out || !kernel)
      return CUDA_ERROR_INVALID_VALUE;
    *out = handleOf(kernel->library.lock());
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetName(const char **name, CUkernel handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
    if (!name || !kernel)
      return CUDA_ERROR_INVALID_VALUE;
    *name = kernel->name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetName(const char **name, CUfunction handle) {
  if (!name)
    return CUDA_ERROR_INVALID_VALUE;
  return withFunction(handle, [&](Function &function) {
    *name = function.kernel->name.c_str();
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetModule(CUmodule *out, CUfunction handle) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  return withFunction(handle, [&](Function &function) {
    *out = handleOf(function.module.lock());
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute,
                            CUfunction handle) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  return withFunction(handle, [&](Function &function) {
    std::optional<int> found = function.attribute(attribute);
    if (!found)
      return CUDA_ERROR_INVALID_VALUE;
    *value = *found;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute,
                            int value) {
  return withFunction(handle, [&](Function &function) {
    return function.setAttribute(attribute, value);
  });
}

CUresult cuFuncSetCacheConfig(CUfunction handle, CUfunc_cache config) {
  return withFunction(handle, [&](Function &function) {
    if (config < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(function.mutex);
    function.attributes.cacheConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetSharedMemConfig(CUfunction handle, CUsharedconfig config) {
  return withFunction(handle, [&](Function &) {
    return config < 0 || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE
               ? CUDA_ERROR_INVALID_VALUE
               : CUDA_SUCCESS;
  });
}

static CUresult parameterInfo(const Kernel &kernel, size_t index,
                              size_t *offset, size_t *size) {
  if (!offset || index >= kernel.params.size())
    return CUDA_ERROR_INVALID_VALUE;
  *offset = kernel.params[index].offset;
  if (size)
    *size = kernel.params[index].size;
  return CUDA_SUCCESS;
}

CUresult cuFuncGetParamInfo(CUfunction handle, size_t index, size_t *offset,
                            size_t *size) {
  return withFunction(handle, [&](Function &function) {
    return parameterInfo(*function.kernel, index, offset, size);
  });
}

CUresult cuKernelGetParamInfo(CUkernel handle, size_t index, size_t *offset,
                              size_t *size) {
  return withFunction(handle, [&](Function &function) {
    return parameterInfo(*function.kernel, index, offset, size);
  });
}

CUresult cuFuncGetParamCount(CUfunction handle, size_t *count) {
  if (!count)
    return CUDA_ERROR_INVALID_VALUE;
  return withFunction(handle, [&](Function &function) {
    *count = function.kernel->params.size();
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelGetParamCount(CUkernel handle, size_t *count) {
  return cuFuncGetParamCount(reinterpret_cast<CUfunction>(handle), count);
}

CUresult cuFuncIsLoaded(CUfunctionLoadingState *state, CUfunction handle) {
  if (!state)
    return CUDA_ERROR_INVALID_VALUE;
  return withFunction(handle, [&](Function &) {
    *state = CU_FUNCTION_LOADING_STATE_LOADED;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncLoad(CUfunction handle) {
  return withFunction(handle, [](Function &) { return CUDA_SUCCESS; });
}

/// Runs `body(function)` for a kernel on one device: in the current context
/// when it is there, else in the device's primary one.
template <typename Body>
static CUresult withKernelOn(CUkernel handle, CUdevice ordinal,
                             const Body &body) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<LibraryKernel> kernel = driver.kernels.find(handle);
    Device *device = driver.device(ordinal);
    if (!kernel)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::shared_ptr<Context> context = currentContext();
    if (!context || &context->device != device) {
      std::lock_guard<std::mutex> lock(device->mutex);
      context = device->primary;
    }
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    std::shared_ptr<Function> function;
    if (CUresult error = functionOf(*kernel, context, function))
      return error;
    return body(*function);
  });
}

CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute,
                              CUkernel handle, CUdevice device) {
  if (!value)
    return CUDA_ERROR_INVALID_VALUE;
  return withKernelOn(handle, device, [&](Function &function) {
    std::optional<int> found = function.attribute(attribute);
    if (!found)
      return CUDA_ERROR_INVALID_VALUE;
    *value = *found;
    return CUDA_SUCCESS;
  });
}

CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value,
                              CUkernel handle, CUdevice device) {
  return withKernelOn(handle, device, [&](Function &function) {
    return function.setAttribute(attribute, value);
  });
}

CUresult cuKernelSetCacheConfig(CUkernel handle, CUfunc_cache config,
                                CUdevice device) {
  return withKernelOn(handle, device, [&](Function &function) {
    if (config < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(function.mutex);
    function.attributes.cacheConfig = config;
    return CUDA_SUCCESS;
  });
}
