// CUB's radix sort: keys, pairs, bit ranges, descending. Its passes are dependent launches that count and load keys before they
// wait; every block of the launch between has waited for the pass before, which orders no memory.
//! formal: race
#include "Check.h"
#include <algorithm>
#include <cub/device/device_radix_sort.cuh>
#include <numeric>

int main() {
  for (int n : {1, 500, 20011}) {
    std::vector<unsigned> keys(n);
    std::vector<int> order(n);
    unsigned state = 17;
    for (unsigned &key : keys)
      key = nextRandom(state) % 5000 << 3 | nextRandom(state) % 8;
    std::iota(order.begin(), order.end(), 0);
    Device<unsigned> in(keys), out(n);
    Device<int> values(order), sorted(n);
    size_t bytes = 0;
    CUDA(cub::DeviceRadixSort::SortPairs(nullptr, bytes, in.data, out.data,
                                         values.data, sorted.data, n));
    Device<char> storage(bytes);
    CUDA(cub::DeviceRadixSort::SortPairs(storage.data, bytes, in.data, out.data,
                                         values.data, sorted.data, n));
    CUDA(cudaDeviceSynchronize());
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return keys[a] < keys[b]; });
    CHECK(sorted.host() == order);

    std::vector<float> reals(n);
    for (int i = 0; i < n; ++i)
      reals[i] = (float(keys[i]) - 20000.0f) / 3.0f;
    Device<float> realIn(reals), realOut(n);
    CUDA(cub::DeviceRadixSort::SortKeysDescending(nullptr, bytes, realIn.data,
                                                  realOut.data, n));
    Device<char> more(bytes);
    CUDA(cub::DeviceRadixSort::SortKeysDescending(more.data, bytes, realIn.data,
                                                  realOut.data, n));
    CUDA(cudaDeviceSynchronize());
    std::sort(reals.begin(), reals.end(), std::greater<float>());
    CHECK(realOut.host() == reals);
  }
}
