//===- GraphTest.cpp - Graphs: captured and built by hand -----------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <atomic>

using namespace tilewright::sim::test;

namespace {
class GraphTest : public DriverTest {
public:
  void SetUp() override {
    DriverTest::SetUp();
    ASSERT_CUDA(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
    ASSERT_CUDA(CU(cuStreamCreate)(&second, CU_STREAM_NON_BLOCKING));
    ASSERT_CUDA(CU(cuEventCreate)(&event, CU_EVENT_DEFAULT));
    ASSERT_CUDA(CU(cuEventCreate)(&joined, CU_EVENT_DEFAULT));
    ASSERT_NE(module(), nullptr);
    words = upload(std::vector<uint32_t>(8, 0));
  }

  void begin(CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_GLOBAL) {
    ASSERT_CUDA(CU(cuStreamBeginCapture)(stream, mode));
  }
  CUgraph end() {
    CUgraph graph = nullptr;
    EXPECT_CUDA(CU(cuStreamEndCapture)(stream, &graph));
    return graph;
  }
  CUgraphExec instantiate(CUgraph graph) {
    CUgraphExec exec = nullptr;
    EXPECT_CUDA(CU(cuGraphInstantiate)(&exec, graph, 0));
    return exec;
  }
  void run(CUgraphExec exec) {
    ASSERT_CUDA(CU(cuGraphLaunch)(exec, stream));
    ASSERT_CUDA(CU(cuStreamSynchronize)(stream));
  }
  uint32_t word(int index = 0) { return download(words, 8)[size_t(index)]; }

  CUDA_KERNEL_NODE_PARAMS addOneParams(void **params) {
    CUDA_KERNEL_NODE_PARAMS node{};
    node.func = function("add_one");
    node.gridDimX = node.gridDimY = node.gridDimZ = 1;
    node.blockDimX = 32;
    node.blockDimY = node.blockDimZ = 1;
    node.kernelParams = params;
    return node;
  }

  CUstream stream = nullptr, second = nullptr;
  CUevent event = nullptr, joined = nullptr;
  CUdeviceptr words = 0;
};
} // namespace

TEST_F(GraphTest, CaptureRecordsAndDoesNotRun) {
  begin();
  ASSERT_CUDA(CU(cuMemsetD32Async)(words, 10, 8, stream));
  ASSERT_CUDA(addOne(words, 8, stream));
  ASSERT_CUDA(addOne(words, 4, stream));
  CUstreamCaptureStatus status;
  EXPECT_CUDA(CU(cuStreamIsCapturing)(stream, &status));
  EXPECT_EQ(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
  CUgraph graph = end();
  EXPECT_EQ(word(), 0u);
  size_t count = 0;
  EXPECT_CUDA(CU(cuGraphGetNodes)(graph, nullptr, &count));
  EXPECT_EQ(count, 3u);
  CUgraphExec exec = instantiate(graph);
  for (int i = 0; i < 3; ++i) {
    run(exec);
    EXPECT_EQ(word(3), 12u);
    EXPECT_EQ(word(4), 11u);
  }
  // The executable form outlives its graph.
  EXPECT_CUDA(CU(cuGraphDestroy)(graph));
  run(exec);
  EXPECT_CUDA(CU(cuGraphExecDestroy)(exec));
  EXPECT_EQ(CU(cuGraphLaunch)(exec, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuGraphDestroy)(graph), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphTest, CaptureForksAndJoins) {
  begin();
  ASSERT_CUDA(CU(cuMemsetD32Async)(words, 1, 8, stream));
  ASSERT_CUDA(CU(cuEventRecord)(event, stream));
  ASSERT_CUDA(CU(cuStreamWaitEvent)(second, event, 0));
  ASSERT_CUDA(addOne(words, 4, second));
  ASSERT_CUDA(addOne(words + 16, 4, stream));
  ASSERT_CUDA(CU(cuEventRecord)(joined, second));
  ASSERT_CUDA(CU(cuStreamWaitEvent)(stream, joined, 0));
  ASSERT_CUDA(addOne(words, 8, stream));
  EXPECT_EQ(CU(cuEventQuery)(event), CUDA_ERROR_CAPTURED_EVENT);
  CUgraph graph = end();
  size_t edges = 0, roots = 0;
  EXPECT_CUDA(CU(cuGraphGetEdges)(graph, nullptr, nullptr, nullptr, &edges));
  EXPECT_EQ(edges, 4u);
  EXPECT_CUDA(CU(cuGraphGetRootNodes)(graph, nullptr, &roots));
  EXPECT_EQ(roots, 1u);
  run(instantiate(graph));
  EXPECT_EQ(download(words, 8), std::vector<uint32_t>(8, 3));
}

TEST_F(GraphTest, UnjoinedForkIsRefused) {
  begin();
  ASSERT_CUDA(addOne(words, 8, stream));
  ASSERT_CUDA(CU(cuEventRecord)(event, stream));
  ASSERT_CUDA(CU(cuStreamWaitEvent)(second, event, 0));
  ASSERT_CUDA(addOne(words, 8, second));
  CUgraph graph = nullptr;
  EXPECT_EQ(CU(cuStreamEndCapture)(second, &graph),
            CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
  EXPECT_EQ(CU(cuStreamEndCapture)(stream, &graph),
            CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
  EXPECT_EQ(graph, nullptr);
  // Both streams are ordinary again.
  ASSERT_CUDA(addOne(words, 8, second));
  ASSERT_CUDA(CU(cuStreamSynchronize)(second));
  EXPECT_EQ(word(), 1u);
}

TEST_F(GraphTest, UnsafeCallsBreakTheCapture) {
  struct {
    const char *name;
    CUresult error;
    CUresult (*call)(GraphTest &);
  } cases[] = {
      {"synchronize", CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
       [](GraphTest &test) { return CU(cuStreamSynchronize)(test.stream); }},
      {"allocate", CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
       [](GraphTest &) {
         CUdeviceptr address;
         return CU(cuMemAlloc)(&address, 16);
       }},
      {"copy now", CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
       [](GraphTest &test) {
         uint32_t value;
         return CU(cuMemcpyDtoH)(&value, test.words, 4);
       }},
      {"query", CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED,
       [](GraphTest &test) { return CU(cuStreamQuery)(test.stream); }},
  };
  for (const auto &entry : cases) {
    begin();
    ASSERT_CUDA(addOne(words, 8, stream));
    EXPECT_EQ(entry.call(*this), entry.error) << entry.name;
    EXPECT_EQ(addOne(words, 8, stream), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
        << entry.name;
    CUgraph graph = nullptr;
    EXPECT_EQ(CU(cuStreamEndCapture)(stream, &graph),
              CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)
        << entry.name;
  }
  // In relaxed mode the same thread may allocate.
  begin(CU_STREAM_CAPTURE_MODE_RELAXED);
  CUdeviceptr address = 0;
  EXPECT_CUDA(CU(cuMemAlloc)(&address, 16));
  EXPECT_NE(end(), nullptr);
}

TEST_F(GraphTest, LegacyStreamMayNotMeetACapturingStream) {
  CUstream blocking = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&blocking, CU_STREAM_DEFAULT));
  ASSERT_CUDA(
      CU(cuStreamBeginCapture)(blocking, CU_STREAM_CAPTURE_MODE_RELAXED));
  EXPECT_EQ(CU(cuMemsetD32Async)(words, 1, 8, nullptr),
            CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
  CUgraph graph = nullptr;
  EXPECT_EQ(CU(cuStreamEndCapture)(blocking, &graph),
            CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
  EXPECT_EQ(CU(cuStreamBeginCapture)(nullptr, CU_STREAM_CAPTURE_MODE_GLOBAL),
            CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  EXPECT_EQ(CU(cuStreamEndCapture)(stream, &graph), CUDA_ERROR_ILLEGAL_STATE);
}

TEST_F(GraphTest, NodesByHandRunInTheOrderOfTheirEdges) {
  CUgraph graph = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  unsigned count = 8;
  void *params[] = {&words, &count};
  CUDA_KERNEL_NODE_PARAMS kernel = addOneParams(params);
  CUDA_MEMSET_NODE_PARAMS fill{};
  fill.dst = words;
  fill.value = 20;
  fill.elementSize = 4;
  fill.width = 8;
  fill.height = 1;
  std::vector<uint32_t> host(8, 0);
  CUDA_MEMCPY3D copy{};
  copy.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  copy.srcDevice = words;
  copy.dstMemoryType = CU_MEMORYTYPE_HOST;
  copy.dstHost = host.data();
  copy.WidthInBytes = 32;
  copy.Height = copy.Depth = 1;
  std::atomic<int> calls{0};
  CUDA_HOST_NODE_PARAMS callback{
      [](void *data) { ++*static_cast<std::atomic<int> *>(data); }, &calls};
  // Added last to first: only the edges can give the right order.
  CUgraphNode copyNode, kernelNode, fillNode, hostNode;
  ASSERT_CUDA(
      CU(cuGraphAddMemcpyNode)(&copyNode, graph, nullptr, 0, &copy, context));
  ASSERT_CUDA(
      CU(cuGraphAddKernelNode)(&kernelNode, graph, nullptr, 0, &kernel));
  ASSERT_CUDA(
      CU(cuGraphAddMemsetNode)(&fillNode, graph, nullptr, 0, &fill, context));
  ASSERT_CUDA(
      CU(cuGraphAddHostNode)(&hostNode, graph, &copyNode, 1, &callback));
  CUgraphNode from[] = {fillNode, kernelNode}, to[] = {kernelNode, copyNode};
  ASSERT_CUDA(CU(cuGraphAddDependencies)(graph, from, to, nullptr, 2));
  EXPECT_EQ(CU(cuGraphAddDependencies)(graph, from, to, nullptr, 1),
            CUDA_ERROR_INVALID_VALUE);
  CUgraphExec exec = instantiate(graph);
  run(exec);
  EXPECT_EQ(host, std::vector<uint32_t>(8, 21));
  EXPECT_EQ(calls, 1);
  CUgraphNodeType type;
  EXPECT_CUDA(CU(cuGraphNodeGetType)(fillNode, &type));
  EXPECT_EQ(type, CU_GRAPH_NODE_TYPE_MEMSET);
  CUDA_KERNEL_NODE_PARAMS read{};
  EXPECT_CUDA(CU(cuGraphKernelNodeGetParams)(kernelNode, &read));
  EXPECT_EQ(read.func, kernel.func);
  EXPECT_EQ(*static_cast<CUdeviceptr *>(read.kernelParams[0]), words);
  // A cycle cannot be instantiated.
  ASSERT_CUDA(
      CU(cuGraphAddDependencies)(graph, &copyNode, &fillNode, nullptr, 1));
  EXPECT_EQ(CU(cuGraphInstantiate)(&exec, graph, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphTest, ExecutableNodesChange) {
  CUgraph graph = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  unsigned count = 8;
  void *params[] = {&words, &count};
  CUDA_KERNEL_NODE_PARAMS kernel = addOneParams(params);
  CUgraphNode first, next;
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&first, graph, nullptr, 0, &kernel));
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&next, graph, &first, 1, &kernel));
  CUgraphExec exec = instantiate(graph);
  count = 2;
  ASSERT_CUDA(CU(cuGraphExecKernelNodeSetParams)(exec, next, &kernel));
  run(exec);
  EXPECT_EQ(word(1), 2u);
  EXPECT_EQ(word(2), 1u);
  ASSERT_CUDA(CU(cuGraphNodeSetEnabled)(exec, first, 0));
  run(exec);
  EXPECT_EQ(word(1), 3u);
  EXPECT_EQ(word(2), 1u);
  unsigned enabled = 9;
  EXPECT_CUDA(CU(cuGraphNodeGetEnabled)(exec, first, &enabled));
  EXPECT_EQ(enabled, 0u);
  CUDA_MEMSET_NODE_PARAMS fill{};
  EXPECT_EQ(CU(cuGraphExecMemsetNodeSetParams)(exec, next, &fill, context),
            CUDA_ERROR_INVALID_VALUE);
  kernel.gridDimX = 0;
  EXPECT_EQ(CU(cuGraphExecKernelNodeSetParams)(exec, next, &kernel),
            CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphTest, UpdateTakesTheSameShapeOnly) {
  auto capture = [&](uint32_t value, int kernels) {
    begin();
    EXPECT_CUDA(CU(cuMemsetD32Async)(words, value, 8, stream));
    for (int i = 0; i < kernels; ++i)
      EXPECT_CUDA(addOne(words, 8, stream));
    return end();
  };
  CUgraphExec exec = instantiate(capture(100, 2));
  CUgraphExecUpdateResultInfo info;
  ASSERT_CUDA(CU(cuGraphExecUpdate)(exec, capture(200, 2), &info));
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
  run(exec);
  EXPECT_EQ(word(), 202u);
  EXPECT_EQ(CU(cuGraphExecUpdate)(exec, capture(300, 3), &info),
            CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
  EXPECT_EQ(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
  run(exec);
  EXPECT_EQ(word(), 202u) << "a refused update changes nothing";
}

TEST_F(GraphTest, ChildGraphsAndClones) {
  begin();
  ASSERT_CUDA(addOne(words, 8, stream));
  CUgraph child = end(), parent = nullptr, clone = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&parent, 0));
  CUgraphNode first, next;
  ASSERT_CUDA(CU(cuGraphAddChildGraphNode)(&first, parent, nullptr, 0, child));
  ASSERT_CUDA(CU(cuGraphAddChildGraphNode)(&next, parent, &first, 1, child));
  ASSERT_CUDA(CU(cuGraphDestroy)(child));
  ASSERT_CUDA(CU(cuGraphClone)(&clone, parent));
  CUgraphNode found = nullptr;
  EXPECT_CUDA(CU(cuGraphNodeFindInClone)(&found, next, clone));
  EXPECT_NE(found, next);
  ASSERT_CUDA(CU(cuGraphDestroy)(parent));
  run(instantiate(clone));
  EXPECT_EQ(word(), 2u);
  EXPECT_EQ(CU(cuGraphNodeGetType)(first, nullptr), CUDA_ERROR_INVALID_VALUE);
  CUgraphNodeType type;
  EXPECT_EQ(CU(cuGraphNodeGetType)(first, &type), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(GraphTest, LaunchInFlightKeepsItsVersion) {
  void *pinned = nullptr;
  ASSERT_CUDA(CU(cuMemHostAlloc)(&pinned, 64, 0));
  auto *flag = static_cast<std::atomic<uint32_t> *>(pinned);
  *flag = 0;
  CUdeviceptr address = reinterpret_cast<CUdeviceptr>(flag);
  CUgraph graph = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  void *waitParams[] = {&address};
  CUDA_KERNEL_NODE_PARAMS wait = addOneParams(waitParams);
  wait.func = function("await_flag");
  wait.blockDimX = 1;
  unsigned count = 8;
  void *params[] = {&words, &count};
  CUDA_KERNEL_NODE_PARAMS kernel = addOneParams(params);
  CUgraphNode first, next;
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&first, graph, nullptr, 0, &wait));
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&next, graph, &first, 1, &kernel));
  CUgraphExec exec = instantiate(graph);
  ASSERT_CUDA(CU(cuGraphLaunch)(exec, stream));
  count = 1;
  ASSERT_CUDA(CU(cuGraphExecKernelNodeSetParams)(exec, next, &kernel));
  EXPECT_EQ(CU(cuStreamQuery)(stream), CUDA_ERROR_NOT_READY);
  *flag = 1;
  ASSERT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(word(7), 1u);
  run(exec);
  EXPECT_EQ(word(0), 2u);
  EXPECT_EQ(word(7), 1u);
}

TEST_F(GraphTest, EventNodes) {
  CUgraph graph = nullptr;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  CUgraphNode record, wait;
  ASSERT_CUDA(CU(cuGraphAddEventRecordNode)(&record, graph, nullptr, 0, event));
  ASSERT_CUDA(CU(cuGraphAddEventWaitNode)(&wait, graph, &record, 1, event));
  CUevent read = nullptr;
  EXPECT_CUDA(CU(cuGraphEventRecordNodeGetEvent)(record, &read));
  EXPECT_EQ(read, event);
  EXPECT_EQ(CU(cuGraphEventWaitNodeGetEvent)(record, &read),
            CUDA_ERROR_INVALID_VALUE);
  run(instantiate(graph));
  ASSERT_CUDA(CU(cuEventRecord)(joined, stream));
  ASSERT_CUDA(CU(cuEventSynchronize)(joined));
  float milliseconds = -1;
  EXPECT_CUDA(CU(cuEventElapsedTime)(&milliseconds, event, joined));
  EXPECT_GE(milliseconds, 0.0f);
}

/// Launches right behind each other, the later ones as dependents.
static void launchDependents(CUstream stream, CUfunction kernel, void **params,
                             int count) {
  CUlaunchAttribute attribute{};
  attribute.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attribute.value.programmaticStreamSerializationAllowed = 1;
  CUlaunchConfig config{};
  config.gridDimX = config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = 32;
  config.blockDimY = config.blockDimZ = 1;
  config.hStream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  for (int i = 0; i < count; ++i)
    ASSERT_CUDA(CU(cuLaunchKernelEx)(&config, kernel, params, nullptr));
}

TEST_F(GraphTest, CaptureOfDependentLaunchesMakesProgrammaticEdges) {
  unsigned n = 8;
  void *params[] = {&words, &n};
  begin();
  ASSERT_CUDA(CU(cuMemsetD32Async)(words, 10, 8, stream));
  launchDependents(stream, function("add_one"), params, 3);
  CUgraph graph = end();
  CUgraphNode from[3], to[3];
  CUgraphEdgeData edges[3];
  size_t count = 3;
  ASSERT_CUDA(CU(cuGraphGetEdges)(graph, from, to, edges, &count));
  ASSERT_EQ(count, 3u);
  EXPECT_EQ(edges[0].type, CU_GRAPH_DEPENDENCY_TYPE_DEFAULT)
      << "only a launch has dependents";
  for (int i = 1; i < 3; ++i) {
    EXPECT_EQ(edges[i].type, CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC);
    EXPECT_EQ(edges[i].from_port, CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC);
  }
  EXPECT_EQ(CU(cuGraphGetEdges)(graph, from, to, nullptr, &count),
            CUDA_ERROR_LOSSY_QUERY);
  CUgraphNode before;
  CUgraphEdgeData edge;
  count = 1;
  ASSERT_CUDA(CU(cuGraphNodeGetDependencies)(to[2], &before, &edge, &count));
  EXPECT_EQ(before, from[2]);
  EXPECT_EQ(edge.type, CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC);
  CUgraph copy;
  ASSERT_CUDA(CU(cuGraphClone)(&copy, graph));
  count = 3;
  EXPECT_EQ(CU(cuGraphGetEdges)(copy, from, to, nullptr, &count),
            CUDA_ERROR_LOSSY_QUERY);
  run(instantiate(copy));
  EXPECT_EQ(word(), 13u);
}

TEST_F(GraphTest, ProgrammaticEdgesByHand) {
  unsigned n = 8;
  void *params[] = {&words, &n};
  CUDA_KERNEL_NODE_PARAMS kernel = addOneParams(params);
  CUgraph graph;
  ASSERT_CUDA(CU(cuGraphCreate)(&graph, 0));
  CUgraphNode first, second, empty;
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&first, graph, nullptr, 0, &kernel));
  ASSERT_CUDA(CU(cuGraphAddKernelNode)(&second, graph, nullptr, 0, &kernel));
  ASSERT_CUDA(CU(cuGraphAddEmptyNode)(&empty, graph, nullptr, 0));
  auto add = [&](CUgraphNode from, CUgraphNode to, unsigned char type,
                 unsigned char port) {
    CUgraphEdgeData edge{};
    edge.type = type;
    edge.from_port = port;
    return CU(cuGraphAddDependencies)(graph, &from, &to, &edge, 1);
  };
  constexpr auto programmatic = CU_GRAPH_DEPENDENCY_TYPE_PROGRAMMATIC;
  constexpr auto port = CU_GRAPH_KERNEL_NODE_PORT_PROGRAMMATIC;
  EXPECT_EQ(add(first, second, programmatic, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(add(first, second, 0, port), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(add(first, second, 2, port), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(add(first, empty, programmatic, port), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(add(empty, second, programmatic, port), CUDA_ERROR_INVALID_VALUE);
  ASSERT_CUDA(add(first, second, programmatic, port));
  CUgraphEdgeData edge{};
  EXPECT_EQ(CU(cuGraphRemoveDependencies)(graph, &first, &second, &edge, 1),
            CUDA_ERROR_INVALID_VALUE)
      << "there is no edge of that kind";
  edge.type = programmatic;
  edge.from_port = port;
  ASSERT_CUDA(CU(cuGraphRemoveDependencies)(graph, &first, &second, &edge, 1));
  ASSERT_CUDA(add(first, second, programmatic, port));
  run(instantiate(graph));
  EXPECT_EQ(word(), 2u);
}
