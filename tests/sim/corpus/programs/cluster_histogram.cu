// A histogram whose bins lie in the shared memories of a cluster's blocks.
#include "Check.h"
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

__global__ void histogram(const int *values, int n, int *bins,
                          int binsPerBlock) {
  extern __shared__ int local[];
  cg::cluster_group cluster = cg::this_cluster();
  for (int i = threadIdx.x; i < binsPerBlock; i += blockDim.x)
    local[i] = 0;
  cluster.sync();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n;
       i += gridDim.x * blockDim.x) {
    int bin = values[i];
    int *remote = cluster.map_shared_rank(local, bin / binsPerBlock);
    atomicAdd(remote + bin % binsPerBlock, 1);
  }
  cluster.sync();
  int *mine = bins + cluster.block_rank() * binsPerBlock;
  for (int i = threadIdx.x; i < binsPerBlock; i += blockDim.x)
    atomicAdd(mine + i, local[i]);
}

int main() {
  const int n = 20000, clusterSize = 4, binsPerBlock = 96;
  const int bins = clusterSize * binsPerBlock;
  std::vector<int> values(n), expected(bins);
  unsigned state = 7;
  for (int &value : values) {
    value = int(nextRandom(state) % bins);
    ++expected[value];
  }
  Device<int> input(values), output(bins);
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {clusterSize, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(8);
  config.blockDim = dim3(128);
  config.dynamicSmemBytes = binsPerBlock * sizeof(int);
  config.attrs = &attribute;
  config.numAttrs = 1;
  int clusters = 0, largest = 0;
  CUDA(cudaOccupancyMaxActiveClusters(&clusters, histogram, &config));
  CHECK(clusters >= 2);
  CUDA(cudaOccupancyMaxPotentialClusterSize(&largest, histogram, &config));
  CHECK(largest >= 8);
  CUDA(cudaLaunchKernelEx(&config, histogram, (const int *)input.data, n,
                          output.data, binsPerBlock));
  CUDA(cudaDeviceSynchronize());
  CHECK(output.host() == expected);
  attribute.val.clusterDim = {3, 1, 1};
  CHECK(cudaLaunchKernelEx(&config, histogram, (const int *)input.data, n,
                           output.data, binsPerBlock) != cudaSuccess);
  cudaGetLastError();
}
