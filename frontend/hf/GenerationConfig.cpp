//===- GenerationConfig.cpp - What generation_config.json says ------------===//

#include "frontend/hf/GenerationConfig.h"

#include "frontend/hf/DecoderConfig.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace tilewright::frontend {

static constexpr uint64_t maxBytes = uint64_t(1) << 20;

static constexpr StringLiteral fieldPrefix = "generation_config.";

namespace {
/// A setting that changes which token is taken.
struct Unsupported {
  StringLiteral name;
  /// The value at which it has no effect, beside null, false and an empty list;
  /// settings that are no numbers have none.
  std::optional<double> neutral = std::nullopt;
  /// Without `do_sample` it has no effect either.
  bool onlyInSampling = false;
};
} // namespace

// All of GenerationConfig's settings of Transformers 4 and 5 that touch the
// scores of tokens, or the search. Those of how many tokens there are to be,
// of what is returned, and of speed are the caller's.
static constexpr Unsupported unsupported[] = {
    {"bad_words_ids"},
    {"begin_suppress_tokens"},
    {"constraints"},
    {"diversity_penalty", 0},
    {"dola_layers"},
    {"encoder_no_repeat_ngram_size", 0},
    {"encoder_repetition_penalty", 1},
    {"epsilon_cutoff", 0, true},
    {"eta_cutoff", 0, true},
    {"exponential_decay_length_penalty"},
    {"force_words_ids"},
    {"forced_bos_token_id"},
    {"forced_decoder_ids"},
    {"forced_eos_token_id"},
    {"guidance_scale", 1},
    {"min_length", 0},
    {"min_new_tokens", 0},
    {"min_p", 0, true},
    {"no_repeat_ngram_size", 0},
    {"num_beam_groups", 1},
    {"num_beams", 1},
    {"penalty_alpha", 0},
    {"repetition_penalty", 1},
    {"sequence_bias"},
    {"stop_strings"},
    {"suppress_tokens"},
    {"top_h", std::nullopt, true},
    {"typical_p", 1, true},
    {"watermarking_config"},
};

static bool hasEffect(const JsonValue &value, const Unsupported &setting) {
  switch (value.kind) {
  case JsonValue::Kind::Boolean:
    return value.boolean;
  case JsonValue::Kind::Array:
    return !value.elements.empty();
  case JsonValue::Kind::Object:
    return !value.members.empty();
  case JsonValue::Kind::Integer:
    return double(value.integer) != setting.neutral;
  case JsonValue::Kind::Real:
    return value.real != setting.neutral;
  default:
    return value.kind != JsonValue::Kind::Null;
  }
}

static void refuseUnsupported(ConfigReader &reader, bool samples,
                              ArrayRef<std::string> ignoredFields) {
  for (const Unsupported &setting : unsupported) {
    const JsonValue *value = reader.value(setting.name);
    if (!value || (setting.onlyInSampling && !samples) ||
        !hasEffect(*value, setting))
      continue;
    std::string field = (fieldPrefix + setting.name).str();
    if (!is_contained(ignoredFields, field))
      reader.error(setting.name,
                   "\"" + setting.name + "\" is not supported in generation",
                   "it changes which tokens are taken; to do without it, pass "
                   "--ignore-config-field=" +
                       field);
  }
}

static void readSampling(ConfigReader &reader, GenerationConfig &config) {
  config.sample = reader.boolean("do_sample").value_or(false);
  config.temperature = reader.real("temperature");
  config.topP = reader.real("top_p");
  config.topK = reader.integer("top_k");
  if (config.temperature && !(*config.temperature >= 0))
    reader.error("temperature", "field \"temperature\" must not be negative");
  if (config.topP && !(*config.topP >= 0 && *config.topP <= 1))
    reader.error("top_p", "field \"top_p\" must be in [0, 1]");
  if (config.topK && !(*config.topK >= 0 && *config.topK <= INT32_MAX))
    reader.error("top_k", "field \"top_k\" must be in [0, 2^31)");
}

GenerationConfig readGenerationConfig(StringRef directory, int64_t vocabSize,
                                      ArrayRef<std::string> ignoredFields,
                                      DiagnosticSink &sink) {
  GenerationConfig config;
  SmallString<128> path(directory);
  sys::path::append(path, "generation_config.json");
  if (!sys::fs::exists(path))
    return config;
  std::optional<SourceText> source = readTextFile(path, maxBytes, sink);
  std::optional<JsonValue> json =
      source ? parseJson(*source, sink) : std::nullopt;
  if (!json)
    return config;
  if (json->kind != JsonValue::Kind::Object) {
    sink.error(*source, json->offset, "must be an object");
    return config;
  }
  ConfigReader reader(*source, *json, sink);
  config.eosTokenIds = readEosTokenIds(reader, vocabSize);
  readSampling(reader, config);
  refuseUnsupported(reader, config.sample, ignoredFields);
  return config;
}

} // namespace tilewright::frontend
