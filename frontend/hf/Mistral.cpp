//===- Mistral.cpp - Mistral: Llama with a sliding window -----------------===//

#include "frontend/hf/Family.h"

namespace tilewright::frontend {

namespace {
class Mistral : public DecoderFamily {
  llvm::StringRef modelType() const override { return "mistral"; }
  llvm::StringRef architecture() const override { return "MistralForCausalLM"; }

  DecoderDefaults defaults() const override { return {.numKvHeads = 8}; }

  void readConfig(ConfigReader &reader, DecoderConfig &config) const override {
    // Transformers: null means no window, a missing field the first release's.
    static constexpr int64_t defaultWindow = 4096;
    bool isNull =
        reader.has("sliding_window") && !reader.value("sliding_window");
    setUniformWindow(reader, config,
                     isNull
                         ? 0
                         : reader.size("sliding_window", maxPlausiblePositions,
                                       defaultWindow));
  }
};
} // namespace

const DecoderFamily &mistralFamily() {
  static const Mistral family;
  return family;
}

} // namespace tilewright::frontend
