//===- Generate.h - Prompts in, tokens out --------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_SESSION_GENERATE_H
#define TILEWRIGHT_RUNTIME_SESSION_GENERATE_H

#include "runtime/session/Session.h"

#include <functional>
#include <span>
#include <vector>

namespace tilewright::runtime {

struct Prompt {
  std::span<const int32_t> tokens;
  int64_t maxNewTokens = 0;
  tilewright_sampling sampling = TILEWRIGHT_SAMPLING_INIT;
};

struct Continuation {
  std::vector<int32_t> tokens;
  tilewright_finish finish = TILEWRIGHT_FINISH_LENGTH;
};

struct Generation {
  std::vector<Continuation> continuations; ///< one per prompt
  double prefillSeconds = 0;
  double decodeSeconds = 0;
  int64_t prefillTokens = 0;
  int64_t decodeTokens = 0;
  int64_t prefillSteps = 0;
  int64_t decodeSteps = 0;
};

struct GenerateOptions {
  /// Index of the prompt, new token; nonzero stops.
  std::function<int(size_t, int32_t)> onToken;
  bool ignoreEos = false;
};

/// Continues all prompts by steps that mix the parts of prompts with the next
/// tokens of those that are done with theirs.
Result<Generation> generate(Session &session, std::span<const Prompt> prompts,
                            const GenerateOptions &options);

/// The logits after each token of each prompt; `out[i]` has one row of the
/// vocabulary per token of prompt i.
Result<void> computeLogits(Session &session, std::span<const Prompt> prompts,
                           std::span<float *const> out);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_SESSION_GENERATE_H
