//! grid 4
//! block 256
//! in a = random.standard_normal(4000).astype(f32)
//! out d = np.zeros(4, f32)
//! value n = s32(4000)
//! expect np.allclose(d, [a[i * 1000:(i + 1) * 1000].astype(f64).sum() for i in range(4)], atol=1e-4)
// Shuffles within warps, then shared memory between them.
extern "C" __global__ void reduce(const float *a, float *d, int n) {
  __shared__ float partial[8];
  int chunk = n / gridDim.x;
  float sum = 0;
  for (int i = threadIdx.x; i < chunk; i += blockDim.x)
    sum += a[blockIdx.x * chunk + i];
  for (int offset = 16; offset; offset /= 2)
    sum += __shfl_down_sync(0xffffffff, sum, offset);
  if (threadIdx.x % 32 == 0)
    partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < 8) {
    sum = partial[threadIdx.x];
    for (int offset = 4; offset; offset /= 2)
      sum += __shfl_down_sync(0xff, sum, offset);
    if (threadIdx.x == 0)
      d[blockIdx.x] = sum;
  }
}
