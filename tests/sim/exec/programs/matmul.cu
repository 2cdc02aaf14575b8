//! grid 4 4
//! block 16 16
//! in a = random.standard_normal((64, 48)).astype(f32)
//! in b = random.standard_normal((48, 64)).astype(f32)
//! out c = np.zeros((64, 64), f32)
//! expect np.allclose(c, a @ b, atol=1e-4)
template <int M, int N, int K>
__device__ void product(const float *a, const float *b, float *c) {
  __shared__ float ta[16][17], tb[16][17];
  int row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float sum = 0;
  for (int k = 0; k < K; k += 16) {
    ta[threadIdx.y][threadIdx.x] = a[row * K + k + threadIdx.x];
    tb[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * N + column];
    __syncthreads();
    for (int i = 0; i < 16; ++i)
      sum += ta[threadIdx.y][i] * tb[i][threadIdx.x];
    __syncthreads();
  }
  c[row * N + column] = sum;
}
extern "C" __global__ void matmul(const float *a, const float *b, float *c) { product<64, 64, 48>(a, b, c); }
