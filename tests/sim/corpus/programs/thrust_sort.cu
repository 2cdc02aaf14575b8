// Thrust: sort, sort_by_key, merge sort by a comparison, unique.
// The select behind unique works in place here, and passes on from block to
// block what has been read with relaxed accesses, which order nothing.
//! formal: race
#include "Check.h"
#include <algorithm>
#include <thrust/device_vector.h>
#include <thrust/host_vector.h>
#include <thrust/sequence.h>
#include <thrust/sort.h>
#include <thrust/unique.h>

struct ByLastDigit {
  __host__ __device__ bool operator()(int a, int b) const {
    return a % 10 != b % 10 ? a % 10 < b % 10 : a < b;
  }
};

int main() {
  const int n = 10007;
  thrust::host_vector<int> values(n);
  unsigned state = 29;
  for (int i = 0; i < n; ++i)
    values[i] = int(nextRandom(state) % 3000);
  thrust::device_vector<int> keys = values, order(n), byDigit = values;
  thrust::sequence(order.begin(), order.end());
  thrust::stable_sort_by_key(keys.begin(), keys.end(), order.begin());
  thrust::sort(byDigit.begin(), byDigit.end(), ByLastDigit());
  std::vector<int> expected(values.begin(), values.end());
  std::sort(expected.begin(), expected.end(), ByLastDigit());
  CHECK(std::equal(expected.begin(), expected.end(),
                   thrust::host_vector<int>(byDigit).begin()));
  std::sort(expected.begin(), expected.end());
  thrust::host_vector<int> sorted = keys, places = order;
  for (int i = 0; i < n; ++i) {
    CHECK(sorted[i] == expected[i] && values[places[i]] == sorted[i]);
    CHECK(i == 0 || sorted[i] != sorted[i - 1] || places[i] > places[i - 1]);
  }
  keys.erase(thrust::unique(keys.begin(), keys.end()), keys.end());
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  CHECK(keys.size() == expected.size());
}
