// A tiled product whose tiles come in through cuda::pipeline, three deep.
// The pipeline's destructor lets one lane speak for its warp after a match,
// which by the letter orders no memory.
//! formal: race
#include "Check.h"
#include <cooperative_groups.h>
#include <cuda/pipeline>

namespace cg = cooperative_groups;
constexpr int kTile = 16, kDepth = 3;

__global__ void multiply(const float *a, const float *b, float *c, int n) {
  extern __shared__ float stages[];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, kDepth>
      state;
  cg::thread_block block = cg::this_thread_block();
  auto pipeline = cuda::make_pipeline(block, &state);
  int row = blockIdx.y * kTile + threadIdx.y,
      column = blockIdx.x * kTile + threadIdx.x;
  int at = threadIdx.y * kTile + threadIdx.x, tiles = n / kTile;
  auto fetch = [&](int tile) {
    float *stage = stages + tile % kDepth * 2 * kTile * kTile;
    pipeline.producer_acquire();
    cuda::memcpy_async(stage + at, a + row * n + tile * kTile + threadIdx.x,
                       sizeof(float), pipeline);
    cuda::memcpy_async(stage + kTile * kTile + at,
                       b + (tile * kTile + threadIdx.y) * n + column,
                       sizeof(float), pipeline);
    pipeline.producer_commit();
  };
  for (int tile = 0; tile < kDepth - 1 && tile < tiles; ++tile)
    fetch(tile);
  float sum = 0;
  for (int tile = 0; tile < tiles; ++tile) {
    if (tile + kDepth - 1 < tiles)
      fetch(tile + kDepth - 1);
    pipeline.consumer_wait();
    block.sync();
    float *x = stages + tile % kDepth * 2 * kTile * kTile,
          *y = x + kTile * kTile;
    for (int k = 0; k < kTile; ++k)
      sum += x[threadIdx.y * kTile + k] * y[k * kTile + threadIdx.x];
    block.sync();
    pipeline.consumer_release();
  }
  c[row * n + column] = sum;
}

int main() {
  const int n = 96;
  std::vector<float> a(n * n), b(n * n);
  for (int i = 0; i < n * n; ++i)
    a[i] = float(i % 7 - 3), b[i] = float(i % 5 - 2);
  Device<float> da(a), db(b), dc(n * n);
  multiply<<<dim3(n / kTile, n / kTile), dim3(kTile, kTile),
             kDepth * 2 * kTile * kTile * sizeof(float)>>>(da, db, dc, n);
  CUDA(cudaDeviceSynchronize());
  std::vector<float> c = dc.host();
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      float sum = 0;
      for (int k = 0; k < n; ++k)
        sum += a[i * n + k] * b[k * n + j];
      CHECK(c[i * n + j] == sum);
    }
}
