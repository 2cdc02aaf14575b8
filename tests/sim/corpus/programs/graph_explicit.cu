// A graph built by hand: copy, fill, kernel, host and child-graph nodes.
#include "Check.h"

__global__ void axpy(const int *x, int *y, int n, int a) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    y[i] += a * x[i];
}

int main() {
  const int n = 512;
  std::vector<int> input(n), output(n);
  for (int i = 0; i < n; ++i)
    input[i] = i;
  Device<int> x(n), y(n);
  cudaGraph_t graph;
  CUDA(cudaGraphCreate(&graph, 0));

  cudaGraphNode_t upload, clear, kernel, download, host;
  CUDA(cudaGraphAddMemcpyNode1D(&upload, graph, nullptr, 0, x, input.data(),
                                n * sizeof(int), cudaMemcpyHostToDevice));
  cudaMemsetParams fill{};
  fill.dst = y.data;
  fill.value = 7;
  fill.elementSize = 4;
  fill.width = n;
  fill.height = 1;
  CUDA(cudaGraphAddMemsetNode(&clear, graph, nullptr, 0, &fill));
  int *px = x, *py = y, count = n, factor = 3;
  void *arguments[] = {&px, &py, &count, &factor};
  cudaKernelNodeParams launch{};
  launch.func = (void *)axpy;
  launch.gridDim = dim3(4);
  launch.blockDim = dim3(128);
  launch.kernelParams = arguments;
  cudaGraphNode_t before[] = {upload, clear};
  CUDA(cudaGraphAddKernelNode(&kernel, graph, before, 2, &launch));
  cudaKernelNodeParams read{};
  CUDA(cudaGraphKernelNodeGetParams(kernel, &read));
  CHECK(read.func == (void *)axpy && read.gridDim.x == 4);
  CUDA(cudaGraphAddMemcpyNode1D(&download, graph, &kernel, 1, output.data(), y,
                                n * sizeof(int), cudaMemcpyDeviceToHost));
  static int runs = 0;
  cudaHostNodeParams call{};
  call.fn = [](void *counter) { ++*static_cast<int *>(counter); };
  call.userData = &runs;
  CUDA(cudaGraphAddHostNode(&host, graph, &download, 1, &call));

  cudaGraph_t outer;
  CUDA(cudaGraphCreate(&outer, 0));
  cudaGraphNode_t first, second;
  CUDA(cudaGraphAddChildGraphNode(&first, outer, nullptr, 0, graph));
  CUDA(cudaGraphAddChildGraphNode(&second, outer, &first, 1, graph));
  cudaGraphNodeType type;
  CUDA(cudaGraphNodeGetType(second, &type));
  CHECK(type == cudaGraphNodeTypeGraph);
  cudaGraphExec_t exec, outerExec;
  CUDA(cudaGraphInstantiate(&exec, graph, 0));
  CUDA(cudaGraphLaunch(exec, 0));
  CUDA(cudaStreamSynchronize(0));
  for (int i = 0; i < n; ++i)
    CHECK(output[i] == 7 + 3 * i);
  factor = 5;
  CUDA(cudaGraphExecKernelNodeSetParams(exec, kernel, &launch));
  CUDA(cudaGraphLaunch(exec, 0));
  CUDA(cudaStreamSynchronize(0));
  for (int i = 0; i < n; ++i)
    CHECK(output[i] == 7 + 5 * i);
  CHECK(runs == 2);
  CUDA(cudaGraphInstantiate(&outerExec, outer, 0));
  CUDA(cudaGraphLaunch(outerExec, 0));
  CUDA(cudaStreamSynchronize(0));
  CHECK(runs == 4);
  CUDA(cudaGraphExecDestroy(exec));
  CUDA(cudaGraphExecDestroy(outerExec));
  CUDA(cudaGraphDestroy(outer));
  CUDA(cudaGraphDestroy(graph));
}
