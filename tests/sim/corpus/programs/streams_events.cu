// Work on several streams, ordered by events only; times and states of events.
#include "Check.h"

__global__ void scale(int *data, int n, int factor, int summand) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] = data[i] * factor + summand;
}

static int calls = 0;

int main() {
  const int n = 4096;
  int least, greatest;
  CUDA(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  CHECK(greatest <= least);
  cudaStream_t a, b;
  CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
  CUDA(cudaStreamCreateWithPriority(&b, cudaStreamNonBlocking, greatest));
  cudaEvent_t begin, half, end;
  CUDA(cudaEventCreate(&begin));
  CUDA(cudaEventCreateWithFlags(&half, cudaEventDisableTiming));
  CUDA(cudaEventCreate(&end));
  Device<int> data(std::vector<int>(n, 1));
  CUDA(cudaDeviceSynchronize());

  CUDA(cudaEventRecord(begin, a));
  scale<<<n / 128, 128, 0, a>>>(data, n, 3, 0);
  CUDA(cudaEventRecord(half, a));
  CUDA(cudaStreamWaitEvent(b, half, 0));
  scale<<<n / 128, 128, 0, b>>>(data, n, 1, 4);
  CUDA(cudaEventRecord(end, b));
  CUDA(cudaStreamWaitEvent(a, end, 0));
  scale<<<n / 128, 128, 0, a>>>(data, n, 10, 0);
  CUDA(cudaLaunchHostFunc(
      a, [](void *count) { ++*static_cast<int *>(count); }, &calls));
  CUDA(cudaStreamAddCallback(
      a,
      [](cudaStream_t, cudaError_t status, void *count) {
        *static_cast<int *>(count) += status == cudaSuccess ? 10 : 1000;
      },
      &calls, 0));
  CUDA(cudaStreamSynchronize(a));
  CUDA(cudaStreamSynchronize(b));
  CHECK(calls == 11);
  CHECK(cudaEventQuery(end) == cudaSuccess);
  float milliseconds = -1;
  CUDA(cudaEventElapsedTime(&milliseconds, begin, end));
  CHECK(milliseconds >= 0);
  CHECK(cudaEventElapsedTime(&milliseconds, begin, half) ==
        cudaErrorInvalidResourceHandle);
  CHECK(cudaGetLastError() == cudaErrorInvalidResourceHandle);
  for (int value : data.host())
    CHECK(value == 70);
  CUDA(cudaEventDestroy(begin));
  CUDA(cudaEventDestroy(half));
  CUDA(cudaEventDestroy(end));
  CUDA(cudaStreamDestroy(a));
  CUDA(cudaStreamDestroy(b));
}
