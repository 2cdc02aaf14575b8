//===- GenerationConfig.cpp - What generation_config.json says ------------===//

#include "frontend/hf/GenerationConfig.h"

#include "frontend/hf/DecoderConfig.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace tilewright::frontend {

static constexpr uint64_t maxBytes = uint64_t(1) << 20;

// Settings of Transformers' samplers that change which token is taken, and the
// value at which each has no effect.
static constexpr std::pair<StringRef, double> unsupported[] = {
    {"diversity_penalty", 0},
    {"encoder_repetition_penalty", 1},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"length_penalty", 1},
    {"min_p", 0},
    {"no_repeat_ngram_size", 0},
    {"num_beams", 1},
    {"penalty_alpha", 0},
    {"repetition_penalty", 1},
    {"typical_p", 1},
};

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
  for (auto [name, neutral] : unsupported)
    if (std::optional<double> value = reader.real(name);
        value && *value != neutral)
      reader.warning(name, "\"" + name + "\" is not applied in sampling");
}

GenerationConfig readGenerationConfig(StringRef directory, int64_t vocabSize,
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
  return config;
}

} // namespace tilewright::frontend
