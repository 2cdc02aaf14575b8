//===- DecoderConfig.cpp - What a decoder's config.json says --------------===//

#include "frontend/hf/DecoderConfig.h"

#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace llvm;

namespace tilewright::frontend {

// Limits of plausibility: some ten times beyond the largest published models,
// and far from where products of sizes would overflow.
static constexpr int64_t maxVocabSize = int64_t(1) << 24;
static constexpr int64_t maxHiddenSize = int64_t(1) << 18;
static constexpr int64_t maxIntermediateSize = int64_t(1) << 20;
static constexpr int64_t maxLayers = 1024;
static constexpr int64_t maxHeads = 4096;

// Head sizes that the attention kernels are built for.
static constexpr int64_t headDims[] = {64, 80, 96, 128, 256};

// A row of a bf16 matrix must be whole 16-byte units, or no bulk copy can
// address it; the inner sizes of all matmuls come from these fields.
static constexpr int64_t innerAlignment = 8;

// Fields that say nothing about what a forward pass in inference computes: who
// made the file, how it was trained, what generation starts and pads with and
// how it samples (generation_config.json has the last word on that), how
// Transformers stores its outputs, hints for other programs.
static constexpr StringRef harmlessFields[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_from_model_config",
    "_model_name_or_path",
    "_name_or_path",
    "attention_dropout",
    "attn_implementation",
    "auto_map",
    "bos_token_id",
    "do_sample",
    "embd_pdrop",
    "finetuning_task",
    "hidden_dropout",
    "id2label",
    "initializer_range",
    "is_llama_config",
    "keys_to_ignore_at_inference",
    "label2id",
    "max_length",
    "max_sequence_length",
    "min_length",
    "model_max_length",
    "name_or_path",
    "num_beams",
    "output_attentions",
    "output_hidden_states",
    "pad_token_id",
    "problem_type",
    "repetition_penalty",
    "resid_pdrop",
    "return_dict",
    "sep_token_id",
    "task_specific_params",
    "temperature",
    "tokenizer_class",
    "top_k",
    "top_p",
    "transformers.js_config",
    "transformers_version",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
};

static xf::ActivationKind readActivation(ConfigReader &reader) {
  StringRef name = reader.string("hidden_act").value_or("silu");
  auto kind = StringSwitch<std::optional<xf::ActivationKind>>(name)
                  .Cases({"silu", "swish"}, xf::ActivationKind::Silu)
                  .Case("gelu", xf::ActivationKind::Gelu)
                  .Cases({"gelu_new", "gelu_pytorch_tanh"},
                         xf::ActivationKind::GeluTanh)
                  .Case("relu", xf::ActivationKind::Relu)
                  .Default(std::nullopt);
  if (!kind)
    reader.error("hidden_act",
                 "activation \"" + name.take_front(40) + "\" is not supported",
                 "supported are silu, gelu, gelu_pytorch_tanh and relu");
  return kind.value_or(xf::ActivationKind::Silu);
}

static std::string readDtype(ConfigReader &reader) {
  std::optional<StringRef> newer = reader.string("dtype");
  std::optional<StringRef> older = reader.string("torch_dtype");
  StringRef field = newer ? "dtype" : "torch_dtype";
  StringRef name = newer ? *newer : older.value_or("");
  if (newer && older && *newer != *older)
    reader.error("torch_dtype", "field \"torch_dtype\" contradicts \"dtype\"");
  if (!name.empty() && name != "bfloat16" && name != "float16" &&
      name != "float32")
    reader.error(field,
                 "checkpoints of type \"" + name.take_front(40) +
                     "\" are not supported",
                 "supported are bfloat16, float16 and float32");
  return name.str();
}

SmallVector<int64_t> readEosTokenIds(ConfigReader &reader, int64_t vocabSize) {
  SmallVector<int64_t> ids;
  const JsonValue *value = reader.value("eos_token_id");
  if (!value)
    return ids;
  ArrayRef<JsonValue> list = value->kind == JsonValue::Kind::Array
                                 ? ArrayRef(value->elements)
                                 : ArrayRef(*value);
  for (const JsonValue &id : list) {
    bool valid = id.kind == JsonValue::Kind::Integer && id.integer >= 0 &&
                 id.integer < vocabSize;
    if (!valid) {
      reader.diagnostics().error(reader.text(), id.offset,
                                 "end-of-sequence token " + id.summary() +
                                     " is not a token of the vocabulary of " +
                                     Twine(vocabSize));
      return ids;
    }
    if (!is_contained(ids, id.integer))
      ids.push_back(id.integer);
  }
  return ids;
}

static double readEpsilon(ConfigReader &reader) {
  // The default of every family's config class.
  double epsilon = reader.real("rms_norm_eps").value_or(1e-6);
  // Written so that what f32 would round to zero fails too.
  if (!(epsilon >= std::numeric_limits<float>::min() && epsilon < 1))
    reader.error("rms_norm_eps",
                 "field \"rms_norm_eps\" must be in (0, 1), but is " +
                     reader.value("rms_norm_eps")->summary());
  return epsilon;
}

/// Checks of sizes against each other, once each is plausible alone.
static void checkSizes(ConfigReader &reader, const DecoderConfig &config,
                       bool derivedHeadDim) {
  if (derivedHeadDim && config.hiddenSize % config.numHeads != 0)
    return reader.error(
        "num_attention_heads",
        "hidden size " + Twine(config.hiddenSize) + " does not divide into " +
            Twine(config.numHeads) + " heads",
        "a model whose heads are of another size states \"head_dim\"");
  if (config.numHeads % config.numKvHeads != 0)
    reader.error("num_key_value_heads",
                 Twine(config.numHeads) + " query heads do not divide over " +
                     Twine(config.numKvHeads) + " key and value heads");
  if (!is_contained(headDims, config.headDim))
    reader.error(derivedHeadDim ? "num_attention_heads" : "head_dim",
                 "heads of size " + Twine(config.headDim) +
                     " are not supported",
                 "supported are 64, 80, 96, 128 and 256");
  for (auto [name, size] : {std::pair("hidden_size", config.hiddenSize),
                            {"intermediate_size", config.intermediateSize}})
    if (size % innerAlignment != 0)
      reader.error(name, "size " + Twine(size) + " cannot be tiled",
                   "rows of a matrix must be multiples of " +
                       Twine(innerAlignment) + " elements");
}

DecoderConfig readDecoderConfig(ConfigReader &reader, StringRef family,
                                const DecoderDefaults &defaults) {
  size_t before = reader.diagnostics().errorCount();
  reader.ignore(harmlessFields);
  DecoderConfig config;
  config.family = family.str();
  config.vocabSize = reader.size("vocab_size", maxVocabSize);
  config.hiddenSize = reader.size("hidden_size", maxHiddenSize);
  config.intermediateSize =
      reader.size("intermediate_size", maxIntermediateSize);
  config.numLayers = reader.size("num_hidden_layers", maxLayers);
  config.numHeads = reader.size("num_attention_heads", maxHeads);
  config.numKvHeads =
      reader.size("num_key_value_heads", maxHeads,
                  defaults.numKvHeads.value_or(config.numHeads));
  bool derivedHeadDim = !reader.value("head_dim") && !defaults.headDim;
  int64_t headDim =
      defaults.headDim.value_or(config.hiddenSize / config.numHeads);
  config.headDim = reader.size("head_dim", maxHiddenSize, headDim);
  config.maxPositions =
      reader.size("max_position_embeddings", maxPlausiblePositions);
  bool plausible = reader.diagnostics().errorCount() == before;
  if (plausible)
    checkSizes(reader, config, derivedHeadDim);

  config.epsilon = readEpsilon(reader);
  config.activation = readActivation(reader);
  config.rope = readRope(reader, config.maxPositions);
  config.tiedEmbeddings = reader.boolean("tie_word_embeddings").value_or(false);
  config.dtype = readDtype(reader);
  reader.ignore({"eos_token_id"});
  if (plausible)
    config.eosTokenIds = readEosTokenIds(reader, config.vocabSize);
  config.windows.assign(config.numLayers, 0);
  reader.expect("pretraining_tp", 1.0,
                "slicing the weights for tensor parallelism is not done");
  reader.expect("is_encoder_decoder", false, "only decoders are supported");
  reader.expect("add_cross_attention", false, "only decoders are supported");
  reader.expect("chunk_size_feed_forward", 0.0, "");
  if (reader.value("quantization_config"))
    reader.error("quantization_config",
                 "quantized checkpoints are not supported",
                 "supported are checkpoints of bf16, f16 and f32");
  return config;
}

//===----------------------------------------------------------------------===//
// Rope
//===----------------------------------------------------------------------===//

/// A positive, finite factor; 1, after an error, if it is not one.
static double readFactor(ConfigReader &reader, StringRef name,
                         std::optional<double> fallback = std::nullopt) {
  size_t before = reader.diagnostics().errorCount();
  std::optional<double> found = reader.real(name);
  if (found && *found > 0)
    return *found;
  if (!found && fallback)
    return *fallback;
  if (reader.diagnostics().errorCount() != before)
    return 1;
  if (!found)
    reader.error(name, "field " + reader.quoted(name) + " is missing");
  else
    reader.error(name, "field " + reader.quoted(name) +
                           " must be positive, but is " +
                           reader.value(name)->summary());
  return 1;
}

static void readLlama3Scaling(ConfigReader &reader, RopeConfig &rope,
                              int64_t maxPositions) {
  rope.scaling = RopeConfig::Scaling::Llama3;
  rope.factor = readFactor(reader, "factor");
  rope.lowFreqFactor = readFactor(reader, "low_freq_factor");
  rope.highFreqFactor = readFactor(reader, "high_freq_factor");
  rope.originalMaxPositions = reader.size("original_max_position_embeddings",
                                          maxPlausiblePositions, maxPositions);
  if (rope.highFreqFactor <= rope.lowFreqFactor)
    reader.error("high_freq_factor",
                 "\"high_freq_factor\" must be greater than "
                 "\"low_freq_factor\"");
}

/// The object that says how rope is scaled, in either spelling.
static void readScaling(ConfigReader &reader, RopeConfig &rope,
                        int64_t maxPositions) {
  // Transformers before 4.45 wrote "type".
  StringRef field = reader.has("rope_type") ? "rope_type" : "type";
  StringRef type = reader.string(field).value_or("default");
  reader.string("type");
  if (type == "linear") {
    rope.scaling = RopeConfig::Scaling::Linear;
    rope.factor = readFactor(reader, "factor");
  } else if (type == "llama3") {
    readLlama3Scaling(reader, rope, maxPositions);
  } else if (type != "default") {
    reader.error(field,
                 "rope scaling of type \"" + type.take_front(40) +
                     "\" is not supported",
                 "supported are default, linear and llama3");
    // What its other fields mean is not known, so nothing is said of them.
    return;
  }
  reader.expect("partial_rotary_factor", 1.0,
                "rotating only a part of each head is not supported");
  reader.refuseRest("rope scaling of this");
}

RopeConfig readRope(ConfigReader &reader, int64_t maxPositions) {
  // Transformers' default for every family here.
  static constexpr double defaultTheta = 10000.0;
  RopeConfig rope;
  double outer = readFactor(reader, "rope_theta", defaultTheta);
  bool hasOuter = reader.value("rope_theta");
  rope.theta = outer;
  reader.expect("partial_rotary_factor", 1.0,
                "rotating only a part of each head is not supported");
  reader.expect("rope_interleaved", false,
                "only rotation of the halves of a head is supported");

  const JsonValue *newer = reader.value("rope_parameters");
  const JsonValue *older = reader.value("rope_scaling");
  if (newer && older) {
    reader.error("rope_scaling",
                 "field \"rope_scaling\" is given beside "
                 "\"rope_parameters\"",
                 "they are two spellings of one thing; remove one");
    return rope;
  }
  if (!newer && !older)
    return rope;
  StringRef name = newer ? "rope_parameters" : "rope_scaling";
  const JsonValue &value = newer ? *newer : *older;
  if (value.kind != JsonValue::Kind::Object) {
    reader.error(name, "field " + reader.quoted(name) +
                           " must be an object, but is " +
                           describe(value.kind));
    return rope;
  }
  ConfigReader inner = reader.nested(name, value);
  rope.theta = readFactor(inner, "rope_theta", outer);
  if (hasOuter && rope.theta != outer)
    inner.error("rope_theta", "field " + inner.quoted("rope_theta") +
                                  " contradicts \"rope_theta\"");
  readScaling(inner, rope, maxPositions);
  return rope;
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

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
