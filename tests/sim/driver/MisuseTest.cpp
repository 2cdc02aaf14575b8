//===- MisuseTest.cpp - Wrong handles, wrong places, wrong moments --------===//
// Calls that no correct program makes, and objects that go while work needs
// them: a documented error or the work done, and everybody else unharmed.
//===----------------------------------------------------------------------===//

#include "tests/sim/driver/Bystander.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

using namespace tilewright::sim::test;

namespace {

/// Waits for the host, then counts in a variable of the module.
const char *const kSlowCounter = R"ptx(
.version 8.3
.target sm_90a
.address_size 64
.visible .global .align 4 .u32 counter = 7;
.visible .entry count_later(.param .u64 flag, .param .u64 out)
{
  .reg .pred %p;
  .reg .b32 %r<3>;
  .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [flag];
  ld.param.u64 %rd2, [out];
again:
  ld.acquire.sys.global.u32 %r1, [%rd1];
  setp.eq.u32 %p, %r1, 0;
  @%p bra again;
  ld.global.u32 %r2, [counter];
  add.u32 %r2, %r2, 1;
  st.global.u32 [counter], %r2;
  st.global.u32 [%rd2], %r2;
  ret;
}
)ptx";

class MisuseTest : public BystanderTest {
protected:
  void SetUp() override {
    BystanderTest::SetUp();
    void *host = nullptr;
    ASSERT_CUDA(CU(cuMemAllocHost)(&host, 8));
    flag = static_cast<std::atomic<uint32_t> *>(host);
    flag[0] = flag[1] = 0u;
    ASSERT_CUDA(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  }

  /// A kernel on `stream` that runs until flag[0] is set; it writes the
  /// module's counter to flag[1].
  CUmodule startSlowKernel() {
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    EXPECT_CUDA(CU(cuModuleLoadData)(&module, kSlowCounter));
    EXPECT_CUDA(CU(cuModuleGetFunction)(&function, module, "count_later"));
    auto address = reinterpret_cast<CUdeviceptr>(flag), out = address + 4;
    void *params[] = {&address, &out};
    EXPECT_CUDA(CU(cuLaunchKernel)(function, 1, 1, 1, 1, 1, 1, 0, stream,
                                   params, nullptr));
    return module;
  }

  CUresult poke(CUdeviceptr address, CUstream on) {
    void *params[] = {&address};
    return CU(cuLaunchKernel)(function("poke"), 1, 1, 1, 1, 1, 1, 0, on, params,
                              nullptr);
  }

  /// An executable graph of one node that writes to `address`.
  CUgraphExec graphThatPokes(CUdeviceptr address) {
    void *params[] = {&address};
    CUDA_KERNEL_NODE_PARAMS node{};
    node.func = function("poke");
    node.gridDimX = node.gridDimY = node.gridDimZ = 1;
    node.blockDimX = node.blockDimY = node.blockDimZ = 1;
    node.kernelParams = params;
    CUgraph graph = nullptr;
    CUgraphNode added = nullptr;
    CUgraphExec exec = nullptr;
    EXPECT_CUDA(CU(cuGraphCreate)(&graph, 0));
    EXPECT_CUDA(CU(cuGraphAddKernelNode)(&added, graph, nullptr, 0, &node));
    EXPECT_CUDA(CU(cuGraphInstantiate)(&exec, graph, 0));
    EXPECT_CUDA(CU(cuGraphDestroy)(graph));
    return exec;
  }

  std::atomic<uint32_t> *flag = nullptr;
  CUstream stream = nullptr;
};

/// Calls that a host function may not make, and what each said.
struct NestedCalls {
  CUstream stream = nullptr;
  CUevent event = nullptr;
  CUfunction function = nullptr;
  CUmodule module = nullptr;
  CUcontext context = nullptr;
  CUdeviceptr words = 0;
  std::vector<CUresult> results;

  void make() {
    CUdeviceptr address = 0;
    CUmodule other = nullptr;
    CUstream created = nullptr;
    uint32_t word = 0;
    results = {CU(cuMemAlloc)(&address, 16),
               CU(cuMemFree)(words),
               CU(cuMemcpyDtoH)(&word, words, 4),
               CU(cuMemsetD32Async)(words, 9, 1, stream),
               CU(cuLaunchKernel)(function, 1, 1, 1, 1, 1, 1, 0, stream,
                                  nullptr, nullptr),
               CU(cuStreamSynchronize)(stream),
               CU(cuStreamDestroy)(stream),
               CU(cuStreamCreate)(&created, 0),
               CU(cuEventSynchronize)(event),
               CU(cuEventDestroy)(event),
               CU(cuModuleLoadData)(&other, kTestPtx),
               CU(cuModuleUnload)(module),
               CU(cuCtxSynchronize)(),
               CU(cuCtxSetCurrent)(context),
               CU(cuLaunchHostFunc)(stream, [](void *) {}, nullptr)};
  }
};

} // namespace

static void makeNestedCalls(void *calls) {
  static_cast<NestedCalls *>(calls)->make();
}

TEST_F(MisuseTest, HostFunctionsMayNotCallBack) {
  NestedCalls calls;
  calls.stream = stream;
  calls.module = module();
  calls.function = function("trap_now");
  calls.context = context;
  calls.words = upload({5});
  ASSERT_CUDA(CU(cuEventCreate)(&calls.event, 0));
  auto expectRefused = [&](const char *from) {
    EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
    EXPECT_EQ(calls.results,
              std::vector<CUresult>(15, CUDA_ERROR_NOT_PERMITTED))
        << from;
    calls.results.clear();
  };
  ASSERT_CUDA(CU(cuLaunchHostFunc)(stream, makeNestedCalls, &calls));
  expectRefused("host function");
  auto callback = [](CUstream, CUresult, void *data) { makeNestedCalls(data); };
  ASSERT_CUDA(CU(cuStreamAddCallback)(stream, callback, &calls, 0));
  expectRefused("callback");
  CUDA_HOST_NODE_PARAMS host{makeNestedCalls, &calls};
  CUgraph graph = nullptr;
  CUgraphNode node = nullptr;
  CUgraphExec exec = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  ASSERT_CUDA(CU(cuGraphAddHostNode)(&node, graph, nullptr, 0, &host));
  ASSERT_CUDA(CU(cuGraphInstantiate)(&exec, graph, 0));
  ASSERT_CUDA(CU(cuGraphLaunch)(exec, stream));
  expectRefused("host node");
  EXPECT_EQ(download(calls.words, 1)[0], 5u);
  expectHealthy();
}

TEST_F(MisuseTest, CallbacksAreToldOfFaults) {
  ASSERT_CUDA(poke(0, stream));
  CUresult seen = CUDA_SUCCESS;
  auto callback = [](CUstream, CUresult status, void *data) {
    *static_cast<CUresult *>(data) = status;
  };
  // The fault may be there already; then the call says so itself.
  CUresult added = CU(cuStreamAddCallback)(stream, callback, &seen, 0);
  EXPECT_EQ(CU(cuStreamSynchronize)(stream), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(added == CUDA_SUCCESS ? seen : added, CUDA_ERROR_ILLEGAL_ADDRESS);
}

// Neither a number, nor a handle of another kind, nor one that was destroyed.
TEST_F(MisuseTest, HandlesOfNothing) {
  CUevent event = nullptr, destroyed = nullptr;
  ASSERT_CUDA(CU(cuEventCreate)(&event, 0));
  ASSERT_CUDA(CU(cuEventCreate)(&destroyed, 0));
  ASSERT_CUDA(CU(cuEventDestroy)(destroyed));
  uint64_t onStack[4] = {};
  void *numbers[] = {reinterpret_cast<void *>(0x1234567), onStack, destroyed};
  for (void *number : numbers) {
    auto handle = [&]<typename T>(T) { return static_cast<T>(number); };
    auto asStream = handle(CUstream()), noStream = asStream;
    auto asEvent = handle(CUevent());
    CUdeviceptr address = 0;
    size_t bytes = 0;
    CUfunction found = nullptr;
    CUgraphExec exec = nullptr;
    std::vector<CUresult> results = {
        CU(cuStreamSynchronize)(asStream),
        CU(cuStreamQuery)(asStream),
        CU(cuStreamDestroy)(asStream),
        CU(cuStreamWaitEvent)(asStream, event, 0),
        CU(cuStreamWaitEvent)(stream, asEvent, 0),
        CU(cuEventRecord)(asEvent, stream),
        CU(cuEventRecord)(event, asStream),
        CU(cuEventSynchronize)(asEvent),
        CU(cuEventDestroy)(asEvent),
        CU(cuModuleUnload)(handle(CUmodule())),
        CU(cuModuleGetFunction)(&found, handle(CUmodule()), "poke"),
        CU(cuModuleGetGlobal)(&address, &bytes, handle(CUmodule()), "counter"),
        CU(cuLaunchKernel)(handle(CUfunction()), 1, 1, 1, 1, 1, 1, 0, stream,
                           nullptr, nullptr),
        CU(cuLaunchHostFunc)(
            noStream, [](void *) {}, nullptr),
        CU(cuMemsetD32Async)(kept, 0, 1, asStream),
        CU(cuGraphLaunch)(handle(CUgraphExec()), stream),
        CU(cuGraphExecDestroy)(handle(CUgraphExec())),
        CU(cuGraphInstantiate)(&exec, handle(CUgraph()), 0),
        CU(cuGraphDestroy)(handle(CUgraph())),
        CU(cuLibraryUnload)(handle(CUlibrary()))};
    for (size_t i = 0; i < results.size(); ++i)
      EXPECT_TRUE(results[i] == CUDA_ERROR_INVALID_HANDLE ||
                  results[i] == CUDA_ERROR_INVALID_VALUE)
          << "call " << i << ": " << results[i];
    EXPECT_EQ(CU(cuCtxSetCurrent)(handle(CUcontext())),
              CUDA_ERROR_INVALID_CONTEXT);
    EXPECT_EQ(CU(cuCtxDestroy)(handle(CUcontext())),
              CUDA_ERROR_INVALID_CONTEXT);
  }
  // An event is no stream, a stream no event.
  EXPECT_EQ(CU(cuStreamSynchronize)(reinterpret_cast<CUstream>(event)),
            CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(CU(cuEventQuery)(reinterpret_cast<CUevent>(stream)),
            CUDA_ERROR_INVALID_HANDLE);
  expectHealthy();
}

TEST_F(MisuseTest, NowhereToPutTheResult) {
  CUmodule loadedHere = module();
  for (CUresult result :
       {CU(cuMemAlloc)(nullptr, 16), CU(cuMemAllocHost)(nullptr, 16),
        CU(cuMemAllocManaged)(nullptr, 16, CU_MEM_ATTACH_GLOBAL),
        CU(cuMemAllocAsync)(nullptr, 16, stream),
        CU(cuStreamCreate)(nullptr, 0), CU(cuEventCreate)(nullptr, 0),
        CU(cuGraphCreate)(nullptr, 0), CU(cuModuleLoadData)(nullptr, kTestPtx),
        CU(cuModuleGetFunction)(nullptr, loadedHere, "poke"),
        CU(cuCtxCreate)(nullptr, nullptr, 0, 0), CU(cuDeviceGet)(nullptr, 0),
        CU(cuDeviceGetCount)(nullptr), CU(cuDriverGetVersion)(nullptr)})
    EXPECT_EQ(result, CUDA_ERROR_INVALID_VALUE);
  CUmodule none = nullptr;
  CUfunction found = nullptr;
  EXPECT_EQ(CU(cuModuleLoadData)(&none, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuModuleGetFunction)(&found, loadedHere, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuModuleGetFunction)(&found, loadedHere, "nothing"),
            CUDA_ERROR_NOT_FOUND);
  expectHealthy();
}

TEST_F(MisuseTest, MemoryRunsOutAndComesBack) {
  size_t before = 0, total = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&before, &total));
  std::vector<CUdeviceptr> blocks;
  CUresult result = CUDA_SUCCESS;
  for (size_t bytes = total / 8; bytes >= (1 << 20); bytes /= 2)
    for (;;) {
      CUdeviceptr block = 0;
      result = CU(cuMemAlloc)(&block, bytes);
      if (result != CUDA_SUCCESS)
        break;
      ASSERT_LT(blocks.size(), 1000u);
      blocks.push_back(block);
    }
  EXPECT_EQ(result, CUDA_ERROR_OUT_OF_MEMORY);
  // Small things still fit, or are refused like the rest.
  CUmodule module = nullptr;
  result = CU(cuModuleLoadData)(&module, kSlowCounter);
  EXPECT_TRUE(result == CUDA_SUCCESS || result == CUDA_ERROR_OUT_OF_MEMORY);
  ASSERT_CUDA(CU(cuMemFree)(blocks.back()));
  blocks.pop_back();
  expectHealthy();
  for (CUdeviceptr block : blocks)
    EXPECT_CUDA(CU(cuMemFree)(block));
  CUdeviceptr most = 0;
  EXPECT_CUDA(CU(cuMemAlloc)(&most, before / 2));
  EXPECT_CUDA(CU(cuMemFree)(most));
}

// Unloading waits for the kernel, whose variables would go.
TEST_F(MisuseTest, ModulesUnloadedUnderTheirKernel) {
  CUmodule module = startSlowKernel();
  EXPECT_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
  std::atomic<bool> unloaded{false};
  std::thread unloader([&] {
    EXPECT_CUDA(CU(cuCtxSetCurrent)(context));
    EXPECT_CUDA(CU(cuModuleUnload)(module));
    unloaded = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(unloaded);
  *flag = 1;
  unloader.join();
  EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(flag[1], 8u);
  expectHealthy();
}

TEST_F(MisuseTest, EventsAndGraphsDestroyedUnderWork) {
  CUdeviceptr word = upload({4});
  CUstream second = nullptr;
  CUevent event = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&second, CU_STREAM_NON_BLOCKING));
  ASSERT_CUDA(CU(cuEventCreate)(&event, CU_EVENT_DISABLE_TIMING));
  CUgraphExec exec = graphThatPokes(word);
  startSlowKernel();
  ASSERT_CUDA(CU(cuEventRecord)(event, stream));
  ASSERT_CUDA(CU(cuStreamWaitEvent)(second, event, 0));
  ASSERT_CUDA(CU(cuGraphLaunch)(exec, second));
  // All three go before anything of theirs has happened.
  ASSERT_CUDA(CU(cuEventDestroy)(event));
  ASSERT_CUDA(CU(cuGraphExecDestroy)(exec));
  ASSERT_CUDA(CU(cuStreamDestroy)(second));
  EXPECT_EQ(CU(cuEventQuery)(event), CUDA_ERROR_INVALID_HANDLE);
  *flag = 1;
  EXPECT_CUDA(CU(cuCtxSynchronize)());
  EXPECT_EQ(download(word, 1)[0], 1u) << "the graph ran after the event";
  expectHealthy();
}

TEST_F(MisuseTest, GraphsOutliveTheirModuleButNotTheirMemory) {
  CUdeviceptr word = upload({4});
  CUgraphExec good = graphThatPokes(word), bad = graphThatPokes(0);
  ASSERT_CUDA(CU(cuModuleUnload)(module()));
  loaded = nullptr;
  ASSERT_CUDA(CU(cuGraphLaunch)(good, stream));
  ASSERT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(download(word, 1)[0], 1u);
  ASSERT_CUDA(CU(cuGraphLaunch)(bad, stream));
  EXPECT_EQ(CU(cuStreamSynchronize)(stream), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(CU(cuGraphLaunch)(good, stream), CUDA_ERROR_ILLEGAL_ADDRESS)
      << "the context is broken";
}

// Freed memory may be anybody's: nothing is promised but that only this
// context can be hurt.
TEST_F(MisuseTest, GraphsWithFreedMemory) {
  CUdeviceptr word = upload({4});
  CUgraphExec exec = graphThatPokes(word);
  ASSERT_CUDA(CU(cuMemFree)(word));
  ASSERT_CUDA(CU(cuGraphLaunch)(exec, stream));
  CUresult result = CU(cuStreamSynchronize)(stream);
  EXPECT_TRUE(result == CUDA_SUCCESS || result == CUDA_ERROR_ILLEGAL_ADDRESS);
}

/// Runs `body(index)` on many threads at once.
static void onThreads(int count, const std::function<void(int)> &body) {
  std::vector<std::thread> threads;
  std::atomic<bool> go{false};
  for (int i = 0; i < count; ++i)
    threads.emplace_back([&, i] {
      while (!go)
        std::this_thread::yield();
      body(i);
    });
  go = true;
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(MisuseTest, SixteenThreadsOnOneStream) {
  constexpr int kThreads = 16, kLaunches = 20;
  CUdeviceptr words = upload(std::vector<uint32_t>(32, 0));
  CUfunction add = function("add_one");
  std::atomic<int> wrong{0};
  onThreads(kThreads, [&](int) {
    wrong += CU(cuCtxSetCurrent)(context) != CUDA_SUCCESS;
    unsigned count = 32;
    CUdeviceptr address = words;
    void *params[] = {&address, &count};
    for (int i = 0; i < kLaunches; ++i)
      wrong += CU(cuLaunchKernel)(add, 1, 1, 1, 32, 1, 1, 0, stream, params,
                                  nullptr) != CUDA_SUCCESS;
  });
  EXPECT_EQ(wrong, 0);
  // Work of one stream is in order, so no addition is lost.
  EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(download(words, 32),
            std::vector<uint32_t>(32, kThreads * kLaunches));
  expectHealthy();
}

TEST_F(MisuseTest, ContextsDestroyedUnderTheThreadsThatUseThem) {
  for (int round = 0; round < 5; ++round) {
    CUcontext mine = nullptr;
    ASSERT_CUDA(CU(cuCtxCreate)(&mine, nullptr, 0, 0));
    CUmodule module = nullptr;
    CUfunction add = nullptr;
    ASSERT_CUDA(CU(cuModuleLoadData)(&module, kTestPtx));
    ASSERT_CUDA(CU(cuModuleGetFunction)(&add, module, "add_one"));
    CUdeviceptr words = upload(std::vector<uint32_t>(32, 0));
    std::atomic<int> wrong{0};
    onThreads(6, [&](int index) {
      if (index == 0) {
        std::this_thread::sleep_for(std::chrono::microseconds(200 * round));
        wrong += CU(cuCtxDestroy)(mine) != CUDA_SUCCESS;
        return;
      }
      unsigned count = 32;
      CUdeviceptr address = words;
      void *params[] = {&address, &count};
      CUresult result = CU(cuCtxSetCurrent)(mine);
      for (int i = 0; i < 200 && result == CUDA_SUCCESS; ++i) {
        result = CU(cuLaunchKernel)(add, 1, 1, 1, 32, 1, 1, 0, nullptr, params,
                                    nullptr);
        CUevent event = nullptr;
        if (result == CUDA_SUCCESS)
          result = CU(cuEventCreate)(&event, 0);
      }
      wrong += result != CUDA_SUCCESS && result != CUDA_ERROR_INVALID_CONTEXT &&
               result != CUDA_ERROR_INVALID_HANDLE &&
               result != CUDA_ERROR_CONTEXT_IS_DESTROYED;
    });
    EXPECT_EQ(wrong, 0);
    ASSERT_CUDA(CU(cuCtxSetCurrent)(context));
    expectHealthy();
  }
}
