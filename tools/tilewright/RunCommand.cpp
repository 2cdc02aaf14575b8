//===- RunCommand.cpp - tilewright run ------------------------------------===//
// A user of the public C API like any other.
//===----------------------------------------------------------------------===//

#include "runtime/tilewright.h"
#include "tools/tilewright/Commands.h"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

using nlohmann::json;

namespace tilewright {

namespace {
struct RunFlags {
  std::string bundle, weights, device = "cuda:0";
  std::vector<std::string> tokens;
  size_t maxNewTokens = 16;
  float temperature = 0, topP = 1;
  int32_t topK = 0;
  uint64_t seed = 0;
  bool ignoreEos = false, json = false;
};

/// Releases a handle of the C API.
template <typename T, void (*destroy)(T *)>
using Handle =
    std::unique_ptr<T, std::integral_constant<void (*)(T *), destroy>>;
using Device = Handle<tilewright_device, tilewright_device_destroy>;
using Bundle = Handle<tilewright_bundle, tilewright_bundle_destroy>;
using Model = Handle<tilewright_model, tilewright_model_destroy>;
using Session = Handle<tilewright_session, tilewright_session_destroy>;
using Generation = Handle<tilewright_generation, tilewright_generation_destroy>;
} // namespace

/// "1,2,3" as numbers; false if it is not that.
static bool parseTokens(const std::string &text, std::vector<int32_t> &tokens) {
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    int32_t token;
    auto [next, error] = std::from_chars(at, end, token);
    if (error != std::errc() ||
        (next < end && (*next != ',' || next + 1 == end)))
      return false;
    tokens.push_back(token);
    at = next < end ? next + 1 : next;
  }
  return !tokens.empty();
}

static int showUpload(void *, uint64_t done, uint64_t total) {
  std::fprintf(stderr, "\rweights: %.0f of %.0f MB%s", double(done) / 1e6,
               double(total) / 1e6, done == total ? "\n" : "");
  return 0;
}

static int showToken(void *, size_t index, int32_t token) {
  std::fprintf(stderr, "sequence %zu: %d\n", index, token);
  return 0;
}

static int failWithLastError() { return fail(tilewright_last_error()); }

static int printGeneration(const RunFlags &flags,
                           const tilewright_generation *generation,
                           size_t prompts) {
  json lists = json::array();
  for (size_t i = 0; i < prompts; ++i) {
    const int32_t *tokens;
    size_t count;
    tilewright_finish finish;
    if (tilewright_generation_tokens(generation, i, &tokens, &count, &finish) !=
        TILEWRIGHT_OK)
      return failWithLastError();
    lists.push_back(std::vector<int32_t>(tokens, tokens + count));
  }
  tilewright_generation_info info = TILEWRIGHT_GENERATION_INFO_INIT;
  if (tilewright_generation_query(generation, &info) != TILEWRIGHT_OK)
    return failWithLastError();
  if (flags.json) {
    json result = {{"tokens", prompts == 1 ? lists[0] : lists},
                   {"prefill_seconds", info.prefill_seconds},
                   {"decode_seconds", info.decode_seconds},
                   {"prefill_tokens", info.prefill_tokens},
                   {"decode_tokens", info.decode_tokens}};
    std::printf("%s\n", result.dump().c_str());
    return kDone;
  }
  for (const json &list : lists)
    std::printf("%s\n", list.dump().c_str());
  return kDone;
}

static int runBundle(const RunFlags &flags) {
  std::vector<std::vector<int32_t>> tokens(flags.tokens.size());
  std::vector<tilewright_prompt> prompts;
  for (size_t i = 0; i < flags.tokens.size(); ++i) {
    if (!parseTokens(flags.tokens[i], tokens[i])) {
      std::fprintf(stderr,
                   "error: --tokens takes numbers with commas between them, as "
                   "in 1,2,3, but got '%s'\n",
                   flags.tokens[i].c_str());
      return kUsage;
    }
    tilewright_prompt prompt = TILEWRIGHT_PROMPT_INIT;
    prompt.tokens = tokens[i].data();
    prompt.num_tokens = tokens[i].size();
    prompt.max_new_tokens = flags.maxNewTokens;
    prompt.sampling = {flags.temperature, flags.topP, flags.topK, 0,
                       flags.seed + i};
    prompts.push_back(prompt);
  }
  tilewright_bundle *bundle;
  if (tilewright_bundle_open(flags.bundle.c_str(), &bundle) != TILEWRIGHT_OK)
    return failWithLastError();
  Bundle bundleOwner(bundle);
  tilewright_device *device;
  if (tilewright_device_create(flags.device.c_str(), &device) != TILEWRIGHT_OK)
    return failWithLastError();
  Device deviceOwner(device);
  tilewright_model_options options = TILEWRIGHT_MODEL_OPTIONS_INIT;
  if (showsProgress())
    options.progress = showUpload;
  tilewright_model *model;
  if (tilewright_model_load(device, bundle, flags.weights.c_str(), &options,
                            &model) != TILEWRIGHT_OK)
    return failWithLastError();
  Model modelOwner(model);
  tilewright_session *session;
  if (tilewright_session_create(model, nullptr, &session) != TILEWRIGHT_OK)
    return failWithLastError();
  Session sessionOwner(session);
  tilewright_generate_options generate = TILEWRIGHT_GENERATE_OPTIONS_INIT;
  generate.ignore_eos = flags.ignoreEos;
  if (showsProgress())
    generate.on_token = showToken;
  tilewright_generation *generation;
  if (tilewright_generate(session, prompts.data(), prompts.size(), &generate,
                          &generation) != TILEWRIGHT_OK)
    return failWithLastError();
  Generation generationOwner(generation);
  return printGeneration(flags, generation, prompts.size());
}

void addRun(CLI::App &program, Action &action) {
  auto flags = std::make_shared<RunFlags>();
  CLI::App *command =
      program.add_subcommand("run", "Continue token sequences with a bundle");
  command->add_option("bundle", flags->bundle, "The bundle")->required();
  command
      ->add_option("--weights", flags->weights,
                   "Directory with the safetensors files")
      ->required();
  command->add_option("--device", flags->device, "cuda:N, sim:SKU, or lib:PATH")
      ->capture_default_str();
  command
      ->add_option("--tokens", flags->tokens,
                   "A prompt: token ids with commas between them; once for "
                   "each sequence")
      ->required()
      ->allow_extra_args(false);
  command
      ->add_option("--max-new-tokens", flags->maxNewTokens,
                   "Most new tokens of a sequence")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--temperature", flags->temperature, "0: greedy")
      ->capture_default_str();
  command->add_option("--top-k", flags->topK, "Keep this many tokens; 0: all")
      ->capture_default_str();
  command->add_option("--top-p", flags->topP, "Keep this share of probability")
      ->capture_default_str();
  command
      ->add_option("--seed", flags->seed, "Of the generator; sequence i adds i")
      ->capture_default_str();
  command->add_flag("--ignore-eos", flags->ignoreEos,
                    "Go on after an end-of-sequence token");
  command->add_flag("--json", flags->json, "Print one JSON object");
  command->callback(
      [flags, &action] { action = [flags] { return runBundle(*flags); }; });
}

} // namespace tilewright
