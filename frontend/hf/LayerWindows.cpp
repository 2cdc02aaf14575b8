//===- LayerWindows.cpp - Which layers have a sliding window --------------===//

#include "frontend/hf/DecoderConfig.h"

using namespace llvm;

namespace tilewright::frontend {

/// Which layers have a sliding window, as `layer_types` says it; nothing if it
/// is missing or wrong.
static std::optional<SmallVector<bool>> readLayerTypes(ConfigReader &reader,
                                                       int64_t numLayers) {
  const JsonValue *value = reader.value("layer_types");
  if (!value)
    return std::nullopt;
  if (value->kind != JsonValue::Kind::Array) {
    reader.error("layer_types",
                 "field \"layer_types\" must be a list, but is " +
                     describe(value->kind));
    return std::nullopt;
  }
  if (static_cast<int64_t>(value->elements.size()) != numLayers) {
    reader.error("layer_types",
                 "field \"layer_types\" has " + Twine(value->elements.size()) +
                     " entries for " + Twine(numLayers) + " layers");
    return std::nullopt;
  }
  SmallVector<bool> sliding;
  for (const JsonValue &type : value->elements) {
    bool isSliding = type.string == "sliding_attention";
    if (!isSliding && type.string != "full_attention") {
      reader.diagnostics().error(
          reader.text(), type.offset,
          "layer type " + type.summary() + " is not supported",
          "supported are \"full_attention\" and \"sliding_attention\"");
      return std::nullopt;
    }
    sliding.push_back(isSliding);
  }
  return sliding;
}

void readLayerWindows(ConfigReader &reader, DecoderConfig &config) {
  bool used = reader.boolean("use_sliding_window").value_or(false);
  // The defaults of Qwen2Config and Qwen3Config.
  int64_t window = 4096;
  int64_t firstLayer = 28;
  bool isNull = reader.has("sliding_window") && !reader.value("sliding_window");
  if (used) { // otherwise the fields are there, but mean nothing
    window = isNull
                 ? 0
                 : reader.size("sliding_window", maxPlausiblePositions, window);
    firstLayer = reader.integer("max_window_layers").value_or(firstLayer);
  } else {
    reader.ignore({"sliding_window", "max_window_layers"});
    window = 0;
  }
  std::optional<SmallVector<bool>> types =
      readLayerTypes(reader, config.numLayers);
  for (int64_t layer = 0; layer < config.numLayers; ++layer) {
    bool sliding = types ? (*types)[layer] : window && layer >= firstLayer;
    if (sliding && window == 0)
      return reader.error("layer_types",
                          "layer " + Twine(layer) +
                              " has a sliding window, but \"" +
                              (used ? "sliding_window\" is null"
                                    : "use_sliding_window\" is not true"));
    config.windows[layer] = sliding ? window : 0;
  }
}

void setUniformWindow(ConfigReader &reader, DecoderConfig &config,
                      int64_t window) {
  config.windows.assign(config.numLayers, window);
  std::optional<SmallVector<bool>> types =
      readLayerTypes(reader, config.numLayers);
  if (types && is_contained(*types, window == 0))
    reader.error("layer_types",
                 "field \"layer_types\" contradicts \"sliding_window\"",
                 "all layers of a " + Twine(config.family) +
                     " model have the same window, or none");
}

} // namespace tilewright::frontend
