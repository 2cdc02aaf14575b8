//===- ModuleTest.cpp - Modules, libraries, functions, images -------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstring>

using namespace tilewright::sim::test;

using ModuleTest = DriverTest;

TEST_F(ModuleTest, FunctionsAndGlobalsByName) {
  CUfunction first = function("add_one"), again = function("add_one");
  EXPECT_EQ(first, again);
  CUfunction none = nullptr;
  auto find = CU(cuModuleGetFunction);
  EXPECT_EQ(find(&none, module(), "no_such"), CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(find(&none, module(), nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(find(&none, reinterpret_cast<CUmodule>(&none), "add_one"),
            CUDA_ERROR_INVALID_HANDLE);
  CUdeviceptr address = 0;
  size_t bytes = 0;
  EXPECT_CUDA(CU(cuModuleGetGlobal)(&address, &bytes, module(), "counter"));
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(download(address, 1)[0], 7u);
  EXPECT_CUDA(CU(cuModuleGetGlobal)(nullptr, &bytes, module(), "table"));
  EXPECT_EQ(bytes, 16u);
  EXPECT_EQ(CU(cuModuleGetGlobal)(&address, &bytes, module(), "nothing"),
            CUDA_ERROR_NOT_FOUND);
}

TEST_F(ModuleTest, GlobalsKeepTheirValueBetweenLaunches) {
  CUdeviceptr out = upload({0, 0});
  void *params[] = {&out};
  for (uint32_t expected : {7u, 8u}) {
    ASSERT_CUDA(CU(cuLaunchKernel)(function("use_globals"), 1, 1, 1, 1, 1, 1, 0,
                                   nullptr, params, nullptr));
    EXPECT_EQ(download(out, 2), (std::vector<uint32_t>{expected, 30}));
  }
  // The host writes them too, and a second module has its own.
  CUdeviceptr counter = 0;
  size_t bytes = 0;
  ASSERT_CUDA(CU(cuModuleGetGlobal)(&counter, &bytes, module(), "counter"));
  ASSERT_CUDA(CU(cuMemsetD32)(counter, 100, 1));
  ASSERT_CUDA(CU(cuLaunchKernel)(function("use_globals"), 1, 1, 1, 1, 1, 1, 0,
                                 nullptr, params, nullptr));
  EXPECT_EQ(download(out, 1)[0], 100u);
  CUmodule second = nullptr;
  ASSERT_CUDA(CU(cuModuleLoadData)(&second, kTestPtx));
  ASSERT_CUDA(CU(cuModuleGetGlobal)(&counter, &bytes, second, "counter"));
  EXPECT_EQ(download(counter, 1)[0], 7u);
  EXPECT_CUDA(CU(cuModuleUnload)(second));
  EXPECT_EQ(CU(cuMemcpyHtoD)(counter, &bytes, 4), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ModuleTest, UnloadingInvalidatesItsHandles) {
  CUfunction add = function("add_one");
  CUmodule module = loaded;
  ASSERT_CUDA(CU(cuModuleUnload)(module));
  loaded = nullptr;
  EXPECT_EQ(CU(cuModuleUnload)(module), CUDA_ERROR_INVALID_HANDLE);
  int value = 0;
  EXPECT_EQ(CU(cuFuncGetAttribute)(&value, CU_FUNC_ATTRIBUTE_NUM_REGS, add),
            CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(
      CU(cuLaunchKernel)(add, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, nullptr),
      CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(ModuleTest, BadPtxIsDiagnosedInTheCallersBuffer) {
  const char *bad = ".version 8.3\n.target sm_90a\n.address_size 64\n"
                    ".visible .entry broken()\n{\n  frobnicate.u32 %r1, 2;\n"
                    "  ret;\n}\n";
  char log[1024] = "untouched";
  CUjit_option names[] = {CU_JIT_ERROR_LOG_BUFFER,
                          CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  CUmodule module = nullptr;
  EXPECT_EQ(CU(cuModuleLoadDataEx)(&module, bad, 2, names, values),
            CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(module, nullptr);
  EXPECT_NE(strstr(log, "frobnicate"), nullptr) << log;
  EXPECT_NE(strchr(log, '^'), nullptr) << log;
  EXPECT_NE(strstr(log, ":6:"), nullptr) << log;
  EXPECT_EQ(reinterpret_cast<size_t>(values[1]), strlen(log) + 1);
  // A short buffer is cut, and stays a string.
  char tiny[8];
  values[0] = tiny;
  values[1] = reinterpret_cast<void *>(sizeof tiny);
  EXPECT_EQ(CU(cuModuleLoadDataEx)(&module, bad, 2, names, values),
            CUDA_ERROR_INVALID_PTX);
  EXPECT_EQ(strlen(tiny), 7u);
  CUjit_option unknown[] = {CUjit_option(1000)};
  EXPECT_EQ(CU(cuModuleLoadDataEx)(&module, kTestPtx, 1, unknown, values),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ModuleTest, ImagesThatAreNoPtxAreTold) {
  CUmodule module = nullptr;
  auto load = CU(cuModuleLoadData);
  EXPECT_EQ(load(&module, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(load(&module, "hello"), CUDA_ERROR_INVALID_IMAGE);
  EXPECT_EQ(load(&module, ""), CUDA_ERROR_INVALID_IMAGE);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(load(&module, "\x7f"
                          "ELF and so on"),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
  std::string advice = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(advice.find("cubin"), std::string::npos) << advice;
  EXPECT_EQ(CU(cuModuleLoad)(&module, "/nonexistent.ptx"),
            CUDA_ERROR_FILE_NOT_FOUND);
}

/// A fat binary with one entry, as nvcc writes it.
static std::vector<char> makeFatbin(uint16_t kind, uint32_t arch,
                                    uint64_t flags, const std::string &body) {
  std::string payload = body;
  payload.resize((payload.size() + 8) / 8 * 8);
  std::vector<char> image(16 + 64 + payload.size());
  auto put = [&](size_t at, auto value) {
    memcpy(image.data() + at, &value, sizeof value);
  };
  put(0, uint32_t(0xba55ed50));
  put(4, uint16_t(1));
  put(6, uint16_t(16));
  put(8, uint64_t(64 + payload.size()));
  put(16, kind);
  put(18, uint16_t(0x101));
  put(20, uint32_t(64));
  put(24, uint64_t(payload.size()));
  put(16 + 28, arch);
  put(16 + 40, flags);
  memcpy(image.data() + 80, payload.data(), payload.size());
  return image;
}

TEST_F(ModuleTest, FatBinaryWithPtx) {
  std::vector<char> image = makeFatbin(1, 90, 0, kTestPtx);
  ASSERT_CUDA(CU(cuModuleLoadData)(&loaded, image.data()));
  CUdeviceptr words = upload({1, 2});
  ASSERT_CUDA(addOne(words, 2));
  EXPECT_EQ(download(words, 2), (std::vector<uint32_t>{2, 3}));
  struct {
    uint32_t magic, version;
    const void *data;
    void *file;
  } wrapper = {0x466243b1, 1, image.data(), nullptr};
  CUmodule wrapped = nullptr;
  EXPECT_CUDA(CU(cuModuleLoadFatBinary)(&wrapped, &wrapper));
  wrapper.data = "no fat binary";
  EXPECT_EQ(CU(cuModuleLoadFatBinary)(&wrapped, &wrapper),
            CUDA_ERROR_INVALID_IMAGE);
}

TEST_F(ModuleTest, FatBinaryWithoutUsablePtxIsTold) {
  struct {
    uint16_t kind;
    uint32_t arch;
    uint64_t flags;
    const char *advice;
  } cases[] = {{2, 90, 0, "machine code"}, {1, 100, 0, "newer architecture"}};
  for (const auto &entry : cases) {
    std::vector<char> image =
        makeFatbin(entry.kind, entry.arch, entry.flags, kTestPtx);
    CUmodule module = nullptr;
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(CU(cuModuleLoadData)(&module, image.data()),
              CUDA_ERROR_NO_BINARY_FOR_GPU);
    std::string advice = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(advice.find(entry.advice), std::string::npos) << advice;
  }
  // Payloads that are not what the flags say.
  for (uint64_t flags : {0x8000, 0x2000}) {
    std::vector<char> image = makeFatbin(1, 90, flags, kTestPtx);
    uint32_t packed = 1000;
    uint64_t claimed = 4000;
    memcpy(image.data() + 32, &packed, sizeof packed);
    memcpy(image.data() + 16 + 56, &claimed, sizeof claimed);
    CUmodule module = nullptr;
    EXPECT_EQ(CU(cuModuleLoadData)(&module, image.data()),
              CUDA_ERROR_INVALID_IMAGE);
    packed = 0xffffffff;
    memcpy(image.data() + 32, &packed, sizeof packed);
    EXPECT_EQ(CU(cuModuleLoadData)(&module, image.data()),
              CUDA_ERROR_INVALID_IMAGE);
  }
  // An entry that claims more than its container holds.
  std::vector<char> lying = makeFatbin(1, 90, 0, kTestPtx);
  uint64_t huge = uint64_t(1) << 40;
  memcpy(lying.data() + 24, &huge, sizeof huge);
  CUmodule module = nullptr;
  EXPECT_EQ(CU(cuModuleLoadData)(&module, lying.data()),
            CUDA_ERROR_INVALID_IMAGE);
}

TEST_F(ModuleTest, LibrariesWorkInEveryContext) {
  CUlibrary library = nullptr;
  ASSERT_CUDA(CU(cuLibraryLoadData)(&library, kTestPtx, nullptr, nullptr, 0,
                                    nullptr, nullptr, 0));
  unsigned count = 0;
  EXPECT_CUDA(CU(cuLibraryGetKernelCount)(&count, library));
  CUkernel kernel = nullptr;
  ASSERT_CUDA(CU(cuLibraryGetKernel)(&kernel, library, "add_one"));
  EXPECT_EQ(CU(cuLibraryGetKernel)(&kernel, library, "no_such"),
            CUDA_ERROR_NOT_FOUND);
  std::vector<CUkernel> kernels(count);
  EXPECT_CUDA(CU(cuLibraryEnumerateKernels)(kernels.data(), count, library));
  EXPECT_EQ(kernels.front(), kernel);
  CUcontext other = nullptr;
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&other, 1));
  CUfunction functions[2] = {};
  for (CUcontext current : {context, other}) {
    ASSERT_CUDA(CU(cuCtxSetCurrent)(current));
    ASSERT_CUDA(CU(cuKernelGetFunction)(&functions[current == other], kernel));
    CUdeviceptr words = upload({5});
    unsigned one = 1;
    void *params[] = {&words, &one};
    // A kernel may stand for its function.
    ASSERT_CUDA(CU(cuLaunchKernel)(reinterpret_cast<CUfunction>(kernel), 1, 1,
                                   1, 32, 1, 1, 0, nullptr, params, nullptr));
    EXPECT_EQ(download(words, 1)[0], 6u);
  }
  EXPECT_NE(functions[0], functions[1]);
  CUdeviceptr words = upload({5});
  unsigned one = 1;
  void *params[] = {&words, &one};
  EXPECT_EQ(CU(cuLaunchKernel)(functions[0], 1, 1, 1, 32, 1, 1, 0, nullptr,
                               params, nullptr),
            CUDA_ERROR_INVALID_HANDLE)
      << "a function belongs to its context";
  ASSERT_CUDA(CU(cuCtxSetCurrent)(context));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxReset)(1));
  EXPECT_CUDA(CU(cuLibraryUnload)(library));
  EXPECT_EQ(CU(cuKernelGetFunction)(&functions[0], kernel),
            CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(ModuleTest, FunctionAttributes) {
  auto get = [&](const char *name, CUfunction_attribute attribute) {
    int value = -1;
    EXPECT_CUDA(CU(cuFuncGetAttribute)(&value, attribute, function(name)));
    return value;
  };
  EXPECT_EQ(get("static_shared", CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES), 40960);
  EXPECT_EQ(get("bounded", CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 64);
  EXPECT_EQ(get("add_one", CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK), 1024);
  EXPECT_EQ(get("paired", CU_FUNC_ATTRIBUTE_REQUIRED_CLUSTER_WIDTH), 2);
  EXPECT_EQ(get("add_one", CU_FUNC_ATTRIBUTE_BINARY_VERSION), 90);
  EXPECT_EQ(
      get("static_shared", CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES),
      49152 - 40960);
  CUfunction rotate = function("rotate");
  auto set = CU(cuFuncSetAttribute);
  constexpr auto dynamic = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  EXPECT_CUDA(set(rotate, dynamic, 227 * 1024));
  EXPECT_EQ(get("rotate", dynamic), 227 * 1024);
  EXPECT_EQ(set(rotate, dynamic, 227 * 1024 + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(set(rotate, dynamic, -1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(set(rotate, CU_FUNC_ATTRIBUTE_NUM_REGS, 1),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(ModuleTest, ParameterInfo) {
  size_t offset = 99, size = 0;
  auto info = CU(cuFuncGetParamInfo);
  CUfunction mixed = function("mixed_params");
  EXPECT_CUDA(info(mixed, 0, &offset, &size));
  EXPECT_EQ(offset, 0u);
  EXPECT_EQ(size, 12u);
  EXPECT_CUDA(info(mixed, 1, &offset, &size));
  EXPECT_EQ(offset, 12u);
  EXPECT_CUDA(info(mixed, 2, &offset, &size));
  EXPECT_EQ(offset, 16u);
  EXPECT_EQ(size, 8u);
  EXPECT_EQ(info(mixed, 3, &offset, &size), CUDA_ERROR_INVALID_VALUE);
}
/// CUB chooses among what it was compiled for by the version of the text.
TEST_F(ModuleTest, VersionsOfOlderText) {
  const char *ptx = ".version 8.3\n.target sm_80\n.address_size 64\n"
                    ".visible .entry empty() { ret; }\n";
  CUmodule old = nullptr;
  CUfunction empty = nullptr;
  ASSERT_CUDA(CU(cuModuleLoadData)(&old, ptx));
  ASSERT_CUDA(CU(cuModuleGetFunction)(&empty, old, "empty"));
  auto get = CU(cuFuncGetAttribute);
  int value = -1;
  EXPECT_CUDA(get(&value, CU_FUNC_ATTRIBUTE_PTX_VERSION, empty));
  EXPECT_EQ(value, 80);
  EXPECT_CUDA(get(&value, CU_FUNC_ATTRIBUTE_BINARY_VERSION, empty));
  EXPECT_EQ(value, 90);
  EXPECT_CUDA(CU(cuModuleUnload)(old));
}

TEST_F(ModuleTest, ManagedVariablesByName) {
  const char *ptx =
      ".version 8.3\n.target sm_90\n.address_size 64\n"
      ".visible .global .attribute(.managed) .align 4 .u32 both;\n"
      ".visible .global .align 4 .u32 own;\n";
  CUlibrary library = nullptr;
  ASSERT_CUDA(CU(cuLibraryLoadData)(&library, ptx, nullptr, nullptr, 0, nullptr,
                                    nullptr, 0));
  CUdeviceptr address = 0, same = 0;
  size_t bytes = 0;
  EXPECT_CUDA(CU(cuLibraryGetManaged)(&address, &bytes, library, "both"));
  EXPECT_EQ(bytes, 4u);
  EXPECT_CUDA(CU(cuLibraryGetGlobal)(&same, nullptr, library, "both"));
  EXPECT_EQ(address, same);
  *reinterpret_cast<uint32_t *>(address) = 5; // the host may use it
  EXPECT_EQ(CU(cuLibraryGetManaged)(&address, &bytes, library, "own"),
            CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(CU(cuLibraryGetManaged)(&address, &bytes, library, "none"),
            CUDA_ERROR_NOT_FOUND);
  EXPECT_EQ(CU(cuLibraryGetManaged)(&address, &bytes, nullptr, "both"),
            CUDA_ERROR_INVALID_HANDLE);
  EXPECT_CUDA(CU(cuLibraryUnload)(library));
}
