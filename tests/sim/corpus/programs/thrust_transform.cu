// Thrust: transforms, reductions, scans, permutations, fancy iterators.
//! flags: --extended-lambda
#include "Check.h"
#include <thrust/count.h>
#include <thrust/device_vector.h>
#include <thrust/extrema.h>
#include <thrust/functional.h>
#include <thrust/inner_product.h>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/zip_iterator.h>
#include <thrust/reduce.h>
#include <thrust/scan.h>
#include <thrust/transform_reduce.h>

int main() {
  const int n = 5003;
  std::vector<double> x(n), y(n);
  for (int i = 0; i < n; ++i)
    x[i] = i % 17, y[i] = i % 5;
  thrust::device_vector<double> dx = x, dy = y, dz(n);
  thrust::transform(
      dx.begin(), dx.end(), dy.begin(), dz.begin(),
      [] __host__ __device__(double a, double b) { return a * b + 1; });
  double sum = thrust::reduce(dz.begin(), dz.end());
  double dot = thrust::inner_product(dx.begin(), dx.end(), dy.begin(), 0.0);
  double squares = thrust::transform_reduce(
      thrust::counting_iterator<int>(0), thrust::counting_iterator<int>(n),
      [] __host__ __device__(int i) { return double(i) * i; }, 0.0,
      thrust::plus<double>());
  auto most = thrust::max_element(dz.begin(), dz.end());
  long zeros = thrust::count(dy.begin(), dy.end(), 0.0);
  thrust::device_vector<double> prefix(n);
  thrust::inclusive_scan(dz.begin(), dz.end(), prefix.begin());
  double expectedDot = 0, expectedSquares = 0, greatest = 0;
  long expectedZeros = 0;
  for (int i = 0; i < n; ++i) {
    expectedDot += x[i] * y[i];
    expectedSquares += double(i) * i;
    greatest = x[i] * y[i] + 1 > greatest ? x[i] * y[i] + 1 : greatest;
    expectedZeros += y[i] == 0;
  }
  CHECK(dot == expectedDot && sum == expectedDot + n);
  CHECK(squares == expectedSquares && *most == greatest);
  CHECK(zeros == expectedZeros && prefix.back() == sum);

  thrust::device_vector<int> keys(n), groups(n), totals(n);
  thrust::transform(thrust::counting_iterator<int>(0),
                    thrust::counting_iterator<int>(n), keys.begin(),
                    [] __host__ __device__(int i) { return i / 100; });
  auto ends = thrust::reduce_by_key(keys.begin(), keys.end(),
                                    thrust::counting_iterator<int>(0),
                                    groups.begin(), totals.begin());
  CHECK(ends.first - groups.begin() == (n + 99) / 100);
  for (int group = 0; group < n / 100; ++group)
    CHECK(totals[group] == 100 * (200 * group + 99) / 2);
}
