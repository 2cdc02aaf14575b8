//===- ExampleTest.cpp - The kernels of docs/examples ---------------------===//
// What docs/writing-a-kernel.md shows must compile, run, and give this.
//===----------------------------------------------------------------------===//

#include "tests/conformance/KernelHarness.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

using namespace tilewright;
using namespace tilewright::conformance;

static std::string readExample(const std::string &name) {
  std::ifstream file(TILEWRIGHT_EXAMPLES "/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

static constexpr int64_t kColumns = 384, kDepth = 512;

/// silu(a b^T + bias) in double, rounded once.
static std::vector<float> expectedSilu(const std::vector<float> &a,
                                       const std::vector<float> &b,
                                       const std::vector<float> &bias,
                                       int64_t tokens) {
  std::vector<float> y;
  for (int64_t i = 0; i < tokens; ++i)
    for (int64_t j = 0; j < kColumns; ++j) {
      double x = bias[j];
      for (int64_t k = 0; k < kDepth; ++k)
        x += double(a[i * kDepth + k]) * b[j * kDepth + k];
      y.push_back(static_cast<float>(x / (1 + std::exp(-x))));
    }
  return y;
}

class GemmBiasSilu : public testing::TestWithParam<int64_t> {};

TEST_P(GemmBiasSilu, IsWhatItSays) {
  auto kernel = TestKernel::compile(readExample("gemm-bias-silu.mlir"));
  ASSERT_TRUE(bool(kernel)) << llvm::toString(kernel.takeError());
  int64_t tokens = GetParam();
  std::vector<float> a = makeNumbers(tokens * kDepth, 1);
  std::vector<float> b = makeNumbers(kColumns * kDepth, 2);
  // Sums of some dozens would saturate the sigmoid and hide its errors.
  constexpr float small = 1.0f / 32;
  for (float &value : b)
    value *= small;
  std::vector<float> bias = makeNumbers(kColumns, 3);
  std::vector<HostTensor> arguments = {
      HostTensor(toBf16(a)), HostTensor(toBf16(b)), HostTensor(toBf16(bias)),
      HostTensor(std::vector<uint16_t>(tokens * kColumns, 0xffff))};
  runtime::SymbolValues symbols;
  symbols[runtime::Symbol::Tokens] = tokens;
  auto error = kernel->launch(arguments, symbols);
  ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
  // One rounding to bf16 is half a unit in its last place, 2^-8 of the value
  // at most. The exponent, below 2^6, carries an error of 2^-24 of itself into
  // the exponential, and ex2.approx adds 2^-22: 2^-16 is ample for both.
  constexpr double bound = 1.0 / (1 << 8) + 1.0 / (1 << 16);
  EXPECT_EQ(compare(fromBf16(arguments[3].as<uint16_t>()),
                    expectedSilu(a, b, bias, tokens), kColumns, bound, 0),
            "");
}

INSTANTIATE_TEST_SUITE_P(Tokens, GemmBiasSilu, testing::Values(1, 64, 200));
