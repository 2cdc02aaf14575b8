// A kernel to look into (docs/simulator.md): each block writes its part of x backwards, scaled, and adds it to y.
#include <vector>

__global__ void reverse(float *y, const float *x, float scale, int count) {
  __shared__ float tile[64];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  tile[threadIdx.x] = i < count ? x[i] : 0;
  __syncthreads();
  float turned = tile[blockDim.x - 1 - threadIdx.x];
  if (i < count)
    y[i] += scale * turned;
}

int main() {
  const int count = 100, bytes = count * sizeof(float);
  std::vector<float> host(count);
  for (int i = 0; i < count; ++i)
    host[i] = float(i);
  float *x = nullptr, *y = nullptr;
  cudaMalloc(&x, bytes);
  cudaMalloc(&y, bytes);
  cudaMemcpy(x, host.data(), bytes, cudaMemcpyDefault);
  cudaMemset(y, 0, bytes);
  reverse<<<2, 64>>>(y, x, 0.5f, count);
  return cudaDeviceSynchronize() == cudaSuccess ? 0 : 1;
}
