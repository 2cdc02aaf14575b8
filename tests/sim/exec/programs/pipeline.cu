//! block 128
//! in a = random.integers(0, 1000, 4096, s32)
//! out d = np.zeros(4096, s32)
//! expect d == a * 2
// cuda::pipeline over cp.async, and cuda::barrier.
#include <cuda/barrier>
#include <cuda/pipeline>
extern "C" __global__ void doubled(const int *a, int *d) {
  __shared__ int stage[2][128];
  __shared__ cuda::barrier<cuda::thread_scope_block> ready;
  if (threadIdx.x == 0)
    init(&ready, blockDim.x);
  __syncthreads();
  auto pipe = cuda::make_pipeline();
  for (int i = -1; i < 32; ++i) {
    if (i + 1 < 32) {
      pipe.producer_acquire();
      cuda::memcpy_async(&stage[(i + 1) % 2][threadIdx.x], &a[(i + 1) * 128 + threadIdx.x], cuda::aligned_size_t<4>(4), pipe);
      pipe.producer_commit();
    }
    if (i >= 0) {
      if (i + 1 < 32)
        cuda::pipeline_consumer_wait_prior<1>(pipe);
      else
        cuda::pipeline_consumer_wait_prior<0>(pipe);
      ready.arrive_and_wait();
      d[i * 128 + 127 - threadIdx.x] = stage[i % 2][127 - threadIdx.x] * 2;
      ready.arrive_and_wait();
      pipe.consumer_release();
    }
  }
}
