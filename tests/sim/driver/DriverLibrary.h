//===- DriverLibrary.h - The simulated driver, opened as programs open it -===//
// The tests never link the library: every call goes through dlsym and the
// names that the toolkit's cuda.h maps its macros to.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TESTS_SIM_DRIVER_DRIVERLIBRARY_H
#define TILEWRIGHT_TESTS_SIM_DRIVER_DRIVERLIBRARY_H

#include <cuda.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tilewright::sim::test {

/// Opens the library once, with two devices: an H800 and an H20.
void *driverSymbol(const char *name);

#define TILEWRIGHT_TEXT_OF(name) #name
/// The entry point that the header's macro stands for.
#define CU(name)                                                               \
  (reinterpret_cast<decltype(&::name)>(                                        \
      ::tilewright::sim::test::driverSymbol(TILEWRIGHT_TEXT_OF(name))))

/// Prints the error's name when a call fails.
#define EXPECT_CUDA(call) EXPECT_EQ(call, CUDA_SUCCESS)
#define ASSERT_CUDA(call) ASSERT_EQ(call, CUDA_SUCCESS)

/// Kernels that the tests load; see Kernels.cpp.
extern const char *const kTestPtx;

/// A test with the first device's primary context current, and reset after.
class DriverTest : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  /// kTestPtx in the current context, loaded on first use.
  CUmodule module();
  CUfunction function(const char *name);
  CUdeviceptr upload(const std::vector<uint32_t> &values);
  std::vector<uint32_t> download(CUdeviceptr address, size_t count);
  /// Launches "add_one" over `count` words.
  CUresult addOne(CUdeviceptr words, unsigned count, CUstream stream = nullptr);

  CUcontext context = nullptr;
  CUmodule loaded = nullptr;
};

} // namespace tilewright::sim::test

#endif // TILEWRIGHT_TESTS_SIM_DRIVER_DRIVERLIBRARY_H
