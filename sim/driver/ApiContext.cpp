//===- ApiContext.cpp - Entry points: contexts ----------------------------===//

#include "sim/driver/Api.h"

using namespace tilewright::sim::driver;

static constexpr unsigned kKnownFlags = CU_CTX_FLAGS_MASK;

static bool areValidFlags(unsigned flags) {
  if (flags & ~kKnownFlags)
    return false;
  unsigned schedule = flags & CU_CTX_SCHED_MASK;
  return schedule == CU_CTX_SCHED_AUTO || schedule == CU_CTX_SCHED_SPIN ||
         schedule == CU_CTX_SCHED_YIELD ||
         schedule == CU_CTX_SCHED_BLOCKING_SYNC;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *out, CUdevice ordinal) {
  return guarded([&](Driver &driver) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> lock(device->mutex);
    if (!device->primary) {
      device->primary =
          std::make_shared<Context>(*device, device->primaryFlags, true);
      driver.contexts.insert(device->primary);
    }
    ++device->primaryReferences;
    *out = handleOf(device->primary);
    return CUDA_SUCCESS;
  });
}

/// Destroys the primary context's content; the device mutex is held.
static void dropPrimary(Driver &driver, Device &device) {
  if (!device.primary)
    return;
  std::shared_ptr<Context> context = std::move(device.primary);
  device.primary = nullptr;
  destroyContext(context);
  driver.contexts.take(context.get());
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice ordinal) {
  return guarded([&](Driver &driver) {
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> lock(device->mutex);
    if (device->primaryReferences == 0)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (--device->primaryReferences == 0)
      dropPrimary(driver, *device);
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice ordinal) {
  return guarded([&](Driver &driver) {
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    std::lock_guard<std::mutex> lock(device->mutex);
    dropPrimary(driver, *device);
    device->primaryReferences = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice ordinal, unsigned flags) {
  return guarded([&](Driver &driver) {
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    if (!areValidFlags(flags))
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(device->mutex);
    device->primaryFlags = flags;
    if (device->primary)
      device->primary->flags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxGetState(CUdevice ordinal, unsigned *flags,
                                    int *active) {
  return guarded([&](Driver &driver) {
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    if (!flags || !active)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(device->mutex);
    *flags = device->primaryFlags;
    *active = device->primary != nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxCreate_v2(CUcontext *out, unsigned flags, CUdevice ordinal) {
  return guarded([&](Driver &driver) {
    if (!out || !areValidFlags(flags))
      return CUDA_ERROR_INVALID_VALUE;
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    auto context = std::make_shared<Context>(*device, flags, false);
    driver.contexts.insert(context);
    threadState().stack.push_back(context);
    *out = handleOf(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxCreate_v3(CUcontext *out, CUexecAffinityParam *params, int count,
                        unsigned flags, CUdevice ordinal) {
  if (count != 0)
    return CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY;
  return cuCtxCreate_v2(out, flags, ordinal);
}

CUresult cuCtxCreate_v4(CUcontext *out, CUctxCreateParams *params,
                        unsigned flags, CUdevice ordinal) {
  if (params && (params->numExecAffinityParams != 0 || params->cigParams))
    return CUDA_ERROR_NOT_SUPPORTED;
  return cuCtxCreate_v2(out, flags, ordinal);
}

CUresult cuCtxDestroy_v2(CUcontext handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Context> context = driver.contexts.find(handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (context->isPrimary)
      return CUDA_ERROR_INVALID_CONTEXT;
    destroyContext(context);
    driver.contexts.take(handle);
    std::vector<std::shared_ptr<Context>> &stack = threadState().stack;
    if (!stack.empty() && stack.back() == context)
      stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPushCurrent_v2(CUcontext handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Context> context = driver.contexts.find(handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    threadState().stack.push_back(std::move(context));
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent_v2(CUcontext *out) {
  return guarded([&](Driver &) {
    std::vector<std::shared_ptr<Context>> &stack = threadState().stack;
    if (stack.empty() || !stack.back())
      return CUDA_ERROR_INVALID_CONTEXT;
    if (out)
      *out = handleOf(stack.back());
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCurrent(CUcontext handle) {
  return guarded([&](Driver &driver) {
    std::vector<std::shared_ptr<Context>> &stack = threadState().stack;
    if (!handle) {
      if (!stack.empty())
        stack.pop_back();
      return CUDA_SUCCESS;
    }
    std::shared_ptr<Context> context = driver.contexts.find(handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (stack.empty())
      stack.push_back(std::move(context));
    else
      stack.back() = std::move(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext *out) {
  return guarded([&](Driver &) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    *out = handleOf(currentContext());
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetDevice(CUdevice *out) {
  return guarded([&](Driver &) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = currentContext();
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    *out = context->device.ordinal;
    return CUDA_SUCCESS;
  });
}

/// The context behind a handle, or the current one for null.
static std::shared_ptr<Context> contextOrCurrent(Driver &driver,
                                                 CUcontext handle) {
  return handle ? driver.contexts.find(handle) : currentContext();
}

CUresult cuCtxGetDevice_v2(CUdevice *out, CUcontext handle) {
  return guarded([&](Driver &driver) {
    if (!out)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = contextOrCurrent(driver, handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    *out = context->device.ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetFlags(unsigned *flags) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!flags)
      return CUDA_ERROR_INVALID_VALUE;
    *flags = context->flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetFlags(unsigned flags) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!areValidFlags(flags))
      return CUDA_ERROR_INVALID_VALUE;
    context->flags = flags;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetId(CUcontext handle, unsigned long long *id) {
  return guarded([&](Driver &driver) {
    if (!id)
      return CUDA_ERROR_INVALID_VALUE;
    std::shared_ptr<Context> context = contextOrCurrent(driver, handle);
    if (!context)
      return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    *id = context->id;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetApiVersion(CUcontext handle, unsigned *version) {
  return guarded([&](Driver &driver) {
    if (!version)
      return CUDA_ERROR_INVALID_VALUE;
    if (!contextOrCurrent(driver, handle))
      return CUDA_ERROR_INVALID_CONTEXT;
    // The version of the context interface, unchanged since cuCtxCreate_v2.
    *version = 3020;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (CUresult error = refuseDuringCapture())
      return error;
    return synchronizeContext(*context);
  });
}

CUresult cuCtxSynchronize_v2(CUcontext handle) {
  return guarded([&](Driver &driver) {
    std::shared_ptr<Context> context = contextOrCurrent(driver, handle);
    if (!context)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (CUresult error = context->error())
      return error;
    return synchronizeContext(*context);
  });
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &) {
    if (least)
      *least = 0;
    if (greatest)
      *greatest = -5;
    return CUDA_SUCCESS;
  });
}

/// What a limit is before it is set.
static size_t defaultLimit(CUlimit limit) {
  switch (limit) {
  case CU_LIMIT_STACK_SIZE:
    return 1024;
  case CU_LIMIT_PRINTF_FIFO_SIZE:
    return size_t(1) << 20;
  case CU_LIMIT_MALLOC_HEAP_SIZE:
    return size_t(8) << 20;
  case CU_LIMIT_DEV_RUNTIME_SYNC_DEPTH:
    return 2;
  case CU_LIMIT_DEV_RUNTIME_PENDING_LAUNCH_COUNT:
    return 2048;
  case CU_LIMIT_MAX_L2_FETCH_GRANULARITY:
    return 64;
  default:
    return 0;
  }
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (limit < 0 || limit >= CU_LIMIT_MAX)
      return CUDA_ERROR_UNSUPPORTED_LIMIT;
    std::lock_guard<std::mutex> lock(context->mutex);
    context->limits[limit] = value;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetLimit(size_t *value, CUlimit limit) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    if (limit < 0 || limit >= CU_LIMIT_MAX)
      return CUDA_ERROR_UNSUPPORTED_LIMIT;
    std::lock_guard<std::mutex> lock(context->mutex);
    auto it = context->limits.find(limit);
    *value = it == context->limits.end() ? defaultLimit(limit) : it->second;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCacheConfig(CUfunc_cache *config) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(context->mutex);
    *config = context->cacheConfig;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (config < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(context->mutex);
    context->cacheConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetSharedMemConfig(CUsharedconfig *config) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (!config)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(context->mutex);
    *config = context->sharedConfig;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetSharedMemConfig(CUsharedconfig config) {
  return withContext([&](Driver &, const std::shared_ptr<Context> &context) {
    if (config < 0 || config > CU_SHARED_MEM_CONFIG_EIGHT_BYTE_BANK_SIZE)
      return CUDA_ERROR_INVALID_VALUE;
    std::lock_guard<std::mutex> lock(context->mutex);
    context->sharedConfig = config;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxResetPersistingL2Cache() {
  return withContext(
      [&](Driver &, const std::shared_ptr<Context> &) { return CUDA_SUCCESS; });
}

CUresult cuCtxEnablePeerAccess(CUcontext peerHandle, unsigned flags) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        if (flags != 0)
          return CUDA_ERROR_INVALID_VALUE;
        std::shared_ptr<Context> peer = driver.contexts.find(peerHandle);
        if (!peer || peer == context)
          return CUDA_ERROR_INVALID_CONTEXT;
        if (&peer->device == &context->device)
          return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
        std::lock_guard<std::mutex> lock(context->mutex);
        return context->peers.insert(peer.get()).second
                   ? CUDA_SUCCESS
                   : CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED;
      });
}

CUresult cuCtxDisablePeerAccess(CUcontext peerHandle) {
  return withContext(
      [&](Driver &driver, const std::shared_ptr<Context> &context) {
        std::shared_ptr<Context> peer = driver.contexts.find(peerHandle);
        if (!peer)
          return CUDA_ERROR_INVALID_CONTEXT;
        std::lock_guard<std::mutex> lock(context->mutex);
        return context->peers.erase(peer.get()) != 0
                   ? CUDA_SUCCESS
                   : CUDA_ERROR_PEER_ACCESS_NOT_ENABLED;
      });
}
