//===- FaultInjectionTest.cpp - Misuse leaves everybody else unharmed -----===//
// Each wrong call gets its documented error, and a context beside it and the
// next one in its place work as before.
//===----------------------------------------------------------------------===//

#include "tests/sim/driver/Bystander.h"

#include <atomic>
#include <thread>

using namespace tilewright::sim::test;

namespace {

const char *const kHead = ".version 8.3\n.target sm_90a\n.address_size 64\n";

/// Wants more than the device has, or does what it should not.
const char *const kKernels = R"ptx(
.visible .entry many_registers() .maxnreg 255 { ret; }
.visible .entry fitting_registers() .maxntid 1024, 1, 1 .maxnreg 255 { ret; }

.visible .entry huge_shared() {
  .shared .align 16 .b8 tile[240000];
  .reg .b32 %r;
  ld.shared.u32 %r, [tile];
  ret;
}

.func recurse(.param .b32 depth) {
  .local .align 16 .b8 frame[1024];
  .reg .b64 %p;
  .reg .b32 %r;
  mov.u64 %p, frame;
  ld.param.b32 %r, [depth];
  st.local.u32 [%p], %r;
  add.u32 %r, %r, 1;
  {
    .param .b32 next;
    st.param.b32 [next], %r;
    call.uni recurse, (next);
  }
  ret;
}
.visible .entry endless() {
  .param .b32 start;
  st.param.b32 [start], 0;
  call.uni recurse, (start);
  ret;
}
)ptx";

const char *const kHugeVariable =
    ".visible .global .align 4 .b8 huge[400000000000];\n"
    ".visible .entry nothing() { ret; }\n";

class FaultInjectionTest : public BystanderTest {
protected:
  CUfunction kernel(const char *name) {
    CUmodule module = nullptr;
    CUfunction found = nullptr;
    std::string text = std::string(kHead) + kKernels;
    EXPECT_CUDA(CU(cuModuleLoadData)(&module, text.c_str()));
    EXPECT_CUDA(CU(cuModuleGetFunction)(&found, module, name));
    return found;
  }

  CUresult launch(CUfunction function, unsigned blocks, unsigned threads) {
    return CU(cuLaunchKernel)(function, blocks, 1, 1, threads, 1, 1, 0, nullptr,
                              nullptr, nullptr);
  }
};

} // namespace

TEST_F(FaultInjectionTest, TooManyRegisters) {
  CUfunction function = kernel("many_registers");
  int registers = 0;
  ASSERT_CUDA(
      CU(cuFuncGetAttribute)(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, function));
  EXPECT_EQ(registers, 255);
  EXPECT_CUDA(launch(function, 1, 256));
  EXPECT_EQ(launch(function, 1, 512), CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  int blocks = -1;
  ASSERT_CUDA(CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, function,
                                                              512, 0));
  EXPECT_EQ(blocks, 0);
  // What the kernel promises about its size bounds what it may take.
  function = kernel("fitting_registers");
  ASSERT_CUDA(
      CU(cuFuncGetAttribute)(&registers, CU_FUNC_ATTRIBUTE_NUM_REGS, function));
  EXPECT_EQ(registers, 64);
  EXPECT_CUDA(launch(function, 1, 1024));
  expectHealthy();
}

TEST_F(FaultInjectionTest, TooMuchStaticSharedMemory) {
  EXPECT_EQ(launch(kernel("huge_shared"), 1, 32),
            CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  expectHealthy();
}

TEST_F(FaultInjectionTest, ZeroGridsAndBlocks) {
  CUfunction function = kernel("many_registers");
  EXPECT_EQ(launch(function, 0, 32), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch(function, 1, 0), CUDA_ERROR_INVALID_VALUE);
  expectHealthy();
}

TEST_F(FaultInjectionTest, HugeGridThatFaultsEnds) {
  ASSERT_CUDA(CU(cuLaunchKernel)(function("trap_now"), 0x7fffffff, 65535, 65535,
                                 1024, 1, 1, 0, nullptr, nullptr, nullptr));
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_LAUNCH_FAILED);
}

TEST_F(FaultInjectionTest, HostPointersAreNoDeviceMemory) {
  uint32_t onStack = 5;
  CUdeviceptr address = reinterpret_cast<CUdeviceptr>(&onStack);
  void *params[] = {&address};
  ASSERT_CUDA(CU(cuLaunchKernel)(function("poke"), 1, 1, 1, 1, 1, 1, 0, nullptr,
                                 params, nullptr));
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(onStack, 5u);
}

TEST_F(FaultInjectionTest, EndlessRecursionIsAFault) {
  ASSERT_CUDA(launch(kernel("endless"), 1, 32));
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(FaultInjectionTest, UnloadedModules) {
  CUfunction function = kernel("many_registers");
  CUmodule module = nullptr;
  ASSERT_CUDA(CU(cuFuncGetModule)(&module, function));
  CUstream stream = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  // What is queued already keeps what it needs.
  ASSERT_CUDA(CU(cuLaunchKernel)(function, 64, 1, 1, 32, 1, 1, 0, stream,
                                 nullptr, nullptr));
  ASSERT_CUDA(CU(cuModuleUnload)(module));
  EXPECT_EQ(CU(cuModuleUnload)(module), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(launch(function, 1, 32), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
  expectHealthy();
}

TEST_F(FaultInjectionTest, OutOfMemory) {
  size_t free = 0, total = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  CUdeviceptr address = 0;
  EXPECT_EQ(CU(cuMemAlloc)(&address, total + 1), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(CU(cuMemAllocAsync)(&address, total + 1, nullptr),
            CUDA_ERROR_OUT_OF_MEMORY);
  CUmodule module = nullptr;
  EXPECT_EQ(CU(cuModuleLoadData)(&module,
                                 (std::string(kHead) + kHugeVariable).c_str()),
            CUDA_ERROR_OUT_OF_MEMORY);
  size_t after = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&after, &total));
  EXPECT_EQ(after, free);
  expectHealthy();
}

TEST_F(FaultInjectionTest, FaultsInManyThreadsStayInTheirContexts) {
  constexpr int kThreads = 8, kRounds = 10;
  std::atomic<int> wrong{0};
  auto work = [&](int index) {
    for (int round = 0; round < kRounds; ++round) {
      CUcontext mine = nullptr;
      CUmodule module = nullptr;
      CUfunction poke = nullptr;
      CUdeviceptr word = 0;
      bool faults = (index + round) % 2;
      wrong += CU(cuCtxCreate)(&mine, nullptr, 0, 0) != CUDA_SUCCESS;
      wrong += CU(cuModuleLoadData)(&module, kTestPtx) != CUDA_SUCCESS;
      wrong += CU(cuModuleGetFunction)(&poke, module, "poke") != CUDA_SUCCESS;
      wrong += CU(cuMemAlloc)(&word, 4) != CUDA_SUCCESS;
      CUdeviceptr target = faults ? 0 : word;
      void *params[] = {&target};
      wrong += CU(cuLaunchKernel)(poke, 1, 1, 1, 1, 1, 1, 0, nullptr, params,
                                  nullptr) != CUDA_SUCCESS;
      wrong += CU(cuCtxSynchronize)() !=
               (faults ? CUDA_ERROR_ILLEGAL_ADDRESS : CUDA_SUCCESS);
      wrong += CU(cuCtxDestroy)(mine) != CUDA_SUCCESS;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back(work, i);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
  expectHealthy();
}

TEST_F(FaultInjectionTest, DestroyedContextsEndTheirQueuedWork) {
  CUcontext mine = nullptr;
  ASSERT_CUDA(CU(cuCtxCreate)(&mine, nullptr, 0, 0));
  CUmodule module = nullptr;
  CUfunction add = nullptr;
  ASSERT_CUDA(CU(cuModuleLoadData)(&module, kTestPtx));
  ASSERT_CUDA(CU(cuModuleGetFunction)(&add, module, "add_one"));
  CUdeviceptr words = upload(std::vector<uint32_t>(1000, 1));
  unsigned count = 1000;
  void *params[] = {&words, &count};
  for (int i = 0; i < 20; ++i)
    ASSERT_CUDA(CU(cuLaunchKernel)(add, 8, 1, 1, 128, 1, 1, 0, nullptr, params,
                                   nullptr));
  EXPECT_CUDA(CU(cuCtxDestroy)(mine));
  EXPECT_EQ(CU(cuMemFree)(words), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(
      CU(cuLaunchKernel)(add, 1, 1, 1, 1, 1, 1, 0, nullptr, params, nullptr),
      CUDA_ERROR_INVALID_HANDLE);
  expectHealthy();
}
