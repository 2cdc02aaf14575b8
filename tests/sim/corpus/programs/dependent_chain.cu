// A chain of dependent launches, in a stream and in a graph that captured it. Each layer fetches its weights before it waits for the layer
// before, and lets the next one start at once; in every other layer one thread waits for its block.
#include "Check.h"

constexpr int size = 1024, blockSize = 128, layers = 6, rounds = 3;

__global__ void layer(const int *weights, const int *in, int *out, bool leads) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  cudaTriggerProgrammaticLaunchCompletion();
  int weight = weights[i];
  if (!leads || threadIdx.x == 0)
    cudaGridDependencySynchronize();
  __syncthreads();
  // Another block's part: the whole layer before has to be complete.
  out[i] = in[size - 1 - i] + weight;
}

__global__ void fill(int *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  cudaTriggerProgrammaticLaunchCompletion();
  out[i] = i;
}

static void launchAll(cudaStream_t stream, const int *weights, int *a, int *b) {
  cudaLaunchAttribute attribute;
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(size / blockSize);
  config.blockDim = dim3(blockSize);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  fill<<<size / blockSize, blockSize, 0, stream>>>(a);
  for (int n = 0; n < layers; ++n) {
    CUDA(cudaLaunchKernelEx(&config, layer, weights + n * size, (const int *)a, b, n % 2 == 1));
    std::swap(a, b);
  }
}

static void check(const std::vector<int> &out, const std::vector<int> &weights) {
  std::vector<int> a(size), b(size);
  for (int i = 0; i < size; ++i)
    a[i] = i;
  for (int n = 0; n < layers; ++n, std::swap(a, b))
    for (int i = 0; i < size; ++i)
      b[i] = a[size - 1 - i] + weights[n * size + i];
  CHECK(out == a);
}

int main() {
  std::vector<int> values(layers * size);
  for (int i = 0; i < layers * size; ++i)
    values[i] = i * 7 % 101;
  Device<int> weights(layers * size), a(size), b(size);
  CUDA(cudaMemcpy(weights.data, values.data(), values.size() * sizeof(int), cudaMemcpyHostToDevice));
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  for (int round = 0; round < rounds; ++round)
    launchAll(stream, weights.data, a.data, b.data);
  CUDA(cudaStreamSynchronize(stream));
  check(a.host(), values);

  cudaGraph_t graph;
  cudaGraphExec_t exec;
  CUDA(cudaMemset(a.data, 0, size * sizeof(int)));
  CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  launchAll(stream, weights.data, a.data, b.data);
  CUDA(cudaStreamEndCapture(stream, &graph));
  CUDA(cudaGraphInstantiate(&exec, graph, 0));
  for (int round = 0; round < rounds; ++round)
    CUDA(cudaGraphLaunch(exec, stream));
  CUDA(cudaStreamSynchronize(stream));
  check(a.host(), values);
}
