//===- Generate.cpp - Prompts in, tokens out ------------------------------===//

#include "runtime/session/Generate.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>

namespace tilewright::runtime {

namespace {

/// A prompt that has been given its pages.
struct Running {
  size_t index;
  Sequence sequence;
  int64_t reservedPages;
  size_t fed = 0; ///< tokens of the prompt that are in the cache

  bool isInPrompt(const Prompt &prompt) const {
    return fed < prompt.tokens.size();
  }
};

class Scheduler {
public:
  Scheduler(Session &session, std::span<const Prompt> prompts,
            const GenerateOptions &options)
      : session(session), limits(session.manifest().limits), prompts(prompts),
        options(options), availablePages(session.freePages()) {}
  ~Scheduler() {
    for (auto &item : running)
      session.truncate(item->sequence, 0);
  }

  Result<Generation> run();

private:
  Result<void> checkPrompts() const;
  Result<void> admit();
  void plan();
  bool planDecode(Running &item);
  bool planPrefill(Running &item);
  Result<void> step();
  Result<void> accept(Running &item, int32_t token);
  void retire();
  int64_t pagesFor(const Prompt &prompt) const;

  Session &session;
  const Limits &limits;
  std::span<const Prompt> prompts;
  const GenerateOptions &options;
  Generation result;
  std::deque<size_t> waiting;
  std::vector<std::unique_ptr<Running>> running;
  std::vector<bool> isDone;
  int64_t availablePages;
  int64_t reservedPages = 0;
  size_t firstTurn = 0;
  // Of the step that is being put together.
  std::vector<StepInput> inputs;
  std::vector<Running *> inputOwners;
  int64_t tokensLeft = 0, rowsLeft = 0;
  bool hasPrompt = false;
  std::vector<int32_t> nextTokens;
};

} // namespace

/// All pages that a prompt can come to need are set aside when it starts, so
/// that no sequence gets stuck halfway.
int64_t Scheduler::pagesFor(const Prompt &prompt) const {
  int64_t prompted = int64_t(prompt.tokens.size());
  int64_t length =
      prompted + std::min(prompt.maxNewTokens, limits.maxContext - prompted);
  return (length + limits.pageSize - 1) / limits.pageSize;
}

Result<void> Scheduler::checkPrompts() const {
  for (size_t i = 0; i < prompts.size(); ++i) {
    auto fail = [&](tilewright_status status, const std::string &problem) {
      return Error(status, "prompts[" + std::to_string(i) + "]: " + problem);
    };
    const Prompt &prompt = prompts[i];
    if (prompt.tokens.empty())
      return fail(TILEWRIGHT_INVALID_ARGUMENT, "has no tokens");
    if (int64_t(prompt.tokens.size()) > limits.maxContext)
      return fail(TILEWRIGHT_INVALID_ARGUMENT,
                  "its " + std::to_string(prompt.tokens.size()) +
                      " tokens exceed the context of " +
                      std::to_string(limits.maxContext));
    if (pagesFor(prompt) > availablePages)
      return fail(TILEWRIGHT_OUT_OF_PAGES,
                  "it needs " + std::to_string(pagesFor(prompt)) +
                      " pages of the KV cache, " +
                      std::to_string(availablePages) + " are free");
  }
  return success();
}

Result<void> Scheduler::admit() {
  while (!waiting.empty() && int64_t(running.size()) < limits.maxSeqs) {
    size_t index = waiting.front();
    int64_t pages = pagesFor(prompts[index]);
    if (reservedPages + pages > availablePages)
      break;
    waiting.pop_front();
    if (prompts[index].maxNewTokens == 0)
      continue;
    reservedPages += pages;
    running.push_back(
        std::make_unique<Running>(Running{index, Sequence(), pages}));
  }
  return success();
}

/// Adds the sequence's newest token, if the step has room.
bool Scheduler::planDecode(Running &item) {
  if (tokensLeft == 0 || rowsLeft == 0)
    return false;
  const std::vector<int32_t> &tokens = result.continuations[item.index].tokens;
  StepInput input;
  input.sequence = &item.sequence;
  input.tokens = std::span(tokens).last(1);
  input.sampling = prompts[item.index].sampling;
  input.sampling.sample_index += int32_t(tokens.size());
  inputs.push_back(input);
  --tokensLeft;
  --rowsLeft;
  return true;
}

/// Adds as much of the rest of its prompt as the step has room for.
bool Scheduler::planPrefill(Running &item) {
  const Prompt &prompt = prompts[item.index];
  size_t rest = prompt.tokens.size() - item.fed;
  size_t size = std::min(rest, size_t(tokensLeft));
  if (size == rest && rowsLeft == 0)
    --size;
  if (size == 0)
    return false;
  StepInput input;
  input.sequence = &item.sequence;
  input.tokens = prompt.tokens.subspan(item.fed, size);
  input.rows = size == rest ? TILEWRIGHT_ROWS_LAST : TILEWRIGHT_ROWS_NONE;
  input.sampling = prompt.sampling;
  inputs.push_back(input);
  tokensLeft -= int64_t(size);
  rowsLeft -= size == rest;
  hasPrompt = true;
  return true;
}

/// Puts a step together: first what is being decoded, for which someone waits,
/// then prompts. Whose turn is first changes, lest a small step starve anyone.
void Scheduler::plan() {
  inputs.clear();
  inputOwners.clear();
  tokensLeft = limits.maxTokens;
  rowsLeft = limits.maxRows;
  hasPrompt = false;
  for (bool prompting : {false, true})
    for (size_t turn = 0; turn < running.size(); ++turn) {
      Running &item = *running[(firstTurn + turn) % running.size()];
      if (item.isInPrompt(prompts[item.index]) != prompting)
        continue;
      if (prompting ? planPrefill(item) : planDecode(item))
        inputOwners.push_back(&item);
    }
  firstTurn += inputs.size();
}

Result<void> Scheduler::accept(Running &item, int32_t token) {
  Continuation &continuation = result.continuations[item.index];
  continuation.tokens.push_back(token);
  const std::vector<int32_t> &eos = session.manifest().eosTokens;
  bool isEos = std::find(eos.begin(), eos.end(), token) != eos.end();
  if (isEos && !options.ignoreEos)
    continuation.finish = TILEWRIGHT_FINISH_EOS;
  else if (int64_t(continuation.tokens.size()) >=
           prompts[item.index].maxNewTokens)
    continuation.finish = TILEWRIGHT_FINISH_LENGTH;
  else if (item.sequence.length >= limits.maxContext)
    continuation.finish = TILEWRIGHT_FINISH_CONTEXT;
  else
    isDone[item.index] = false;
  if (options.onToken && options.onToken(item.index, token) != 0)
    return Error(TILEWRIGHT_CANCELLED, "the generation was cancelled");
  return success();
}

Result<void> Scheduler::step() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  StepResults results;
  results.nextTokens = nextTokens;
  TILEWRIGHT_ASSIGN(int64_t rows, session.step(inputs, results));
  double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  int64_t tokens = limits.maxTokens - tokensLeft;
  (hasPrompt ? result.prefillSeconds : result.decodeSeconds) += seconds;
  (hasPrompt ? result.prefillTokens : result.decodeTokens) +=
      hasPrompt ? tokens : rows;
  ++(hasPrompt ? result.prefillSteps : result.decodeSteps);

  size_t row = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Running &item = *inputOwners[i];
    if (item.isInPrompt(prompts[item.index]))
      item.fed += inputs[i].tokens.size();
    if (inputs[i].rows == TILEWRIGHT_ROWS_NONE)
      continue;
    isDone[item.index] = true;
    TILEWRIGHT_TRY(accept(item, nextTokens[row++]));
  }
  return success();
}

/// Gives back the pages of the sequences that are done.
void Scheduler::retire() {
  for (auto &item : running) {
    if (!isDone[item->index])
      continue;
    session.truncate(item->sequence, 0);
    reservedPages -= item->reservedPages;
    item.reset();
  }
  std::erase(running, nullptr);
}

Result<Generation> Scheduler::run() {
  TILEWRIGHT_TRY(checkPrompts());
  result.continuations.resize(prompts.size());
  isDone.assign(prompts.size(), false);
  nextTokens.resize(size_t(std::min(limits.maxRows, limits.maxSeqs)));
  for (size_t i = 0; i < prompts.size(); ++i)
    waiting.push_back(i);
  while (true) {
    TILEWRIGHT_TRY(admit());
    if (running.empty())
      return std::move(result);
    plan();
    TILEWRIGHT_TRY(step());
    retire();
  }
}

Result<Generation> generate(Session &session, std::span<const Prompt> prompts,
                            const GenerateOptions &options) {
  Scheduler scheduler(session, prompts, options);
  return scheduler.run();
}

//===----------------------------------------------------------------------===//
// Logits
//===----------------------------------------------------------------------===//

namespace {

/// Sequences for the prompts, freed whatever happens.
class Sequences {
public:
  Sequences(Session &session, size_t count) : session(session), items(count) {}
  ~Sequences() {
    for (Sequence &sequence : items)
      session.truncate(sequence, 0);
  }
  Sequence &operator[](size_t index) { return items[index]; }

private:
  Session &session;
  std::vector<Sequence> items;
};

} // namespace

Result<void> computeLogits(Session &session, std::span<const Prompt> prompts,
                           std::span<float *const> out) {
  const Limits &limits = session.manifest().limits;
  size_t vocabSize = size_t(limits.vocabSize);
  size_t stepTokens = size_t(std::min(limits.maxTokens, limits.maxRows));
  std::vector<float> rows(stepTokens * vocabSize);
  Sequences sequences(session, prompts.size());
  // Prompt by prompt, several in one step where they are short.
  for (size_t first = 0, fed = 0; first < prompts.size();) {
    std::vector<StepInput> inputs;
    std::vector<std::pair<size_t, size_t>> places; // prompt, first token
    for (size_t left = stepTokens; first < prompts.size() && left > 0 &&
                                   int64_t(inputs.size()) < limits.maxSeqs;) {
      size_t size = std::min(left, prompts[first].tokens.size() - fed);
      StepInput input;
      input.sequence = &sequences[first];
      input.tokens = prompts[first].tokens.subspan(fed, size);
      input.rows = TILEWRIGHT_ROWS_ALL;
      inputs.push_back(input);
      places.emplace_back(first, fed);
      left -= size;
      fed += size;
      if (fed == prompts[first].tokens.size()) {
        ++first;
        fed = 0;
      }
    }
    StepResults results;
    results.logits = rows;
    TILEWRIGHT_TRY(session.step(inputs, results));
    const float *row = rows.data();
    for (size_t i = 0; i < inputs.size(); ++i) {
      auto [prompt, token] = places[i];
      size_t count = inputs[i].tokens.size() * vocabSize;
      std::copy_n(row, count, out[prompt] + token * vocabSize);
      row += count;
      if (prompt != first)
        session.truncate(sequences[prompt], 0);
    }
  }
  return success();
}

} // namespace tilewright::runtime
