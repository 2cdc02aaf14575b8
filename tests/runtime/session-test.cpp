//===- session-test.cpp - Steps, pages, generation, on a device -----------===//

#include "runtime/tilewright.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace tilewright::runtime::test;

namespace {

using Tokens = std::vector<int32_t>;

#define EXPECT_OK(call)                                                        \
  EXPECT_EQ((call), TILEWRIGHT_OK) << tilewright_last_error()
#define ASSERT_OK(call)                                                        \
  ASSERT_EQ((call), TILEWRIGHT_OK) << tilewright_last_error()

/// The device, the bundle and the model are made once for all tests.
class SessionTest : public ::testing::Test {
protected:
  static void SetUpTestSuite() {
    TemporaryFolder folder;
    std::string bytes = makeBundle();
    folder.write("model.safetensors", makeSafetensors(makeWeights()));
    ASSERT_OK(tilewright_device_create(testDevice().c_str(), &device));
    ASSERT_OK(tilewright_bundle_open_memory(bytes.data(), bytes.size(),
                                            "test.twb", &bundle));
    ASSERT_OK(tilewright_model_load(device, bundle, folder.path().c_str(),
                                    nullptr, &model));
  }
  static void TearDownTestSuite() {
    // In this order on purpose: each object keeps alive what it needs.
    tilewright_device_destroy(device);
    tilewright_bundle_destroy(bundle);
    tilewright_model_destroy(model);
  }

  void SetUp() override { ASSERT_NE(model, nullptr); }
  void TearDown() override { tilewright_session_destroy(session); }

  void open(int64_t pages, int64_t callerPages = 0,
            tilewright_graphs graphs = TILEWRIGHT_GRAPHS_AUTO) {
    tilewright_session_options options = TILEWRIGHT_SESSION_OPTIONS_INIT;
    options.num_pages = pages;
    options.caller_pages = callerPages;
    options.graphs = graphs;
    ASSERT_OK(tilewright_session_create(model, &options, &session));
  }

  tilewright_sequence *newSequence() {
    tilewright_sequence *sequence = nullptr;
    EXPECT_OK(tilewright_sequence_create(session, &sequence));
    return sequence;
  }

  static tilewright_step_input
  input(tilewright_sequence *sequence, const Tokens &tokens,
        tilewright_rows rows = TILEWRIGHT_ROWS_LAST) {
    tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
    input.sequence = sequence;
    input.tokens = tokens.data();
    input.num_tokens = tokens.size();
    input.rows = rows;
    return input;
  }

  /// Runs a step; `next` and `logits` receive the rows.
  tilewright_status step(const std::vector<tilewright_step_input> &inputs) {
    next.assign(maxRows, -1);
    logits.assign(maxRows * vocabSize, -1);
    tilewright_batch batch = TILEWRIGHT_BATCH_INIT;
    batch.inputs = inputs.data();
    batch.num_inputs = inputs.size();
    batch.next_tokens = next.data();
    batch.next_tokens_capacity = next.size();
    batch.logits = logits.data();
    batch.logits_capacity = maxRows;
    size_t rows = 0;
    tilewright_status status = tilewright_session_step(session, &batch, &rows);
    if (status == TILEWRIGHT_OK)
      next.resize(rows);
    return status;
  }

  int64_t freePages() const {
    tilewright_session_info info = TILEWRIGHT_SESSION_INFO_INIT;
    EXPECT_OK(tilewright_session_query(session, &info));
    return info.free_pages;
  }

  static tilewright_prompt prompt(const Tokens &tokens, size_t count) {
    tilewright_prompt prompt = TILEWRIGHT_PROMPT_INIT;
    prompt.tokens = tokens.data();
    prompt.num_tokens = tokens.size();
    prompt.max_new_tokens = count;
    return prompt;
  }

  /// The new tokens of each prompt, EOS ignored.
  std::vector<Tokens> generate(const std::vector<Tokens> &prompts, int count) {
    std::vector<tilewright_prompt> given;
    for (const Tokens &tokens : prompts)
      given.push_back(prompt(tokens, size_t(count)));
    tilewright_generate_options options = TILEWRIGHT_GENERATE_OPTIONS_INIT;
    options.ignore_eos = 1;
    tilewright_generation *generation = nullptr;
    EXPECT_OK(tilewright_generate(session, given.data(), given.size(), &options,
                                  &generation));
    std::vector<Tokens> result;
    for (size_t i = 0; generation && i < prompts.size(); ++i) {
      const int32_t *tokens;
      size_t size;
      EXPECT_OK(
          tilewright_generation_tokens(generation, i, &tokens, &size, nullptr));
      result.emplace_back(tokens, tokens + size);
    }
    tilewright_generation_destroy(generation);
    return result;
  }

  static tilewright_device *device;
  static tilewright_bundle *bundle;
  static tilewright_model *model;
  tilewright_session *session = nullptr;
  Tokens next;
  std::vector<float> logits;
};

tilewright_device *SessionTest::device = nullptr;
tilewright_bundle *SessionTest::bundle = nullptr;
tilewright_model *SessionTest::model = nullptr;

Tokens range(int first, int count) {
  Tokens tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

} // namespace

TEST_F(SessionTest, DeviceIsWhatTheNameSays) {
  tilewright_device_info info = TILEWRIGHT_DEVICE_INFO_INIT;
  ASSERT_OK(tilewright_device_query(device, &info));
  EXPECT_EQ(info.compute_capability, 90);
  EXPECT_GE(info.num_sms, 78);
  EXPECT_GT(info.memory_bytes, uint64_t(1) << 30);
}

TEST_F(SessionTest, PromptThenTokens) {
  open(32);
  tilewright_sequence *sequence = newSequence();
  Tokens tokens = {5, 6, 7};
  ASSERT_OK(step({input(sequence, tokens)}));
  EXPECT_EQ(next, Tokens{expectedNext(tokens)});
  for (int i = 0; i < 10; ++i) {
    Tokens newest = next;
    tokens.push_back(next[0]);
    ASSERT_OK(step({input(sequence, newest)}));
    EXPECT_EQ(next, Tokens{expectedNext(tokens)}) << "after " << i;
    EXPECT_EQ(tilewright_sequence_length(sequence), int64_t(tokens.size()));
  }
  EXPECT_EQ(freePages(), 32 - (13 + 3) / 4);
  tilewright_sequence_destroy(sequence);
  EXPECT_EQ(freePages(), 32);
}

TEST_F(SessionTest, MixOfPromptsPartsAndTokens) {
  open(64);
  tilewright_sequence *a = newSequence(), *b = newSequence(),
                      *c = newSequence();
  Tokens first = range(1, 6), second = range(40, 9), third = range(70, 3);
  Tokens head = range(40, 4), tail = range(44, 5);
  ASSERT_OK(step({input(a, first), input(b, head, TILEWRIGHT_ROWS_NONE)}));
  EXPECT_EQ(next, Tokens{expectedNext(first)});
  Tokens newest = next;
  first.push_back(next[0]);
  // A token, the rest of a prompt, and a new prompt with all of its rows.
  ASSERT_OK(step({input(a, newest), input(b, tail),
                  input(c, third, TILEWRIGHT_ROWS_ALL)}));
  EXPECT_EQ(next, (Tokens{expectedNext(first), expectedNext(second),
                          expectedNext({70}), expectedNext({70, 71}),
                          expectedNext({70, 71, 72})}));
  EXPECT_EQ(logits[vocabSize + size_t(next[1])],
            logits[vocabSize + size_t(next[1] + 1) % vocabSize] + 1);
  for (tilewright_sequence *sequence : {a, b, c})
    tilewright_sequence_destroy(sequence);
  EXPECT_EQ(freePages(), 64);
}

TEST_F(SessionTest, StepWithoutRows) {
  open(8);
  tilewright_sequence *sequence = newSequence();
  Tokens tokens = {1, 2, 3};
  ASSERT_OK(step({input(sequence, tokens, TILEWRIGHT_ROWS_NONE)}));
  EXPECT_TRUE(next.empty());
  tilewright_session_info info = TILEWRIGHT_SESSION_INFO_INIT;
  ASSERT_OK(tilewright_session_query(session, &info));
  EXPECT_EQ(info.last_launches, 1) << "an empty grid is not launched";
  tilewright_sequence_destroy(sequence);
}

TEST_F(SessionTest, OutOfPagesChangesNothing) {
  open(4);
  tilewright_sequence *a = newSequence(), *b = newSequence();
  Tokens eight = range(1, 8), nine = range(20, 9), one = {3};
  ASSERT_OK(step({input(a, eight)}));
  EXPECT_EQ(freePages(), 2);
  EXPECT_EQ(step({input(a, one), input(b, eight)}), TILEWRIGHT_OUT_OF_PAGES);
  EXPECT_STREQ(tilewright_last_error(),
               "the step needs 3 more pages of the KV cache, 2 are free");
  EXPECT_EQ(freePages(), 2);
  EXPECT_EQ(tilewright_sequence_length(a), 8);
  EXPECT_EQ(tilewright_sequence_length(b), 0);
  EXPECT_EQ(step({input(b, nine)}), TILEWRIGHT_OUT_OF_PAGES);
  // What was there is still right.
  ASSERT_OK(step({input(a, one)}));
  eight.push_back(3);
  EXPECT_EQ(next, Tokens{expectedNext(eight)});
  tilewright_sequence_destroy(a);
  ASSERT_OK(step({input(b, nine)}));
  EXPECT_EQ(next, Tokens{expectedNext(nine)});
  tilewright_sequence_destroy(b);
}

TEST_F(SessionTest, TruncateForgets) {
  open(16);
  tilewright_sequence *sequence = newSequence();
  Tokens tokens = range(1, 10), other = {50};
  ASSERT_OK(step({input(sequence, tokens)}));
  EXPECT_EQ(tilewright_sequence_truncate(sequence, 11),
            TILEWRIGHT_INVALID_ARGUMENT);
  ASSERT_OK(tilewright_sequence_truncate(sequence, 5));
  EXPECT_EQ(freePages(), 14);
  ASSERT_OK(step({input(sequence, other)}));
  EXPECT_EQ(next, Tokens{expectedNext({1, 2, 3, 4, 5, 50})});
  tilewright_sequence_destroy(sequence);
}

TEST_F(SessionTest, PagesOfTheCaller) {
  open(16, 12);
  EXPECT_EQ(freePages(), 4);
  Tokens prefix = range(1, 4), left = {9}, right = {11};
  std::vector<int32_t> pagesOfLeft = {7, 2}, pagesOfRight = {7, 5};
  tilewright_step_input first = input(nullptr, prefix);
  first.pages = pagesOfLeft.data();
  first.num_pages = 1;
  ASSERT_OK(step({first}));
  EXPECT_EQ(next, Tokens{expectedNext(prefix)});

  // Two sequences share the page of their common beginning.
  tilewright_step_input a = input(nullptr, left), b = input(nullptr, right);
  a.past_length = b.past_length = 4;
  a.pages = pagesOfLeft.data();
  b.pages = pagesOfRight.data();
  a.num_pages = b.num_pages = 2;
  ASSERT_OK(step({a, b}));
  EXPECT_EQ(next, (Tokens{expectedNext({1, 2, 3, 4, 9}),
                          expectedNext({1, 2, 3, 4, 11})}));

  pagesOfRight = {7, 2};
  EXPECT_EQ(step({a, b}), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(),
               "inputs[1]: page 2 is written in this step and used twice");
  pagesOfRight = {7, 12};
  EXPECT_EQ(step({a, b}), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(),
               "inputs[1]: page 12 is not one of the caller's 12");
  b.num_pages = 1;
  EXPECT_EQ(step({a, b}), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(),
               "inputs[1]: 2 pages are needed, 1 are given");
}

TEST_F(SessionTest, RefusesWhatCannotBe) {
  open(64);
  tilewright_sequence *sequence = newSequence();
  Tokens one = {1}, bad = {1, 97}, negative = {-1}, many = range(1, 17);
  auto expectInvalid = [&](std::vector<tilewright_step_input> inputs,
                           const char *message) {
    EXPECT_EQ(step(inputs), TILEWRIGHT_INVALID_ARGUMENT);
    EXPECT_STREQ(tilewright_last_error(), message);
    EXPECT_EQ(tilewright_sequence_length(sequence), 0);
  };
  expectInvalid({}, "a step takes from 1 to 4 inputs, not 0");
  expectInvalid({input(sequence, bad)},
                "inputs[0]: token 1 is 97, must be from 0 to 96");
  expectInvalid({input(sequence, negative)},
                "inputs[0]: token 0 is -1, must be from 0 to 96");
  expectInvalid({input(sequence, {})}, "inputs[0]: has no tokens");
  expectInvalid({input(sequence, many)},
                "a step takes up to 16 tokens, not 17");
  expectInvalid({input(sequence, one), input(sequence, one)},
                "inputs[1]: the sequence is in this step already");
  Tokens ten = range(1, 10);
  expectInvalid({input(sequence, ten, TILEWRIGHT_ROWS_ALL)},
                "a step gives up to 8 rows of logits, not 10");
  tilewright_step_input far = input(nullptr, one);
  far.past_length = INT64_MAX;
  expectInvalid({far}, "inputs[0]: 9223372036854775807 past and 1 new tokens "
                       "exceed the context of 64");
  tilewright_step_input hot = input(sequence, one);
  hot.sampling.temperature = 1;
  expectInvalid({hot}, "inputs[0]: this bundle samples greedily only: "
                       "temperature must be 0");
  hot.sampling.temperature = NAN;
  expectInvalid({hot}, "inputs[0]: temperature must be a finite number, at "
                       "least 0");
  tilewright_sequence_destroy(sequence);
}

TEST_F(SessionTest, ContextEnds) {
  open(16);
  tilewright_sequence *sequence = newSequence();
  for (int i = 0; i < 4; ++i) {
    Tokens part = range(1 + 16 * i, 16);
    ASSERT_OK(step({input(sequence, part)}));
  }
  EXPECT_EQ(next, Tokens{expectedNext(range(1, 64))});
  Tokens one = {1};
  EXPECT_EQ(step({input(sequence, one)}), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(), "inputs[0]: 64 past and 1 new tokens "
                                        "exceed the context of 64");
  tilewright_sequence_destroy(sequence);
}

TEST_F(SessionTest, SequenceOfAnotherSession) {
  open(8);
  tilewright_session *other = nullptr;
  ASSERT_OK(tilewright_session_create(model, nullptr, &other));
  tilewright_sequence *foreign = nullptr;
  ASSERT_OK(tilewright_sequence_create(other, &foreign));
  Tokens one = {1};
  EXPECT_EQ(step({input(foreign, one)}), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(),
               "inputs[0]: the sequence belongs to another session");
  tilewright_session_destroy(other);
  tilewright_sequence_destroy(foreign);
}

TEST_F(SessionTest, GenerateBatch) {
  open(64);
  // More prompts than sequences in a step, one of them longer than a step.
  std::vector<Tokens> prompts = {range(1, 3),  range(10, 40), {96},
                                 range(5, 17), range(2, 16),  {7, 7}};
  std::vector<Tokens> got = generate(prompts, 9);
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(got[i], expectedTokens(prompts[i], 9)) << "prompt " << i;
  EXPECT_EQ(freePages(), 64);
}

TEST_F(SessionTest, GenerateInTurnsWhenPagesAreFew) {
  open(7); // one of the prompts at a time
  std::vector<Tokens> prompts = {range(1, 20), range(30, 20), range(50, 20)};
  std::vector<Tokens> got = generate(prompts, 6);
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(got[i], expectedTokens(prompts[i], 6)) << "prompt " << i;
  tilewright_generation *generation = nullptr;
  Tokens large = range(1, 29);
  tilewright_prompt tooLarge = prompt(large, 1);
  EXPECT_EQ(tilewright_generate(session, &tooLarge, 1, nullptr, &generation),
            TILEWRIGHT_OUT_OF_PAGES);
  EXPECT_STREQ(tilewright_last_error(),
               "prompts[0]: it needs 8 pages of the KV cache, 7 are free");
}

TEST_F(SessionTest, GenerateStopsAtEos) {
  open(16);
  Tokens tokens = {5}, expected = expectedTokens(tokens, 3);
  ASSERT_EQ(expected.back(), eosToken) << "neither at once nor late";
  tilewright_prompt given = prompt(tokens, 40);
  tilewright_generation *generation = nullptr;
  ASSERT_OK(tilewright_generate(session, &given, 1, nullptr, &generation));
  const int32_t *got;
  size_t size;
  tilewright_finish finish;
  ASSERT_OK(tilewright_generation_tokens(generation, 0, &got, &size, &finish));
  EXPECT_EQ(Tokens(got, got + size), expected);
  EXPECT_EQ(finish, TILEWRIGHT_FINISH_EOS);
  tilewright_generation_destroy(generation);
}

TEST_F(SessionTest, GenerateStopsAtTheContext) {
  open(16);
  Tokens tokens = range(1, 60);
  std::vector<Tokens> got = generate({tokens}, 100);
  // The last token has no place in the cache, and needs none.
  EXPECT_EQ(got[0], expectedTokens(tokens, 5));
}

TEST_F(SessionTest, CallbackSeesTokensAndCanStop) {
  open(16);
  Tokens tokens = {5};
  tilewright_prompt given = prompt(tokens, 20);
  struct Seen {
    Tokens tokens;
  } seen;
  tilewright_generate_options options = TILEWRIGHT_GENERATE_OPTIONS_INIT;
  options.ignore_eos = 1;
  options.user = &seen;
  options.on_token = [](void *user, size_t, int32_t token) -> int {
    auto &tokens = static_cast<Seen *>(user)->tokens;
    tokens.push_back(token);
    return tokens.size() == 3;
  };
  tilewright_generation *generation = nullptr;
  EXPECT_EQ(tilewright_generate(session, &given, 1, &options, &generation),
            TILEWRIGHT_CANCELLED);
  EXPECT_EQ(seen.tokens, expectedTokens(tokens, 3));
  EXPECT_EQ(generation, nullptr);
  EXPECT_EQ(freePages(), 16) << "a stopped generation gives its pages back";
}

TEST_F(SessionTest, LogitsOfEveryToken) {
  open(64);
  std::vector<Tokens> prompts = {range(1, 21), {4}, range(60, 3)};
  std::vector<std::vector<float>> got;
  std::vector<tilewright_prompt> given;
  std::vector<float *> places;
  for (const Tokens &tokens : prompts) {
    got.emplace_back(tokens.size() * vocabSize, -1.0f);
    given.push_back(prompt(tokens, 0));
  }
  for (auto &buffer : got)
    places.push_back(buffer.data());
  ASSERT_OK(
      tilewright_logits(session, given.data(), given.size(), places.data()));
  for (size_t p = 0; p < prompts.size(); ++p) {
    double sum = 0;
    Tokens soFar;
    for (size_t t = 0; t < prompts[p].size(); ++t) {
      soFar.push_back(prompts[p][t]);
      sum += tokenValue(prompts[p][t]);
      for (int32_t v = 0; v < vocabSize; ++v)
        ASSERT_EQ(got[p][t * vocabSize + size_t(v)],
                  float(sum + (v == expectedNext(soFar))))
            << "prompt " << p << " token " << t << " logit " << v;
    }
  }
  EXPECT_EQ(freePages(), 64);
}

TEST_F(SessionTest, GraphsGiveTheSame) {
  tilewright_session_options options = TILEWRIGHT_SESSION_OPTIONS_INIT;
  options.num_pages = 32;
  options.graphs = TILEWRIGHT_GRAPHS_ON;
  ASSERT_OK(tilewright_session_create(model, &options, &session));
  std::vector<Tokens> prompts = {range(1, 5), range(20, 2)};
  std::vector<Tokens> got = generate(prompts, 30);
  for (size_t i = 0; i < prompts.size(); ++i)
    EXPECT_EQ(got[i], expectedTokens(prompts[i], 30)) << "prompt " << i;
  tilewright_session_info info = TILEWRIGHT_SESSION_INFO_INIT;
  ASSERT_OK(tilewright_session_query(session, &info));
  EXPECT_GT(info.graphs, 0);
  EXPECT_LT(info.graphs, 10) << "graphs are replayed, not made for each step";
}

/// A server's life in small: sequences come, grow by parts and tokens, are cut
/// back and go, in steps of any mix; pages run out now and then. Every row of
/// every step must be what the sequence alone would give.
TEST_F(SessionTest, RandomTraffic) {
  open(24);
  struct Live {
    tilewright_sequence *handle;
    Tokens tokens; ///< in the cache
    Tokens part;   ///< of this step
  };
  std::vector<Live> live;
  std::mt19937 random(7);
  auto pick = [&](int below) { return int(random() % unsigned(below)); };
  int refused = 0, rowsSeen = 0;
  for (int turn = 0; turn < 600; ++turn) {
    while (live.size() < 6 && pick(3) != 0)
      live.push_back({newSequence(), {}, {}});
    std::shuffle(live.begin(), live.end(), random);
    std::vector<tilewright_step_input> inputs;
    int tokensLeft = int(maxTokens), rowsLeft = int(maxRows);
    for (Live &each : live) {
      int room = std::min(tokensLeft, int(maxContext - each.tokens.size()));
      if (inputs.size() == size_t(maxSeqs) || room == 0 || rowsLeft == 0)
        break;
      each.part.assign(size_t(pick(4) ? 1 : 1 + pick(room)), 0);
      for (int32_t &token : each.part)
        token = pick(int(vocabSize));
      tilewright_rows rows = tilewright_rows(pick(3));
      if (rows == TILEWRIGHT_ROWS_ALL && int(each.part.size()) > rowsLeft)
        rows = TILEWRIGHT_ROWS_LAST;
      inputs.push_back(input(each.handle, each.part, rows));
      tokensLeft -= int(each.part.size());
      rowsLeft -= rows == TILEWRIGHT_ROWS_ALL    ? int(each.part.size())
                  : rows == TILEWRIGHT_ROWS_LAST ? 1
                                                 : 0;
    }
    if (inputs.empty())
      continue;
    tilewright_status status = step(inputs);
    refused += status == TILEWRIGHT_OUT_OF_PAGES;
    ASSERT_TRUE(status == TILEWRIGHT_OK || status == TILEWRIGHT_OUT_OF_PAGES)
        << tilewright_last_error();
    size_t row = 0;
    for (size_t i = 0; i < inputs.size(); ++i) {
      Live &each = live[i];
      if (status == TILEWRIGHT_OK)
        for (size_t t = 0; t < each.part.size(); ++t) {
          each.tokens.push_back(each.part[t]);
          bool isLast = t + 1 == each.part.size();
          if (inputs[i].rows == TILEWRIGHT_ROWS_ALL ||
              (inputs[i].rows == TILEWRIGHT_ROWS_LAST && isLast)) {
            ASSERT_EQ(next[row], expectedNext(each.tokens))
                << "turn " << turn << " input " << i << " token " << t;
            ++row;
          }
        }
      ASSERT_EQ(tilewright_sequence_length(each.handle),
                int64_t(each.tokens.size()));
    }
    rowsSeen += int(row);
    for (size_t i = live.size(); i-- > 0;) {
      Live &each = live[i];
      bool isFull = each.tokens.size() == size_t(maxContext);
      if (pick(12) == 0 || isFull ||
          (status == TILEWRIGHT_OUT_OF_PAGES && i == 0)) {
        tilewright_sequence_destroy(each.handle);
        live.erase(live.begin() + int(i));
      } else if (!each.tokens.empty() && pick(10) == 0) {
        size_t length = size_t(pick(int(each.tokens.size()) + 1));
        ASSERT_OK(tilewright_sequence_truncate(each.handle, int64_t(length)));
        each.tokens.resize(length);
      }
    }
    int64_t used = 0;
    for (const Live &each : live)
      used += int64_t((each.tokens.size() + size_t(pageSize) - 1) /
                      size_t(pageSize));
    ASSERT_EQ(freePages(), 24 - used) << "turn " << turn;
  }
  EXPECT_GT(refused, 5);
  EXPECT_GT(rowsSeen, 500);
  for (const Live &each : live)
    tilewright_sequence_destroy(each.handle);
  EXPECT_EQ(freePages(), 24);
}
