// Programmatic dependent launch: the second kernel waits for the first's data.
#include "Check.h"

__global__ void produce(int *data, int n) {
  cudaTriggerProgrammaticLaunchCompletion();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] = i * 2;
}

__global__ void consume(const int *data, int *sums, int n) {
  __shared__ int sum;
  if (threadIdx.x == 0)
    sum = 0;
  __syncthreads();
  cudaGridDependencySynchronize();
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    atomicAdd(&sum, data[i]);
  __syncthreads();
  if (threadIdx.x == 0)
    sums[blockIdx.x] = sum;
}

int main() {
  const int n = 2048;
  Device<int> data(n), sums(n / 256);
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(n / 256);
  config.blockDim = dim3(256);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  produce<<<n / 256, 256, 0, stream>>>(data, n);
  CUDA(cudaLaunchKernelEx(&config, consume, (const int *)data.data, sums.data,
                          n));
  CUDA(cudaStreamSynchronize(stream));
  std::vector<int> out = sums.host();
  for (int block = 0; block < n / 256; ++block)
    CHECK(out[block] == 256 * (512 * block + 255));
}
