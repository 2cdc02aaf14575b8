//===- Registry.cpp - Fat binaries, kernels and variables of a program ----===//

#include "sim/cudart/Registry.h"

namespace tilewright::sim::cudart {

Registry &Registry::instance() {
  // Never destroyed: programs unregister from atexit handlers.
  static Registry *registry = new Registry;
  return *registry;
}

FatBinary *Registry::addBinary(const void *image) {
  auto binary = std::make_unique<FatBinary>();
  binary->image = image;
  FatBinary *handle = binary.get();
  std::lock_guard<std::mutex> lock(mutex);
  binaries[handle] = std::move(binary);
  return handle;
}

void Registry::removeBinary(FatBinary *binary) {
  std::unique_ptr<FatBinary> removed;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto it = binaries.find(binary);
    if (it == binaries.end())
      return;
    removed = std::move(it->second);
    binaries.erase(it);
    auto isOfIt = [&](const auto &entry) {
      return entry.second.binary == binary;
    };
    std::erase_if(kernels, isOfIt);
    std::erase_if(variables, isOfIt);
  }
  if (removed->library)
    cuLibraryUnload(removed->library);
}

void Registry::addKernel(FatBinary *binary, const void *host,
                         const char *name) {
  std::lock_guard<std::mutex> lock(mutex);
  kernels[host] = {binary, name};
}

void Registry::addVariable(FatBinary *binary, const void *host,
                           const char *name) {
  std::lock_guard<std::mutex> lock(mutex);
  variables[host] = {binary, name};
}

void Registry::addManaged(FatBinary *binary, void **hostSlot,
                          const char *name) {
  std::lock_guard<std::mutex> lock(binary->mutex);
  binary->managed.push_back({hostSlot, name});
}

/// True for what another attempt cannot change.
static bool isImageError(CUresult result) {
  return result == CUDA_ERROR_INVALID_IMAGE ||
         result == CUDA_ERROR_INVALID_PTX ||
         result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION ||
         result == CUDA_ERROR_NO_BINARY_FOR_GPU;
}

cudaError_t Registry::load(FatBinary &binary) {
  std::lock_guard<std::mutex> lock(binary.mutex);
  if (binary.library)
    return cudaSuccess;
  if (binary.imageError)
    return binary.imageError;
  // With a context current, the driver decodes once, for that context.
  if (cudaError_t error = enterContext())
    return error;
  CUresult result = cuLibraryLoadData(&binary.library, binary.image, nullptr,
                                      nullptr, 0, nullptr, nullptr, 0);
  if (isImageError(result))
    binary.imageError = errorOf(result);
  return errorOf(result);
}

cudaError_t Registry::placeManaged(FatBinary *binary) {
  if (cudaError_t error = load(*binary))
    return error;
  std::lock_guard<std::mutex> lock(binary->mutex);
  for (const ManagedVariable &variable : binary->managed) {
    CUdeviceptr address = 0;
    size_t bytes = 0;
    if (CUresult error = cuLibraryGetManaged(&address, &bytes, binary->library,
                                             variable.name.c_str()))
      return errorOf(error);
    *variable.hostSlot = reinterpret_cast<void *>(address);
    std::lock_guard<std::mutex> mapLock(mutex);
    variables[*variable.hostSlot] = {binary, variable.name};
  }
  return cudaSuccess;
}

cudaError_t Registry::findKernel(const void *host, CUkernel &kernel) {
  FatBinary *binary = nullptr;
  std::string name;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto it = kernels.find(host);
    if (it != kernels.end() && it->second.kernel) {
      kernel = it->second.kernel;
      return cudaSuccess;
    }
    if (it != kernels.end()) {
      binary = it->second.binary;
      name = it->second.name;
    }
  }
  if (!binary) {
    const char *known = nullptr;
    kernel = static_cast<CUkernel>(const_cast<void *>(host));
    return cuKernelGetName(&known, kernel) == CUDA_SUCCESS
               ? cudaSuccess
               : cudaErrorInvalidDeviceFunction;
  }
  if (cudaError_t error = load(*binary))
    return error;
  if (cuLibraryGetKernel(&kernel, binary->library, name.c_str()))
    return cudaErrorInvalidDeviceFunction;
  std::lock_guard<std::mutex> lock(mutex);
  auto it = kernels.find(host);
  if (it != kernels.end())
    it->second.kernel = kernel;
  return cudaSuccess;
}

cudaError_t Registry::findFunction(const void *host, CUfunction &function) {
  CUkernel kernel = nullptr;
  if (cudaError_t error = findKernel(host, kernel)) {
    // The handle of a function is accepted in place of a host symbol, too.
    const char *name = nullptr;
    function = static_cast<CUfunction>(const_cast<void *>(host));
    return host && cuFuncGetName(&name, function) == CUDA_SUCCESS ? cudaSuccess
                                                                  : error;
  }
  if (CUresult error = cuKernelGetFunction(&function, kernel))
    return errorOf(error);
  std::lock_guard<std::mutex> lock(mutex);
  hosts[function] = host;
  return cudaSuccess;
}

const void *Registry::hostOf(CUfunction function) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = hosts.find(function);
  return it == hosts.end() ? function : it->second;
}

cudaError_t Registry::findVariable(const void *host, CUdeviceptr &address,
                                   size_t &bytes) {
  FatBinary *binary = nullptr;
  std::string name;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto it = variables.find(host);
    if (it == variables.end())
      return cudaErrorInvalidSymbol;
    binary = it->second.binary;
    name = it->second.name;
  }
  if (cudaError_t error = load(*binary))
    return error;
  CUresult result =
      cuLibraryGetGlobal(&address, &bytes, binary->library, name.c_str());
  return result == CUDA_ERROR_NOT_FOUND ? cudaErrorInvalidSymbol
                                        : errorOf(result);
}

} // namespace tilewright::sim::cudart
