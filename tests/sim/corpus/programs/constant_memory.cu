// Constant and device variables by symbol: addresses, sizes, copies at offsets.
#include "Check.h"

__constant__ float coefficients[8] = {1, 0, 0, 0, 0, 0, 0, 0};
__constant__ struct {
  int degree;
  double scale;
} settings;
__device__ int histogram[16];

__global__ void evaluate(const float *x, float *y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float sum = 0;
  for (int k = settings.degree; k >= 0; --k)
    sum = sum * x[i] + coefficients[k];
  y[i] = sum * float(settings.scale);
  atomicAdd(&histogram[i % 16], 1);
}

int main() {
  const int n = 333;
  std::vector<float> x(n);
  for (int i = 0; i < n; ++i)
    x[i] = float(i % 7);
  float tail[3] = {2, 3, 4};
  CUDA(cudaMemcpyToSymbol(coefficients, tail, sizeof tail, sizeof(float)));
  struct {
    int degree;
    double scale;
  } values = {3, 0.5};
  CUDA(cudaMemcpyToSymbol(settings, &values, sizeof values));
  size_t bytes = 0;
  CUDA(cudaGetSymbolSize(&bytes, coefficients));
  CHECK(bytes == sizeof coefficients);
  CHECK(cudaMemcpyToSymbol(coefficients, tail, sizeof tail, 24) ==
        cudaErrorInvalidValue);
  static int notASymbol;
  CHECK(cudaGetSymbolSize(&bytes, &notASymbol) == cudaErrorInvalidSymbol);
  CHECK(cudaGetLastError() == cudaErrorInvalidSymbol);

  Device<float> dx(x), dy(n);
  evaluate<<<3, 128>>>(dx, dy, n);
  std::vector<float> y = dy.host();
  for (int i = 0; i < n; ++i)
    CHECK(y[i] ==
          (1 + 2 * x[i] + 3 * x[i] * x[i] + 4 * x[i] * x[i] * x[i]) / 2);
  int counts[16];
  CUDA(cudaMemcpyFromSymbol(counts, histogram, sizeof counts));
  for (int i = 0; i < 16; ++i)
    CHECK(counts[i] == n / 16 + (i < n % 16));
  void *address = nullptr;
  CUDA(cudaGetSymbolAddress(&address, histogram));
  CUDA(cudaMemset(address, 0xff, sizeof counts));
  CUDA(cudaMemcpyFromSymbol(counts, histogram, 4, 12));
  CHECK(counts[0] == -1);
}
