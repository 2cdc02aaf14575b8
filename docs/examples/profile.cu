// A transposition twice, through a tile of 32 x 32 floats whose columns lie in one bank of shared memory, and through one
// whose rows are a word longer; docs/simulator.md shows their profile.
//
//   nvcc -O1 -lineinfo -cudart shared -gencode arch=compute_90a,code=compute_90a profile.cu -o profile
//   tilewright sim --annotate profile.txt -- ./profile

#include <cstdio>
#include <vector>

constexpr int kTile = 32, kRows = 8, kSize = 64;

template <int kPitch>
__device__ void transposeTile(float *out, const float *in) {
  __shared__ float tile[kTile][kPitch];
  int x = blockIdx.x * kTile + threadIdx.x, y = blockIdx.y * kTile + threadIdx.y;
#pragma unroll 1
  for (int row = 0; row < kTile; row += kRows)
    tile[threadIdx.y + row][threadIdx.x] = in[(y + row) * kSize + x];
  __syncthreads();
  x = blockIdx.y * kTile + threadIdx.x, y = blockIdx.x * kTile + threadIdx.y;
#pragma unroll 1
  for (int row = 0; row < kTile; row += kRows)
    out[(y + row) * kSize + x] = tile[threadIdx.x][threadIdx.y + row];
}

__global__ void inOneBank(float *out, const float *in) { transposeTile<kTile>(out, in); }
__global__ void inAllBanks(float *out, const float *in) { transposeTile<kTile + 1>(out, in); }

int main() {
  std::vector<float> host(kSize * kSize);
  for (size_t i = 0; i < host.size(); ++i)
    host[i] = static_cast<float>(i);
  float *in, *out;
  size_t bytes = host.size() * sizeof(float);
  if (cudaMalloc(&in, bytes) || cudaMalloc(&out, bytes) ||
      cudaMemcpy(in, host.data(), bytes, cudaMemcpyHostToDevice))
    return 1;
  dim3 grid(kSize / kTile, kSize / kTile), block(kTile, kRows);
  for (auto kernel : {inOneBank, inAllBanks}) {
    kernel<<<grid, block>>>(out, in);
    if (cudaMemcpy(host.data(), out, bytes, cudaMemcpyDeviceToHost))
      return 1;
    for (int i = 0; i < kSize * kSize; ++i)
      if (host[i] != static_cast<float>(i % kSize * kSize + i / kSize))
        return std::printf("wrong at %d\n", i), 1;
  }
  return 0;
}
