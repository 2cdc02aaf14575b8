//! block 256
//! in a = random.integers(0, 2**31, 256 * 4, s32)
//! out d = np.zeros(1024, s32)
//! out s = np.zeros(256, s32)
//! expect d == np.sort(a)
//! expect s == np.cumsum(np.sort(a)[::4] & 7)
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_scan.cuh>
extern "C" __global__ void sort(const int *a, int *d, int *s) {
  using Sort = cub::BlockRadixSort<int, 256, 4>;
  using Scan = cub::BlockScan<int, 256>;
  __shared__ typename Sort::TempStorage storage;
  __shared__ typename Scan::TempStorage scanStorage;
  int keys[4];
  for (int i = 0; i < 4; ++i)
    keys[i] = a[threadIdx.x * 4 + i];
  Sort(storage).Sort(keys);
  for (int i = 0; i < 4; ++i)
    d[threadIdx.x * 4 + i] = keys[i];
  int sum;
  Scan(scanStorage).InclusiveSum(keys[0] & 7, sum);
  s[threadIdx.x] = sum;
}
