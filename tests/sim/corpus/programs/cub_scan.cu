// CUB's device-wide scans: decoupled look-back between blocks that spin.
#include "Check.h"
#include <cub/device/device_scan.cuh>
#include <cub/device/device_select.cuh>

struct IsOdd {
  __host__ __device__ bool operator()(int value) const {
    return value % 2 == 1;
  }
};

int main() {
  for (int n : {1, 1000, 50021}) {
    std::vector<int> in(n);
    unsigned state = 5;
    for (int &value : in)
      value = int(nextRandom(state) % 9);
    Device<int> input(in), inclusive(n), exclusive(n), selected(n), count(1);
    size_t bytes = 0, most = 0;
    CUDA(cub::DeviceScan::InclusiveSum(nullptr, bytes, input.data,
                                       inclusive.data, n));
    most = bytes;
    CUDA(cub::DeviceScan::ExclusiveSum(nullptr, bytes, input.data,
                                       exclusive.data, n));
    most = bytes > most ? bytes : most;
    IsOdd isOdd;
    CUDA(cub::DeviceSelect::If(nullptr, bytes, input.data, selected.data,
                               count.data, n, isOdd));
    most = bytes > most ? bytes : most;
    Device<char> storage(most);
    CUDA(cub::DeviceScan::InclusiveSum(storage.data, most, input.data,
                                       inclusive.data, n));
    CUDA(cub::DeviceScan::ExclusiveSum(storage.data, most, input.data,
                                       exclusive.data, n));
    CUDA(cub::DeviceSelect::If(storage.data, most, input.data, selected.data,
                               count.data, n, isOdd));
    CUDA(cudaDeviceSynchronize());
    std::vector<int> a = inclusive.host(), b = exclusive.host(),
                     odd = selected.host();
    int sum = 0, found = 0;
    for (int i = 0; i < n; ++i) {
      CHECK(b[i] == sum);
      sum += in[i];
      CHECK(a[i] == sum);
      if (in[i] % 2 == 1)
        CHECK(odd[found++] == in[i]);
    }
    CHECK(count.host()[0] == found);
  }
}
