//===- KernelHarness.h - Text of a kernel in, results out -------*- C++ -*-===//
// Compiles the text of a tile.kernel as the driver does, then loads and
// launches it as the runtime does: nothing between the two is special to tests.
// Runs on the device that TILEWRIGHT_TEST_DEVICE names, the simulator by
// default, and there under all of its checks (LaunchChecks.h).
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TESTS_CONFORMANCE_KERNELHARNESS_H
#define TILEWRIGHT_TESTS_CONFORMANCE_KERNELHARNESS_H

#include "runtime/bundle/SizeExpr.h"

#include "llvm/Support/Error.h"

#include <bit>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tilewright::conformance {

/// A tensor of a test, in host memory; the type of its elements is the test's
/// affair.
class HostTensor {
public:
  HostTensor() = default;
  template <typename T>
  explicit HostTensor(const std::vector<T> &elements)
      : bytes(elements.size() * sizeof(T)) {
    std::memcpy(bytes.data(), elements.data(), bytes.size());
  }

  template <typename T>
  std::vector<T> as() const {
    std::vector<T> elements(bytes.size() / sizeof(T));
    std::memcpy(elements.data(), bytes.data(), elements.size() * sizeof(T));
    return elements;
  }

  /// Bytes that nobody has written: the kernel's to fill, and not to read. They
  /// are not copied to the device.
  static HostTensor unwritten(size_t bytes) {
    HostTensor tensor;
    tensor.bytes.resize(bytes);
    tensor.isWritten = false;
    return tensor;
  }

  std::vector<std::byte> bytes;
  bool isWritten = true;
};

/// bf16 as the bits of its upper half of f32, rounded to nearest even.
uint16_t toBf16(float value);
float fromBf16(uint16_t bits);
std::vector<uint16_t> toBf16(const std::vector<float> &values);
std::vector<float> fromBf16(const std::vector<uint16_t> &bits);

/// Numbers that bf16 holds exactly, small enough for sums to stay exact in f32
/// where that matters: multiples of 1/8 in [-2, 2], from a fixed generator.
std::vector<float> makeNumbers(size_t count, uint32_t seed);

/// `text` with every `$NAME` replaced by the value of NAME.
std::string
fill(std::string text,
     const std::vector<std::pair<std::string, std::string>> &values);

/// A compiled kernel, loaded on the device.
class TestKernel {
public:
  using PtxEdit = std::function<std::string(std::string)>;

  /// Compiles the one kernel in `text`. ptxas must find it clean: no spills, no
  /// advisories. The error holds the diagnostics. `edit` changes the PTX before
  /// it is loaded.
  static llvm::Expected<TestKernel> compile(llvm::StringRef text,
                                            const PtxEdit &edit = nullptr);

  TestKernel(TestKernel &&);
  TestKernel &operator=(TestKernel &&);
  ~TestKernel();

  const std::string &getPtx() const;
  int64_t getSharedBytes() const;

  /// Runs the kernel on copies of `arguments`, one for each of the kernel's,
  /// and copies all of them back. Fails as well if the simulator's checks find
  /// anything, or, on a GPU, if the kernel wrote next to an argument.
  llvm::Error launch(std::vector<HostTensor> &arguments,
                     runtime::SymbolValues symbols) const;

private:
  struct State;
  explicit TestKernel(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Checks `actual` against `expected` element by element: within `relative` of
/// the larger magnitude, or `absolute`. Returns an empty string, or the first
/// coordinate that is off with both values and the count of such elements.
std::string compare(const std::vector<float> &actual,
                    const std::vector<float> &expected, size_t columns,
                    double relative, double absolute);

} // namespace tilewright::conformance

#endif // TILEWRIGHT_TESTS_CONFORMANCE_KERNELHARNESS_H
