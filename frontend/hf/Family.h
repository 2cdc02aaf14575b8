//===- Family.h - Model families and their hooks ----------------*- C++ -*-===//
//
// A family is a `model_type` of Transformers. The base class is the decoder
// that Llama made common; a family overrides where it differs.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_FAMILY_H
#define TILEWRIGHT_FRONTEND_HF_FAMILY_H

#include "frontend/hf/DecoderBuilder.h"

namespace tilewright::frontend {

class DecoderFamily {
public:
  virtual ~DecoderFamily() = default;

  /// `model_type` in config.json: "llama".
  virtual llvm::StringRef modelType() const = 0;
  /// The class of `architectures` that this graph is: "LlamaForCausalLM".
  virtual llvm::StringRef architecture() const = 0;

  /// What Transformers assumes where a field is missing.
  virtual DecoderDefaults defaults() const { return {}; }
  /// Reads the fields that not every decoder has.
  virtual void readConfig(ConfigReader &reader,
                          DecoderConfig &config) const = 0;

  // Hooks of the graph, from the outside in; the default is Llama's layer.
  /// One layer, from the residual stream to the residual stream.
  virtual mlir::Value layer(DecoderBuilder &b, mlir::Value x) const;
  /// `self_attn`, without the norm before it and the addition after it.
  virtual mlir::Value attention(DecoderBuilder &b, mlir::Value x) const;
  /// `mlp`, likewise.
  virtual mlir::Value feedForward(DecoderBuilder &b, mlir::Value x) const;
  /// Whatever a family does to query or key heads before rope. `norm` is where
  /// its weights would be: "q_norm" or "k_norm".
  virtual mlir::Value normalizeHeads(DecoderBuilder &b, mlir::Value heads,
                                     llvm::StringRef norm) const {
    return heads;
  }
};

/// All families there are, for lookup and for messages. A new one is added to
/// the list in Family.cpp.
llvm::ArrayRef<const DecoderFamily *> allFamilies();
/// The family of a `model_type`, or null.
const DecoderFamily *findFamily(llvm::StringRef modelType);

const DecoderFamily &llamaFamily();
const DecoderFamily &mistralFamily();
const DecoderFamily &qwen2Family();
const DecoderFamily &qwen3Family();

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_FAMILY_H
