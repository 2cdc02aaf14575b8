// Stream-ordered allocation: reuse, pools with thresholds, frees across
// streams.
#include "Check.h"

__global__ void fill(int *data, int n, int value) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] = value + i;
}

int main() {
  int supported = 0;
  CUDA(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
  CHECK(supported);
  cudaStream_t a, b;
  CUDA(cudaStreamCreate(&a));
  CUDA(cudaStreamCreate(&b));
  const int n = 3000;
  std::vector<int> out(n);
  for (int round = 0; round < 4; ++round) {
    int *data = nullptr;
    CUDA(cudaMallocAsync((void **)&data, n * sizeof(int), a));
    fill<<<(n + 255) / 256, 256, 0, a>>>(data, n, round);
    CUDA(cudaMemcpyAsync(out.data(), data, n * sizeof(int),
                         cudaMemcpyDeviceToHost, a));
    CUDA(cudaFreeAsync(data, a));
    CUDA(cudaStreamSynchronize(a));
    for (int i = 0; i < n; ++i)
      CHECK(out[i] == round + i);
  }
  cudaMemPoolProps properties{};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location.type = cudaMemLocationTypeDevice;
  properties.location.id = 0;
  cudaMemPool_t pool, standard;
  CUDA(cudaMemPoolCreate(&pool, &properties));
  CUDA(cudaDeviceGetDefaultMemPool(&standard, 0));
  CHECK(pool != standard);
  unsigned long long threshold = 1 << 20, used = 0;
  CUDA(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold,
                               &threshold));
  int *data = nullptr;
  CUDA(cudaMallocFromPoolAsync((void **)&data, n * sizeof(int), pool, a));
  CUDA(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &used));
  CHECK(used >= n * sizeof(int));
  fill<<<(n + 255) / 256, 256, 0, a>>>(data, n, 9);
  cudaEvent_t filled;
  CUDA(cudaEventCreate(&filled));
  CUDA(cudaEventRecord(filled, a));
  CUDA(cudaStreamWaitEvent(b, filled, 0));
  CUDA(
      cudaMemcpyAsync(out.data(), data, n * sizeof(int), cudaMemcpyDefault, b));
  CUDA(cudaFreeAsync(data, b));
  CUDA(cudaStreamSynchronize(b));
  for (int i = 0; i < n; ++i)
    CHECK(out[i] == 9 + i);
  CUDA(cudaMemPoolTrimTo(pool, 0));
  CUDA(cudaMemPoolDestroy(pool));
}
