// Kernels launched before main, memory freed after it.
#include "Check.h"
#include <memory>

__device__ int total;

__global__ void add(const int *data, int n) {
  for (int i = threadIdx.x; i < n; i += blockDim.x)
    atomicAdd(&total, data[i]);
}

struct Early {
  Device<int> data{std::vector<int>(100, 2)};
  Early() {
    add<<<1, 64>>>(data, 100);
    CUDA(cudaDeviceSynchronize());
  }
  ~Early() {
    // The runtime may be gone by now, but says so and does not crash.
    int value = 0;
    cudaError_t error = cudaMemcpyFromSymbol(&value, total, sizeof value);
    if (error == cudaSuccess && value != 500)
      std::_Exit(7);
  }
};

static Early early;
static std::unique_ptr<Device<int>> late;
static thread_local std::unique_ptr<Device<int>> perThread;

int main() {
  late = std::make_unique<Device<int>>(std::vector<int>(100, 3));
  perThread = std::make_unique<Device<int>>(10);
  add<<<1, 64>>>(*late, 100);
  CUDA(cudaDeviceSynchronize());
  int value = 0;
  CUDA(cudaMemcpyFromSymbol(&value, total, sizeof value));
  CHECK(value == 500);
}
