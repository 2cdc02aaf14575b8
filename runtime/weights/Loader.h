//===- Loader.h - Weights onto the device ---------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_WEIGHTS_LOADER_H
#define TILEWRIGHT_RUNTIME_WEIGHTS_LOADER_H

#include "runtime/bundle/Manifest.h"
#include "runtime/driver/Device.h"
#include "runtime/safetensors/Safetensors.h"

#include <functional>

namespace tilewright::runtime {

struct LoadOptions {
  /// Bytes done, bytes in total; nonzero cancels.
  std::function<int(uint64_t, uint64_t)> progress;
  unsigned numThreads = 1;
};

/// The checkpoint's tensors in the order of `sources`, or which of them is
/// missing or of another dtype or shape.
Result<std::vector<const TensorView *>>
bindSources(const std::vector<SourceTensor> &sources,
            const Checkpoint &checkpoint);

/// Computes every weight in pieces on the CPU and uploads each piece while the
/// next one is computed. The buffer is laid out as `Weight::offset` says.
Result<DeviceBuffer> loadWeights(DevicePtr device, const Manifest &manifest,
                                 const Checkpoint &checkpoint,
                                 const LoadOptions &options);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_WEIGHTS_LOADER_H
