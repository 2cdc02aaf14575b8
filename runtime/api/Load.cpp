//===- Load.cpp - Devices, bundles, models --------------------------------===//

#include "runtime/api/Handles.h"

#include <thread>

using namespace tilewright::runtime;
using namespace tilewright::runtime::api;

tilewright_status tilewright_device_create(const char *name,
                                           tilewright_device **out_device) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(name);
    TILEWRIGHT_CHECK_NOT_NULL(out_device);
    TILEWRIGHT_ASSIGN(DevicePtr device, Device::open(name));
    *out_device = new tilewright_device{std::move(device)};
    return success();
  });
}

void tilewright_device_destroy(tilewright_device *device) { delete device; }

tilewright_status tilewright_device_query(const tilewright_device *device,
                                          tilewright_device_info *out_info) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(device);
    const Device &gpu = *device->device;
    tilewright_device_info info = TILEWRIGHT_DEVICE_INFO_INIT;
    info.name = gpu.name().c_str();
    info.compute_capability = gpu.computeCapability();
    info.num_sms = gpu.numSms();
    info.memory_bytes = gpu.memoryBytes();
    info.driver_version = gpu.driverVersion();
    return writeSized(info, out_info);
  });
}

tilewright_status tilewright_bundle_open(const char *path,
                                         tilewright_bundle **out_bundle) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(path);
    TILEWRIGHT_CHECK_NOT_NULL(out_bundle);
    TILEWRIGHT_ASSIGN(auto bundle, Bundle::open(path));
    *out_bundle = new tilewright_bundle{std::move(bundle)};
    return success();
  });
}

tilewright_status
tilewright_bundle_open_memory(const void *data, size_t size, const char *name,
                              tilewright_bundle **out_bundle) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(data);
    TILEWRIGHT_CHECK_NOT_NULL(name);
    TILEWRIGHT_CHECK_NOT_NULL(out_bundle);
    std::string bytes(static_cast<const char *>(data), size);
    TILEWRIGHT_ASSIGN(auto bundle, Bundle::fromMemory(std::move(bytes), name));
    *out_bundle = new tilewright_bundle{std::move(bundle)};
    return success();
  });
}

void tilewright_bundle_destroy(tilewright_bundle *bundle) { delete bundle; }

tilewright_status tilewright_bundle_query(const tilewright_bundle *bundle,
                                          tilewright_bundle_info *out_info) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(bundle);
    const Manifest &manifest = bundle->bundle->manifest();
    tilewright_bundle_info info = TILEWRIGHT_BUNDLE_INFO_INIT;
    info.family = manifest.family.c_str();
    info.target = manifest.target.name.c_str();
    info.sku = manifest.sku.c_str();
    info.vocab_size = manifest.limits.vocabSize;
    info.max_context = manifest.limits.maxContext;
    info.max_tokens = manifest.limits.maxTokens;
    info.max_seqs = manifest.limits.maxSeqs;
    info.max_rows = manifest.limits.maxRows;
    info.page_size = manifest.limits.pageSize;
    info.page_bytes = manifest.pageBytes();
    info.weight_bytes = int64_t(manifest.weightBytes);
    info.eos_tokens = manifest.eosTokens.data();
    info.num_eos_tokens = manifest.eosTokens.size();
    info.num_kernels = manifest.kernels.size();
    info.batch_invariant = manifest.batchInvariant;
    return writeSized(info, out_info);
  });
}

tilewright_status tilewright_bundle_manifest(const tilewright_bundle *bundle,
                                             const char **out_json,
                                             size_t *out_size) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(bundle);
    TILEWRIGHT_CHECK_NOT_NULL(out_json);
    TILEWRIGHT_CHECK_NOT_NULL(out_size);
    *out_json = bundle->bundle->manifestText().data();
    *out_size = bundle->bundle->manifestText().size();
    return success();
  });
}

tilewright_status tilewright_bundle_kernel(const tilewright_bundle *bundle,
                                           size_t index,
                                           tilewright_kernel_info *out_info) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(bundle);
    const auto &kernels = bundle->bundle->manifest().kernels;
    if (index >= kernels.size())
      return invalidArgument("index is " + std::to_string(index) +
                             ", the bundle has " +
                             std::to_string(kernels.size()) + " kernels");
    tilewright_kernel_info info = TILEWRIGHT_KERNEL_INFO_INIT;
    info.name = kernels[index].name.c_str();
    info.family = kernels[index].family.c_str();
    info.ptx = kernels[index].ptx.data();
    info.ptx_size = kernels[index].ptx.size();
    return writeSized(info, out_info);
  });
}

tilewright_status tilewright_model_load(tilewright_device *device,
                                        tilewright_bundle *bundle,
                                        const char *weights,
                                        const tilewright_model_options *options,
                                        tilewright_model **out_model) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(device);
    TILEWRIGHT_CHECK_NOT_NULL(bundle);
    TILEWRIGHT_CHECK_NOT_NULL(weights);
    TILEWRIGHT_CHECK_NOT_NULL(out_model);
    tilewright_model_options defaults = TILEWRIGHT_MODEL_OPTIONS_INIT;
    TILEWRIGHT_ASSIGN(tilewright_model_options given,
                      readSized(options, defaults, "options"));
    LoadOptions load;
    load.numThreads = given.num_threads > 0
                          ? unsigned(given.num_threads)
                          : std::max(1u, std::thread::hardware_concurrency());
    if (given.progress)
      load.progress = [given](uint64_t done, uint64_t total) {
        return given.progress(given.user, done, total);
      };
    TILEWRIGHT_TRY(device->device->makeCurrent());
    TILEWRIGHT_ASSIGN(
        auto model, Model::load(device->device, bundle->bundle, weights, load));
    *out_model = new tilewright_model{std::move(model)};
    return success();
  });
}

void tilewright_model_destroy(tilewright_model *model) {
  if (!model)
    return;
  // Freeing needs the context; without it there is nothing left to free.
  (void)!model->model->device()->makeCurrent();
  delete model;
}
