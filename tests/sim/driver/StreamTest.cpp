//===- StreamTest.cpp - Streams, events, host functions -------------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <atomic>
#include <chrono>
#include <thread>

using namespace tilewright::sim::test;

namespace {
/// A flag in pinned memory that holds a stream up until it is raised.
class StreamTest : public DriverTest {
protected:
  void SetUp() override {
    DriverTest::SetUp();
    void *host = nullptr;
    ASSERT_CUDA(CU(cuMemHostAlloc)(&host, 64, 0));
    flag = static_cast<std::atomic<uint32_t> *>(host);
    *flag = 0;
    for (CUstream &stream : streams)
      ASSERT_CUDA(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  }
  void TearDown() override {
    *flag = 1;
    DriverTest::TearDown();
  }

  CUresult holdUp(CUstream stream) {
    CUdeviceptr address = reinterpret_cast<CUdeviceptr>(flag);
    void *params[] = {&address};
    return CU(cuLaunchKernel)(function("await_flag"), 1, 1, 1, 1, 1, 1, 0,
                              stream, params, nullptr);
  }

  std::atomic<uint32_t> *flag = nullptr;
  CUstream streams[2] = {};
};
} // namespace

TEST_F(StreamTest, LaunchesReturnBeforeTheKernelIsDone) {
  ASSERT_CUDA(holdUp(streams[0]));
  EXPECT_EQ(CU(cuStreamQuery)(streams[0]), CUDA_ERROR_NOT_READY);
  *flag = 1;
  EXPECT_CUDA(CU(cuStreamSynchronize)(streams[0]));
  EXPECT_CUDA(CU(cuStreamQuery)(streams[0]));
  EXPECT_EQ(*flag, 2u);
}

TEST_F(StreamTest, StreamsDoNotWaitForEachOther) {
  CUdeviceptr words = upload({1});
  ASSERT_CUDA(holdUp(streams[0]));
  ASSERT_CUDA(addOne(words, 1, streams[1]));
  EXPECT_CUDA(CU(cuStreamSynchronize)(streams[1]));
  EXPECT_EQ(CU(cuStreamQuery)(streams[0]), CUDA_ERROR_NOT_READY);
}

TEST_F(StreamTest, WorkOfAStreamRunsInOrder) {
  CUdeviceptr words = upload(std::vector<uint32_t>(256, 0));
  for (uint32_t i = 0; i < 50; ++i) {
    ASSERT_CUDA(CU(cuMemsetD32Async)(words, i, 256, streams[0]));
    ASSERT_CUDA(addOne(words, 256, streams[0]));
  }
  std::vector<uint32_t> result(256);
  ASSERT_CUDA(CU(cuMemcpyDtoHAsync)(result.data(), words, 1024, streams[0]));
  EXPECT_EQ(result, std::vector<uint32_t>(256, 50));
}

TEST_F(StreamTest, EventsOrderStreams) {
  CUdeviceptr words = upload({1});
  CUevent event = nullptr;
  ASSERT_CUDA(CU(cuEventCreate)(&event, CU_EVENT_DEFAULT));
  EXPECT_CUDA(CU(cuEventQuery)(event)) << "never recorded: complete";
  ASSERT_CUDA(holdUp(streams[0]));
  ASSERT_CUDA(CU(cuMemsetD32Async)(words, 10, 1, streams[0]));
  ASSERT_CUDA(CU(cuEventRecord)(event, streams[0]));
  ASSERT_CUDA(CU(cuStreamWaitEvent)(streams[1], event, 0));
  ASSERT_CUDA(addOne(words, 1, streams[1]));
  EXPECT_EQ(CU(cuEventQuery)(event), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(CU(cuStreamQuery)(streams[1]), CUDA_ERROR_NOT_READY);
  *flag = 1;
  EXPECT_CUDA(CU(cuEventSynchronize)(event));
  EXPECT_CUDA(CU(cuStreamSynchronize)(streams[1]));
  EXPECT_EQ(download(words, 1)[0], 11u);
  EXPECT_CUDA(CU(cuEventDestroy)(event));
  EXPECT_EQ(CU(cuEventQuery)(event), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(StreamTest, EventsMeasureTime) {
  CUevent start = nullptr, end = nullptr, untimed = nullptr;
  ASSERT_CUDA(CU(cuEventCreate)(&start, CU_EVENT_DEFAULT));
  ASSERT_CUDA(CU(cuEventCreate)(&end, CU_EVENT_DEFAULT));
  ASSERT_CUDA(CU(cuEventCreate)(&untimed, CU_EVENT_DISABLE_TIMING));
  float milliseconds = -1;
  auto elapsed = CU(cuEventElapsedTime);
  EXPECT_EQ(elapsed(&milliseconds, start, end), CUDA_ERROR_INVALID_HANDLE);
  ASSERT_CUDA(CU(cuEventRecord)(start, streams[0]));
  ASSERT_CUDA(holdUp(streams[0]));
  ASSERT_CUDA(CU(cuEventRecord)(end, streams[0]));
  EXPECT_EQ(elapsed(&milliseconds, start, end), CUDA_ERROR_NOT_READY);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  *flag = 1;
  ASSERT_CUDA(CU(cuEventSynchronize)(end));
  EXPECT_CUDA(elapsed(&milliseconds, start, end));
  EXPECT_GE(milliseconds, 20.0f);
  EXPECT_LT(milliseconds, 20000.0f);
  EXPECT_EQ(elapsed(&milliseconds, start, untimed), CUDA_ERROR_INVALID_HANDLE);
}

TEST_F(StreamTest, DefaultStreamWaitsForBlockingStreams) {
  CUstream blocking = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&blocking, CU_STREAM_DEFAULT));
  CUdeviceptr words = upload({1});
  ASSERT_CUDA(holdUp(blocking));
  ASSERT_CUDA(CU(cuMemsetD32Async)(words, 5, 1, nullptr));
  EXPECT_EQ(CU(cuStreamQuery)(nullptr), CUDA_ERROR_NOT_READY);
  // And later work of a blocking stream waits for the default stream.
  CUstream second = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&second, CU_STREAM_DEFAULT));
  ASSERT_CUDA(addOne(words, 1, second));
  EXPECT_EQ(CU(cuStreamQuery)(second), CUDA_ERROR_NOT_READY);
  *flag = 1;
  EXPECT_CUDA(CU(cuStreamSynchronize)(second));
  EXPECT_EQ(download(words, 1)[0], 6u);
}

TEST_F(StreamTest, PerThreadDefaultStreamIsAnother) {
  ASSERT_CUDA(holdUp(streams[0]));
  CUdeviceptr words = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&words, 16));
  auto fill =
      reinterpret_cast<CUresult (*)(CUdeviceptr, unsigned, size_t, CUstream)>(
          driverSymbol("cuMemsetD32Async_ptsz"));
  auto getId = reinterpret_cast<CUresult (*)(CUstream, unsigned long long *)>(
      driverSymbol("cuStreamGetId_ptsz"));
  EXPECT_CUDA(fill(words, 3, 4, nullptr));
  unsigned long long mine = 0, theirs = 0, legacy = 0;
  EXPECT_CUDA(getId(nullptr, &mine));
  std::thread([&] {
    CU(cuCtxSetCurrent)(context);
    EXPECT_CUDA(getId(nullptr, &theirs));
  }).join();
  EXPECT_CUDA(CU(cuStreamGetId)(nullptr, &legacy));
  EXPECT_NE(mine, theirs);
  EXPECT_NE(mine, legacy);
  EXPECT_CUDA(CU(cuStreamGetId)(CU_STREAM_PER_THREAD, &legacy));
  EXPECT_EQ(mine, legacy);
}

TEST_F(StreamTest, HostFunctionsRunInOrderAndMayNotCallBack) {
  struct Seen {
    uint32_t value = 0;
    CUresult nested = CUDA_SUCCESS;
  } seen;
  CUdeviceptr managed = 0;
  ASSERT_CUDA(CU(cuMemAllocManaged)(&managed, 4, CU_MEM_ATTACH_GLOBAL));
  struct Argument {
    Seen *seen;
    volatile uint32_t *word;
  } argument = {&seen, reinterpret_cast<uint32_t *>(managed)};
  ASSERT_CUDA(CU(cuMemsetD32Async)(managed, 41, 1, streams[0]));
  ASSERT_CUDA(addOne(managed, 1, streams[0]));
  auto body = [](void *data) {
    auto *argument = static_cast<Argument *>(data);
    argument->seen->value = *argument->word;
    argument->seen->nested = CU(cuStreamSynchronize)(nullptr);
  };
  ASSERT_CUDA(CU(cuLaunchHostFunc)(streams[0], body, &argument));
  ASSERT_CUDA(CU(cuMemsetD32Async)(managed, 0, 1, streams[0]));
  ASSERT_CUDA(CU(cuStreamSynchronize)(streams[0]));
  EXPECT_EQ(seen.value, 42u);
  EXPECT_EQ(seen.nested, CUDA_ERROR_NOT_PERMITTED);
  EXPECT_EQ(CU(cuLaunchHostFunc)(streams[0], nullptr, nullptr),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamTest, CallbacksAreToldOfErrors) {
  CUdeviceptr null = 0;
  void *params[] = {&null};
  ASSERT_CUDA(CU(cuLaunchKernel)(function("poke"), 1, 1, 1, 1, 1, 1, 0,
                                 streams[0], params, nullptr));
  while (CU(cuStreamQuery)(streams[0]) == CUDA_ERROR_NOT_READY)
    std::this_thread::yield();
  EXPECT_EQ(CU(cuStreamQuery)(streams[0]), CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(StreamTest, WaitAndWriteValue) {
  CUdeviceptr address = reinterpret_cast<CUdeviceptr>(flag);
  ASSERT_CUDA(CU(cuStreamWaitValue32)(streams[0], address, 3,
                                      CU_STREAM_WAIT_VALUE_GEQ));
  ASSERT_CUDA(CU(cuStreamWriteValue32)(streams[0], address + 4, 77, 0));
  EXPECT_EQ(CU(cuStreamQuery)(streams[0]), CUDA_ERROR_NOT_READY);
  ASSERT_CUDA(CU(cuStreamWriteValue32)(streams[1], address, 5, 0));
  EXPECT_CUDA(CU(cuStreamSynchronize)(streams[0]));
  EXPECT_EQ(flag[1], 77u);
  EXPECT_EQ(CU(cuStreamWaitValue32)(streams[0], address + 2, 0, 0),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamTest, PageableSourcesMayBeReusedAtOnce) {
  CUdeviceptr words = upload(std::vector<uint32_t>(4, 0));
  ASSERT_CUDA(holdUp(streams[0]));
  uint32_t source[4] = {1, 2, 3, 4};
  ASSERT_CUDA(CU(cuMemcpyHtoDAsync)(words, source, 16, streams[0]));
  for (uint32_t &value : source)
    value = 99;
  *flag = 1;
  ASSERT_CUDA(CU(cuStreamSynchronize)(streams[0]));
  EXPECT_EQ(download(words, 4), (std::vector<uint32_t>{1, 2, 3, 4}));
}

TEST_F(StreamTest, PropertiesAndBadHandles) {
  CUstream urgent = nullptr;
  int least = 0, greatest = 0, priority = 9;
  ASSERT_CUDA(CU(cuCtxGetStreamPriorityRange)(&least, &greatest));
  EXPECT_LT(greatest, least);
  ASSERT_CUDA(CU(cuStreamCreateWithPriority)(&urgent, CU_STREAM_NON_BLOCKING,
                                             greatest - 10));
  EXPECT_CUDA(CU(cuStreamGetPriority)(urgent, &priority));
  EXPECT_EQ(priority, greatest);
  unsigned flags = 0;
  EXPECT_CUDA(CU(cuStreamGetFlags)(urgent, &flags));
  EXPECT_EQ(flags, unsigned(CU_STREAM_NON_BLOCKING));
  CUcontext owner = nullptr;
  EXPECT_CUDA(CU(cuStreamGetCtx)(urgent, &owner));
  EXPECT_EQ(owner, context);
  EXPECT_CUDA(CU(cuStreamDestroy)(urgent));
  EXPECT_EQ(CU(cuStreamDestroy)(urgent), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(CU(cuStreamSynchronize)(urgent), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(CU(cuStreamCreate)(&urgent, 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuStreamCreate)(nullptr, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(StreamTest, DestroyedStreamsFinishTheirWork) {
  CUdeviceptr words = upload({1});
  ASSERT_CUDA(holdUp(streams[0]));
  ASSERT_CUDA(addOne(words, 1, streams[0]));
  ASSERT_CUDA(CU(cuStreamDestroy)(streams[0]));
  *flag = 1;
  ASSERT_CUDA(CU(cuCtxSynchronize)());
  EXPECT_EQ(*reinterpret_cast<uint32_t *>(words), 2u);
}
