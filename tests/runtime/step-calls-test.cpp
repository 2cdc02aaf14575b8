//===- step-calls-test.cpp - What a step asks of the driver ---------------===//
//
// runtime/README.md promises that a step allocates nothing and waits once. The
// driver's functions are replaced by ones that count.
//
//===----------------------------------------------------------------------===//

#include "runtime/api/Handles.h"
#include "runtime/driver/Driver.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

using namespace tilewright::runtime;
using namespace tilewright::runtime::test;

namespace {

/// Counts the calls of one function of a driver while it lives.
template <auto Member>
class Counted;
template <typename... Args, int (*Driver::*Member)(Args...)>
class Counted<Member> {
public:
  explicit Counted(Driver &driver) : driver(driver) {
    original = driver.*Member;
    calls = 0;
    driver.*Member = call;
  }
  ~Counted() { driver.*Member = original; }
  Counted(const Counted &) = delete;

  static inline int calls;

private:
  static int call(Args... args) {
    ++calls;
    return original(args...);
  }
  static inline int (*original)(Args...);
  Driver &driver;
};

class StepCalls : public ::testing::TestWithParam<tilewright_graphs> {
protected:
  void SetUp() override {
    std::string bytes = makeBundle();
    folder.write("model.safetensors", makeSafetensors(makeWeights()));
    ASSERT_EQ(tilewright_device_create(testDevice().c_str(), &device), 0);
    ASSERT_EQ(tilewright_bundle_open_memory(bytes.data(), bytes.size(),
                                            "test.twb", &bundle),
              0);
    ASSERT_EQ(tilewright_model_load(device, bundle, folder.path().c_str(),
                                    nullptr, &model),
              0);
  }
  void TearDown() override {
    tilewright_sequence_destroy(sequence);
    tilewright_session_destroy(session);
    tilewright_model_destroy(model);
    tilewright_bundle_destroy(bundle);
    tilewright_device_destroy(device);
  }

  /// The one object behind the device, which only this test changes.
  Driver &driver() { return const_cast<Driver &>(device->device->driver()); }

  void createSession() {
    tilewright_session_options options = TILEWRIGHT_SESSION_OPTIONS_INIT;
    options.graphs = GetParam();
    ASSERT_EQ(tilewright_session_create(model, &options, &session), 0);
    ASSERT_EQ(tilewright_sequence_create(session, &sequence), 0);
  }

  /// Adds `tokens` to the sequence, and reads the next token.
  void step(const std::vector<int32_t> &tokens) {
    tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
    input.sequence = sequence;
    input.tokens = tokens.data();
    input.num_tokens = tokens.size();
    int32_t next = -1;
    tilewright_batch batch = TILEWRIGHT_BATCH_INIT;
    batch.inputs = &input;
    batch.num_inputs = 1;
    batch.next_tokens = &next;
    batch.next_tokens_capacity = 1;
    ASSERT_EQ(tilewright_session_step(session, &batch, nullptr), 0)
        << tilewright_last_error();
    EXPECT_GE(next, 0);
  }

  TemporaryFolder folder;
  tilewright_device *device = nullptr;
  tilewright_bundle *bundle = nullptr;
  tilewright_model *model = nullptr;
  tilewright_session *session = nullptr;
  tilewright_sequence *sequence = nullptr;
};

TEST_P(StepCalls, AllocateNothingAndWaitOnce) {
  Counted<&Driver::memAlloc> alloc(driver());
  Counted<&Driver::memHostAlloc> hostAlloc(driver());
  Counted<&Driver::memFree> free(driver());
  Counted<&Driver::memFreeHost> freeHost(driver());
  Counted<&Driver::moduleLoadDataEx> load(driver());
  Counted<&Driver::memcpyHtoDAsync> copyIn(driver());
  Counted<&Driver::memcpyDtoHAsync> copyOut(driver());
  Counted<&Driver::streamSynchronize> wait(driver());
  Counted<&Driver::eventSynchronize> waitForEvent(driver());
  createSession();
  // All of it is made with the session.
  EXPECT_GT(alloc.calls, 0);
  EXPECT_GT(hostAlloc.calls, 0);
  alloc.calls = hostAlloc.calls = free.calls = freeHost.calls = 0;
  copyIn.calls = wait.calls = 0;

  constexpr int kDecodeSteps = 5;
  step({1, 2, 3});
  for (int i = 0; i < kDecodeSteps; ++i)
    step({4});
  EXPECT_EQ(alloc.calls, 0);
  EXPECT_EQ(hostAlloc.calls, 0);
  EXPECT_EQ(free.calls, 0);
  EXPECT_EQ(freeHost.calls, 0);
  EXPECT_EQ(load.calls, 0);
  EXPECT_EQ(waitForEvent.calls, 0);
  EXPECT_EQ(wait.calls, 1 + kDecodeSteps);
  EXPECT_EQ(copyOut.calls, 1 + kDecodeSteps);
  // A graph has the copy in it.
  if (GetParam() == TILEWRIGHT_GRAPHS_OFF)
    EXPECT_EQ(copyIn.calls, 1 + kDecodeSteps);
  else
    EXPECT_LT(copyIn.calls, 1 + kDecodeSteps);
}

INSTANTIATE_TEST_SUITE_P(Graphs, StepCalls,
                         ::testing::Values(TILEWRIGHT_GRAPHS_OFF,
                                           TILEWRIGHT_GRAPHS_ON));

} // namespace
