//===- DriverLibrary.cpp - The simulated driver, opened as programs do ----===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>

namespace tilewright::sim::test {

static void *openLibrary() {
  void *library = dlopen(TILEWRIGHT_SIM_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    abort();
  }
  auto configure = reinterpret_cast<int (*)(const char *)>(
      dlsym(library, "tilewright_sim_configure"));
  auto initialize =
      reinterpret_cast<CUresult (*)(unsigned)>(dlsym(library, "cuInit"));
  if (!configure || configure("h800-sxm,h20") != 0 || initialize(0) != 0)
    abort();
  return library;
}

void *driverSymbol(const char *name) {
  static void *library = openLibrary();
  void *symbol = dlsym(library, name);
  if (!symbol) {
    fprintf(stderr, "%s is not exported\n", name);
    abort();
  }
  return symbol;
}

void DriverTest::SetUp() {
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&context, 0));
  ASSERT_CUDA(CU(cuCtxSetCurrent)(context));
}

void DriverTest::TearDown() {
  EXPECT_CUDA(CU(cuCtxSetCurrent)(nullptr));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxReset)(0));
}

CUmodule DriverTest::module() {
  if (!loaded)
    EXPECT_CUDA(CU(cuModuleLoadData)(&loaded, kTestPtx));
  return loaded;
}

CUfunction DriverTest::function(const char *name) {
  CUfunction found = nullptr;
  EXPECT_CUDA(CU(cuModuleGetFunction)(&found, module(), name)) << name;
  return found;
}

CUdeviceptr DriverTest::upload(const std::vector<uint32_t> &values) {
  CUdeviceptr address = 0;
  EXPECT_CUDA(CU(cuMemAlloc)(&address, values.size() * 4));
  EXPECT_CUDA(CU(cuMemcpyHtoD)(address, values.data(), values.size() * 4));
  return address;
}

std::vector<uint32_t> DriverTest::download(CUdeviceptr address, size_t count) {
  std::vector<uint32_t> values(count);
  EXPECT_CUDA(CU(cuMemcpyDtoH)(values.data(), address, count * 4));
  return values;
}

CUresult DriverTest::addOne(CUdeviceptr words, unsigned count,
                            CUstream stream) {
  void *params[] = {&words, &count};
  return CU(cuLaunchKernel)(function("add_one"), (count + 127) / 128, 1, 1, 128,
                            1, 1, 0, stream, params, nullptr);
}

} // namespace tilewright::sim::test
