// More shared memory than the default: opting in, limits, carve-out, layout.
#include "Check.h"

__shared__ int fixedPart[64];

__global__ void reverse(int *data, int n) {
  extern __shared__ int buffer[];
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    buffer[i] = data[i];
  if (threadIdx.x < 64)
    fixedPart[threadIdx.x] = threadIdx.x;
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    data[i] = buffer[n - 1 - i] + fixedPart[i % 64];
}

int main() {
  int optin = 0;
  CUDA(cudaDeviceGetAttribute(&optin, cudaDevAttrMaxSharedMemoryPerBlockOptin,
                              0));
  cudaFuncAttributes attributes;
  CUDA(cudaFuncGetAttributes(&attributes, reverse));
  CHECK(attributes.sharedSizeBytes == 256);
  CHECK(attributes.maxThreadsPerBlock == 1024 && attributes.numRegs > 0);
  int bytes = optin - 256, n = bytes / 4;
  std::vector<int> in(n);
  for (int i = 0; i < n; ++i)
    in[i] = 5 * i;
  Device<int> data(in);
  reverse<<<1, 512, bytes>>>(data, n);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  CUDA(cudaFuncSetAttribute(
      reverse, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  CUDA(cudaFuncSetAttribute(reverse,
                            cudaFuncAttributePreferredSharedMemoryCarveout,
                            cudaSharedmemCarveoutMaxShared));
  CHECK(cudaFuncSetAttribute(reverse,
                             cudaFuncAttributeMaxDynamicSharedMemorySize,
                             optin) == cudaErrorInvalidValue);
  cudaGetLastError();
  CUDA(cudaFuncGetAttributes(&attributes, reverse));
  CHECK(attributes.maxDynamicSharedSizeBytes == bytes);
  int blocks = 0;
  CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, reverse, 512,
                                                     bytes));
  CHECK(blocks == 1);
  reverse<<<1, 512, bytes>>>(data, n);
  CUDA(cudaGetLastError());
  std::vector<int> out = data.host();
  for (int i = 0; i < n; ++i)
    CHECK(out[i] == 5 * (n - 1 - i) + i % 64);
}
