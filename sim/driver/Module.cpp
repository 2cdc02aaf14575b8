//===- Module.cpp - Modules, functions, libraries, kernels ----------------===//

#include "sim/driver/Module.h"

#include "sim/driver/Driver.h"

namespace tilewright::sim::driver {

CUresult resultOf(const Error &error) {
  switch (error.kind) {
  case ErrorKind::InvalidPtx:
  case ErrorKind::WrongTarget:
  case ErrorKind::UnresolvedSymbol:
    return CUDA_ERROR_INVALID_PTX;
  case ErrorKind::OutOfMemory:
    return CUDA_ERROR_OUT_OF_MEMORY;
  case ErrorKind::InvalidLaunch:
    return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
  case ErrorKind::InvalidSetting:
    return CUDA_ERROR_INVALID_VALUE;
  case ErrorKind::IllegalAddress:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case ErrorKind::MisalignedAddress:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case ErrorKind::IllegalInstruction:
    return CUDA_ERROR_ILLEGAL_INSTRUCTION;
  case ErrorKind::Trap:
    return CUDA_ERROR_LAUNCH_FAILED;
  case ErrorKind::Assert:
    return CUDA_ERROR_ASSERT;
  case ErrorKind::Deadlock:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  }
  return CUDA_ERROR_UNKNOWN;
}

uint32_t
Function::dynamicSharedLimit(const FunctionAttributes &attributes) const {
  const DeviceConfig &config = context->device.config;
  if (attributes.maxDynamicShared >= 0)
    return uint32_t(attributes.maxDynamicShared);
  if (kernel->staticSharedBytes >= config.sharedPerBlock)
    return 0;
  return config.sharedPerBlock - kernel->staticSharedBytes;
}

std::optional<int> Function::attribute(int attribute) {
  FunctionAttributes set = currentAttributes();
  const DeviceConfig &config = context->device.config;
  const Sku &sku = context->device.sku;
  Dim3 cluster = kernel->requiredCluster.value_or(
      Dim3{uint32_t(set.clusterWidth), uint32_t(set.clusterHeight),
           uint32_t(set.clusterDepth)});
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
    return int(kernel->maxThreadsPerBlock ? kernel->maxThreadsPerBlock
                                          : config.maxThreadsPerBlock);
  case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
    return int(kernel->staticSharedBytes);
  case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
  case CU_FUNC_ATTRIBUTE_CACHE_MODE_CA:
    return 0;
  case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
    return int(kernel->localBytesPerThread);
  case CU_FUNC_ATTRIBUTE_NUM_REGS:
    return int(kernel->regs);
  case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    return kernel->targetVersion;
  case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
    return sku.computeCapabilityMajor * 10 + sku.computeCapabilityMinor;
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    return int(dynamicSharedLimit(set));
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    return set.carveout;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SIZE_MUST_BE_SET:
    return set.clusterMustBeSet || kernel->requiredCluster ||
           kernel->explicitCluster;
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    return int(cluster.x);
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    return int(cluster.y);
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    return int(cluster.z);
  case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    return set.nonPortableCluster;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    return set.clusterScheduling;
  default:
    return std::nullopt;
  }
}

/// A cluster extent can be set only where the text does not fix it.
static CUresult setClusterExtent(const sim::Kernel &kernel, int &extent,
                                 int value) {
  if (value < 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (kernel.requiredCluster)
    return CUDA_ERROR_NOT_PERMITTED;
  extent = value;
  return CUDA_SUCCESS;
}

CUresult Function::setAttribute(int attribute, int value) {
  const DeviceConfig &config = context->device.config;
  std::lock_guard<std::mutex> lock(mutex);
  switch (attribute) {
  case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
    if (value < 0 || uint64_t(value) + kernel->staticSharedBytes >
                         config.sharedPerBlockOptin)
      return CUDA_ERROR_INVALID_VALUE;
    attributes.maxDynamicShared = value;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT:
    if (value < -1 || value > 100)
      return CUDA_ERROR_INVALID_VALUE;
    attributes.carveout = value;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH:
    return setClusterExtent(*kernel, attributes.clusterWidth, value);
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_HEIGHT:
    return setClusterExtent(*kernel, attributes.clusterHeight, value);
  case CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_DEPTH:
    return setClusterExtent(*kernel, attributes.clusterDepth, value);
  case CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED:
    attributes.nonPortableCluster = value != 0;
    return CUDA_SUCCESS;
  case CU_FUNC_ATTRIBUTE_CLUSTER_SCHEDULING_POLICY_PREFERENCE:
    if (value < 0 || value > CU_CLUSTER_SCHEDULING_POLICY_LOAD_BALANCING)
      return CUDA_ERROR_INVALID_VALUE;
    attributes.clusterScheduling = value;
    return CUDA_SUCCESS;
  default:
    return CUDA_ERROR_INVALID_VALUE;
  }
}

std::shared_ptr<Function> ModuleObject::function(const std::string &name) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = functions.find(name);
  if (it != functions.end())
    return it->second;
  const sim::Kernel *kernel = image->module->findKernel(name);
  if (!kernel)
    return nullptr;
  auto function = std::make_shared<Function>();
  function->image = image;
  function->kernel = kernel;
  function->module = weak_from_this();
  function->context = context;
  functions[name] = function;
  Driver::instance().functions.insert(function);
  return function;
}

CUresult loadModule(const std::shared_ptr<Context> &context, const PtxText &ptx,
                    std::shared_ptr<ModuleObject> &module, std::string &log) {
  auto image = std::make_shared<LoadedImage>();
  image->allocator = context->allocator;
  DeviceConfig config = context->device.config;
  Checks *checks = Driver::instance().checks.get();
  config.findsUndefinedReads = checks && checks->findsUndefinedReads();
  config.keepsSymbols = Driver::instance().debugging != nullptr;
  Result<std::unique_ptr<sim::Module>> loaded =
      sim::Module::load(ptx.text, ptx.name, config, *context->allocator);
  if (!loaded) {
    log = loaded.error().message;
    return resultOf(loaded.error());
  }
  image->module = std::move(*loaded);
  if (checks)
    checks->named(*image->module, ptx.name);
  module = std::make_shared<ModuleObject>();
  module->context = context;
  module->image = std::move(image);
  Driver::instance().modules.insert(module);
  return CUDA_SUCCESS;
}

void unloadModule(const std::shared_ptr<ModuleObject> &module) {
  Driver &driver = Driver::instance();
  driver.modules.take(module.get());
  std::lock_guard<std::mutex> lock(module->mutex);
  for (const auto &[name, function] : module->functions)
    driver.functions.take(function.get());
  module->functions.clear();
}

CUresult Library::moduleIn(const std::shared_ptr<Context> &context,
                           std::shared_ptr<ModuleObject> &module) {
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<ModuleObject> &slot = modules[context.get()];
  // A context may have died and another have been made in its place.
  if (slot && slot->context == context &&
      Driver::instance().modules.find(slot.get())) {
    module = slot;
    return CUDA_SUCCESS;
  }
  std::string log;
  CUresult result = loadModule(context, ptx, slot, log);
  if (result != CUDA_SUCCESS) {
    modules.erase(context.get());
    printMessage(log);
    return result;
  }
  module = slot;
  return CUDA_SUCCESS;
}

} // namespace tilewright::sim::driver
