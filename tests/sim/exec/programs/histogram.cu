//! grid 8
//! block 128
//! in a = random.integers(0, 256, 10000, u8)
//! out d = np.zeros(256, u32)
//! value n = s32(10000)
//! expect d == np.bincount(a, minlength=256)
extern "C" __global__ void histogram(const unsigned char *a, unsigned *d, int n) {
  __shared__ unsigned bins[256];
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    bins[i] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&bins[a[i]], 1u);
  __syncthreads();
  for (int i = threadIdx.x; i < 256; i += blockDim.x)
    atomicAdd(&d[i], bins[i]);
}
