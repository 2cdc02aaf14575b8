//===- HostLimitsTest.cpp - A host with no thread or memory to spare ------===//
// Each in a process of its own, whose address space is as good as full: calls
// and launches succeed or say so, and go on when there is room again.
//===----------------------------------------------------------------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstdio>
#include <cstdlib>
#include <sys/resource.h>
#include <unistd.h>

using namespace tilewright::sim::test;

/// Leaves `spare` bytes of address space; ~0 lifts the limit.
static void leave(rlim_t spare) {
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  char line[64];
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || !fgets(line, sizeof line, file))
    _exit(90);
  fclose(file);
  rlim_t pages = strtoul(line, nullptr, 10);
  rlim_t used = pages * rlim_t(sysconf(_SC_PAGESIZE));
  limit.rlim_cur = spare == ~rlim_t(0) ? limit.rlim_max : used + spare;
  if (setrlimit(RLIMIT_AS, &limit) != 0)
    _exit(91);
}

/// Ends the process with `code` unless the condition holds.
static void require(bool condition, int code) {
  if (!condition)
    _exit(code);
}

static bool isShortage(CUresult result) {
  return result == CUDA_ERROR_OUT_OF_MEMORY ||
         result == CUDA_ERROR_OPERATING_SYSTEM;
}

namespace {
struct Work {
  Work() {
    require(CU(cuDevicePrimaryCtxRetain)(&context, 0) == CUDA_SUCCESS, 1);
    require(CU(cuCtxSetCurrent)(context) == CUDA_SUCCESS, 2);
    require(CU(cuModuleLoadData)(&module, kTestPtx) == CUDA_SUCCESS, 3);
    require(CU(cuModuleGetFunction)(&add, module, "add_one") == CUDA_SUCCESS,
            4);
    require(CU(cuMemAlloc)(&words, 4 * count) == CUDA_SUCCESS, 5);
    require(CU(cuMemsetD32)(words, 5, count) == CUDA_SUCCESS, 6);
  }
  CUresult launch() {
    void *params[] = {&words, &count};
    CUresult result = CU(cuLaunchKernel)(add, count / 128, 1, 1, 128, 1, 1, 0,
                                         nullptr, params, nullptr);
    return result != CUDA_SUCCESS ? result : CU(cuCtxSynchronize)();
  }

  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction add = nullptr;
  CUdeviceptr words = 0;
  unsigned count = 128 * 256;
};
} // namespace

/// A thread's stack does not fit: the first launch finds nobody to run it.
static void launchWithoutThreads() {
  Work work;
  leave(4 << 20);
  require(isShortage(work.launch()), 10);
  leave(~rlim_t(0));
  require(work.launch() == CUDA_SUCCESS, 11);
  // Now there is a thread to run launches, and none to help it.
  leave(4 << 20);
  CUresult result = work.launch();
  require(result == CUDA_SUCCESS || isShortage(result), 12);
  leave(~rlim_t(0));
  _exit(0);
}

/// Nothing at all fits: texts that are loaded, objects that are made.
static void callWithoutMemory() {
  Work work;
  std::string text = kTestPtx;
  while (text.size() < (1 << 20))
    text += "// nothing\n";
  leave(64 << 10);
  CUmodule module = nullptr;
  CUresult result = CU(cuModuleLoadData)(&module, text.c_str());
  require(result == CUDA_SUCCESS || isShortage(result), 20);
  leave(~rlim_t(0));
  require(CU(cuModuleLoadData)(&module, text.c_str()) == CUDA_SUCCESS, 21);
  require(work.launch() == CUDA_SUCCESS, 22);
  _exit(0);
}

class HostLimits : public ::testing::Test {
protected:
  void SetUp() override {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "a sanitizer's runtime ends the process itself";
#endif
#endif
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

TEST_F(HostLimits, LaunchesWithoutThreads) {
  EXPECT_EXIT(launchWithoutThreads(), ::testing::ExitedWithCode(0), "");
}

TEST_F(HostLimits, CallsWithoutMemory) {
  EXPECT_EXIT(callWithoutMemory(), ::testing::ExitedWithCode(0), "");
}
