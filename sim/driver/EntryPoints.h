//===- EntryPoints.h - Names, versions and refusals of entry points -------===//
#ifndef TILEWRIGHT_SIM_DRIVER_ENTRYPOINTS_H
#define TILEWRIGHT_SIM_DRIVER_ENTRYPOINTS_H

#include "sim/driver/Api.h"

#include <atomic>
#include <cstddef>

namespace tilewright::sim::driver {

/// One version of an entry point. Sorted by name, then by version.
struct EntryPoint {
  const char *name; ///< without version, as cuGetProcAddress takes it
  int version;      ///< the driver that brought it
  void *function;
  void *perThread; ///< the twin whose default stream is the thread's own
};

/// Generated from cuda.h.
extern const EntryPoint kEntryPoints[];
extern const size_t kEntryPointCount;

/// CUDA_ERROR_NOT_SUPPORTED; names the call on stderr the first time.
CUresult refuseCall(const char *name, std::atomic<bool> &wasNamed);

} // namespace tilewright::sim::driver

#endif // TILEWRIGHT_SIM_DRIVER_ENTRYPOINTS_H
