// Two devices: current device, peer copies and access, streams per device.
//! skus: h800-sxm,h20
#include "Check.h"
#include <thread>

__global__ void addOne(int *data, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] += 1;
}
__device__ int marker;
__global__ void mark(int value) { marker = value; }

int main() {
  int count = 0, device = -1, canAccess = 0;
  CUDA(cudaGetDeviceCount(&count));
  CHECK(count == 2);
  const int n = 1000;
  int *data[2];
  cudaStream_t streams[2];
  for (int i = 0; i < 2; ++i) {
    CUDA(cudaSetDevice(i));
    CUDA(cudaGetDevice(&device));
    CHECK(device == i);
    CUDA(cudaMalloc((void **)&data[i], n * sizeof(int)));
    CUDA(cudaMemset(data[i], 0, n * sizeof(int)));
    CUDA(cudaStreamCreate(&streams[i]));
    mark<<<1, 1>>>(100 + i); // each device has its own variable
    CUDA(cudaDeviceSynchronize());
  }
  for (int i = 0; i < 2; ++i) {
    CUDA(cudaSetDevice(i));
    int value = 0;
    CUDA(cudaMemcpyFromSymbol(&value, marker, sizeof value));
    CHECK(value == 100 + i);
  }
  CUDA(cudaSetDevice(0));
  addOne<<<8, 128, 0, streams[0]>>>(data[0], n);
  addOne<<<8, 128, 0, streams[1]>>>(data[0], n);
  CHECK(cudaGetLastError() != cudaSuccess); // a stream of the other device
  CUDA(cudaStreamSynchronize(streams[0]));
  CUDA(cudaMemcpyPeer(data[1], 1, data[0], 0, n * sizeof(int)));
  CUDA(cudaDeviceCanAccessPeer(&canAccess, 0, 1));
  CHECK(canAccess);
  CUDA(cudaDeviceEnablePeerAccess(1, 0));
  CHECK(cudaDeviceEnablePeerAccess(1, 0) == cudaErrorPeerAccessAlreadyEnabled);
  cudaGetLastError();
  addOne<<<8, 128>>>(data[1], n); // memory of the other device
  CUDA(cudaDeviceSynchronize());
  std::vector<int> out(n);
  CUDA(cudaMemcpy(out.data(), data[1], n * sizeof(int), cudaMemcpyDefault));
  for (int value : out)
    CHECK(value == 2);
  // A new thread begins with device 0, whatever others chose.
  CUDA(cudaSetDevice(1));
  std::thread([&] {
    int own = -1;
    CUDA(cudaGetDevice(&own));
    CHECK(own == 0);
  }).join();
  cudaPointerAttributes attributes;
  CUDA(cudaPointerGetAttributes(&attributes, data[1]));
  CHECK(attributes.device == 1);
}
