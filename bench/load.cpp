//===- load.cpp - A bundle from the file to loaded kernels ----------------===//
//
//   load-bench BUNDLE [DEVICE] [options of Google Benchmark]
//
// Everything that a load does before weights move: opening and checking the
// bundle, and the driver's loading of every kernel.
//
//===----------------------------------------------------------------------===//

#include "runtime/bundle/Bundle.h"
#include "runtime/driver/Module.h"

#include <benchmark/benchmark.h>

#include <cstdio>

using namespace tilewright::runtime;

static void open(benchmark::State &state, const std::string &path) {
  for (auto _ : state)
    if (auto bundle = Bundle::open(path); !bundle)
      return state.SkipWithError(bundle.error().message().c_str());
}

static Result<void> loadKernels(const DevicePtr &device,
                                const std::string &path) {
  TILEWRIGHT_ASSIGN(auto bundle, Bundle::open(path));
  std::vector<Module> modules;
  for (const Kernel &kernel : bundle->manifest().kernels) {
    TILEWRIGHT_ASSIGN(Module module,
                      Module::load(device, kernel.ptx, kernel.cubin));
    TILEWRIGHT_ASSIGN(abi::Function function, module.function(kernel.name));
    benchmark::DoNotOptimize(function);
    modules.push_back(std::move(module));
  }
  return success();
}

static void openAndLoad(benchmark::State &state, const std::string &path,
                        const std::string &deviceName) {
  Result<DevicePtr> device = Device::open(deviceName);
  if (!device)
    return state.SkipWithError(device.error().message().c_str());
  if (Result<void> current = (*device)->makeCurrent(); !current)
    return state.SkipWithError(current.error().message().c_str());
  for (auto _ : state)
    if (Result<void> loaded = loadKernels(*device, path); !loaded)
      return state.SkipWithError(loaded.error().message().c_str());
}

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: %s BUNDLE [DEVICE]\n", argv[0]);
    return 2;
  }
  std::string path = argv[1], device = argc > 2 ? argv[2] : "sim:h800-sxm";
  benchmark::RegisterBenchmark("open", open, path)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark(("open-and-load/" + device).c_str(), openAndLoad,
                               path, device)
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
