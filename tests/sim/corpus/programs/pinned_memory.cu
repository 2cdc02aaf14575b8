// Pinned and mapped host memory: kernels write it, copies overlap, flags.
// It frees what was never allocated.
//! error: memory
#include "Check.h"

__global__ void squares(int *data, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] = i * i;
}

int main() {
  const int n = 2000;
  int *mapped = nullptr, *pinned = nullptr, *onDevice = nullptr;
  CUDA(cudaHostAlloc((void **)&mapped, n * sizeof(int),
                     cudaHostAllocMapped | cudaHostAllocPortable));
  CUDA(cudaMallocHost((void **)&pinned, n * sizeof(int)));
  CUDA(cudaHostGetDevicePointer((void **)&onDevice, mapped, 0));
  unsigned flags = 0;
  CUDA(cudaHostGetFlags(&flags, mapped));
  CHECK(flags & cudaHostAllocMapped);
  squares<<<(n + 127) / 128, 128>>>(onDevice, n);
  CUDA(cudaDeviceSynchronize());
  for (int i = 0; i < n; ++i)
    CHECK(mapped[i] == i * i);
  Device<int> data(n);
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  CUDA(cudaMemcpyAsync(data, mapped, n * sizeof(int), cudaMemcpyHostToDevice,
                       stream));
  CUDA(cudaMemcpyAsync(pinned, data, n * sizeof(int), cudaMemcpyDeviceToHost,
                       stream));
  CUDA(cudaStreamSynchronize(stream));
  for (int i = 0; i < n; ++i)
    CHECK(pinned[i] == i * i);
  cudaPointerAttributes attributes;
  CUDA(cudaPointerGetAttributes(&attributes, pinned));
  CHECK(attributes.type == cudaMemoryTypeHost);
  int local = 0;
  CUDA(cudaPointerGetAttributes(&attributes, &local));
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
  CUDA(cudaPointerGetAttributes(&attributes, data));
  CHECK(attributes.type == cudaMemoryTypeDevice && attributes.device == 0);
  std::vector<int> ordinary(n, 3);
  CUDA(cudaHostRegister(ordinary.data(), n * sizeof(int),
                        cudaHostRegisterDefault));
  CHECK(cudaHostRegister(ordinary.data(), 4, 0) ==
        cudaErrorHostMemoryAlreadyRegistered);
  CUDA(cudaMemcpy(data, ordinary.data(), n * sizeof(int), cudaMemcpyDefault));
  CHECK(data.host() == ordinary);
  CUDA(cudaHostUnregister(ordinary.data()));
  CUDA(cudaFreeHost(mapped));
  CUDA(cudaFreeHost(pinned));
  CHECK(cudaFreeHost(&local) == cudaErrorInvalidValue);
}
