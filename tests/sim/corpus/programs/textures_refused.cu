// Textures and arrays are not simulated: each call says so, and nothing breaks.
#include "Check.h"

__global__ void one(int *data) { *data = 1; }

int main() {
  cudaArray_t array = nullptr;
  cudaChannelFormatDesc format = cudaCreateChannelDesc<float>();
  CHECK(format.x == 32 && format.f == cudaChannelFormatKindFloat);
  CHECK(cudaMallocArray(&array, &format, 16, 16) == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaErrorNotSupported);
  Device<float> data(256);
  cudaResourceDesc resource{};
  resource.resType = cudaResourceTypeLinear;
  resource.res.linear.devPtr = data;
  resource.res.linear.desc = format;
  resource.res.linear.sizeInBytes = 1024;
  cudaTextureDesc description{};
  cudaTextureObject_t texture = 0;
  CHECK(cudaCreateTextureObject(&texture, &resource, &description, nullptr) ==
        cudaErrorNotSupported);
  cudaSurfaceObject_t surface = 0;
  CHECK(cudaCreateSurfaceObject(&surface, &resource) == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaSuccess);
  Device<int> flag(1);
  one<<<1, 1>>>(flag);
  CUDA(cudaDeviceSynchronize());
  CHECK(flag.host()[0] == 1);
}
