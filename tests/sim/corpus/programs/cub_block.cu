// CUB's collectives of a block and of a warp.
// Its merge sort reads past the end of what it has written, and drops that.
#include "Check.h"
#include <algorithm>
#include <cub/block/block_load.cuh>
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>
#include <cub/block/block_scan.cuh>
#include <cub/block/block_store.cuh>
#include <cub/warp/warp_merge_sort.cuh>
#include <cub/warp/warp_reduce.cuh>

constexpr int kThreads = 128, kItems = 4, kAll = kThreads * kItems;

__global__ void collectives(const int *in, int *sorted, int *scanned, int *sum,
                            int *warpSums, int *merged) {
  using Load = cub::BlockLoad<int, kThreads, kItems, cub::BLOCK_LOAD_TRANSPOSE>;
  using Store =
      cub::BlockStore<int, kThreads, kItems, cub::BLOCK_STORE_WARP_TRANSPOSE>;
  using Sort = cub::BlockRadixSort<int, kThreads, kItems>;
  using Scan = cub::BlockScan<int, kThreads, cub::BLOCK_SCAN_RAKING>;
  using Reduce = cub::BlockReduce<int, kThreads>;
  using WarpReduce = cub::WarpReduce<int>;
  struct Less {
    __device__ bool operator()(int a, int b) const { return a < b; }
  };
  using Merge = cub::WarpMergeSort<int, kItems, 32>;
  __shared__ union {
    Load::TempStorage load;
    Store::TempStorage store;
    Sort::TempStorage sort;
    Scan::TempStorage scan;
    Reduce::TempStorage reduce;
    WarpReduce::TempStorage warp[kThreads / 32];
    Merge::TempStorage merge[kThreads / 32];
  } storage;
  int items[kItems], prefix[kItems];
  Load(storage.load).Load(in, items);
  __syncthreads();
  int total;
  Scan(storage.scan).InclusiveSum(items, prefix, total);
  __syncthreads();
  Store(storage.store).Store(scanned, prefix);
  __syncthreads();
  int all = Reduce(storage.reduce).Sum(items);
  if (threadIdx.x == 0)
    *sum = all == total ? all : -1;
  __syncthreads();
  int ofWarp = WarpReduce(storage.warp[threadIdx.x / 32]).Sum(items[0]);
  if (threadIdx.x % 32 == 0)
    warpSums[threadIdx.x / 32] = ofWarp;
  __syncthreads();
  int copy[kItems];
  for (int i = 0; i < kItems; ++i)
    copy[i] = items[i];
  Merge(storage.merge[threadIdx.x / 32]).Sort(copy, Less());
  for (int i = 0; i < kItems; ++i)
    merged[threadIdx.x * kItems + i] = copy[i];
  __syncthreads();
  Sort(storage.sort).Sort(items);
  __syncthreads();
  Store(storage.store).Store(sorted, items);
}

int main() {
  std::vector<int> in(kAll);
  unsigned state = 23;
  for (int &value : in)
    value = int(nextRandom(state) % 2000) - 1000;
  Device<int> input(in), sorted(kAll), scanned(kAll), sum(1), warpSums(4),
      merged(kAll);
  collectives<<<1, kThreads>>>(input, sorted, scanned, sum, warpSums, merged);
  CUDA(cudaDeviceSynchronize());
  std::vector<int> prefix = scanned.host(), warps = warpSums.host();
  int running = 0;
  for (int i = 0; i < kAll; ++i)
    CHECK(prefix[i] == (running += in[i]));
  CHECK(sum.host()[0] == running);
  for (int warp = 0; warp < 4; ++warp) {
    int expected = 0;
    for (int i = 0; i < 32; ++i)
      expected += in[(warp * 32 + i) * kItems];
    CHECK(warps[warp] == expected);
  }
  std::vector<int> expected = in;
  for (int i = 0; i < kAll; i += 32 * kItems)
    std::sort(expected.begin() + i, expected.begin() + i + 32 * kItems);
  CHECK(merged.host() == expected);
  std::sort(expected.begin(), expected.end());
  CHECK(sorted.host() == expected);
}
