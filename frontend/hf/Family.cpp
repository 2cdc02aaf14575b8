//===- Family.cpp - Model families and the decoder they share -------------===//

#include "frontend/hf/Family.h"

using namespace mlir;

namespace tilewright::frontend {

Value DecoderFamily::layer(DecoderBuilder &b, Value x) const {
  Value attended = attention(b, b.rmsNorm(x, "input_layernorm"));
  x = b.add(x, attended);
  Value fed = feedForward(b, b.rmsNorm(x, "post_attention_layernorm"));
  return b.add(x, fed);
}

Value DecoderFamily::attention(DecoderBuilder &b, Value x) const {
  DecoderBuilder::Scope scope(b, "self_attn");
  const DecoderConfig &config = b.config;
  int64_t queryWidth = config.numHeads * config.headDim;
  int64_t keyWidth = config.numKvHeads * config.headDim;
  Value q = b.linear(x, "q_proj", queryWidth, config.qkvBias);
  Value k = b.linear(x, "k_proj", keyWidth, config.qkvBias);
  Value v = b.linear(x, "v_proj", keyWidth, config.qkvBias);
  q = normalizeHeads(b, b.splitHeads(q, config.numHeads), "q_norm");
  k = normalizeHeads(b, b.splitHeads(k, config.numKvHeads), "k_norm");
  v = b.splitHeads(v, config.numKvHeads);
  // One statement per op: C++ leaves the order of arguments to the compiler.
  q = b.rope(q);
  k = b.rope(k);
  Value heads = b.cachedAttention(q, k, v);
  return b.linear(b.mergeHeads(heads), "o_proj", config.hiddenSize,
                  config.outputBias);
}

Value DecoderFamily::feedForward(DecoderBuilder &b, Value x) const {
  DecoderBuilder::Scope scope(b, "mlp");
  const DecoderConfig &config = b.config;
  Value gate =
      b.linear(x, "gate_proj", config.intermediateSize, config.mlpBias);
  Value up = b.linear(x, "up_proj", config.intermediateSize, config.mlpBias);
  Value gated = b.multiply(b.activation(gate), up);
  return b.linear(gated, "down_proj", config.hiddenSize, config.mlpBias);
}

ArrayRef<const DecoderFamily *> allFamilies() {
  static const DecoderFamily *const families[] = {
      &llamaFamily(), &mistralFamily(), &qwen2Family(), &qwen3Family()};
  return families;
}

const DecoderFamily *findFamily(StringRef modelType) {
  for (const DecoderFamily *family : allFamilies())
    if (family->modelType() == modelType)
      return family;
  return nullptr;
}

} // namespace tilewright::frontend
