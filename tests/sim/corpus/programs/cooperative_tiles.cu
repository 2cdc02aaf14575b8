// Tiles, coalesced and labelled groups, and the collectives of cooperative
// groups.
#include "Check.h"
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>

namespace cg = cooperative_groups;

__global__ void tiles(const int *in, int *sums, int *scans, int *greatest,
                      int *aggregated, int *labelled) {
  cg::thread_block block = cg::this_thread_block();
  auto tile = cg::tiled_partition<8>(block);
  unsigned i = block.thread_rank();
  int value = in[i];
  int sum = cg::reduce(tile, value, cg::plus<int>());
  if (tile.thread_rank() == 0)
    sums[tile.meta_group_rank()] = sum;
  auto warp = cg::tiled_partition<32>(block);
  scans[i] = cg::exclusive_scan(warp, value);
  int most = cg::reduce(warp, value, cg::greater<int>());
  if (warp.thread_rank() == 0)
    greatest[warp.meta_group_rank()] = most;
  // Warp-aggregated increment: one atomic for all lanes that took the branch.
  if (value % 3 == 0) {
    auto active = cg::coalesced_threads();
    int base = 0;
    if (active.thread_rank() == 0)
      base = atomicAdd(aggregated, int(active.size()));
    base = active.shfl(base, 0);
    (void)base;
  }
  auto group = cg::labeled_partition(warp, value % 4);
  labelled[i] = cg::reduce(group, value, cg::plus<int>());
  block.sync();
}

int main() {
  const int n = 256;
  std::vector<int> in(n);
  unsigned state = 1;
  for (int &value : in)
    value = int(nextRandom(state) % 1000);
  Device<int> din(in), sums(n / 8), scans(n), greatest(n / 32), aggregated(1),
      labelled(n);
  tiles<<<1, n>>>(din, sums, scans, greatest, aggregated, labelled);
  CUDA(cudaDeviceSynchronize());
  std::vector<int> s = sums.host(), x = scans.host(), g = greatest.host(),
                   l = labelled.host();
  int thirds = 0;
  for (int i = 0; i < n; ++i) {
    int tileSum = 0, prefix = 0, most = 0, labelSum = 0;
    for (int j = i / 8 * 8; j < i / 8 * 8 + 8; ++j)
      tileSum += in[j];
    for (int j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) {
      prefix += j < i ? in[j] : 0;
      most = in[j] > most ? in[j] : most;
      labelSum += in[j] % 4 == in[i] % 4 ? in[j] : 0;
    }
    CHECK(s[i / 8] == tileSum);
    CHECK(x[i] == prefix);
    CHECK(g[i / 32] == most);
    CHECK(l[i] == labelSum);
    thirds += in[i] % 3 == 0;
  }
  CHECK(aggregated.host()[0] == thirds);
}
