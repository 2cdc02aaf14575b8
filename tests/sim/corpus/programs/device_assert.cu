// A failing assert breaks the context with its own error, until it is reset.
// It frees a block that the reset of its device has taken away.
//! error: memory
#include "Check.h"
#include <cassert>

__global__ void positive(const int *data) { assert(data[threadIdx.x] > 0); }

int main() {
  Device<int> good(std::vector<int>(32, 1));
  positive<<<1, 32>>>(good);
  CUDA(cudaDeviceSynchronize());
  {
    std::vector<int> values(32, 1);
    values[9] = -1;
    Device<int> bad(values);
    positive<<<1, 32>>>(bad);
    CHECK(cudaDeviceSynchronize() == cudaErrorAssert);
    CHECK(cudaGetLastError() == cudaErrorAssert);
    CHECK(cudaGetLastError() == cudaErrorAssert); // it stays
    void *more = nullptr;
    CHECK(cudaMalloc(&more, 4) == cudaErrorAssert);
  }
  CUDA(cudaDeviceReset());
  CHECK(cudaGetLastError() == cudaSuccess);
  Device<int> again(std::vector<int>(32, 1));
  positive<<<1, 32>>>(again);
  CUDA(cudaDeviceSynchronize());
}
