// Every atomic function on every type it has, with totals that any order gives.
#include "Check.h"
#include <cuda/atomic>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

struct Totals {
  int add, sub, min, max, bitAnd, bitOr, bitXor, exchanged, swapped;
  unsigned inc, dec;
  unsigned long long add64, max64;
  float addFloat;
  double addDouble, product;
  __half2 addHalf;
  __nv_bfloat162 addBfloat;
  int system, scoped, waits;
};

__device__ double atomicMultiply(double *address, double factor) {
  auto *bits = reinterpret_cast<unsigned long long *>(address);
  unsigned long long seen = atomicCAS(bits, 0, 0), assumed;
  do {
    assumed = seen;
    seen =
        atomicCAS(bits, assumed,
                  __double_as_longlong(__longlong_as_double(assumed) * factor));
  } while (seen != assumed);
  return __longlong_as_double(seen);
}

__global__ void hammer(Totals *t) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  atomicAdd(&t->add, i);
  atomicSub(&t->sub, 2);
  atomicMin(&t->min, 1000 - i);
  atomicMax(&t->max, i * 3);
  atomicAnd(&t->bitAnd, ~(1 << (i % 31)));
  atomicOr(&t->bitOr, 1 << (i % 31));
  atomicXor(&t->bitXor, i);
  atomicExch(&t->exchanged, 42);
  atomicCAS(&t->swapped, 0, 7);
  atomicInc(&t->inc, 99);
  atomicDec(&t->dec, 49);
  atomicAdd(&t->add64, 1ull << 33);
  atomicMax(&t->max64, (unsigned long long)i << 40);
  atomicAdd(&t->addFloat, 0.5f);
  atomicAdd(&t->addDouble, 0.25);
  if (i < 20)
    atomicMultiply(&t->product, 2.0);
  if (i < 64) {
    atomicAdd(&t->addHalf, __floats2half2_rn(1, 2));
    atomicAdd(&t->addBfloat, __floats2bfloat162_rn(1, 2));
  }
  atomicAdd_system(&t->system, 1);
  cuda::atomic_ref<int, cuda::thread_scope_device> scoped(t->scoped);
  scoped.fetch_add(1, cuda::memory_order_relaxed);
  int expected = i;
  // Threads take turns in the order of their index.
  if (i < 40) {
    cuda::atomic_ref<int, cuda::thread_scope_device> turn(t->waits);
    while (!turn.compare_exchange_strong(expected, i + 1,
                                         cuda::memory_order_acq_rel))
      expected = i;
  }
}

int main() {
  const int n = 512;
  Totals start{};
  start.min = 1 << 20;
  start.bitAnd = -1;
  start.product = 1;
  Device<Totals> totals(std::vector<Totals>{start});
  hammer<<<4, n / 4>>>(totals);
  CUDA(cudaDeviceSynchronize());
  Totals t = totals.host()[0];
  CHECK(t.add == n * (n - 1) / 2 && t.sub == -2 * n);
  CHECK(t.min == 1000 - (n - 1) && t.max == 3 * (n - 1));
  CHECK(t.bitAnd == int(0x80000000u) && t.bitOr == 0x7fffffff && t.bitXor == 0);
  CHECK(t.exchanged == 42 && t.swapped == 7);
  CHECK(t.inc == n % 100);
  CHECK(t.dec == (50 - n % 50) % 50);
  CHECK(t.add64 == (unsigned long long)n << 33);
  CHECK(t.max64 == (unsigned long long)(n - 1) << 40);
  CHECK(t.addFloat == 0.5f * n && t.addDouble == 0.25 * n);
  CHECK(t.product == 1048576.0);
  CHECK(__low2float(t.addHalf) == 64 && __high2float(t.addHalf) == 128);
  CHECK(__low2float(t.addBfloat) == 64 && __high2float(t.addBfloat) == 128);
  CHECK(t.system == n && t.scoped == n && t.waits == 40);
}
