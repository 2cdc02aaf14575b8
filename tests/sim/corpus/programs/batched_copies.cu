// Batched copies, copies with attributes, pools by their place.
#include "Check.h"

int main() {
  const int n = 100;
  std::vector<int> a(n), b(2 * n), c(n), d(2 * n);
  for (int i = 0; i < n; ++i)
    a[i] = i, b[i] = -i, b[n + i] = 3 * i;
  Device<int> x(n), y(2 * n);
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  void *targets[] = {x.data, y.data};
  const void *sources[] = {a.data(), b.data()};
  size_t sizes[] = {n * sizeof(int), 2 * n * sizeof(int)}, first[] = {0};
  cudaMemcpyAttributes attributes[1] = {};
  attributes[0].srcAccessOrder = cudaMemcpySrcAccessOrderStream;
  CUDA(cudaMemcpyBatchAsync(targets, sources, sizes, 2, attributes, first, 1,
                            stream));
  CUDA(
      cudaMemcpyWithAttributesAsync(c.data(), x, sizes[0], attributes, stream));
  CUDA(cudaMemcpyAsync(d.data(), y, sizes[1], cudaMemcpyDefault, stream));
  CUDA(cudaStreamSynchronize(stream));
  CHECK(a == c && b == d);

  cudaMemLocation place{cudaMemLocationTypeDevice, {0}};
  cudaMemPool_t pool, same;
  CUDA(cudaMemGetDefaultMemPool(&pool, &place, cudaMemAllocationTypePinned));
  CUDA(cudaDeviceGetDefaultMemPool(&same, 0));
  CHECK(pool == same);
  place.type = cudaMemLocationTypeHost;
  CHECK(cudaMemGetMemPool(&pool, &place, cudaMemAllocationTypePinned) ==
        cudaErrorNotSupported);
}
