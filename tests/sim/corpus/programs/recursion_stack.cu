// Recursion in device code: quicksort, Ackermann, mutual recursion.
#include "Check.h"
#include <algorithm>

__device__ void quicksort(int *data, int low, int high) {
  if (low >= high)
    return;
  int pivot = data[(low + high) / 2], i = low, j = high;
  while (i <= j) {
    while (data[i] < pivot)
      ++i;
    while (data[j] > pivot)
      --j;
    if (i <= j) {
      int swap = data[i];
      data[i++] = data[j];
      data[j--] = swap;
    }
  }
  quicksort(data, low, j);
  quicksort(data, i, high);
}

__device__ __noinline__ bool isOdd(int n);
__device__ __noinline__ bool isEven(int n) { return n == 0 || isOdd(n - 1); }
__device__ __noinline__ bool isOdd(int n) { return n != 0 && isEven(n - 1); }

__device__ int ackermann(int m, int n) {
  if (m == 0)
    return n + 1;
  return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

__global__ void sortRows(int *rows, int length) {
  quicksort(rows + threadIdx.x * length, 0, length - 1);
}

__global__ void numbers(int *out) {
  out[threadIdx.x] =
      ackermann(2, int(threadIdx.x) % 4) * 10 + isEven(threadIdx.x);
}

int main() {
  CUDA(cudaDeviceSetLimit(cudaLimitStackSize, 16384));
  size_t stack = 0;
  CUDA(cudaDeviceGetLimit(&stack, cudaLimitStackSize));
  CHECK(stack >= 16384);
  const int rows = 40, length = 61;
  std::vector<int> in(rows * length);
  unsigned state = 31;
  for (int &value : in)
    value = int(nextRandom(state) % 500);
  Device<int> data(in), out(32);
  sortRows<<<1, rows>>>(data, length);
  CUDA(cudaDeviceSynchronize());
  for (int row = 0; row < rows; ++row)
    std::sort(in.begin() + row * length, in.begin() + (row + 1) * length);
  CHECK(data.host() == in);
  numbers<<<1, 32>>>(out);
  std::vector<int> found = out.host();
  for (int i = 0; i < 32; ++i)
    CHECK(found[i] == (2 * (i % 4) + 3) * 10 + (i % 2 == 0));
}
