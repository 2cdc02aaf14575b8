// What wrong launches and accesses report, when, and for how long.
// Its wrong accesses and frees are what the checks have to find.
//! error: memory
#include "Check.h"
#include <cstring>

__global__ void store(int *data) { data[threadIdx.x] = 1; }
__global__ void __launch_bounds__(64) small(int *data) {
  data[threadIdx.x] = 1;
}

int main() {
  Device<int> data(2048);
  store<<<1, 2048>>>(data);
  CHECK(cudaPeekAtLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  CHECK(cudaGetLastError() == cudaSuccess);
  store<<<0, 32>>>(data);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  store<<<1, dim3(1, 1, 65)>>>(data);
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
  store<<<1, 32, 1 << 20>>>(data);
  CHECK(cudaGetLastError() == cudaErrorInvalidValue);
  small<<<1, 128>>>(data);
  CHECK(cudaGetLastError() == cudaErrorLaunchOutOfResources);
  void *pointer = &data;
  CHECK(cudaMalloc(&pointer, size_t(1) << 50) == cudaErrorMemoryAllocation);
  CHECK(cudaFree((void *)0x1234) == cudaErrorInvalidValue);
  CHECK(cudaSetDevice(99) == cudaErrorInvalidDevice);
  CHECK(cudaStreamSynchronize((cudaStream_t)0xdead) ==
        cudaErrorInvalidResourceHandle);
  CHECK(cudaLaunchKernel((void *)&pointer, dim3(1), dim3(1), nullptr, 0, 0) ==
        cudaErrorInvalidDeviceFunction);
  CHECK(std::strcmp(cudaGetErrorName(cudaErrorInvalidDeviceFunction),
                    "cudaErrorInvalidDeviceFunction") == 0);
  CHECK(std::strcmp(cudaGetErrorString(cudaErrorMemoryAllocation),
                    "out of memory") == 0);
  CHECK(cudaGetLastError() == cudaErrorInvalidDeviceFunction);
  CUDA(cudaMalloc(&pointer, 0));
  CHECK(pointer == nullptr);
  CUDA(cudaFree(nullptr));

  store<<<1, 32>>>(data);
  CUDA(cudaDeviceSynchronize());
  store<<<1, 32>>>((int *)0x40);
  CHECK(cudaGetLastError() == cudaSuccess); // the launch itself is fine
  CHECK(cudaDeviceSynchronize() == cudaErrorIllegalAddress);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  store<<<1, 32>>>(data);
  CHECK(cudaGetLastError() == cudaErrorIllegalAddress);
  CUDA(cudaDeviceReset());
  Device<int> fresh(32);
  store<<<1, 32>>>(fresh);
  CUDA(cudaDeviceSynchronize());
  CHECK(fresh.host()[31] == 1);
}
