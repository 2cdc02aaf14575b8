//===- MemoryTest.cpp - Allocation, copies, fills, pointer attributes -----===//

#include "tests/sim/driver/DriverLibrary.h"

#include <cstring>
#include <numeric>

using namespace tilewright::sim::test;

using MemoryTest = DriverTest;

static std::vector<uint32_t> sequence(size_t count, uint32_t first = 0) {
  std::vector<uint32_t> values(count);
  std::iota(values.begin(), values.end(), first);
  return values;
}

TEST_F(MemoryTest, AllocationsAreAlignedAndApart) {
  CUdeviceptr a = 0, b = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&a, 1));
  ASSERT_CUDA(CU(cuMemAlloc)(&b, 513));
  EXPECT_EQ(a % 512, 0u);
  EXPECT_EQ(b % 512, 0u);
  EXPECT_GE(b, a + 512);
  EXPECT_EQ(CU(cuMemAlloc)(&a, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemAlloc)(nullptr, 1), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, MoreThanTheBoardHasIsRefused) {
  size_t free = 0, total = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  CUdeviceptr a = 0, b = 0;
  EXPECT_EQ(CU(cuMemAlloc)(&a, total + 1), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(CU(cuMemAlloc)(&a, SIZE_MAX), CUDA_ERROR_OUT_OF_MEMORY);
  ASSERT_CUDA(CU(cuMemAlloc)(&a, total / 2 + 512));
  EXPECT_EQ(CU(cuMemAlloc)(&b, total / 2 + 512), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_CUDA(CU(cuMemFree)(a));
  EXPECT_CUDA(CU(cuMemAlloc)(&b, total / 2 + 512));
}

TEST_F(MemoryTest, FreedNeighboursBecomeOneHole) {
  size_t free = 0, total = 0;
  ASSERT_CUDA(CU(cuMemGetInfo)(&free, &total));
  size_t third = total / 3 / 512 * 512;
  CUdeviceptr blocks[3], whole = 0;
  for (CUdeviceptr &block : blocks)
    ASSERT_CUDA(CU(cuMemAlloc)(&block, third));
  for (int i : {0, 2, 1})
    ASSERT_CUDA(CU(cuMemFree)(blocks[i]));
  EXPECT_CUDA(CU(cuMemAlloc)(&whole, total / 512 * 512));
}

TEST_F(MemoryTest, FreeChecksItsPointer) {
  CUdeviceptr a = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&a, 1024));
  EXPECT_CUDA(CU(cuMemFree)(0));
  EXPECT_EQ(CU(cuMemFree)(a + 512), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemFree)(12345), CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(CU(cuMemFree)(a));
  EXPECT_EQ(CU(cuMemFree)(a), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, SameCallsGiveSameAddresses) {
  CUdeviceptr first[8], second[8];
  for (auto *round : {first, second}) {
    for (int i = 0; i < 8; ++i)
      ASSERT_CUDA(CU(cuMemAlloc)(&round[i], 1000 * (i + 1)));
    for (int i = 0; i < 8; ++i)
      ASSERT_CUDA(CU(cuMemFree)(round[(i * 3) % 8]));
  }
  EXPECT_EQ(memcmp(first, second, sizeof first), 0);
}

TEST_F(MemoryTest, CopiesGoBothWays) {
  std::vector<uint32_t> values = sequence(1000);
  CUdeviceptr a = upload(values), b = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&b, 4000));
  EXPECT_CUDA(CU(cuMemcpyDtoD)(b, a, 4000));
  EXPECT_EQ(download(b, 1000), values);
  // Overlapping, forwards.
  EXPECT_CUDA(CU(cuMemcpyDtoD)(b + 4, b, 3996));
  EXPECT_EQ(download(b, 1000)[999], 998u);
  // Unified: the direction is told by the pointers.
  std::vector<uint32_t> back(1000);
  EXPECT_CUDA(
      CU(cuMemcpy)(reinterpret_cast<CUdeviceptr>(back.data()), a, 4000));
  EXPECT_EQ(back, values);
}

TEST_F(MemoryTest, LargeCopiesAreWhole) {
  std::vector<uint32_t> values = sequence(size_t(10) << 20, 17);
  CUdeviceptr a = upload(values);
  EXPECT_TRUE(download(a, values.size()) == values);
}

TEST_F(MemoryTest, CopiesCheckTheirRanges) {
  std::vector<uint32_t> values = sequence(300);
  CUdeviceptr a = upload(values);
  auto upload = CU(cuMemcpyHtoD);
  auto download = CU(cuMemcpyDtoH);
  EXPECT_CUDA(upload(a, values.data(), 0));
  EXPECT_EQ(upload(a, values.data(), 1201), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(upload(a + 1196, values.data(), 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(upload(0, values.data(), 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(upload(a, nullptr, 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(upload(a, values.data(), SIZE_MAX), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(download(nullptr, a, 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(download(values.data(), a + 1300, 8), CUDA_ERROR_INVALID_VALUE);
  // A host address is no device address.
  CUdeviceptr host = reinterpret_cast<CUdeviceptr>(values.data());
  EXPECT_EQ(upload(host, values.data(), 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemcpyDtoD)(a, host, 8), CUDA_ERROR_INVALID_VALUE);
  // A freed block is gone.
  EXPECT_CUDA(CU(cuMemFree)(a));
  EXPECT_EQ(upload(a, values.data(), 8), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, PitchedCopyMovesABox) {
  CUdeviceptr image = 0;
  size_t pitch = 0;
  ASSERT_CUDA(CU(cuMemAllocPitch)(&image, &pitch, 100, 10, 4));
  EXPECT_EQ(pitch % 512, 0u);
  EXPECT_CUDA(CU(cuMemsetD8)(image, 0xee, pitch * 10));
  std::vector<uint8_t> source(100 * 10), target(30 * 4, 0);
  for (size_t i = 0; i < source.size(); ++i)
    source[i] = uint8_t(i * 7);
  CUDA_MEMCPY2D up{};
  up.srcMemoryType = CU_MEMORYTYPE_HOST;
  up.srcHost = source.data();
  up.srcPitch = 100;
  up.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  up.dstDevice = image;
  up.dstPitch = pitch;
  up.WidthInBytes = 100;
  up.Height = 10;
  ASSERT_CUDA(CU(cuMemcpy2D)(&up));
  CUDA_MEMCPY2D down{};
  down.srcMemoryType = CU_MEMORYTYPE_DEVICE;
  down.srcDevice = image;
  down.srcPitch = pitch;
  down.srcXInBytes = 20;
  down.srcY = 3;
  down.dstMemoryType = CU_MEMORYTYPE_HOST;
  down.dstHost = target.data();
  down.dstPitch = 30;
  down.WidthInBytes = 30;
  down.Height = 4;
  ASSERT_CUDA(CU(cuMemcpy2D)(&down));
  for (size_t y = 0; y < 4; ++y)
    for (size_t x = 0; x < 30; ++x)
      ASSERT_EQ(target[y * 30 + x], source[(y + 3) * 100 + x + 20]);
  down.srcY = 7;
  EXPECT_EQ(CU(cuMemcpy2D)(&down), CUDA_ERROR_INVALID_VALUE)
      << "the last row is outside";
  down.srcY = 0;
  down.srcPitch = 8;
  EXPECT_EQ(CU(cuMemcpy2D)(&down), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemcpy2D)(nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, FillsOfEveryWidth) {
  CUdeviceptr a = upload(sequence(64));
  EXPECT_CUDA(CU(cuMemsetD8)(a, 0xab, 16));
  EXPECT_CUDA(CU(cuMemsetD16)(a + 16, 0x1234, 8));
  EXPECT_CUDA(CU(cuMemsetD32)(a + 32, 0xdeadbeef, 4));
  std::vector<uint32_t> values = download(a, 64);
  EXPECT_EQ(values[3], 0xababababu);
  EXPECT_EQ(values[4], 0x12341234u);
  EXPECT_EQ(values[11], 0xdeadbeefu);
  EXPECT_EQ(values[12], 12u);
  EXPECT_CUDA(CU(cuMemsetD2D32)(a + 64, 32, 5, 2, 3));
  values = download(a, 64);
  EXPECT_EQ(values[16], 5u);
  EXPECT_EQ(values[18], 18u);
  EXPECT_EQ(values[33], 5u);
  EXPECT_EQ(values[40], 40u);
  EXPECT_EQ(CU(cuMemsetD32)(a + 2, 0, 4), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemsetD32)(a, 0, 65), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemsetD32)(a, 0, SIZE_MAX), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemsetD8)(0, 0, 1), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, PinnedMemoryIsOneAddressForBoth) {
  void *host = nullptr;
  ASSERT_CUDA(CU(cuMemHostAlloc)(&host, 4096, CU_MEMHOSTALLOC_PORTABLE));
  static_cast<uint32_t *>(host)[0] = 41;
  CUdeviceptr device = 0;
  EXPECT_CUDA(CU(cuMemHostGetDevicePointer)(&device, host, 0));
  ASSERT_CUDA(addOne(device, 1));
  ASSERT_CUDA(CU(cuCtxSynchronize)());
  EXPECT_EQ(static_cast<uint32_t *>(host)[0], 42u);
  unsigned flags = 0;
  EXPECT_CUDA(CU(cuMemHostGetFlags)(&flags, host));
  EXPECT_EQ(flags, unsigned(CU_MEMHOSTALLOC_PORTABLE));
  EXPECT_EQ(CU(cuMemFree)(device), CUDA_ERROR_INVALID_VALUE);
  EXPECT_CUDA(CU(cuMemFreeHost)(host));
  EXPECT_EQ(CU(cuMemFreeHost)(host), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemHostAlloc)(&host, 16, 0x80), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemHostAlloc)(&host, 0, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, ManagedMemoryIsOneAddressForBoth) {
  CUdeviceptr managed = 0;
  ASSERT_CUDA(CU(cuMemAllocManaged)(&managed, 400, CU_MEM_ATTACH_GLOBAL));
  auto *words = reinterpret_cast<uint32_t *>(managed);
  for (uint32_t i = 0; i < 100; ++i)
    words[i] = i;
  ASSERT_CUDA(addOne(managed, 100));
  ASSERT_CUDA(CU(cuCtxSynchronize)());
  EXPECT_EQ(words[99], 100u);
  EXPECT_CUDA(CU(cuMemFree)(managed));
  EXPECT_EQ(CU(cuMemAllocManaged)(&managed, 400, 0), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(MemoryTest, RegisteredRangesMayNotOverlap) {
  std::vector<uint32_t> host(4096, 3);
  char *bytes = reinterpret_cast<char *>(host.data());
  auto add = CU(cuMemHostRegister);
  ASSERT_CUDA(add(bytes, 8192, 0));
  EXPECT_EQ(add(bytes + 8000, 1000, 0),
            CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  EXPECT_EQ(add(bytes, 8192, 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
  EXPECT_CUDA(add(bytes + 8192, 100, 0));
  CUdeviceptr a = upload(std::vector<uint32_t>(2048, 0));
  EXPECT_CUDA(CU(cuMemcpyHtoDAsync)(a, bytes, 8192, nullptr));
  EXPECT_EQ(download(a, 2048)[2047], 3u);
  EXPECT_CUDA(CU(cuMemHostUnregister)(bytes));
  EXPECT_EQ(CU(cuMemHostUnregister)(bytes),
            CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
  EXPECT_CUDA(CU(cuMemHostUnregister)(bytes + 8192));
}

TEST_F(MemoryTest, PointerAttributes) {
  CUdeviceptr a = 0;
  ASSERT_CUDA(CU(cuMemAlloc)(&a, 1000));
  auto query = CU(cuPointerGetAttribute);
  unsigned type = 0;
  EXPECT_CUDA(query(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, a + 7));
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  CUdeviceptr start = 0;
  size_t size = 0;
  EXPECT_CUDA(query(&start, CU_POINTER_ATTRIBUTE_RANGE_START_ADDR, a + 7));
  EXPECT_CUDA(query(&size, CU_POINTER_ATTRIBUTE_RANGE_SIZE, a + 7));
  EXPECT_EQ(start, a);
  EXPECT_EQ(size, 1000u);
  CUcontext owner = nullptr;
  EXPECT_CUDA(query(&owner, CU_POINTER_ATTRIBUTE_CONTEXT, a));
  EXPECT_EQ(owner, context);
  int ordinal = -1;
  EXPECT_CUDA(query(&ordinal, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, a));
  EXPECT_EQ(ordinal, 0);
  EXPECT_EQ(query(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, a + 1000),
            CUDA_ERROR_INVALID_VALUE);
  CUdeviceptr base = 0;
  EXPECT_CUDA(CU(cuMemGetAddressRange)(&base, &size, a + 999));
  EXPECT_EQ(base, a);
  EXPECT_EQ(CU(cuMemGetAddressRange)(&base, &size, 64), CUDA_ERROR_NOT_FOUND);
  // A list of attributes of a foreign pointer reads as zero, and succeeds.
  CUpointer_attribute wanted[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE};
  void *slots[] = {&type};
  EXPECT_CUDA(CU(cuPointerGetAttributes)(1, wanted, slots,
                                         reinterpret_cast<CUdeviceptr>(&type)));
  EXPECT_EQ(type, 0u);
  // So does what a pointer of ours does not have: device memory on the host.
  void *onHost = &type;
  CUpointer_attribute host[] = {CU_POINTER_ATTRIBUTE_MEMORY_TYPE,
                                CU_POINTER_ATTRIBUTE_HOST_POINTER};
  void *values[] = {&type, &onHost};
  EXPECT_CUDA(CU(cuPointerGetAttributes)(2, host, values, a));
  EXPECT_EQ(type, unsigned(CU_MEMORYTYPE_DEVICE));
  EXPECT_EQ(onHost, nullptr);
}

TEST_F(MemoryTest, PoolsKeepBooks) {
  CUmemoryPool pool = nullptr;
  ASSERT_CUDA(CU(cuDeviceGetDefaultMemPool)(&pool, 0));
  CUstream stream = nullptr;
  ASSERT_CUDA(CU(cuStreamCreate)(&stream, CU_STREAM_NON_BLOCKING));
  cuuint64_t used = 1;
  auto get = CU(cuMemPoolGetAttribute);
  EXPECT_CUDA(get(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  cuuint64_t before = used;
  CUdeviceptr a = 0;
  ASSERT_CUDA(CU(cuMemAllocAsync)(&a, 4096, stream));
  EXPECT_CUDA(CU(cuMemsetD32Async)(a, 9, 1024, stream));
  ASSERT_CUDA(addOne(a, 1024, stream));
  EXPECT_CUDA(get(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(used, before + 4096);
  EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_EQ(download(a, 1024)[1023], 10u);
  EXPECT_CUDA(CU(cuMemFreeAsync)(a, stream));
  EXPECT_CUDA(CU(cuStreamSynchronize)(stream));
  EXPECT_CUDA(get(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
  EXPECT_EQ(used, before);
  EXPECT_EQ(CU(cuMemFreeAsync)(a, stream), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(CU(cuMemPoolDestroy)(pool), CUDA_ERROR_INVALID_VALUE);
  CUmemPoolProps properties{};
  properties.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location = {CU_MEM_LOCATION_TYPE_DEVICE, {0}};
  ASSERT_CUDA(CU(cuMemPoolCreate)(&pool, &properties));
  EXPECT_CUDA(CU(cuMemAllocFromPoolAsync)(&a, 100, pool, stream));
  EXPECT_CUDA(CU(cuMemFree)(a));
  EXPECT_CUDA(CU(cuMemPoolDestroy)(pool));
  EXPECT_EQ(CU(cuMemAllocFromPoolAsync)(&a, 100, pool, stream),
            CUDA_ERROR_INVALID_VALUE);
}
