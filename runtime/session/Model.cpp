//===- Model.cpp - A bundle's kernels and weights on a device -------------===//

#include "runtime/session/Model.h"

#include "runtime/support/Json.h"

#include <filesystem>

namespace tilewright::runtime {

// Blocks per cluster that every device grants without being asked.
static constexpr uint32_t portableClusterBlocks = 8;

static Result<Checkpoint> openWeights(const std::string &path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored))
    return Checkpoint::openFile(path);
  return Checkpoint::openDirectory(path);
}

static Result<void> checkTarget(const Device &device, const Bundle &bundle) {
  const Target &target = bundle.manifest().target;
  if (target.runsOn(device.computeCapability()))
    return success();
  return Error(TILEWRIGHT_UNSUPPORTED,
               bundle.name() + ": compiled for " + target.name +
                   ", which does not run on " + device.name() + " (sm_" +
                   std::to_string(device.computeCapability()) + ")");
}

static size_t paramBytes(const Param &param) {
  if (std::holds_alternative<TensorMapParam>(param))
    return sizeof(abi::TensorMap);
  if (const auto *size = std::get_if<SizeParam>(&param))
    return byteSize(size->dtype);
  return sizeof(abi::DevicePointer);
}

/// The driver reads as many bytes of each parameter as the PTX declares,
/// whatever the manifest says: where it can be asked, both must agree.
static Result<void> checkParams(const Driver &driver, abi::Function function,
                                const Kernel &kernel) {
  if (!driver.funcGetParamInfo)
    return success();
  size_t offset, bytes;
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    int code = driver.funcGetParamInfo(function, i, &offset, &bytes);
    if (code == abi::NotSupported)
      return success();
    if (code != abi::Success || bytes != paramBytes(kernel.params[i]))
      return Error(TILEWRIGHT_INVALID_BUNDLE,
                   "params[" + std::to_string(i) + "] is not what the PTX of " +
                       inQuotes(kernel.name) + " declares");
  }
  if (driver.funcGetParamInfo(function, kernel.params.size(), &offset,
                              &bytes) == abi::Success)
    return Error(TILEWRIGHT_INVALID_BUNDLE,
                 "the PTX declares more parameters than the manifest");
  return success();
}

Result<void> Model::loadKernel(const Kernel &kernel) {
  const Driver &driver = gpu->driver();
  TILEWRIGHT_ASSIGN(Module module, Module::load(gpu, kernel.ptx, kernel.cubin));
  TILEWRIGHT_ASSIGN(abi::Function function, module.function(kernel.name));
  TILEWRIGHT_TRY(checkParams(driver, function, kernel));
  if (kernel.sharedBytes > 0)
    TILEWRIGHT_TRY(driver.check(
        driver.funcSetAttribute(function, abi::MaxDynamicSharedSizeBytes,
                                int(kernel.sharedBytes)),
        TILEWRIGHT_LAUNCH_FAILED,
        "cannot have " + std::to_string(kernel.sharedBytes) +
            " bytes of shared memory"));
  uint32_t blocks = kernel.cluster[0] * kernel.cluster[1] * kernel.cluster[2];
  if (blocks > portableClusterBlocks)
    TILEWRIGHT_TRY(
        driver.check(driver.funcSetAttribute(
                         function, abi::NonPortableClusterSizeAllowed, 1),
                     TILEWRIGHT_LAUNCH_FAILED,
                     "cannot have clusters of " + std::to_string(blocks)));
  modules.push_back(std::move(module));
  functions.push_back(function);
  return success();
}

Result<std::shared_ptr<const Model>>
Model::load(DevicePtr device, std::shared_ptr<const Bundle> bundle,
            const std::string &weightsPath, const LoadOptions &options) {
  TILEWRIGHT_TRY(checkTarget(*device, *bundle));
  // The cheap checks first: wrong weights should not have to wait for kernels.
  TILEWRIGHT_ASSIGN(Checkpoint checkpoint, openWeights(weightsPath));
  if (auto bound = bindSources(bundle->manifest().sources, checkpoint); !bound)
    return bound.takeError().in(weightsPath);

  std::shared_ptr<Model> model(new Model(std::move(device), std::move(bundle)));
  for (const Kernel &kernel : model->manifest().kernels)
    if (Result<void> loaded = model->loadKernel(kernel); !loaded)
      return loaded.takeError().in(model->bundle().name() + ": kernel " +
                                   inQuotes(kernel.name));
  TILEWRIGHT_ASSIGN(model->weights, loadWeights(model->gpu, model->manifest(),
                                                checkpoint, options));
  return std::shared_ptr<const Model>(std::move(model));
}

} // namespace tilewright::runtime
