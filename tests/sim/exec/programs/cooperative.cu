//! block 96
//! in a = random.integers(0, 100, 96, s32)
//! out d = np.zeros(96, s32)
//! out e = np.zeros(3, s32)
//! expect d == np.concatenate([np.cumsum(a[i:i + 32]) for i in (0, 32, 64)])
//! expect e == [(a[i:i + 32] % 2).sum() for i in (0, 32, 64)]
#include <cooperative_groups.h>
#include <cooperative_groups/scan.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
extern "C" __global__ void scan(const int *a, int *d, int *e) {
  auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  int value = a[threadIdx.x];
  d[threadIdx.x] = cg::inclusive_scan(warp, value);
  if (value % 2) {
    auto odd = cg::coalesced_threads();
    if (odd.thread_rank() == 0)
      e[threadIdx.x / 32] = odd.size();
  }
}
