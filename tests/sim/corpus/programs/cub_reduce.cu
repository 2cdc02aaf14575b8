// CUB's device-wide reductions: sums, extrema with their place, segments.
#include "Check.h"
#include <cub/device/device_reduce.cuh>
#include <cub/device/device_segmented_reduce.cuh>

template <typename Call>
static void withStorage(const Call &call) {
  size_t bytes = 0;
  CUDA(call(nullptr, bytes));
  Device<char> storage(bytes + 1);
  CUDA(call(storage.data, bytes));
  CUDA(cudaDeviceSynchronize());
}

int main() {
  for (int n : {1, 257, 30001}) {
    std::vector<int> in(n);
    unsigned state = 11;
    long long sum = 0;
    int least = 0, most = 0;
    for (int i = 0; i < n; ++i) {
      in[i] = int(nextRandom(state) % 100000) - 50000;
      sum += in[i];
      least = in[i] < in[least] ? i : least;
      most = in[i] > most ? in[i] : most;
    }
    Device<int> input(in), result(1), segments(3);
    Device<cub::KeyValuePair<int, int>> place(1);
    withStorage([&](void *s, size_t &bytes) {
      return cub::DeviceReduce::Sum(s, bytes, input.data, result.data, n);
    });
    CHECK(result.host()[0] == int(sum));
    withStorage([&](void *s, size_t &bytes) {
      return cub::DeviceReduce::Reduce(s, bytes, input.data, result.data, n,
                                       cuda::maximum<>{}, 0);
    });
    CHECK(result.host()[0] == most);
    withStorage([&](void *s, size_t &bytes) {
      return cub::DeviceReduce::ArgMin(s, bytes, input.data, place.data, n);
    });
    CHECK(place.host()[0].key == least && place.host()[0].value == in[least]);
    Device<int> offsets(std::vector<int>{0, n / 3, n / 3, n});
    withStorage([&](void *s, size_t &bytes) {
      return cub::DeviceSegmentedReduce::Sum(s, bytes, input.data,
                                             segments.data, 3, offsets.data,
                                             offsets.data + 1);
    });
    long long first = 0;
    for (int i = 0; i < n / 3; ++i)
      first += in[i];
    std::vector<int> sums = segments.host();
    CHECK(sums[0] == int(first) && sums[1] == 0 && sums[2] == int(sum - first));
  }
}
