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

} // namespace tilewright::frontend
