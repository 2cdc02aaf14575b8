//===- LogitsCheckTest.cpp - What is too far off is found, and named ------===//

#include "tools/driver/LogitsCheck.h"

#include "tools/driver/Compile.h"
#include "tools/driver/CompilerContext.h"

#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace tilewright {
namespace {

/// The text of a verification error; empty for success.
std::string textOf(llvm::Error error) {
  EXPECT_TRUE(!error || error.isA<VerificationError>());
  return llvm::toString(std::move(error));
}

/// Rows with a root mean square of 2, and one of 0.
reference::Tensor makeLogits() {
  reference::Tensor tensor(reference::ElementType::F32, {3, 4});
  tensor.writeFloats(0, {2, -2, 2, 2, -2, 2, -2, 2, 0, 0, 0, 0});
  return tensor;
}

TEST(LogitsCheck, AcceptsWhatIsWithinTheBound) {
  LogitsDistance distance;
  std::vector<float> actual = makeLogits().getFloats();
  actual[2] += 0.125f;
  EXPECT_EQ(
      textOf(compareLogits("step", makeLogits(), actual, 0.0625, distance)),
      "");
  EXPECT_EQ(distance.largest, 0.125);
  EXPECT_EQ(distance.allowed, 0.125);
}

TEST(LogitsCheck, NamesTheFirstCoordinate) {
  LogitsDistance distance;
  std::vector<float> actual = makeLogits().getFloats();
  actual[6] = -1.5f;
  actual[7] = 100;
  EXPECT_EQ(
      textOf(compareLogits("decode", makeLogits(), actual, 0.0625, distance)),
      "decode: expects logits[1, 2] to be -2, but got -1.5, off by 0.5, "
      "allowed 0.125");
}

TEST(LogitsCheck, RefusesWhatIsNoNumber) {
  for (float wrong : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    LogitsDistance distance;
    std::vector<float> actual = makeLogits().getFloats();
    actual[0] = wrong;
    EXPECT_NE(
        textOf(compareLogits("step", makeLogits(), actual, 1e9, distance)), "");
  }
}

TEST(LogitsCheck, WantsTheBestToken) {
  std::vector<float> logits = {1, 5, 5, 2, 9, 3, 4, 0};
  EXPECT_EQ(textOf(checkTokens("step", {1, 0}, logits)), "");
  EXPECT_EQ(textOf(checkTokens("step", {1, 2}, logits)),
            "step: expects next_tokens[1] to be 0, but got 2");
  // The lowest index among equals.
  EXPECT_EQ(textOf(checkTokens("step", {2, 0}, logits)),
            "step: expects next_tokens[0] to be 1, but got 2");
}

double allowedFor(const char *body, CompilerContext &context) {
  std::string text = std::string("func.func @plan(%x: tensor<4x8xbf16>, "
                                 "%f: tensor<4x8xf32>) {\n") +
                     body + "return }";
  auto module = parseSourceString<ModuleOp>(text, &context.get());
  EXPECT_TRUE(module) << context.takeDiagnostics();
  return getAllowedDistance(*module->getOps<func::FuncOp>().begin());
}

TEST(LogitsCheck, AllowsWhatTheRoundingsGive) {
  CompilerContext context;
  // No rounding to 16 bits: no distance.
  EXPECT_EQ(allowedFor("%y = xf.scale %f by 2.0 : tensor<4x8xf32>", context),
            0);
  double one =
      allowedFor("%y = xf.scale %x by 2.0 : tensor<4x8xbf16>", context);
  EXPECT_DOUBLE_EQ(one, 5 * 0x1p-9);
  double four =
      allowedFor("%a = xf.scale %x by 2.0 : tensor<4x8xbf16>\n"
                 "%b = xf.activation silu %a : tensor<4x8xbf16>\n"
                 "%c = xf.add %b, %a : tensor<4x8xbf16>, tensor<4x8xbf16>\n"
                 "%d = xf.mul %c, %a : tensor<4x8xbf16>, tensor<4x8xbf16>\n"
                 // Moves elements, rounds none.
                 "%e = xf.reshape %d : tensor<4x8xbf16> to tensor<32xbf16>\n",
                 context);
  EXPECT_DOUBLE_EQ(four, 2 * one);
}

} // namespace
} // namespace tilewright
