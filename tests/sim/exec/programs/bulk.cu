//! grid 4
//! block 64
//! in a = random.integers(0, 1000, 1024, s32)
//! out d = np.zeros(1024, s32)
//! expect d == a + 1
// A bulk copy with a barrier's transaction count, by hand through cuda::ptx, and back.
#include <cuda/ptx>
#include <cuda/std/cstdint>
namespace ptx = cuda::ptx;
extern "C" __global__ void bulk(const int *a, int *d) {
  __shared__ alignas(16) int tile[256];
  __shared__ cuda::std::uint64_t full;
  if (threadIdx.x == 0) {
    ptx::mbarrier_init(&full, 1);
    ptx::fence_mbarrier_init(ptx::sem_release, ptx::scope_cluster);
    ptx::cp_async_bulk(ptx::space_cluster, ptx::space_global, tile, a + blockIdx.x * 256, 1024, &full);
    ptx::mbarrier_arrive_expect_tx(ptx::sem_release, ptx::scope_cta, ptx::space_shared, &full, 1024);
  }
  __syncthreads();
  while (!ptx::mbarrier_try_wait_parity(&full, 0)) {
  }
  for (int i = threadIdx.x; i < 256; i += 64)
    tile[i] += 1;
  ptx::fence_proxy_async(ptx::space_shared);
  __syncthreads();
  if (threadIdx.x == 0) {
    ptx::cp_async_bulk(ptx::space_global, ptx::space_shared, d + blockIdx.x * 256, tile, 1024);
    ptx::cp_async_bulk_commit_group();
    ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>());
  }
}
