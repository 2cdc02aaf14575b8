//===- EntryTest.cpp - The exported ABI: names, versions, error texts -----===//

#include "tests/sim/driver/DriverLibrary.h"

#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

using namespace tilewright::sim::test;

/// Every name that cuda.h declares, with and without macros applied.
static std::set<std::string> declaredNames() {
  std::ifstream file(TILEWRIGHT_CUDA_HEADER);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::regex declaration("CUresult CUDAAPI (cu[A-Za-z0-9_]+)\\(");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), declaration), end;
       it != end; ++it)
    names.insert((*it)[1]);
  return names;
}

TEST(Entry, EveryDeclaredNameIsExported) {
  std::set<std::string> names = declaredNames();
  EXPECT_GT(names.size(), 400u);
  void *library =
      dlopen(TILEWRIGHT_SIM_LIBCUDA, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (!library)
    library = dlopen(TILEWRIGHT_SIM_LIBCUDA, RTLD_NOW | RTLD_LOCAL);
  for (const std::string &name : names)
    EXPECT_NE(dlsym(library, name.c_str()), nullptr) << name;
}

TEST(Entry, ProcAddressFollowsTheVersion) {
  auto get = CU(cuGetProcAddress);
  void *address = nullptr;
  CUdriverProcAddressQueryResult status;
  EXPECT_CUDA(get("cuMemAlloc", &address, CUDA_VERSION, 0, &status));
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SUCCESS);
  EXPECT_EQ(address, driverSymbol("cuMemAlloc_v2"));
  EXPECT_CUDA(get("cuMemAlloc", &address, 2000, 0, &status));
  EXPECT_EQ(address, driverSymbol("cuMemAlloc"));
  EXPECT_CUDA(get("cuCtxCreate", &address, 11040, 0, &status));
  EXPECT_EQ(address, driverSymbol("cuCtxCreate_v3"));
  EXPECT_CUDA(get("cuGraphInstantiate", &address, 12000, 0, &status));
  EXPECT_EQ(address, driverSymbol("cuGraphInstantiateWithFlags"));
  EXPECT_CUDA(get("cuGetProcAddress", &address, CUDA_VERSION, 0, &status));
  EXPECT_EQ(address, driverSymbol("cuGetProcAddress_v2"));
  EXPECT_CUDA(get("cuMemcpyHtoDAsync", &address, CUDA_VERSION,
                  CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, &status));
  EXPECT_EQ(address, driverSymbol("cuMemcpyHtoDAsync_v2_ptsz"));
  EXPECT_EQ(get("cuLibraryLoadData", &address, 11000, 0, &status),
            CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
  EXPECT_EQ(get("cuNoSuchCall", &address, CUDA_VERSION, 0, &status),
            CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  EXPECT_EQ(address, nullptr);
  EXPECT_EQ(get(nullptr, &address, CUDA_VERSION, 0, &status),
            CUDA_ERROR_INVALID_VALUE);
}

TEST(Entry, MissingCallsNameThemselvesOnce) {
  ::testing::internal::CaptureStderr();
  CUmipmappedArray array = nullptr;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(CU(cuMipmappedArrayDestroy)(array), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "tilewright-sim: cuMipmappedArrayDestroy is not supported by the "
            "simulated driver\n");
}

TEST(Entry, ErrorsHaveNamesAndTexts) {
  const char *text = nullptr;
  EXPECT_CUDA(CU(cuGetErrorName)(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_CUDA(CU(cuGetErrorString)(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
  EXPECT_STREQ(text, "an illegal memory access was encountered");
  EXPECT_EQ(CU(cuGetErrorName)(CUresult(12345), &text),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(text, nullptr);
}

TEST(Entry, EveryErrorOfTheHeaderHasAName) {
  std::ifstream file(TILEWRIGHT_CUDA_HEADER);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::regex entry("(CUDA_ERROR_[A-Z0-9_]+)\\s*= ([0-9]+)");
  size_t count = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), entry), end; it != end;
       ++it, ++count) {
    const char *name = nullptr;
    EXPECT_CUDA(CU(cuGetErrorName)(CUresult(std::stoi((*it)[2])), &name))
        << (*it)[1];
    if (name)
      EXPECT_EQ((*it)[1], name);
  }
  EXPECT_GT(count, 90u);
}
