//===- Llama.cpp - Llama 1 to 3, SmolLM2 and others of their form ---------===//

#include "frontend/hf/Family.h"

namespace tilewright::frontend {

namespace {
class Llama : public DecoderFamily {
  llvm::StringRef modelType() const override { return "llama"; }
  llvm::StringRef architecture() const override { return "LlamaForCausalLM"; }

  void readConfig(ConfigReader &reader, DecoderConfig &config) const override {
    bool attentionBias = reader.boolean("attention_bias").value_or(false);
    config.qkvBias = attentionBias;
    config.outputBias = attentionBias;
    config.mlpBias = reader.boolean("mlp_bias").value_or(false);
    setUniformWindow(reader, config, 0);
  }
};
} // namespace

const DecoderFamily &llamaFamily() {
  static const Llama family;
  return family;
}

} // namespace tilewright::frontend
