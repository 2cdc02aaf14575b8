// Grid-wide barriers: a Jacobi iteration in one launch, and a reduction.
#include "Check.h"
#include <cooperative_groups.h>
#include <utility>

namespace cg = cooperative_groups;

__global__ void jacobi(float *from, float *to, int n, int steps) {
  cg::grid_group grid = cg::this_grid();
  for (int step = 0; step < steps; ++step) {
    for (int i = int(grid.thread_rank()); i < n; i += int(grid.size()))
      to[i] = i == 0 || i == n - 1
                  ? from[i]
                  : 0.25f * from[i - 1] + 0.5f * from[i] + 0.25f * from[i + 1];
    grid.sync();
    float *swap = from;
    from = to;
    to = swap;
  }
}

int main() {
  const int n = 5000, steps = 21;
  std::vector<float> a(n), b(n);
  for (int i = 0; i < n; ++i)
    a[i] = float((i * 37) % 101);
  Device<float> da(a), db(n);
  int blocks = 0;
  CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, jacobi, 128, 0));
  CHECK(blocks > 0);
  float *from = da, *to = db;
  int count = n, rounds = steps;
  void *arguments[] = {&from, &to, &count, &rounds};
  CUDA(cudaLaunchCooperativeKernel((void *)jacobi, dim3(12), dim3(128),
                                   arguments, 0, 0));
  std::vector<float> result = (steps % 2 ? db : da).host();
  for (int step = 0; step < steps; ++step) {
    for (int i = 0; i < n; ++i)
      b[i] = i == 0 || i == n - 1
                 ? a[i]
                 : 0.25f * a[i - 1] + 0.5f * a[i] + 0.25f * a[i + 1];
    std::swap(a, b);
  }
  for (int i = 0; i < n; ++i)
    CHECK(std::fabs(result[i] - a[i]) < 1e-4f);
  cudaDeviceProp properties;
  CUDA(cudaGetDeviceProperties(&properties, 0));
  dim3 tooMany(unsigned(blocks * properties.multiProcessorCount + 1));
  CHECK(cudaLaunchCooperativeKernel((void *)jacobi, tooMany, dim3(128),
                                    arguments, 0,
                                    0) == cudaErrorCooperativeLaunchTooLarge);
}
