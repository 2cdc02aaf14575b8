// cuRAND's device generators: sequences that skipping and splitting must agree
// on, and moments.
#include "Check.h"
#include <curand_kernel.h>

__global__ void skipAhead(unsigned *direct, unsigned *skipped) {
  curandStatePhilox4_32_10_t a, b;
  curand_init(1234, threadIdx.x, 0, &a);
  unsigned last = 0;
  for (int i = 0; i < 37; ++i)
    last = curand(&a);
  direct[threadIdx.x] = last;
  curand_init(1234, threadIdx.x, 36, &b);
  skipped[threadIdx.x] = curand(&b);
}

__global__ void moments(double *sums) {
  curandStateXORWOW_t state;
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  curand_init(99, i, 0, &state);
  double sum = 0, square = 0, uniform = 0;
  for (int k = 0; k < 64; ++k) {
    float2 pair = curand_normal2(&state);
    sum += pair.x + pair.y;
    square += pair.x * pair.x + pair.y * pair.y;
    uniform += curand_uniform(&state);
  }
  atomicAdd(&sums[0], sum);
  atomicAdd(&sums[1], square);
  atomicAdd(&sums[2], uniform);
}

int main() {
  Device<unsigned> direct(64), skipped(64);
  skipAhead<<<1, 64>>>(direct, skipped);
  CUDA(cudaDeviceSynchronize());
  std::vector<unsigned> a = direct.host(), b = skipped.host();
  CHECK(a == b);
  CHECK(a[0] != a[1] && a[1] != a[2]);
  Device<double> sums(3);
  moments<<<2, 128>>>(sums);
  std::vector<double> s = sums.host();
  double normals = 2 * 128 * 64 * 2, uniforms = 2 * 128 * 64;
  CHECK(std::fabs(s[0] / normals) < 0.03);
  CHECK(std::fabs(s[1] / normals - 1) < 0.05);
  CHECK(std::fabs(s[2] / uniforms - 0.5) < 0.02);
}
