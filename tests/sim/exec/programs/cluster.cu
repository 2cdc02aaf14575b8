//! grid 8
//! block 64
//! cluster 4
//! out d = np.zeros(8, s32)
//! expect d == [sum(range(0, 4)) * 64 + 64 * 63 // 2 * 4 if c < 4 else sum(range(4, 8)) * 64 + 64 * 63 // 2 * 4 for c in range(8)]
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
extern "C" __global__ void __cluster_dims__(4, 1, 1) sums(int *d) {
  __shared__ int total;
  auto cluster = cg::this_cluster();
  if (threadIdx.x == 0)
    total = 0;
  cluster.sync();
  for (int rank = 0; rank < 4; ++rank)
    atomicAdd(cluster.map_shared_rank(&total, rank), int(blockIdx.x + threadIdx.x));
  cluster.sync();
  if (threadIdx.x == 0)
    d[blockIdx.x] = total;
  cluster.sync();
}
