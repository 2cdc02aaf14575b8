// Nodes by the generic call, copies to and from symbols, clones, switched-off
// nodes, events in graphs.
#include "Check.h"

__device__ int factors[4] = {1, 1, 1, 1};

__global__ void scale(int *data, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] *= factors[i % 4];
}

int main() {
  const int n = 256;
  int chosen[4] = {2, 3, 5, 7}, seen[4] = {};
  Device<int> data(n);
  cudaGraph_t graph;
  CUDA(cudaGraphCreate(&graph, 0));
  cudaGraphNode_t set, fill, kernel, back;
  CUDA(cudaGraphAddMemcpyNodeToSymbol(&set, graph, nullptr, 0, factors, chosen,
                                      sizeof chosen, 0,
                                      cudaMemcpyHostToDevice));
  cudaGraphNodeParams parameters{};
  parameters.type = cudaGraphNodeTypeMemset;
  parameters.memset.dst = data.data;
  parameters.memset.value = 10;
  parameters.memset.elementSize = 4;
  parameters.memset.width = n;
  parameters.memset.height = 1;
  CUDA(cudaGraphAddNode(&fill, graph, nullptr, nullptr, 0, &parameters));
  int *pointer = data, count = n;
  void *arguments[] = {&pointer, &count};
  parameters = cudaGraphNodeParams{};
  parameters.type = cudaGraphNodeTypeKernel;
  parameters.kernel.func = (void *)scale;
  parameters.kernel.gridDim = dim3(2);
  parameters.kernel.blockDim = dim3(128);
  parameters.kernel.kernelParams = arguments;
  cudaGraphNode_t before[] = {set, fill};
  CUDA(cudaGraphAddNode(&kernel, graph, before, nullptr, 2, &parameters));
  CUDA(cudaGraphAddMemcpyNodeFromSymbol(&back, graph, &kernel, 1, seen, factors,
                                        8, 8, cudaMemcpyDeviceToHost));
  cudaEvent_t done;
  CUDA(cudaEventCreate(&done));
  cudaGraphNode_t record;
  CUDA(cudaGraphAddEventRecordNode(&record, graph, &back, 1, done));
  size_t edges = 0;
  CUDA(cudaGraphGetEdges(graph, nullptr, nullptr, nullptr, &edges));
  CHECK(edges == 4);

  cudaGraphExec_t exec;
  CUDA(cudaGraphInstantiate(&exec, graph, 0));
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  CUDA(cudaGraphLaunch(exec, stream));
  CUDA(cudaStreamSynchronize(stream));
  CHECK(cudaEventQuery(done) == cudaSuccess);
  std::vector<int> out = data.host();
  for (int i = 0; i < n; ++i)
    CHECK(out[i] == 10 * chosen[i % 4]);
  CHECK(seen[0] == 5 && seen[1] == 7);

  // Without its fill, the graph scales what is there.
  CUDA(cudaGraphNodeSetEnabled(exec, fill, 0));
  unsigned isEnabled = 1;
  CUDA(cudaGraphNodeGetEnabled(exec, fill, &isEnabled));
  CHECK(isEnabled == 0);
  CUDA(cudaGraphLaunch(exec, stream));
  CUDA(cudaStreamSynchronize(stream));
  out = data.host();
  for (int i = 0; i < n; ++i)
    CHECK(out[i] == 10 * chosen[i % 4] * chosen[i % 4]);

  cudaGraph_t clone;
  cudaGraphNode_t twin;
  CUDA(cudaGraphClone(&clone, graph));
  CUDA(cudaGraphNodeFindInClone(&twin, kernel, clone));
  cudaKernelNodeParams read{};
  CUDA(cudaGraphKernelNodeGetParams(twin, &read));
  CHECK(read.func == (void *)scale && read.blockDim.x == 128);
  CUDA(cudaGraphDestroyNode(twin));
  size_t nodes = 0;
  CUDA(cudaGraphGetNodes(clone, nullptr, &nodes));
  CHECK(nodes == 4);
  CUDA(cudaGraphExecDestroy(exec));
  CUDA(cudaGraphDestroy(clone));
  CUDA(cudaGraphDestroy(graph));
}
