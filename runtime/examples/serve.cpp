//===- serve.cpp - Continuous batching, in C++ ----------------------------===//
//
// What a server does: requests arrive while others are being answered, and
// every step takes whatever there is to do. Here a request "arrives" at every
// second step:
//
//   example-serve model.twb MODEL_DIR sim:h800-sxm 20 1,2,3 4,5 6
//
// answers three prompts with 20 tokens each, and prints one line per prompt.
//
//===----------------------------------------------------------------------===//

#include "runtime/tilewright.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

// Handles that destroy themselves.
template <auto Destroy>
struct Destroyer {
  template <typename T>
  void operator()(T *object) const {
    Destroy(object);
  }
};
template <typename T, auto Destroy>
using Handle = std::unique_ptr<T, Destroyer<Destroy>>;
using Device = Handle<tilewright_device, tilewright_device_destroy>;
using Bundle = Handle<tilewright_bundle, tilewright_bundle_destroy>;
using Model = Handle<tilewright_model, tilewright_model_destroy>;
using Session = Handle<tilewright_session, tilewright_session_destroy>;
using Sequence = Handle<tilewright_sequence, tilewright_sequence_destroy>;

static void check(tilewright_status status) {
  if (status != TILEWRIGHT_OK)
    throw std::runtime_error(std::string(tilewright_status_name(status)) +
                             ": " + tilewright_last_error());
}

struct Request {
  size_t number;
  Sequence sequence;
  std::vector<int32_t> pending; ///< to go into the next step
  std::vector<int32_t> answer;
};

/// Puts `request` into a step, as far as `budget` tokens allow.
static tilewright_step_input nextPart(const Request &request, size_t budget) {
  tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
  input.sequence = request.sequence.get();
  input.tokens = request.pending.data();
  input.num_tokens = std::min(budget, request.pending.size());
  bool isWhole = input.num_tokens == request.pending.size();
  input.rows = isWhole ? TILEWRIGHT_ROWS_LAST : TILEWRIGHT_ROWS_NONE;
  return input;
}

/// One step over all requests that are being answered.
static void step(tilewright_session *session,
                 const tilewright_bundle_info &limits,
                 std::deque<Request> &running) {
  std::vector<tilewright_step_input> inputs;
  size_t budget = size_t(limits.max_tokens);
  for (const Request &request : running) {
    if (budget == 0)
      break;
    inputs.push_back(nextPart(request, budget));
    budget -= inputs.back().num_tokens;
  }
  std::vector<int32_t> next(inputs.size());
  tilewright_batch batch = TILEWRIGHT_BATCH_INIT;
  batch.inputs = inputs.data();
  batch.num_inputs = inputs.size();
  batch.next_tokens = next.data();
  batch.next_tokens_capacity = next.size();
  check(tilewright_session_step(session, &batch, nullptr));
  size_t row = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    Request &request = running[i];
    request.pending.erase(request.pending.begin(),
                          request.pending.begin() +
                              std::ptrdiff_t(inputs[i].num_tokens));
    if (inputs[i].rows == TILEWRIGHT_ROWS_NONE)
      continue;
    request.answer.push_back(next[row++]);
    request.pending = {request.answer.back()};
  }
}

static void print(const Request &request) {
  std::printf("%zu:", request.number);
  for (int32_t token : request.answer)
    std::printf(" %d", token);
  std::printf("\n");
}

static std::vector<int32_t> parseTokens(const char *text) {
  std::vector<int32_t> tokens;
  for (char *end; *text; text = *end ? end + 1 : end)
    tokens.push_back(int32_t(std::strtol(text, &end, 10)));
  return tokens;
}

static void serve(tilewright_session *session,
                  const tilewright_bundle_info &limits,
                  std::deque<Request> waiting, size_t count) {
  std::deque<Request> running;
  for (int64_t turn = 0; !waiting.empty() || !running.empty(); ++turn) {
    bool arrives = turn % 2 == 0 && !waiting.empty() &&
                   int64_t(running.size()) < limits.max_seqs;
    if (arrives) {
      tilewright_sequence *sequence = nullptr;
      check(tilewright_sequence_create(session, &sequence));
      running.push_back(std::move(waiting.front()));
      running.back().sequence.reset(sequence);
      waiting.pop_front();
    }
    step(session, limits, running);
    for (auto it = running.begin(); it != running.end();) {
      if (it->answer.size() < count) {
        ++it;
        continue;
      }
      print(*it);
      it = running.erase(it); // its pages are free for the next one
    }
  }
}

static void run(char **argv, int numPrompts) {
  tilewright_device *device = nullptr;
  check(tilewright_device_create(argv[3], &device));
  Device ownedDevice(device);
  tilewright_bundle *bundle = nullptr;
  check(tilewright_bundle_open(argv[1], &bundle));
  Bundle ownedBundle(bundle);
  tilewright_model *model = nullptr;
  check(tilewright_model_load(device, bundle, argv[2], nullptr, &model));
  Model ownedModel(model);
  tilewright_session *session = nullptr;
  check(tilewright_session_create(model, nullptr, &session));
  Session ownedSession(session);
  tilewright_bundle_info limits = TILEWRIGHT_BUNDLE_INFO_INIT;
  check(tilewright_bundle_query(bundle, &limits));

  std::deque<Request> waiting;
  for (int i = 0; i < numPrompts; ++i)
    waiting.push_back({size_t(i), nullptr, parseTokens(argv[5 + i]), {}});
  serve(session, limits, std::move(waiting),
        size_t(std::strtoul(argv[4], nullptr, 10)));
}

int main(int argc, char **argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: %s BUNDLE WEIGHTS DEVICE COUNT PROMPT...\n",
                 argv[0]);
    return 2;
  }
  try {
    run(argv, argc - 5);
    return 0;
  } catch (const std::exception &problem) {
    std::fprintf(stderr, "%s\n", problem.what());
    return 1;
  }
}
