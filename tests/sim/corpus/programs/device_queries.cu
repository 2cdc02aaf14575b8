// What a program asks about its device before it chooses how to launch.
#include "Check.h"
#include <cstring>

__global__ void plain(float *data) { data[threadIdx.x] *= 2; }

int main() {
  cudaDeviceProp p;
  CUDA(cudaGetDeviceProperties(&p, 0));
  CHECK(p.major == 9 && p.minor == 0 && p.warpSize == 32);
  CHECK(std::strncmp(p.name, "NVIDIA", 6) == 0);
  auto same = [&](cudaDeviceAttr attribute, long long value) {
    int found = -1;
    CUDA(cudaDeviceGetAttribute(&found, attribute, 0));
    return found == value;
  };
  CHECK(same(cudaDevAttrMultiProcessorCount, p.multiProcessorCount));
  CHECK(same(cudaDevAttrMaxThreadsPerBlock, p.maxThreadsPerBlock));
  CHECK(same(cudaDevAttrMaxBlockDimZ, p.maxThreadsDim[2]));
  CHECK(same(cudaDevAttrMaxGridDimY, p.maxGridSize[1]));
  CHECK(
      same(cudaDevAttrMaxSharedMemoryPerBlockOptin, p.sharedMemPerBlockOptin));
  CHECK(
      same(cudaDevAttrMaxRegistersPerMultiprocessor, p.regsPerMultiprocessor));
  CHECK(same(cudaDevAttrL2CacheSize, p.l2CacheSize));
  CHECK(same(cudaDevAttrClusterLaunch, p.clusterLaunch) && p.clusterLaunch);
  CHECK(same(cudaDevAttrCooperativeLaunch, p.cooperativeLaunch));
  CHECK(same(cudaDevAttrManagedMemory, p.managedMemory));
  CHECK(p.unifiedAddressing && p.concurrentKernels);
  size_t free = 0, total = 0;
  CUDA(cudaMemGetInfo(&free, &total));
  CHECK(free > 0 && free <= total && total <= p.totalGlobalMem);
  int runtime = 0, driver = 0;
  CUDA(cudaRuntimeGetVersion(&runtime));
  CUDA(cudaDriverGetVersion(&driver));
  CHECK(runtime / 1000 == 13 && driver >= 13000);
  char id[32];
  int device = -1;
  CUDA(cudaDeviceGetPCIBusId(id, sizeof id, 0));
  CUDA(cudaDeviceGetByPCIBusId(&device, id));
  CHECK(device == 0);
  int grid = 0, block = 0, blocks = 0;
  CUDA(cudaOccupancyMaxPotentialBlockSize(&grid, &block, plain));
  CHECK(block % 32 == 0 && block > 0);
  CUDA(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, plain, block, 0));
  CHECK(grid == blocks * p.multiProcessorCount);
  CHECK(blocks * block <= p.maxThreadsPerMultiProcessor);
  size_t dynamic = 0;
  CUDA(cudaOccupancyAvailableDynamicSMemPerBlock(&dynamic, plain, 2, 128));
  CHECK(dynamic > 48 * 1024 && 2 * dynamic <= p.sharedMemPerMultiprocessor);
  cudaFunction_t function = nullptr;
  CUDA(cudaGetFuncBySymbol(&function, (const void *)plain));
  CHECK(function != nullptr);
  const char *name = nullptr;
  CUDA(cudaFuncGetName(&name, (const void *)plain));
  CHECK(std::strstr(name, "plain"));
}
