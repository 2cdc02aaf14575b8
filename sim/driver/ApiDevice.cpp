//===- ApiDevice.cpp - Entry points: initialization and devices -----------===//

#include "sim/driver/Api.h"

#include <cstring>

using namespace tilewright::sim::driver;

extern "C" {
#pragma GCC visibility push(default)
/// Chooses the simulated boards before cuInit: names or paths of SKU files,
/// separated by commas, one device each. It wins over TILEWRIGHT_SIM_SKU.
/// Returns a CUresult: CUDA_ERROR_NO_DEVICE, with a line on stderr, for a SKU
/// that cannot be read, and CUDA_ERROR_ALREADY_ACQUIRED after cuInit unless the
/// choice is the one in use.
int tilewright_sim_configure(const char *sku);
/// Chooses the checks before cuInit: "all", or kinds separated by commas; and
/// the file that gets what they find, or "". Wins over TILEWRIGHT_SIM_CHECK and
/// TILEWRIGHT_SIM_CHECK_JSON. Returns CUDA_ERROR_INVALID_VALUE, with a line on
/// stderr, for a kind that does not exist, and CUDA_ERROR_ALREADY_ACQUIRED
/// after cuInit.
int tilewright_sim_configure_checks(const char *kinds, const char *json);
/// Chooses one thing to see of kernels before cuInit: an option of `tilewright
/// sim` without its dashes ("trace", "profile", ...), and its value. Wins over
/// the option's variable of the environment. Returns as the one for checks.
int tilewright_sim_configure_debugging(const char *option, const char *value);
#pragma GCC visibility pop
}

int tilewright_sim_configure(const char *sku) {
  if (!sku || !*sku)
    return CUDA_ERROR_INVALID_VALUE;
  return Driver::instance().configure(sku);
}

int tilewright_sim_configure_checks(const char *kinds, const char *json) {
  if (!kinds || !json)
    return CUDA_ERROR_INVALID_VALUE;
  return Driver::instance().configureChecks(kinds, json);
}

int tilewright_sim_configure_debugging(const char *option, const char *value) {
  if (!option || !value)
    return CUDA_ERROR_INVALID_VALUE;
  return Driver::instance().configureDebugging(option, value);
}

CUresult cuInit(unsigned int flags) {
  if (flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  try {
    return Driver::instance().initialize();
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
}

CUresult cuDriverGetVersion(int *version) {
  if (!version)
    return CUDA_ERROR_INVALID_VALUE;
  *version = CUDA_VERSION;
  return CUDA_SUCCESS;
}

/// Runs `body(device)` for calls that take a device and one output.
template <typename Output, typename Body>
static CUresult withDevice(CUdevice ordinal, Output *output, const Body &body) {
  return guarded([&](Driver &driver) -> CUresult {
    if (!output)
      return CUDA_ERROR_INVALID_VALUE;
    Device *device = driver.device(ordinal);
    if (!device)
      return CUDA_ERROR_INVALID_DEVICE;
    return body(*device);
  });
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return withDevice(ordinal, device, [&](Device &found) {
    *device = found.ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetCount(int *count) {
  return guarded([&](Driver &driver) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = int(driver.devices.size());
    return CUDA_SUCCESS;
  });
}

static void copyText(char *target, int length, const std::string &text) {
  strncpy(target, text.c_str(), size_t(length));
  target[length - 1] = '\0';
}

CUresult cuDeviceGetName(char *name, int length, CUdevice ordinal) {
  return withDevice(ordinal, name, [&](Device &device) {
    if (length <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    copyText(name, length, device.sku.product);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice ordinal) {
  return withDevice(ordinal, uuid, [&](Device &device) {
    *uuid = device.uuid();
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice ordinal) {
  return cuDeviceGetUuid(uuid, ordinal);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice ordinal) {
  return withDevice(ordinal, bytes, [&](Device &device) {
    *bytes = device.arena.totalBytes();
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute,
                              CUdevice ordinal) {
  return withDevice(ordinal, value, [&](Device &device) {
    std::optional<int> found = device.attribute(attribute);
    if (!found)
      return CUDA_ERROR_INVALID_VALUE;
    *value = *found;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceComputeCapability(int *major, int *minor, CUdevice ordinal) {
  return withDevice(ordinal, major && minor ? major : nullptr,
                    [&](Device &device) {
                      *major = device.sku.computeCapabilityMajor;
                      *minor = device.sku.computeCapabilityMinor;
                      return CUDA_SUCCESS;
                    });
}

CUresult cuDeviceGetProperties(CUdevprop *properties, CUdevice ordinal) {
  return withDevice(ordinal, properties, [&](Device &device) {
    auto get = [&](CUdevice_attribute attribute) {
      return device.attribute(attribute).value_or(0);
    };
    *properties = {};
    properties->maxThreadsPerBlock =
        get(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
    for (int i = 0; i < 3; ++i) {
      properties->maxThreadsDim[i] =
          get(CUdevice_attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X + i));
      properties->maxGridSize[i] =
          get(CUdevice_attribute(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X + i));
    }
    properties->sharedMemPerBlock =
        get(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
    properties->totalConstantMemory =
        get(CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY);
    properties->SIMDWidth = get(CU_DEVICE_ATTRIBUTE_WARP_SIZE);
    properties->memPitch = get(CU_DEVICE_ATTRIBUTE_MAX_PITCH);
    properties->regsPerBlock = get(CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK);
    properties->clockRate = get(CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
    properties->textureAlign = get(CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice ordinal) {
  return withDevice(ordinal, text, [&](Device &device) {
    if (length <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    copyText(text, length, device.pciBusId());
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetByPCIBusId(CUdevice *ordinal, const char *text) {
  return guarded([&](Driver &driver) {
    if (!ordinal || !text)
      return CUDA_ERROR_INVALID_VALUE;
    for (const auto &device : driver.devices) {
      if (strcasecmp(device->pciBusId().c_str(), text) != 0)
        continue;
      *ordinal = device->ordinal;
      return CUDA_SUCCESS;
    }
    return CUDA_ERROR_INVALID_DEVICE;
  });
}

CUresult cuDeviceGetExecAffinitySupport(int *supported, CUexecAffinityType type,
                                        CUdevice ordinal) {
  return withDevice(ordinal, supported, [&](Device &) {
    *supported = 0;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetTexture1DLinearMaxWidth(size_t *width,
                                            CUarray_format format,
                                            unsigned channels,
                                            CUdevice ordinal) {
  return withDevice(ordinal, width, [&](Device &device) {
    *width = size_t(
        device.attribute(CU_DEVICE_ATTRIBUTE_MAXIMUM_TEXTURE1D_LINEAR_WIDTH)
            .value_or(0));
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceCanAccessPeer(int *canAccess, CUdevice ordinal,
                               CUdevice peer) {
  return withDevice(ordinal, canAccess, [&](Device &) {
    if (!Driver::instance().device(peer))
      return CUDA_ERROR_INVALID_DEVICE;
    *canAccess = ordinal != peer;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attribute,
                                 CUdevice source, CUdevice target) {
  return withDevice(source, value, [&](Device &) {
    if (!Driver::instance().device(target))
      return CUDA_ERROR_INVALID_DEVICE;
    if (source == target)
      return CUDA_ERROR_INVALID_VALUE;
    switch (attribute) {
    case CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED:
    case CU_DEVICE_P2P_ATTRIBUTE_NATIVE_ATOMIC_SUPPORTED:
      *value = 1;
      return CUDA_SUCCESS;
    case CU_DEVICE_P2P_ATTRIBUTE_PERFORMANCE_RANK:
    case CU_DEVICE_P2P_ATTRIBUTE_CUDA_ARRAY_ACCESS_SUPPORTED:
      *value = 0;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}
