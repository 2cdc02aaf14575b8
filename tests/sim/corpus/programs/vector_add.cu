// The first program of every course: grid-stride loop, odd sizes.
#include "Check.h"

__global__ void add(const float *a, const float *b, float *c, int n) {
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x)
    c[i] = a[i] + b[i];
}

int main() {
  for (int n : {1, 31, 1000, 100003}) {
    std::vector<float> a(n), b(n);
    for (int i = 0; i < n; ++i)
      a[i] = float(i), b[i] = 0.25f * float(n - i);
    Device<float> da(a), db(b), dc(n);
    add<<<17, 256>>>(da, db, dc, n);
    CUDA(cudaGetLastError());
    CUDA(cudaDeviceSynchronize());
    std::vector<float> c = dc.host();
    for (int i = 0; i < n; ++i)
      CHECK(c[i] == a[i] + b[i]);
  }
}
