//===- ThreadTest.cpp - The driver from many threads ----------------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <atomic>
#include <thread>

using namespace tilewright::sim::test;

using ThreadTest = DriverTest;

TEST_F(ThreadTest, EachThreadHasItsOwnCurrentContext) {
  CUcontext seen = context;
  std::thread([&] { CU(cuCtxGetCurrent)(&seen); }).join();
  EXPECT_EQ(seen, nullptr);
}

TEST_F(ThreadTest, ThreadsWorkOnTheirOwnStreams) {
  CUfunction add = function("add_one");
  std::atomic<int> wrong{0};
  auto work = [&](uint32_t seed) {
    auto check = [&](CUresult result) { wrong += result != CUDA_SUCCESS; };
    check(CU(cuCtxSetCurrent)(context));
    CUstream stream = nullptr;
    check(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    for (uint32_t round = 0; round < 20; ++round) {
      unsigned count = 100 + seed;
      CUdeviceptr words = 0;
      check(CU(cuMemAllocAsync)(&words, count * 4, stream));
      check(CU(cuMemsetD32Async)(words, seed + round, count, stream));
      void *params[] = {&words, &count};
      for (int i = 0; i < 5; ++i)
        check(CU(cuLaunchKernel)(add, 4, 1, 1, 64, 1, 1, 0, stream, params,
                                 nullptr));
      std::vector<uint32_t> result(count);
      check(CU(cuMemcpyDtoHAsync)(result.data(), words, count * 4, stream));
      check(CU(cuMemFreeAsync)(words, stream));
      for (uint32_t value : result)
        wrong += value != seed + round + 5;
    }
    check(CU(cuStreamSynchronize)(stream));
    check(CU(cuStreamDestroy)(stream));
  };
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < 6; ++i)
    threads.emplace_back(work, i * 10);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(ThreadTest, HandlesAreMadeAndDestroyedEverywhere) {
  std::atomic<int> wrong{0};
  auto work = [&] {
    wrong += CU(cuCtxSetCurrent)(context) != CUDA_SUCCESS;
    for (int round = 0; round < 20; ++round) {
      CUmodule module = nullptr;
      CUevent event = nullptr;
      CUgraph graph = nullptr;
      wrong += CU(cuModuleLoadData)(&module, kTestPtx) != CUDA_SUCCESS;
      wrong += CU(cuEventCreate)(&event, 0) != CUDA_SUCCESS;
      wrong += CU(cuEventRecord)(event, nullptr) != CUDA_SUCCESS;
      wrong += CU(cuGraphCreate)(&graph, 0) != CUDA_SUCCESS;
      CUgraphNode node = nullptr;
      wrong += CU(cuGraphAddEmptyNode)(&node, graph, nullptr, 0);
      wrong += CU(cuGraphDestroy)(graph) != CUDA_SUCCESS;
      wrong += CU(cuEventDestroy)(event) != CUDA_SUCCESS;
      wrong += CU(cuModuleUnload)(module) != CUDA_SUCCESS;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back(work);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}
