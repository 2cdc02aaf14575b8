//===- PassVerifierTest.cpp - Passes that break what a graph means --------===//

#include "ir/reference/PassVerifier.h"
#include "ir/xf/Xf.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tilewright;

namespace {

/// Multiplies the factor of every scale, by so little or so much.
struct ChangeScale : PassWrapper<ChangeScale, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ChangeScale)
  explicit ChangeScale(float factor) : factor(factor) {}
  StringRef getArgument() const final { return "test-change-scale"; }
  void runOnOperation() final {
    getOperation().walk([&](xf::ScaleOp op) {
      op.setFactor(APFloat(op.getFactor().convertToFloat() * factor));
    });
  }
  float factor;
};

/// Makes two functions of each.
struct CopyFunctions : PassWrapper<CopyFunctions, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(CopyFunctions)
  StringRef getArgument() const final { return "test-copy-functions"; }
  void runOnOperation() final {
    for (auto func : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      func::FuncOp copy = func.clone();
      copy.setName("copy");
      func.setName("other");
      getOperation().push_back(copy);
    }
  }
};

class PassVerifierTest : public ::testing::Test {
protected:
  PassVerifierTest()
      : handler(&context, [&](Diagnostic &diagnostic) {
          messages.push_back(diagnostic.str());
        }) {
    context.loadDialect<xf::XfDialect, func::FuncDialect>();
  }

  /// True if the verifier has nothing to say.
  bool run(llvm::function_ref<void(PassManager &)> addPasses,
           bool mayRound = false) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(R"mlir(
      func.func @forward(%x: tensor<?x8xbf16, #xf.sizes<tokens>>)
          -> tensor<?x8xbf16, #xf.sizes<tokens>> {
        %y = xf.scale %x by 3.0 : tensor<?x8xbf16, #xf.sizes<tokens>>
        return %y : tensor<?x8xbf16, #xf.sizes<tokens>>
      })mlir",
                                                               &context);
    bool failed = false;
    PassManager pm(&context);
    pm.addInstrumentation(reference::createPassVerifier(
        [=](StringRef) { return mayRound; }, failed));
    addPasses(pm);
    EXPECT_TRUE(succeeded(pm.run(*module)));
    return !failed;
  }

  MLIRContext context;
  std::vector<std::string> messages;
  ScopedDiagnosticHandler handler;
};

} // namespace

TEST_F(PassVerifierTest, PassesThatKeepValuesPass) {
  EXPECT_TRUE(run([](PassManager &pm) {
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(1.0f));
    pm.addPass(std::make_unique<CopyFunctions>());
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(1.0f));
  }));
  EXPECT_TRUE(messages.empty());
}

TEST_F(PassVerifierTest, TheFirstCulpritIsNamed) {
  EXPECT_FALSE(run([](PassManager &pm) {
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(1.0f));
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(2.0f));
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(2.0f));
  }));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_NE(messages[0].find("pass 'test-change-scale' changes what the graph "
                             "means: expects, in result 0, element [0, 0]"),
            std::string::npos)
      << messages[0];
}

TEST_F(PassVerifierTest, CopiesAreHeldToTheOriginal) {
  EXPECT_FALSE(run([](PassManager &pm) {
    pm.addPass(std::make_unique<CopyFunctions>());
    pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(2.0f));
  }));
}

/// One rounding to bf16 has half a unit in the last place, 2^-9 of the value.
TEST_F(PassVerifierTest, PassesThatMayRoundMoveNoFurtherThanRounding) {
  auto change = [](float factor) {
    return [=](PassManager &pm) {
      pm.addNestedPass<func::FuncOp>(std::make_unique<ChangeScale>(factor));
    };
  };
  EXPECT_TRUE(run(change(1.0f + 0x1p-11f), /*mayRound=*/true));
  EXPECT_TRUE(messages.empty());
  EXPECT_FALSE(run(change(1.0f + 0x1p-11f), /*mayRound=*/false));
  EXPECT_FALSE(run(change(1.0f + 0x1p-6f), /*mayRound=*/true));
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_NE(messages[1].find("rounding explains"), std::string::npos)
      << messages[1];
}
