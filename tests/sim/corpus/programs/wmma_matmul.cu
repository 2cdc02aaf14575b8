// nvcuda::wmma: f16, bf16, tf32 and int8 products of one warp.
#include "Check.h"
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

template <typename In, typename Out, int M, int N, int K, typename Fragment>
__global__ void product(const In *a, const In *b, Out *c, int depth) {
  wmma::fragment<wmma::matrix_a, M, N, K, Fragment, wmma::row_major> x;
  wmma::fragment<wmma::matrix_b, M, N, K, Fragment, wmma::col_major> y;
  wmma::fragment<wmma::accumulator, M, N, K, Out> sum;
  wmma::fill_fragment(sum, Out(0));
  for (int k = 0; k < depth; k += K) {
    wmma::load_matrix_sync(x, a + k, depth);
    wmma::load_matrix_sync(y, b + k, depth);
    wmma::mma_sync(sum, x, y, sum);
  }
  wmma::store_matrix_sync(c, sum, N, wmma::mem_row_major);
}

template <typename In, typename Out, int M, int N, int K,
          typename Fragment = In>
static void check() {
  const int depth = 4 * K;
  std::vector<In> a(M * depth), b(N * depth);
  std::vector<int> p(M * depth), q(N * depth);
  unsigned state = 41;
  for (int i = 0; i < M * depth; ++i)
    a[i] = In(float(p[i] = int(nextRandom(state) % 9) - 4));
  for (int i = 0; i < N * depth; ++i)
    b[i] = In(float(q[i] = int(nextRandom(state) % 9) - 4));
  Device<In> da(a), db(b);
  Device<Out> dc(M * N);
  product<In, Out, M, N, K, Fragment><<<1, 32>>>(da, db, dc, depth);
  CUDA(cudaDeviceSynchronize());
  std::vector<Out> c = dc.host();
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j) {
      int sum = 0;
      for (int k = 0; k < depth; ++k)
        sum += p[i * depth + k] * q[j * depth + k];
      CHECK(float(c[i * N + j]) == float(sum));
    }
}

int main() {
  check<__half, float, 16, 16, 16>();
  check<__half, __half, 32, 8, 16>();
  check<__nv_bfloat16, float, 8, 32, 16>();
  check<signed char, int, 16, 16, 16>();
  check<float, float, 16, 16, 8, wmma::precision::tf32>();
}
