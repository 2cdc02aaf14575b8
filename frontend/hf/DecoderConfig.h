//===- DecoderConfig.h - What a decoder's config.json says ------*- C++ -*-===//
//
// The sizes and switches that all decoder families share, in one spelling,
// whatever version of Transformers wrote the file. A family fills in the rest.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_DECODERCONFIG_H
#define TILEWRIGHT_FRONTEND_HF_DECODERCONFIG_H

#include "frontend/hf/RopeConfig.h"
#include "ir/xf/Xf.h"

#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>

namespace tilewright::frontend {

struct DecoderConfig {
  std::string family;
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t intermediateSize = 0;
  int64_t numLayers = 0;
  int64_t numHeads = 0;
  int64_t numKvHeads = 0;
  int64_t headDim = 0;
  int64_t maxPositions = 0;
  double epsilon = 0;
  xf::ActivationKind activation = xf::ActivationKind::Silu;
  RopeConfig rope;
  /// The output projection is the embedding table.
  bool tiedEmbeddings = false;
  /// Biases on Q, K and V; on the attention's output; on all three of the MLP.
  bool qkvBias = false;
  bool outputBias = false;
  bool mlpBias = false;
  /// Keys that a layer's attention sees, counted back from the query; 0: all.
  llvm::SmallVector<int64_t> windows;
  /// What the config says the checkpoint holds: "bfloat16"; empty if nothing.
  std::string dtype;
  llvm::SmallVector<int64_t> eosTokenIds;
};

/// What differs between families where a field is missing: the defaults of
/// Transformers' config classes.
struct DecoderDefaults {
  /// Nothing: as many as query heads.
  std::optional<int64_t> numKvHeads = std::nullopt;
  /// Nothing: hidden size / heads.
  std::optional<int64_t> headDim = std::nullopt;
};

/// Reads the fields that every decoder has and checks that the sizes fit each
/// other. Returns nothing of use once the sink has errors.
DecoderConfig readDecoderConfig(ConfigReader &reader, llvm::StringRef family,
                                const DecoderDefaults &defaults);

/// An `eos_token_id` field: a number, a list, or nothing.
llvm::SmallVector<int64_t> readEosTokenIds(ConfigReader &reader,
                                           int64_t vocabSize);

/// Fields of the window in the Qwen families: `use_sliding_window`,
/// `sliding_window`, `max_window_layers` and `layer_types`.
void readLayerWindows(ConfigReader &reader, DecoderConfig &config);
/// One window, or none, for all layers; `layer_types` may only agree.
void setUniformWindow(ConfigReader &reader, DecoderConfig &config,
                      int64_t window);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_DECODERCONFIG_H
