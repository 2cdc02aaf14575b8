//===- Qwen2.cpp - Qwen2 and Qwen2.5: Llama with biases on Q, K and V -----===//

#include "frontend/hf/Family.h"

namespace tilewright::frontend {

namespace {
class Qwen2 : public DecoderFamily {
  llvm::StringRef modelType() const override { return "qwen2"; }
  llvm::StringRef architecture() const override { return "Qwen2ForCausalLM"; }

  DecoderDefaults defaults() const override { return {.numKvHeads = 32}; }

  void readConfig(ConfigReader &reader, DecoderConfig &config) const override {
    config.qkvBias = true;
    reader.expect("attention_bias", true,
                  "Qwen2 always has biases on Q, K and V");
    readLayerWindows(reader, config);
  }
};
} // namespace

const DecoderFamily &qwen2Family() {
  static const Qwen2 family;
  return family;
}

} // namespace tilewright::frontend
