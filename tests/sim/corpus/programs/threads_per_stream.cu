// Many host threads, each with the default stream of its own.
//! flags: -default-stream per-thread
#include "Check.h"
#include <thread>

__global__ void step(int *data, int n, int value) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    data[i] = data[i] * 3 + value;
}

static void work(int seed) {
  const int n = 700 + 13 * seed;
  Device<int> data(std::vector<int>(n, seed));
  int expected = seed;
  for (int round = 0; round < 20; ++round) {
    step<<<(n + 63) / 64, 64>>>(data, n, round);
    expected = expected * 3 + round;
  }
  std::vector<int> out(n);
  CUDA(cudaMemcpyAsync(out.data(), data, n * sizeof(int),
                       cudaMemcpyDeviceToHost));
  CUDA(cudaStreamSynchronize(0));
  for (int value : out)
    CHECK(value == expected);
  step<<<1, 2000>>>(data, n, 0); // errors belong to their thread
  CHECK(cudaGetLastError() == cudaErrorInvalidConfiguration);
}

int main() {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back(work, i);
  for (std::thread &thread : threads)
    thread.join();
  CHECK(cudaGetLastError() == cudaSuccess);
}
