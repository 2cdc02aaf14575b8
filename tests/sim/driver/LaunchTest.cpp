//===- LaunchTest.cpp - Launches, their limits, and faults ----------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstring>

using namespace tilewright::sim::test;

using LaunchTest = DriverTest;

TEST_F(LaunchTest, EveryThreadRuns) {
  std::vector<uint32_t> values(10000, 5);
  CUdeviceptr words = upload(values);
  ASSERT_CUDA(addOne(words, 9999));
  std::vector<uint32_t> expected(10000, 6);
  expected.back() = 5;
  EXPECT_EQ(download(words, 10000), expected);
}

TEST_F(LaunchTest, ShapeIsChecked) {
  CUdeviceptr words = upload({1});
  unsigned count = 0;
  void *params[] = {&words, &count};
  auto launch = [&](unsigned gx, unsigned gy, unsigned gz, unsigned bx,
                    unsigned by, unsigned bz) {
    return CU(cuLaunchKernel)(function("add_one"), gx, gy, gz, bx, by, bz, 0,
                              nullptr, params, nullptr);
  };
  EXPECT_CUDA(launch(1, 1, 1, 1024, 1, 1));
  EXPECT_CUDA(launch(2, 3, 4, 4, 4, 64));
  for (auto bad : {launch(0, 1, 1, 1, 1, 1), launch(1, 0, 1, 1, 1, 1),
                   launch(1, 1, 1, 0, 1, 1), launch(1, 65536, 1, 1, 1, 1),
                   launch(1, 1, 65536, 1, 1, 1),
                   launch(1u << 31, 1, 1, 1, 1, 1), launch(1, 1, 1, 1025, 1, 1),
                   launch(1, 1, 1, 1, 1, 65), launch(1, 1, 1, 512, 3, 1)})
    EXPECT_EQ(bad, CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(CU(cuCtxSynchronize)());
}

TEST_F(LaunchTest, DirectivesOfTheKernelAreKept) {
  auto launch = [&](const char *name, unsigned grid, unsigned x, unsigned y) {
    return CU(cuLaunchKernel)(function(name), grid, 1, 1, x, y, 1, 0, nullptr,
                              nullptr, nullptr);
  };
  EXPECT_CUDA(launch("bounded", 1, 64, 1));
  EXPECT_EQ(launch("bounded", 1, 65, 1), CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  EXPECT_CUDA(launch("exact", 1, 32, 2));
  EXPECT_EQ(launch("exact", 1, 64, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(launch("paired", 4, 32, 1));
  EXPECT_EQ(launch("paired", 3, 32, 1), CUDA_ERROR_INVALID_CLUSTER_SIZE);
}

TEST_F(LaunchTest, SharedMemoryNeedsPermissionAboveTheDefault) {
  CUdeviceptr out = upload(std::vector<uint32_t>(64));
  void *params[] = {&out};
  auto launch = [&](unsigned bytes) {
    return CU(cuLaunchKernel)(function("rotate"), 1, 1, 1, 64, 1, 1, bytes,
                              nullptr, params, nullptr);
  };
  EXPECT_CUDA(launch(48 * 1024));
  EXPECT_EQ(launch(48 * 1024 + 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(CU(cuFuncSetAttribute)(
      function("rotate"), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
      200 * 1024));
  EXPECT_CUDA(launch(200 * 1024));
  EXPECT_EQ(launch(200 * 1024 + 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch(~0u), CUDA_ERROR_INVALID_VALUE);
  std::vector<uint32_t> rotated = download(out, 64);
  EXPECT_EQ(rotated[0], 1u);
  EXPECT_EQ(rotated[63], 0u);
}

TEST_F(LaunchTest, ParametersComeAsPointersOrPacked) {
  CUdeviceptr out = upload({0, 0});
  struct {
    uint32_t triple[3];
    uint8_t small;
    CUdeviceptr out;
  } packed = {{1, 2, 3}, 200, out};
  size_t size = sizeof packed;
  CUfunction mixed = function("mixed_params");
  void *pointers[] = {packed.triple, &packed.small, &packed.out};
  auto launch = [&](void **params, void **extra) {
    return CU(cuLaunchKernel)(mixed, 1, 1, 1, 1, 1, 1, 0, nullptr, params,
                              extra);
  };
  ASSERT_CUDA(launch(pointers, nullptr));
  EXPECT_EQ(download(out, 2), (std::vector<uint32_t>{3, 200}));
  packed.triple[2] = 33;
  void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &packed,
                   CU_LAUNCH_PARAM_BUFFER_SIZE, &size, CU_LAUNCH_PARAM_END};
  ASSERT_CUDA(launch(nullptr, extra));
  EXPECT_EQ(download(out, 2), (std::vector<uint32_t>{33, 200}));
  EXPECT_EQ(launch(pointers, extra), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(launch(nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
  size = 16;
  EXPECT_EQ(launch(nullptr, extra), CUDA_ERROR_INVALID_VALUE);
  pointers[1] = nullptr;
  EXPECT_EQ(launch(pointers, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(LaunchTest, ClustersByAttribute) {
  CUdeviceptr out = upload(std::vector<uint32_t>(8, 9));
  void *params[] = {&out};
  CUlaunchAttribute attributes[2] = {};
  attributes[0].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  attributes[1].id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION;
  attributes[1].value.programmaticStreamSerializationAllowed = 1;
  CUlaunchConfig config{};
  config.gridDimX = 8;
  config.gridDimY = config.gridDimZ = 1;
  config.blockDimX = config.blockDimY = config.blockDimZ = 1;
  config.attrs = attributes;
  config.numAttrs = 2;
  auto launch = [&](unsigned cluster) {
    attributes[0].value.clusterDim = {cluster, 1, 1};
    return CU(cuLaunchKernelEx)(&config, function("cluster_rank"), params,
                                nullptr);
  };
  ASSERT_CUDA(launch(4));
  EXPECT_EQ(download(out, 8), (std::vector<uint32_t>{0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_EQ(launch(3), CUDA_ERROR_INVALID_CLUSTER_SIZE);
  EXPECT_EQ(launch(0), CUDA_ERROR_INVALID_VALUE);
  config.gridDimX = 32;
  EXPECT_EQ(launch(16), CUDA_ERROR_INVALID_CLUSTER_SIZE)
      << "more than 8 needs permission";
  EXPECT_EQ(
      CU(cuLaunchKernelEx)(nullptr, function("bounded"), nullptr, nullptr),
      CUDA_ERROR_INVALID_VALUE);
}

TEST_F(LaunchTest, CooperativeGridsMustFit) {
  CUfunction bounded = function("bounded");
  int blocks = 0;
  ASSERT_CUDA(
      CU(cuOccupancyMaxActiveBlocksPerMultiprocessor)(&blocks, bounded, 64, 0));
  EXPECT_EQ(blocks, 32);
  auto launch = [&](unsigned grid) {
    return CU(cuLaunchCooperativeKernel)(bounded, grid, 1, 1, 64, 1, 1, 0,
                                         nullptr, nullptr);
  };
  EXPECT_CUDA(launch(132 * 32));
  EXPECT_EQ(launch(132 * 32 + 1), CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE);
}

TEST_F(LaunchTest, OnlyCooperativeGridsHaveAWorkspace) {
  // What cooperative groups read: the address, and the word they meet at.
  const char *ptx = R"ptx(
.version 8.3
.target sm_90
.address_size 64
.visible .entry workspace(.param .u64 out)
{
  .reg .pred %p;
  .reg .b32 %r<4>;
  .reg .b64 %rd<4>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %envreg2;
  mov.u32 %r2, %envreg1;
  mov.b64 %rd2, {%r1, %r2};
  mov.u32 %r3, 99;
  setp.eq.u64 %p, %rd2, 0;
  @!%p ld.global.u32 %r3, [%rd2+4];
  st.global.u32 [%rd1], %r3;
  ret;
}
)ptx";
  CUmodule text = nullptr;
  CUfunction kernel = nullptr;
  ASSERT_CUDA(CU(cuModuleLoadData)(&text, ptx));
  ASSERT_CUDA(CU(cuModuleGetFunction)(&kernel, text, "workspace"));
  CUdeviceptr out = upload({7});
  void *params[] = {&out};
  ASSERT_CUDA(CU(cuLaunchKernel)(kernel, 1, 1, 1, 1, 1, 1, 0, nullptr, params,
                                 nullptr));
  EXPECT_EQ(download(out, 1), std::vector<uint32_t>{99});
  ASSERT_CUDA(CU(cuLaunchCooperativeKernel)(kernel, 1, 1, 1, 1, 1, 1, 0,
                                            nullptr, params));
  EXPECT_EQ(download(out, 1), std::vector<uint32_t>{0});
}

TEST_F(LaunchTest, OccupancyFollowsSharedMemory) {
  int blocks = -1;
  auto query = CU(cuOccupancyMaxActiveBlocksPerMultiprocessor);
  // 40 KB static and 1 KB reserved: five in 228 KB.
  EXPECT_CUDA(query(&blocks, function("static_shared"), 128, 0));
  EXPECT_EQ(blocks, 5);
  EXPECT_CUDA(query(&blocks, function("rotate"), 128, 100 * 1024));
  EXPECT_EQ(blocks, 2);
  EXPECT_CUDA(query(&blocks, function("rotate"), 128, 228 * 1024));
  EXPECT_EQ(blocks, 0);
  EXPECT_EQ(query(&blocks, function("rotate"), 0, 0), CUDA_ERROR_INVALID_VALUE);
  int grid = 0, size = 0;
  EXPECT_CUDA(CU(cuOccupancyMaxPotentialBlockSize)(
      &grid, &size, function("bounded"), nullptr, 0, 0));
  EXPECT_EQ(size, 64);
  EXPECT_EQ(grid, 132 * 32);
  size_t bytes = 0;
  EXPECT_CUDA(CU(cuOccupancyAvailableDynamicSMemPerBlock)(
      &bytes, function("rotate"), 2, 128));
  EXPECT_EQ(bytes, 113u * 1024);
}

/// A fault is reported by whoever waits, and by everything after.
class FaultTest : public DriverTest {
protected:
  void poke(CUdeviceptr address) {
    void *params[] = {&address};
    ASSERT_CUDA(CU(cuLaunchKernel)(function("poke"), 1, 1, 1, 1, 1, 1, 0,
                                   nullptr, params, nullptr));
  }

  void expectSticky(CUresult error) {
    EXPECT_EQ(CU(cuCtxSynchronize)(), error);
    CUdeviceptr address = 0;
    EXPECT_EQ(CU(cuMemAlloc)(&address, 16), error);
    EXPECT_EQ(CU(cuStreamSynchronize)(nullptr), error);
    EXPECT_EQ(CU(cuLaunchKernel)(nullptr, 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr,
                                 nullptr),
              error);
  }
};

TEST_F(FaultTest, NullIsAnIllegalAddress) {
  poke(0);
  expectSticky(CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(FaultTest, PastTheEndOfMemoryIsAnIllegalAddress) {
  poke(uint64_t(1) << 60);
  expectSticky(CUDA_ERROR_ILLEGAL_ADDRESS);
}

TEST_F(FaultTest, MisalignedStore) {
  CUdeviceptr words = upload({1, 2});
  poke(words + 2);
  expectSticky(CUDA_ERROR_MISALIGNED_ADDRESS);
}

TEST_F(FaultTest, Trap) {
  ASSERT_CUDA(CU(cuLaunchKernel)(function("trap_now"), 1, 1, 1, 1, 1, 1, 0,
                                 nullptr, nullptr, nullptr));
  expectSticky(CUDA_ERROR_LAUNCH_FAILED);
}

TEST_F(FaultTest, OtherContextsAndTheNextOneAreUnharmed) {
  CUcontext other = nullptr;
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&other, 1));
  poke(0);
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
  ASSERT_CUDA(CU(cuCtxPushCurrent)(other));
  CUdeviceptr words = upload({3});
  EXPECT_EQ(download(words, 1)[0], 3u);
  ASSERT_CUDA(CU(cuCtxPopCurrent)(nullptr));
  ASSERT_CUDA(CU(cuDevicePrimaryCtxReset)(1));
  // A reset gives a fresh primary context.
  ASSERT_CUDA(CU(cuDevicePrimaryCtxReset)(0));
  loaded = nullptr;
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&context, 0));
  ASSERT_CUDA(CU(cuCtxSetCurrent)(context));
  words = upload({3});
  ASSERT_CUDA(addOne(words, 1));
  EXPECT_EQ(download(words, 1)[0], 4u);
}

TEST_F(FaultTest, WorkBehindAFaultIsSkipped) {
  CUdeviceptr words = upload({3});
  poke(0);
  CUmodule module = loaded;
  ASSERT_NE(module, nullptr);
  CU(cuMemsetD32Async)(words, 9, 1, nullptr);
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_ILLEGAL_ADDRESS);
  // The arena is host memory: look at it directly.
  EXPECT_EQ(*reinterpret_cast<uint32_t *>(words), 3u);
}

TEST_F(LaunchTest, TensorMapsAreCheckedAndEncoded) {
  CUdeviceptr data = upload(std::vector<uint32_t>(64 * 64));
  CUtensorMap map;
  cuuint64_t dims[] = {64, 64}, strides[] = {256};
  cuuint32_t box[] = {32, 8}, elementStrides[] = {1, 1};
  auto encode = [&](void *address) {
    return CU(cuTensorMapEncodeTiled)(
        &map, CU_TENSOR_MAP_DATA_TYPE_UINT32, 2, address, dims, strides, box,
        elementStrides, CU_TENSOR_MAP_INTERLEAVE_NONE,
        CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_NONE,
        CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  };
  EXPECT_CUDA(encode(reinterpret_cast<void *>(data)));
  EXPECT_EQ(encode(reinterpret_cast<void *>(data + 4)),
            CUDA_ERROR_INVALID_VALUE);
  box[0] = 64;
  EXPECT_EQ(encode(reinterpret_cast<void *>(data)), CUDA_ERROR_INVALID_VALUE)
      << "the inner box is wider than the swizzle";
}
