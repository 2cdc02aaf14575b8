//===- PassBoundTest.cpp - What rounding does not explain is found --------===//
// Passes with a planted fault, under the name of one that may round, on small
// models of the families. The twin: the passes as they are, on the same models,
// are never beyond the bound.
//===----------------------------------------------------------------------===//

#include "frontend/Diagnostics.h"
#include "frontend/hf/HuggingFace.h"
#include "ir/reference/PassVerifier.h"
#include "ir/xf/Xf.h"
#include "passes/Bounds.h"
#include "passes/Pipelines.h"
#include "tools/driver/CompilerContext.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;

namespace tilewright {
namespace {

/// A config of `family` with a few more fields.
std::string makeConfig(StringRef family, StringRef architecture,
                       StringRef fields) {
  return ("{\"model_type\": \"" + family + "\", \"architectures\": [\"" +
          architecture +
          "ForCausalLM\"], \"eos_token_id\": 2, \"hidden_act\": \"silu\", "
          "\"hidden_size\": 256, \"intermediate_size\": 512, "
          "\"max_position_embeddings\": 512, \"num_attention_heads\": 4, "
          "\"num_hidden_layers\": 2, \"num_key_value_heads\": 2, "
          "\"rms_norm_eps\": 1e-05, \"rope_theta\": 10000.0, "
          "\"torch_dtype\": \"bfloat16\", \"vocab_size\": 500" +
          fields + "}")
      .str();
}

const std::string kLlama = makeConfig("llama", "Llama", "");
const std::string kQwen2 = makeConfig("qwen2", "Qwen2", "");
const std::string kQwen3 = makeConfig(
    "qwen3", "Qwen3", ", \"head_dim\": 128, \"attention_bias\": false");
const std::string kMistral =
    makeConfig("mistral", "Mistral", ", \"sliding_window\": 48");

/// Does something else than the pass of its name should.
struct FaultyPass : PassWrapper<FaultyPass, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(FaultyPass)
  using Change = std::function<void(func::FuncOp)>;
  explicit FaultyPass(Change change) : change(std::move(change)) {}
  StringRef getArgument() const final { return "xf-fold-norms"; }
  void runOnOperation() final { change(getOperation()); }
  Change change;
};

/// The first op of a kind, in the first layer.
template <typename OpTy>
OpTy findFirst(func::FuncOp func) {
  OpTy found;
  func.walk([&](OpTy op) {
    found = op;
    return WalkResult::interrupt();
  });
  EXPECT_TRUE(found);
  return found;
}

/// What the verifier says of passes on the model of `config`; empty: nothing.
std::string verify(const std::string &config,
                   llvm::function_ref<void(PassManager &)> addPasses) {
  CompilerContext context;
  frontend::DiagnosticSink sink;
  frontend::ImportOptions options;
  options.configOnly = true;
  frontend::SourceText source{"config.json", config};
  auto module = frontend::importConfig(context.get(), source, options, sink);
  if (failed(module)) {
    ADD_FAILURE() << "the config is not sound";
    return "";
  }
  bool differs = false;
  PassManager passes(&context.get());
  addPasses(passes);
  passes.addInstrumentation(reference::createPassVerifier(mayRound, differs));
  EXPECT_TRUE(succeeded(passes.run(**module)));
  std::string text = context.takeDiagnostics();
  EXPECT_EQ(differs, !text.empty()) << text;
  return text;
}

std::string verifyFault(const std::string &config, FaultyPass::Change change) {
  return verify(config, [&](PassManager &passes) {
    passes.addNestedPass<func::FuncOp>(std::make_unique<FaultyPass>(change));
  });
}

void expectFound(const std::string &text) {
  EXPECT_NE(text.find("pass 'xf-fold-norms' changes what the graph means"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("rounding"), std::string::npos) << text;
}

struct Model {
  const char *name;
  std::string config;
};

class PassBound : public ::testing::TestWithParam<Model> {};

/// Nothing is wrong: nothing is found, of any pass of the pipeline.
TEST_P(PassBound, PassesAsTheyAre) {
  EXPECT_EQ(verify(GetParam().config,
                   [](PassManager &passes) {
                     GraphOptions options;
                     options.skuDirectory = TILEWRIGHT_SKUS;
                     options.maxTokens = 128;
                     options.maxSeqs = 8;
                     options.maxRows = 8;
                     options.maxContext = 512;
                     buildGraphPipeline(passes, options);
                   }),
            "");
}

TEST_P(PassBound, WrongScale) {
  expectFound(verifyFault(GetParam().config, [](func::FuncOp func) {
    auto op = findFirst<xf::AttentionOp>(func);
    op.setScale(APFloat(op.getScale().convertToFloat() * 1.1f));
  }));
}

/// A norm's weight taken from another norm.
TEST_P(PassBound, WrongNormWeight) {
  expectFound(verifyFault(GetParam().config, [](func::FuncOp func) {
    SmallVector<xf::RmsNormOp> norms;
    func.walk([&](xf::RmsNormOp norm) {
      if (norm.getType().getRank() == 2)
        norms.push_back(norm);
    });
    ASSERT_GE(norms.size(), 2u);
    // The earlier weight, which is there already.
    norms[1].getWeightMutable().assign(norms[0].getWeight());
  }));
}

/// A residual connection that is missing.
TEST_P(PassBound, DroppedResidual) {
  expectFound(verifyFault(GetParam().config, [](func::FuncOp func) {
    xf::AddOp found;
    func.walk([&](xf::AddOp op) {
      if (cast<RankedTensorType>(op.getRhs().getType()).getRank() == 2)
        found = op;
    });
    ASSERT_TRUE(found);
    found.replaceAllUsesWith(found.getLhs());
  }));
}

/// Every query rotated as if it stood one place further on: its table lacks the
/// first row.
TEST_P(PassBound, PositionOffByOne) {
  expectFound(verifyFault(GetParam().config, [](func::FuncOp func) {
    auto rope = findFirst<xf::RopeOp>(func);
    OpBuilder builder(rope);
    RankedTensorType type = rope.getTable().getType();
    auto split =
        xf::SplitOp::create(builder, rope.getLoc(), rope.getTable(), /*dim=*/0,
                            ArrayRef<int64_t>{1, type.getDimSize(0) - 1});
    rope.getTableMutable().assign(split.getPieces()[1]);
  }));
}

static std::string getName(const ::testing::TestParamInfo<Model> &info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Families, PassBound,
                         ::testing::Values(Model{"Llama", kLlama},
                                           Model{"Qwen2", kQwen2},
                                           Model{"Qwen3", kQwen3},
                                           Model{"Mistral", kMistral}),
                         getName);

TEST(PassBoundOfOneFamily, DroppedBias) {
  expectFound(verifyFault(kQwen2, [](func::FuncOp func) {
    xf::AddOp found;
    func.walk([&](xf::AddOp op) {
      if (cast<RankedTensorType>(op.getRhs().getType()).getRank() == 1)
        found = op;
    });
    ASSERT_TRUE(found);
    found.replaceAllUsesWith(found.getLhs());
  }));
}

/// One key too few in the window.
TEST(PassBoundOfOneFamily, WindowOffByOne) {
  expectFound(verifyFault(kMistral, [](func::FuncOp func) {
    auto op = findFirst<xf::AttentionOp>(func);
    op.setWindow(op.getWindow() - 1);
  }));
}

} // namespace
} // namespace tilewright
