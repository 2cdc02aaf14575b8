// cuda::barrier and memcpy_async: producer and consumer warps, two stages.
#include "Check.h"
#include <cooperative_groups.h>
#include <cuda/barrier>

using Barrier = cuda::barrier<cuda::thread_scope_block>;
constexpr int kStage = 128;

__global__ void produceAndConsume(const int *in, long long *out, int stages) {
  __shared__ alignas(16) int buffer[2][kStage];
#pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ Barrier full[2], empty[2];
  if (threadIdx.x < 2) {
    init(&full[threadIdx.x], blockDim.x);
    init(&empty[threadIdx.x], blockDim.x);
  }
  __syncthreads();
  bool isProducer = threadIdx.x < 32;
  long long sum = 0;
  if (!isProducer)
    for (Barrier &barrier : empty)
      (void)barrier.arrive();
  for (int stage = 0; stage < stages; ++stage) {
    int slot = stage % 2;
    if (isProducer) {
      empty[slot].arrive_and_wait();
      for (int i = threadIdx.x; i < kStage; i += 32)
        cuda::memcpy_async(&buffer[slot][i], &in[stage * kStage + i],
                           sizeof(int), full[slot]);
      (void)full[slot].arrive();
    } else {
      full[slot].arrive_and_wait();
      for (int i = threadIdx.x - 32; i < kStage; i += blockDim.x - 32)
        sum += (long long)buffer[slot][i] * (stage + 1);
      (void)empty[slot].arrive();
    }
  }
  if (!isProducer)
    atomicAdd((unsigned long long *)out, (unsigned long long)sum);
}

int main() {
  const int stages = 9;
  std::vector<int> in(stages * kStage);
  long long expected = 0;
  for (size_t i = 0; i < in.size(); ++i) {
    in[i] = int(i * 7 % 1001) - 400;
    expected += (long long)in[i] * (long long)(i / kStage + 1);
  }
  Device<int> input(in);
  Device<long long> output(1);
  produceAndConsume<<<1, 160>>>(input, output, stages);
  CUDA(cudaDeviceSynchronize());
  CHECK(output.host()[0] == expected);
}
