//===- Model.h - A bundle's kernels and weights on a device ---------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_MODEL_H
#define TILEWRIGHT_RUNTIME_SESSION_MODEL_H

#include "runtime/bundle/Bundle.h"
#include "runtime/driver/Module.h"
#include "runtime/weights/Loader.h"

#include <memory>
#include <vector>

namespace tilewright::runtime {

class Model {
public:
  static Result<std::shared_ptr<const Model>>
  load(DevicePtr device, std::shared_ptr<const Bundle> bundle,
       const std::string &weights, const LoadOptions &options);

  const DevicePtr &device() const { return gpu; }
  const Bundle &bundle() const { return *source; }
  const Manifest &manifest() const { return source->manifest(); }
  /// The function of a kernel by its index in the manifest.
  abi::Function function(size_t kernel) const { return functions[kernel]; }
  abi::DevicePointer weightAddress(size_t weight) const {
    return weights.address() + manifest().weights[weight].offset;
  }

private:
  Model(DevicePtr device, std::shared_ptr<const Bundle> bundle)
      : gpu(std::move(device)), source(std::move(bundle)) {}
  Result<void> loadKernel(const Kernel &kernel);

  DevicePtr gpu;
  std::shared_ptr<const Bundle> source;
  std::vector<Module> modules;
  std::vector<abi::Function> functions;
  DeviceBuffer weights;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_MODEL_H
