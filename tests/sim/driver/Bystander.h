//===- Bystander.h - A context beside the one that is misused ---*- C++ -*-===//
#ifndef TILEWRIGHT_TESTS_SIM_DRIVER_BYSTANDER_H
#define TILEWRIGHT_TESTS_SIM_DRIVER_BYSTANDER_H

#include "tests/sim/driver/DriverLibrary.h"

namespace tilewright::sim::test {

/// The other device's context is there while the first one is misused, and has
/// its memory and takes work afterwards.
class BystanderTest : public DriverTest {
protected:
  void SetUp() override {
    DriverTest::SetUp();
    ASSERT_CUDA(CU(cuDevicePrimaryCtxRetain)(&bystander, 1));
    ASSERT_CUDA(CU(cuCtxPushCurrent)(bystander));
    kept = upload({1, 2, 3});
    ASSERT_CUDA(CU(cuCtxPopCurrent)(nullptr));
  }

  void TearDown() override {
    ASSERT_CUDA(CU(cuCtxPushCurrent)(bystander));
    EXPECT_EQ(download(kept, 3), (std::vector<uint32_t>{1, 2, 3}));
    loaded = nullptr;
    EXPECT_CUDA(addOne(kept, 3));
    EXPECT_EQ(download(kept, 3), (std::vector<uint32_t>{2, 3, 4}));
    ASSERT_CUDA(CU(cuCtxPopCurrent)(nullptr));
    EXPECT_CUDA(CU(cuDevicePrimaryCtxReset)(1));
    DriverTest::TearDown();
  }

  /// After a refusal, not a fault: this very context goes on.
  void expectHealthy() {
    EXPECT_CUDA(CU(cuCtxSynchronize)());
    CUdeviceptr words = upload({7});
    EXPECT_CUDA(addOne(words, 1));
    EXPECT_EQ(download(words, 1)[0], 8u);
  }

  CUcontext bystander = nullptr;
  CUdeviceptr kept = 0;
};

} // namespace tilewright::sim::test

#endif // TILEWRIGHT_TESTS_SIM_DRIVER_BYSTANDER_H
