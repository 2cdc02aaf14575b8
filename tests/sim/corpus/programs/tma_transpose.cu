// Tensor maps by hand: tiles come in by TMA, are transposed, and go out by TMA.
#include "Check.h"
#include <cuda.h>
#include <cuda/barrier>
#include <cuda/ptx>

namespace ptx = cuda::ptx;
using Barrier = cuda::barrier<cuda::thread_scope_block>;

constexpr int kTile = 32;

__global__ void transpose(const __grid_constant__ CUtensorMap in,
                          const __grid_constant__ CUtensorMap out) {
  __shared__ alignas(128) float tile[kTile][kTile];
  __shared__ alignas(128) float turned[kTile][kTile];
#pragma nv_diag_suppress static_var_with_dynamic_init
  __shared__ Barrier barrier;
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    init(&barrier, blockDim.x * blockDim.y);
    ptx::fence_proxy_async(ptx::space_shared);
  }
  __syncthreads();
  Barrier::arrival_token token;
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    int32_t coordinates[2] = {int(blockIdx.x) * kTile, int(blockIdx.y) * kTile};
    ptx::cp_async_bulk_tensor(ptx::space_shared, ptx::space_global, tile, &in,
                              coordinates,
                              cuda::device::barrier_native_handle(barrier));
    token = cuda::device::barrier_arrive_tx(barrier, 1, sizeof tile);
  } else {
    token = barrier.arrive();
  }
  barrier.wait(std::move(token));
  for (int y = threadIdx.y; y < kTile; y += blockDim.y)
    turned[threadIdx.x][y] = tile[y][threadIdx.x];
  ptx::fence_proxy_async(ptx::space_shared);
  __syncthreads();
  if (threadIdx.x == 0 && threadIdx.y == 0) {
    int32_t coordinates[2] = {int(blockIdx.y) * kTile, int(blockIdx.x) * kTile};
    ptx::cp_async_bulk_tensor(ptx::space_global, ptx::space_shared, &out,
                              coordinates, turned);
    ptx::cp_async_bulk_commit_group();
    ptx::cp_async_bulk_wait_group_read(ptx::n32_t<0>());
  }
}

static CUtensorMap encode(float *data, uint64_t width, uint64_t height) {
  void *entry = nullptr;
  cudaDriverEntryPointQueryResult state;
  CUDA(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000,
                                        cudaEnableDefault, &state));
  CHECK(state == cudaDriverEntryPointSuccess && entry);
  auto call = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry);
  CUtensorMap map;
  cuuint64_t sizes[2] = {width, height}, strides[1] = {width * sizeof(float)};
  cuuint32_t box[2] = {kTile, kTile}, steps[2] = {1, 1};
  CHECK(call(&map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2, data, sizes, strides,
             box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
             CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE,
             CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS);
  return map;
}

int main() {
  const int width = 100, height = 68; // both leave ragged tiles
  std::vector<float> in(width * height);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = float(i);
  Device<float> from(in), to(in.size());
  CUtensorMap inMap = encode(from, width, height);
  CUtensorMap outMap = encode(to, height, width);
  dim3 grid((width + kTile - 1) / kTile, (height + kTile - 1) / kTile);
  transpose<<<grid, dim3(kTile, 8)>>>(inMap, outMap);
  CUDA(cudaDeviceSynchronize());
  std::vector<float> out = to.host();
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      CHECK(out[x * height + y] == in[y * width + x]);
}
