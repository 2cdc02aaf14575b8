//===- Qwen3.cpp - Qwen3: Llama with a norm on each query and key head ----===//

#include "frontend/hf/Family.h"

namespace tilewright::frontend {

namespace {
class Qwen3 : public DecoderFamily {
  llvm::StringRef modelType() const override { return "qwen3"; }
  llvm::StringRef architecture() const override { return "Qwen3ForCausalLM"; }

  DecoderDefaults defaults() const override {
    return {.numKvHeads = 32, .headDim = 128};
  }

  void readConfig(ConfigReader &reader, DecoderConfig &config) const override {
    bool attentionBias = reader.boolean("attention_bias").value_or(false);
    config.qkvBias = attentionBias;
    config.outputBias = attentionBias;
    readLayerWindows(reader, config);
  }

  mlir::Value normalizeHeads(DecoderBuilder &b, mlir::Value heads,
                             llvm::StringRef norm) const override {
    return b.rmsNorm(heads, norm);
  }
};
} // namespace

const DecoderFamily &qwen3Family() {
  static const Qwen3 family;
  return family;
}

} // namespace tilewright::frontend
