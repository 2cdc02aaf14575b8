//===- Run.cpp - Sessions, steps, generation ------------------------------===//

#include "runtime/api/Handles.h"

using namespace tilewright::runtime;
using namespace tilewright::runtime::api;

static Result<void> makeCurrent(const Session &session) {
  return session.model().device()->makeCurrent();
}

//===----------------------------------------------------------------------===//
// Sessions and sequences
//===----------------------------------------------------------------------===//

tilewright_status
tilewright_session_create(tilewright_model *model,
                          const tilewright_session_options *options,
                          tilewright_session **out_session) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(model);
    TILEWRIGHT_CHECK_NOT_NULL(out_session);
    tilewright_session_options defaults = TILEWRIGHT_SESSION_OPTIONS_INIT;
    TILEWRIGHT_ASSIGN(tilewright_session_options given,
                      readSized(options, defaults, "options"));
    if (given.graphs < TILEWRIGHT_GRAPHS_AUTO ||
        given.graphs > TILEWRIGHT_GRAPHS_ON)
      return invalidArgument("unknown value of options->graphs");
    TILEWRIGHT_TRY(model->model->device()->makeCurrent());
    SessionOptions create{given.num_pages, given.caller_pages, given.graphs,
                          nullptr};
    TILEWRIGHT_ASSIGN(auto session, Session::create(model->model, create));
    *out_session = new tilewright_session{std::move(session)};
    return success();
  });
}

void tilewright_session_destroy(tilewright_session *session) {
  if (!session)
    return;
  (void)!makeCurrent(*session->session);
  delete session;
}

tilewright_status tilewright_session_query(const tilewright_session *session,
                                           tilewright_session_info *out_info) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(session);
    const Session &queried = *session->session;
    tilewright_session_info info = TILEWRIGHT_SESSION_INFO_INIT;
    info.num_pages = queried.numPages();
    info.free_pages = queried.freePages();
    info.steps = queried.counters().steps;
    info.launches = queried.counters().launches;
    info.last_launches = queried.counters().lastLaunches;
    info.graphs = queried.numGraphs();
    return writeSized(info, out_info);
  });
}

tilewright_status
tilewright_sequence_create(tilewright_session *session,
                           tilewright_sequence **out_sequence) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(session);
    TILEWRIGHT_CHECK_NOT_NULL(out_sequence);
    *out_sequence = new tilewright_sequence{session->session, Sequence()};
    return success();
  });
}

void tilewright_sequence_destroy(tilewright_sequence *sequence) {
  if (!sequence)
    return;
  sequence->session->truncate(sequence->sequence, 0);
  // It may be the last to hold the session.
  (void)!makeCurrent(*sequence->session);
  delete sequence;
}

int64_t tilewright_sequence_length(const tilewright_sequence *sequence) {
  return sequence ? sequence->sequence.length : 0;
}

tilewright_status tilewright_sequence_truncate(tilewright_sequence *sequence,
                                               int64_t length) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(sequence);
    if (length < 0 || length > sequence->sequence.length)
      return invalidArgument("length is " + std::to_string(length) +
                             ", must be from 0 to " +
                             std::to_string(sequence->sequence.length));
    sequence->session->truncate(sequence->sequence, length);
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// Input `index` of a batch, whose inputs may be of an older, shorter version.
static tilewright_step_input readInput(const tilewright_batch &batch,
                                       size_t index) {
  tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
  const char *first = reinterpret_cast<const char *>(batch.inputs);
  std::memcpy(&input, first + index * batch.input_size,
              std::min(batch.input_size, sizeof(input)));
  return input;
}

static Result<StepInput> convertInput(const tilewright_step_input &given,
                                      const Session &session) {
  if (given.num_tokens > 0 && !given.tokens)
    return invalidArgument("tokens must not be NULL");
  StepInput input;
  input.tokens = {given.tokens, given.num_tokens};
  input.rows = given.rows;
  input.sampling = given.sampling;
  if (given.sequence) {
    if (given.sequence->session.get() != &session)
      return invalidArgument("the sequence belongs to another session");
    input.sequence = &given.sequence->sequence;
    return input;
  }
  if (given.num_pages > 0 && !given.pages)
    return invalidArgument("pages must not be NULL");
  input.pages = {given.pages, given.num_pages};
  input.pastLength = given.past_length;
  return input;
}

tilewright_status tilewright_session_step(tilewright_session *session,
                                          const tilewright_batch *batch,
                                          size_t *out_num_rows) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(session);
    TILEWRIGHT_CHECK_NOT_NULL(batch);
    tilewright_batch defaults = TILEWRIGHT_BATCH_INIT;
    TILEWRIGHT_ASSIGN(tilewright_batch given,
                      readSized(batch, defaults, "batch"));
    if (given.num_inputs > 0 && !given.inputs)
      return invalidArgument("batch->inputs must not be NULL");
    if (given.input_size < sizeof(void *))
      return invalidArgument("batch->input_size is not set");
    Session &stepped = *session->session;
    std::vector<StepInput> inputs;
    for (size_t i = 0; i < given.num_inputs; ++i) {
      Result<StepInput> input = convertInput(readInput(given, i), stepped);
      if (!input)
        return input.takeError().in("inputs[" + std::to_string(i) + "]");
      inputs.push_back(*input);
    }
    StepResults results;
    if (given.next_tokens)
      results.nextTokens = {given.next_tokens, given.next_tokens_capacity};
    if (given.logits)
      results.logits = {given.logits,
                        given.logits_capacity *
                            size_t(stepped.manifest().limits.vocabSize)};
    TILEWRIGHT_TRY(makeCurrent(stepped));
    TILEWRIGHT_ASSIGN(int64_t rows, stepped.step(inputs, results));
    if (out_num_rows)
      *out_num_rows = size_t(rows);
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Generation
//===----------------------------------------------------------------------===//

static Result<std::vector<Prompt>> readPrompts(const tilewright_prompt *prompts,
                                               size_t count) {
  if (count > 0)
    TILEWRIGHT_CHECK_NOT_NULL(prompts);
  std::vector<Prompt> result;
  for (size_t i = 0; i < count; ++i) {
    if (prompts[i].num_tokens > 0 && !prompts[i].tokens)
      return invalidArgument("prompts[" + std::to_string(i) +
                             "]: tokens must not be NULL");
    size_t most = std::min<size_t>(prompts[i].max_new_tokens, INT32_MAX);
    result.push_back({{prompts[i].tokens, prompts[i].num_tokens},
                      int64_t(most),
                      prompts[i].sampling});
  }
  return result;
}

tilewright_status
tilewright_generate(tilewright_session *session,
                    const tilewright_prompt *prompts, size_t num_prompts,
                    const tilewright_generate_options *options,
                    tilewright_generation **out_generation) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(session);
    TILEWRIGHT_CHECK_NOT_NULL(out_generation);
    TILEWRIGHT_ASSIGN(std::vector<Prompt> given,
                      readPrompts(prompts, num_prompts));
    tilewright_generate_options defaults = TILEWRIGHT_GENERATE_OPTIONS_INIT;
    TILEWRIGHT_ASSIGN(tilewright_generate_options wanted,
                      readSized(options, defaults, "options"));
    GenerateOptions how;
    how.ignoreEos = wanted.ignore_eos != 0;
    if (wanted.on_token)
      how.onToken = [wanted](size_t index, int32_t token) {
        return wanted.on_token(wanted.user, index, token);
      };
    TILEWRIGHT_TRY(makeCurrent(*session->session));
    TILEWRIGHT_ASSIGN(Generation generation,
                      generate(*session->session, given, how));
    *out_generation = new tilewright_generation{std::move(generation)};
    return success();
  });
}

void tilewright_generation_destroy(tilewright_generation *generation) {
  delete generation;
}

tilewright_status
tilewright_generation_tokens(const tilewright_generation *generation,
                             size_t index, const int32_t **out_tokens,
                             size_t *out_num_tokens,
                             tilewright_finish *out_finish) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(generation);
    TILEWRIGHT_CHECK_NOT_NULL(out_tokens);
    TILEWRIGHT_CHECK_NOT_NULL(out_num_tokens);
    const auto &all = generation->generation.continuations;
    if (index >= all.size())
      return invalidArgument("index is " + std::to_string(index) +
                             ", the generation had " +
                             std::to_string(all.size()) + " prompts");
    *out_tokens = all[index].tokens.data();
    *out_num_tokens = all[index].tokens.size();
    if (out_finish)
      *out_finish = all[index].finish;
    return success();
  });
}

tilewright_status
tilewright_generation_query(const tilewright_generation *generation,
                            tilewright_generation_info *out_info) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(generation);
    const Generation &queried = generation->generation;
    tilewright_generation_info info = TILEWRIGHT_GENERATION_INFO_INIT;
    info.prefill_seconds = queried.prefillSeconds;
    info.decode_seconds = queried.decodeSeconds;
    info.prefill_tokens = queried.prefillTokens;
    info.decode_tokens = queried.decodeTokens;
    info.prefill_steps = queried.prefillSteps;
    info.decode_steps = queried.decodeSteps;
    return writeSized(info, out_info);
  });
}

tilewright_status tilewright_logits(tilewright_session *session,
                                    const tilewright_prompt *prompts,
                                    size_t num_prompts,
                                    float *const *out_logits) {
  return guarded([&]() -> Result<void> {
    TILEWRIGHT_CHECK_NOT_NULL(session);
    TILEWRIGHT_ASSIGN(std::vector<Prompt> given,
                      readPrompts(prompts, num_prompts));
    if (num_prompts > 0)
      TILEWRIGHT_CHECK_NOT_NULL(out_logits);
    for (size_t i = 0; i < num_prompts; ++i)
      if (given[i].tokens.empty() || !out_logits[i])
        return invalidArgument("prompts[" + std::to_string(i) +
                               "]: has no tokens, or no room for its logits");
    TILEWRIGHT_TRY(makeCurrent(*session->session));
    return computeLogits(*session->session, given, {out_logits, num_prompts});
  });
}
