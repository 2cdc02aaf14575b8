//===- sim-launch.cpp - What a launch costs beside its kernel -------------===//
//
// Launches of an empty kernel through the driver's ABI: from the call to the
// simulated end, so queueing, checking and starting of blocks.
//
//===----------------------------------------------------------------------===//

#include <benchmark/benchmark.h>
#include <cuda.h>

static constexpr const char *emptyKernel =
    ".version 8.0\n.target sm_80\n.address_size 64\n"
    ".visible .entry empty() { ret; }\n";

/// Launches for each wait of the host.
static constexpr int batch = 100;

/// The empty kernel on the first device; null with the call that failed.
static CUfunction loadKernel(const char *&failed) {
  CUdevice device;
  CUcontext context;
  CUmodule module;
  CUfunction function = nullptr;
  if (cuInit(0) || cuDeviceGet(&device, 0))
    failed = "cuInit";
  else if (cuDevicePrimaryCtxRetain(&context, device) ||
           cuCtxSetCurrent(context))
    failed = "cuDevicePrimaryCtxRetain";
  else if (cuModuleLoadData(&module, emptyKernel) ||
           cuModuleGetFunction(&function, module, "empty"))
    failed = "cuModuleLoadData";
  return function;
}

static void launch(benchmark::State &state) {
  const char *failed = nullptr;
  CUfunction function = loadKernel(failed);
  if (!function)
    return state.SkipWithError(failed);
  auto blocks = static_cast<unsigned>(state.range(0));
  for (auto _ : state) {
    for (int i = 0; i < batch; ++i)
      if (cuLaunchKernel(function, blocks, 1, 1, 32, 1, 1, 0, nullptr, nullptr,
                         nullptr))
        return state.SkipWithError("cuLaunchKernel");
    if (cuCtxSynchronize())
      return state.SkipWithError("cuCtxSynchronize");
  }
  state.counters["launch"] =
      benchmark::Counter(batch, benchmark::Counter::kIsIterationInvariantRate |
                                    benchmark::Counter::kInvert);
}
BENCHMARK(launch)->Arg(1)->Arg(1000)->UseRealTime();

BENCHMARK_MAIN();
