//===- DeviceTest.cpp - Initialization, devices, contexts -----------------===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstring>

using namespace tilewright::sim::test;

static int attribute(CUdevice_attribute which, CUdevice device) {
  int value = -1;
  EXPECT_CUDA(CU(cuDeviceGetAttribute)(&value, which, device));
  return value;
}

TEST(Device, InitializationChecksItsFlags) {
  EXPECT_EQ(CU(cuInit)(1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(CU(cuInit)(0));
  int version = 0;
  EXPECT_CUDA(CU(cuDriverGetVersion)(&version));
  EXPECT_EQ(version, CUDA_VERSION);
}

TEST(Device, CannotBeReconfiguredAfterInitialization) {
  auto configure = reinterpret_cast<int (*)(const char *)>(
      driverSymbol("tilewright_sim_configure"));
  EXPECT_EQ(configure("h200"), CUDA_ERROR_ALREADY_ACQUIRED);
  EXPECT_EQ(configure("h800-sxm,h20"), CUDA_SUCCESS) << "what is in use";
  EXPECT_EQ(configure(nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST(Device, EachConfiguredBoardIsOneDevice) {
  int count = 0;
  ASSERT_CUDA(CU(cuDeviceGetCount)(&count));
  ASSERT_EQ(count, 2);
  char name[64];
  EXPECT_CUDA(CU(cuDeviceGetName)(name, sizeof name, 0));
  EXPECT_STREQ(name, "NVIDIA H800");
  EXPECT_CUDA(CU(cuDeviceGetName)(name, 8, 1));
  EXPECT_STREQ(name, "NVIDIA ");
  CUdevice device = -1;
  EXPECT_CUDA(CU(cuDeviceGet)(&device, 1));
  EXPECT_EQ(device, 1);
  EXPECT_EQ(CU(cuDeviceGet)(&device, 2), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(CU(cuDeviceGet)(&device, -1), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(CU(cuDeviceGet)(nullptr, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST(Device, AttributesComeFromTheSku) {
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0), 132);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 1), 78);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0), 9);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0), 0);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0),
            227 * 1024);
  EXPECT_EQ(
      attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 0),
      228 * 1024);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 1), 60 << 20);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 0), 64);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_CLUSTER_LAUNCH, 0), 1);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 0), 1);
  EXPECT_EQ(attribute(CU_DEVICE_ATTRIBUTE_INTEGRATED, 0), 0);
}

TEST(Device, EveryAttributeHasAValue) {
  for (int i = 1; i < CU_DEVICE_ATTRIBUTE_MAX; ++i) {
    int value = 0;
    EXPECT_CUDA(CU(cuDeviceGetAttribute)(&value, CUdevice_attribute(i), 0))
        << i;
  }
  int value = 0;
  EXPECT_EQ(CU(cuDeviceGetAttribute)(&value, CUdevice_attribute(0), 0),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuDeviceGetAttribute)(&value, CU_DEVICE_ATTRIBUTE_MAX, 0),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuDeviceGetAttribute)(
                nullptr, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 0),
            CUDA_ERROR_INVALID_VALUE);
}

TEST(Device, MemoryIsTheBoards) {
  size_t h800 = 0, h20 = 0;
  EXPECT_CUDA(CU(cuDeviceTotalMem)(&h800, 0));
  EXPECT_CUDA(CU(cuDeviceTotalMem)(&h20, 1));
  EXPECT_EQ(h800, size_t(81559) << 20);
  EXPECT_EQ(h20, size_t(97871) << 20);
}

TEST(Device, UuidAndBusIdTellDevicesApart) {
  CUuuid first, again, second;
  EXPECT_CUDA(CU(cuDeviceGetUuid)(&first, 0));
  EXPECT_CUDA(CU(cuDeviceGetUuid)(&again, 0));
  EXPECT_CUDA(CU(cuDeviceGetUuid)(&second, 1));
  EXPECT_EQ(memcmp(&first, &again, sizeof first), 0);
  EXPECT_NE(memcmp(&first, &second, sizeof first), 0);
  char bus[32];
  EXPECT_CUDA(CU(cuDeviceGetPCIBusId)(bus, sizeof bus, 1));
  CUdevice device = -1;
  EXPECT_CUDA(CU(cuDeviceGetByPCIBusId)(&device, bus));
  EXPECT_EQ(device, 1);
  EXPECT_EQ(CU(cuDeviceGetByPCIBusId)(&device, "0000:77:00.0"),
            CUDA_ERROR_INVALID_DEVICE);
}

TEST(Device, PeersCanReachEachOther) {
  int can = -1;
  EXPECT_CUDA(CU(cuDeviceCanAccessPeer)(&can, 0, 1));
  EXPECT_EQ(can, 1);
  EXPECT_CUDA(CU(cuDeviceCanAccessPeer)(&can, 1, 1));
  EXPECT_EQ(can, 0);
  EXPECT_EQ(CU(cuDeviceCanAccessPeer)(&can, 0, 9), CUDA_ERROR_INVALID_DEVICE);
}

TEST(Context, NoneIsCurrentAtFirst) {
  CUcontext current = reinterpret_cast<CUcontext>(1);
  EXPECT_CUDA(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, nullptr);
  CUdeviceptr address = 0;
  EXPECT_EQ(CU(cuMemAlloc)(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(CU(cuCtxSynchronize)(), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(CU(cuCtxPopCurrent)(&current), CUDA_ERROR_INVALID_CONTEXT);
}

TEST(Context, PrimaryIsSharedAndCounted) {
  CUcontext first = nullptr, second = nullptr;
  unsigned flags = 9;
  int active = -1;
  EXPECT_CUDA(CU(cuDevicePrimaryCtxGetState)(0, &flags, &active));
  EXPECT_EQ(active, 0);
  EXPECT_CUDA(CU(cuDevicePrimaryCtxRetain)(&first, 0));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxRetain)(&second, 0));
  EXPECT_EQ(first, second);
  EXPECT_EQ(CU(cuCtxDestroy)(first), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_CUDA(CU(cuDevicePrimaryCtxRelease)(0));
  EXPECT_CUDA(CU(cuCtxPushCurrent)(first));
  EXPECT_CUDA(CU(cuCtxPopCurrent)(nullptr));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxRelease)(0));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxGetState)(0, &flags, &active));
  EXPECT_EQ(active, 0);
  EXPECT_EQ(CU(cuCtxPushCurrent)(first), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_EQ(CU(cuDevicePrimaryCtxRelease)(0), CUDA_ERROR_INVALID_CONTEXT);
}

TEST(Context, StackOfContexts) {
  CUcontext a = nullptr, b = nullptr, current = nullptr;
  auto create = reinterpret_cast<CUresult (*)(CUcontext *, unsigned, CUdevice)>(
      driverSymbol("cuCtxCreate_v2"));
  ASSERT_CUDA(create(&a, CU_CTX_SCHED_SPIN, 0));
  ASSERT_CUDA(CU(cuCtxCreate)(&b, nullptr, 0, 1));
  EXPECT_CUDA(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, b);
  CUdevice device = -1;
  EXPECT_CUDA(CU(cuCtxGetDevice)(&device));
  EXPECT_EQ(device, 1);
  EXPECT_CUDA(CU(cuCtxPopCurrent)(&current));
  EXPECT_EQ(current, b);
  EXPECT_CUDA(CU(cuCtxGetDevice)(&device));
  EXPECT_EQ(device, 0);
  unsigned flags = 0;
  EXPECT_CUDA(CU(cuCtxGetFlags)(&flags));
  EXPECT_EQ(flags, unsigned(CU_CTX_SCHED_SPIN));
  EXPECT_CUDA(CU(cuCtxDestroy)(b));
  EXPECT_CUDA(CU(cuCtxDestroy)(a));
  EXPECT_EQ(CU(cuCtxDestroy)(a), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_CUDA(CU(cuCtxGetCurrent)(&current));
  EXPECT_EQ(current, nullptr);
  EXPECT_EQ(create(&a, 0x8000, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(create(&a, 0, 7), CUDA_ERROR_INVALID_DEVICE);
}

TEST(Context, DestroyingGivesItsMemoryBack) {
  CUcontext context = nullptr;
  ASSERT_CUDA(CU(cuCtxCreate)(&context, nullptr, 0, 1));
  size_t free = 0, total = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  size_t before = free;
  CUdeviceptr address = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&address, 1 << 20));
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  EXPECT_EQ(before - free, size_t(1) << 20);
  ASSERT_CUDA(CU(cuCtxDestroy)(context));
  ASSERT_CUDA(CU(cuCtxCreate)(&context, nullptr, 0, 1));
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  EXPECT_EQ(free, before);
  EXPECT_EQ(CU(cuMemFree)(address), CUDA_ERROR_INVALID_VALUE);
  ASSERT_CUDA(CU(cuCtxDestroy)(context));
}

TEST(Context, CallsAfterItsEndSaySo) {
  CUcontext context = nullptr;
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&context, 1));
  ASSERT_CUDA(CU(cuCtxSetCurrent)(context));
  ASSERT_CUDA(CU(cuDevicePrimaryCtxReset)(1));
  CUdeviceptr address = 0;
  EXPECT_EQ(CU(cuMemAlloc)(&address, 16), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT_EQ(CU(cuStreamSynchronize)(nullptr), CUDA_ERROR_CONTEXT_IS_DESTROYED);
  EXPECT_CUDA(CU(cuCtxSetCurrent)(nullptr));
  EXPECT_EQ(CU(cuMemAlloc)(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
}

using ContextTest = DriverTest;

TEST_F(ContextTest, LimitsAreKept) {
  size_t value = 0;
  EXPECT_CUDA(CU(cuCtxGetLimit)(&value, CU_LIMIT_STACK_SIZE));
  EXPECT_EQ(value, 1024u);
  EXPECT_CUDA(CU(cuCtxSetLimit)(CU_LIMIT_STACK_SIZE, 4096));
  EXPECT_CUDA(CU(cuCtxGetLimit)(&value, CU_LIMIT_STACK_SIZE));
  EXPECT_EQ(value, 4096u);
  EXPECT_EQ(CU(cuCtxSetLimit)(CUlimit(99), 1), CUDA_ERROR_UNSUPPORTED_LIMIT);
}

TEST_F(ContextTest, PeerAccessIsSwitchedOnOnce) {
  CUcontext peer = nullptr;
  ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&peer, 1));
  EXPECT_EQ(CU(cuCtxDisablePeerAccess)(peer),
            CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
  EXPECT_CUDA(CU(cuCtxEnablePeerAccess)(peer, 0));
  EXPECT_EQ(CU(cuCtxEnablePeerAccess)(peer, 0),
            CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  EXPECT_EQ(CU(cuCtxEnablePeerAccess)(context, 0), CUDA_ERROR_INVALID_CONTEXT);
  EXPECT_CUDA(CU(cuCtxDisablePeerAccess)(peer));
  EXPECT_CUDA(CU(cuDevicePrimaryCtxRelease)(1));
}
