// One kernel with a fault for each kind of finding; docs/simulator.md shows what the checks say of each.
//
//   nvcc -O1 -lineinfo -cudart shared -gencode arch=compute_90a,code=compute_90a checks.cu -o checks
//   tilewright sim --check all -- ./checks race

#include <cstdint>
#include <cstdio>
#include <cstring>

__device__ uint32_t sharedAddress(const void *pointer) { return static_cast<uint32_t>(__cvta_generic_to_shared(pointer)); }

// The last block has more threads than there are elements.
__global__ void memory(float *data, int count) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  data[i] = static_cast<float>(i);
}

// Every thread reads its neighbour's element, and the last one has no neighbour.
__global__ void initialization(float *data, int count) {
  __shared__ float tile[129];
  tile[threadIdx.x] = data[threadIdx.x];
  __syncthreads();
  data[threadIdx.x] = tile[threadIdx.x + 1];
}

// Reverses a tile in place; nobody waits between reading and writing.
__global__ void race(float *data, int count) {
  __shared__ float tile[128];
  tile[threadIdx.x] = data[threadIdx.x];
  __syncthreads();
  tile[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
  __syncthreads();
  data[threadIdx.x] = tile[threadIdx.x];
}

// A bulk copy reads what threads wrote, without a fence between the two proxies.
__global__ void proxy(float *data, int count) {
  __shared__ alignas(16) float tile[128];
  tile[threadIdx.x] = 1.0f;
  __syncthreads();
  if (threadIdx.x == 0) {
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 512;" ::"l"(data), "r"(sharedAddress(tile)) : "memory");
    asm volatile("cp.async.bulk.commit_group; cp.async.bulk.wait_group 0;" ::: "memory");
  }
}

// The result of a product is read before it is waited for.
__global__ void wgmma(float *data, int count) {
  __shared__ alignas(128) uint4 tile[256];
  tile[threadIdx.x] = tile[threadIdx.x + 128] = make_uint4(0, 0, 0, 0);
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
  uint64_t a = sharedAddress(tile) >> 4 | 8ull << 16 | 16ull << 32, b = a + 128;
  float d[4] = {};
  asm volatile("wgmma.fence.sync.aligned;\n"
               "wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%0, %1, %2, %3}, %4, %5, 1, 1, 1, 0, 0;\n"
               "wgmma.commit_group.sync.aligned;"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "l"(a), "l"(b));
  data[threadIdx.x] = d[0];
  asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

// The barrier is told of fewer bytes than the copy brings.
__global__ void barrier(float *data, int count) {
  __shared__ alignas(16) float tile[128];
  __shared__ uint64_t done;
  uint32_t object = sharedAddress(&done);
  if (threadIdx.x == 0) {
    asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(object) : "memory");
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], 256;" ::"r"(object) : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 512, [%2];" ::"r"(
                     sharedAddress(tile)),
                 "l"(data), "r"(object)
                 : "memory");
  }
}

// A block writes into its neighbour's shared memory, and nobody waits for the neighbour.
__global__ void __cluster_dims__(2) cluster(float *data, int count) {
  __shared__ float tile[128];
  uint32_t remote;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(sharedAddress(tile + threadIdx.x)), "r"((blockIdx.x + 1) % 2));
  asm volatile("st.shared::cluster.f32 [%0], %1;" ::"r"(remote), "f"(1.0f) : "memory");
}

// Half of the threads wait at a barrier for all of them.
__global__ void deadlock(float *data, int count) {
  if (threadIdx.x < 64)
    asm volatile("barrier.sync 1, 128;" ::: "memory");
}

// An exchange that names all lanes of the warp, in a branch that half of them take.
__global__ void divergence(float *data, int count) {
  float value = data[threadIdx.x];
  if (threadIdx.x % 32 < 16)
    value += __shfl_xor_sync(0xffffffff, value, 1);
  __syncwarp();
  data[threadIdx.x] = value;
}

using Kernel = void (*)(float *, int);
static const struct {
  const char *name;
  Kernel kernel;
  int blocks, threads;
} kernels[] = {{"memory", memory, 2, 128},   {"initialization", initialization, 1, 128}, {"race", race, 1, 128},
               {"proxy", proxy, 1, 128},     {"wgmma", wgmma, 1, 128},                   {"barrier", barrier, 1, 128},
               {"cluster", cluster, 2, 128}, {"deadlock", deadlock, 1, 128},             {"divergence", divergence, 1, 32}};

int main(int argc, char **argv) {
  for (const auto &each : kernels) {
    if (argc != 2 || strcmp(argv[1], each.name) != 0)
      continue;
    constexpr int count = 200;
    float *data;
    cudaMalloc(&data, count * sizeof(float));
    cudaMemset(data, 0, count * sizeof(float));
    each.kernel<<<each.blocks, each.threads>>>(data, count);
    cudaError_t error = cudaDeviceSynchronize();
    printf("%s: %s\n", each.name, cudaGetErrorString(error));
    return error != cudaSuccess;
  }
  printf("usage: checks KIND\n");
  return 2;
}
