// A captured fork and join, launched many times; an update of the executable.
#include "Check.h"

__global__ void addTo(int *data, int n, int value) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] += value;
}

__global__ void sumUp(const int *a, const int *b, int *sum, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    sum[i] = a[i] + b[i];
}

static cudaGraph_t capture(cudaStream_t main, cudaStream_t side, int *a, int *b,
                           int *sum, int n, int step) {
  cudaEvent_t fork, join;
  CUDA(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
  CUDA(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
  CUDA(cudaStreamBeginCapture(main, cudaStreamCaptureModeGlobal));
  cudaStreamCaptureStatus status;
  CUDA(cudaStreamIsCapturing(main, &status));
  CHECK(status == cudaStreamCaptureStatusActive);
  CUDA(cudaEventRecord(fork, main));
  CUDA(cudaStreamWaitEvent(side, fork, 0));
  addTo<<<(n + 127) / 128, 128, 0, main>>>(a, n, step);
  addTo<<<(n + 127) / 128, 128, 0, side>>>(b, n, 10 * step);
  CUDA(cudaEventRecord(join, side));
  CUDA(cudaStreamWaitEvent(main, join, 0));
  sumUp<<<(n + 127) / 128, 128, 0, main>>>(a, b, sum, n);
  cudaGraph_t graph;
  CUDA(cudaStreamEndCapture(main, &graph));
  CUDA(cudaEventDestroy(fork));
  CUDA(cudaEventDestroy(join));
  return graph;
}

int main() {
  const int n = 1000;
  Device<int> a(n), b(n), sum(n);
  cudaStream_t main, side;
  CUDA(cudaStreamCreate(&main));
  CUDA(cudaStreamCreate(&side));
  cudaGraph_t graph = capture(main, side, a, b, sum, n, 1);
  size_t nodes = 0;
  CUDA(cudaGraphGetNodes(graph, nullptr, &nodes));
  CHECK(nodes == 3);
  for (int value : sum.host())
    CHECK(value == 0); // nothing ran yet
  cudaGraphExec_t exec;
  CUDA(cudaGraphInstantiate(&exec, graph, 0));
  for (int i = 0; i < 5; ++i)
    CUDA(cudaGraphLaunch(exec, main));
  CUDA(cudaStreamSynchronize(main));
  for (int value : sum.host())
    CHECK(value == 55);

  cudaGraph_t changed = capture(main, side, a, b, sum, n, 2);
  cudaGraphExecUpdateResultInfo info;
  CUDA(cudaGraphExecUpdate(exec, changed, &info));
  CHECK(info.result == cudaGraphExecUpdateSuccess);
  CUDA(cudaGraphLaunch(exec, main));
  CUDA(cudaStreamSynchronize(main));
  for (int value : sum.host())
    CHECK(value == 77);
  CUDA(cudaGraphExecDestroy(exec));
  CUDA(cudaGraphDestroy(graph));
  CUDA(cudaGraphDestroy(changed));
}
