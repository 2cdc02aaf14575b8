// One TMA load feeds every block of a cluster; its bytes count on each barrier.
#include "Check.h"
#include <cooperative_groups.h>
#include <cuda.h>
#include <cuda/ptx>

namespace cg = cooperative_groups;
namespace ptx = cuda::ptx;

constexpr int kCluster = 4, kWords = 256;

__global__ void __cluster_dims__(kCluster, 1, 1)
    broadcast(const float *source, float *sums) {
  __shared__ alignas(128) float buffer[kCluster][kWords];
  __shared__ alignas(8) uint64_t barrier;
  cg::cluster_group cluster = cg::this_cluster();
  unsigned rank = cluster.block_rank();
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&barrier, 1);
    ptx::fence_mbarrier_init(ptx::sem_release, ptx::scope_cluster);
  }
  cluster.sync();
  if (threadIdx.x == 0) {
    ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta,
                                   ptx::space_shared, &barrier, sizeof buffer);
    // Each block loads its row for all of them.
    ptx::cp_async_bulk(ptx::space_cluster, ptx::space_global, buffer[rank],
                       source + rank * kWords, uint32_t(sizeof buffer[0]),
                       &barrier, uint16_t((1 << kCluster) - 1));
  }
  while (!ptx::mbarrier_try_wait_parity(&barrier, 0))
    ;
  float sum = 0;
  for (int row = 0; row < kCluster; ++row)
    for (int i = threadIdx.x; i < kWords; i += blockDim.x)
      sum += buffer[row][i] * float(row + 1);
  atomicAdd(&sums[blockIdx.x], sum);
  cluster.sync();
}

int main() {
  std::vector<float> source(kCluster * kWords);
  float expected = 0;
  for (int i = 0; i < kCluster * kWords; ++i) {
    source[i] = float(i % 13);
    expected += source[i] * float(i / kWords + 1);
  }
  Device<float> input(source), sums(3 * kCluster);
  broadcast<<<3 * kCluster, 64>>>(input, sums);
  CUDA(cudaDeviceSynchronize());
  for (float sum : sums.host())
    CHECK(sum == expected);
}
