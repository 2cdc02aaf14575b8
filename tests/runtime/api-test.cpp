//===- api-test.cpp - The C API at its edges ------------------------------===//

#include "runtime/tilewright.h"
#include "tests/runtime/TestBundle.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <thread>

using namespace tilewright::runtime::test;

namespace {

/// Sets an environment variable for a while.
class ScopedVariable {
public:
  ScopedVariable(const char *name, const char *value) : name(name) {
    const char *before = std::getenv(name);
    if (before)
      old = before;
    setenv(name, value, 1);
  }
  ~ScopedVariable() {
    if (old.empty())
      unsetenv(name);
    else
      setenv(name, old.c_str(), 1);
  }

private:
  const char *name;
  std::string old;
};

class BundleHandle {
public:
  explicit BundleHandle(const std::string &bytes) {
    status = tilewright_bundle_open_memory(bytes.data(), bytes.size(),
                                           "test.twb", &bundle);
  }
  ~BundleHandle() { tilewright_bundle_destroy(bundle); }
  tilewright_bundle *bundle = nullptr;
  tilewright_status status;
};

} // namespace

TEST(Device, NamesThatAreNone) {
  for (const char *name : {"", "cuda", "cuda:", "cuda:x", "cuda:-1",
                           "sim:", "lib:", "gpu:0", "cuda:0:0"}) {
    tilewright_device *device = nullptr;
    EXPECT_EQ(tilewright_device_create(name, &device),
              TILEWRIGHT_INVALID_ARGUMENT)
        << name;
    EXPECT_EQ(std::string(tilewright_last_error()),
              "unknown device '" + std::string(name) +
                  "': expected cuda:N, sim:SKU or lib:PATH");
    EXPECT_EQ(device, nullptr);
  }
}

TEST(Device, NoDriver) {
  ScopedVariable variable("TILEWRIGHT_LIBCUDA", "/nowhere/libcuda.so.1");
  for (const char *name : {"cuda:0", "sim:h800-sxm"}) {
    tilewright_device *device = nullptr;
    EXPECT_EQ(tilewright_device_create(name, &device), TILEWRIGHT_UNAVAILABLE);
    EXPECT_NE(std::strstr(tilewright_last_error(),
                          "no CUDA driver: /nowhere/libcuda.so.1"),
              nullptr)
        << tilewright_last_error();
  }
}

TEST(Device, LibraryThatIsNoDriver) {
  tilewright_device *device = nullptr;
  EXPECT_EQ(tilewright_device_create("lib:libm.so.6", &device),
            TILEWRIGHT_UNAVAILABLE);
  EXPECT_NE(std::strstr(tilewright_last_error(),
                        "too old a CUDA driver, it lacks cuInit"),
            nullptr)
      << tilewright_last_error();
}

TEST(Device, SimulatorIsNeverTakenForTheSystemsDriver) {
  if (std::getenv("TILEWRIGHT_LIBCUDA"))
    GTEST_SKIP() << "a library is chosen for both";
  tilewright_device *simulator = nullptr, *gpu = nullptr;
  ASSERT_EQ(tilewright_device_create("sim:h800-sxm", &simulator), TILEWRIGHT_OK)
      << tilewright_last_error();
  // A machine with a GPU may have opened its own driver before.
  if (tilewright_device_create("cuda:0", &gpu) == TILEWRIGHT_OK) {
    tilewright_device_info info = TILEWRIGHT_DEVICE_INFO_INIT;
    ASSERT_EQ(tilewright_device_query(gpu, &info), TILEWRIGHT_OK);
    EXPECT_EQ(std::strstr(info.name, "H800"), nullptr);
  } else {
    EXPECT_NE(std::strstr(tilewright_last_error(), "libcuda.so.1"), nullptr)
        << tilewright_last_error();
  }
  tilewright_device_destroy(gpu);
  tilewright_device_destroy(simulator);
}

TEST(Device, UnknownSku) {
  tilewright_device *device = nullptr;
  EXPECT_EQ(tilewright_device_create("sim:h900", &device),
            TILEWRIGHT_UNAVAILABLE);
  EXPECT_NE(std::strstr(tilewright_last_error(),
                        "the simulator cannot be the GPU 'h900'"),
            nullptr)
      << tilewright_last_error();
}

TEST(Errors, BelongToTheirThread) {
  tilewright_device *device = nullptr;
  EXPECT_EQ(tilewright_device_create("mine", &device),
            TILEWRIGHT_INVALID_ARGUMENT);
  std::thread([] {
    EXPECT_STREQ(tilewright_last_error(), "");
    tilewright_device *device = nullptr;
    EXPECT_EQ(tilewright_device_create("yours", &device),
              TILEWRIGHT_INVALID_ARGUMENT);
  }).join();
  EXPECT_NE(std::strstr(tilewright_last_error(), "'mine'"), nullptr);
}

TEST(Bundle, NeedsNoDevice) {
  BundleHandle handle(makeBundle());
  ASSERT_EQ(handle.status, TILEWRIGHT_OK) << tilewright_last_error();
  tilewright_bundle_info info = TILEWRIGHT_BUNDLE_INFO_INIT;
  ASSERT_EQ(tilewright_bundle_query(handle.bundle, &info), TILEWRIGHT_OK);
  EXPECT_STREQ(info.family, "sum");
  EXPECT_STREQ(info.target, "sm_90a");
  EXPECT_STREQ(info.sku, "h800-sxm");
  EXPECT_EQ(info.vocab_size, vocabSize);
  EXPECT_EQ(info.max_context, maxContext);
  EXPECT_EQ(info.max_rows, maxRows);
  EXPECT_EQ(info.page_bytes, 16);
  ASSERT_EQ(info.num_eos_tokens, 1u);
  EXPECT_EQ(info.eos_tokens[0], eosToken);
  EXPECT_EQ(info.batch_invariant, 1);
  ASSERT_EQ(info.num_kernels, 4u);
  tilewright_kernel_info kernel = TILEWRIGHT_KERNEL_INFO_INIT;
  ASSERT_EQ(tilewright_bundle_kernel(handle.bundle, 3, &kernel), TILEWRIGHT_OK);
  EXPECT_STREQ(kernel.name, "choose");
  EXPECT_NE(std::string(kernel.ptx, kernel.ptx_size).find(".entry choose"),
            std::string::npos);
  EXPECT_EQ(tilewright_bundle_kernel(handle.bundle, 4, &kernel),
            TILEWRIGHT_INVALID_ARGUMENT);
  const char *text;
  size_t size;
  ASSERT_EQ(tilewright_bundle_manifest(handle.bundle, &text, &size),
            TILEWRIGHT_OK);
  EXPECT_EQ(nlohmann::json::parse(std::string(text, size)), makeManifest());
}

TEST(Bundle, TruncatedFile) {
  TemporaryFolder folder;
  std::string bytes = makeBundle();
  std::string path = folder.write("cut.twb", bytes.substr(0, bytes.size() / 2));
  tilewright_bundle *bundle = nullptr;
  EXPECT_EQ(tilewright_bundle_open(path.c_str(), &bundle),
            TILEWRIGHT_INVALID_BUNDLE);
  EXPECT_EQ(tilewright_last_error(),
            path + ": not a zip archive, or truncated: no end record");
}

TEST(Structs, OlderAndShorter) {
  BundleHandle handle(makeBundle());
  ASSERT_EQ(handle.status, TILEWRIGHT_OK);
  // A caller that knows only the first two fields gets those, and no more.
  struct {
    tilewright_bundle_info info;
    char guard[8];
  } older;
  std::memset(&older, 0x55, sizeof(older));
  older.info.struct_size = offsetof(tilewright_bundle_info, target);
  ASSERT_EQ(tilewright_bundle_query(handle.bundle, &older.info), TILEWRIGHT_OK);
  EXPECT_STREQ(older.info.family, "sum");
  EXPECT_EQ(older.info.vocab_size, 0x5555555555555555);
  EXPECT_EQ(older.info.struct_size, offsetof(tilewright_bundle_info, target));

  older.info.struct_size = 0;
  EXPECT_EQ(tilewright_bundle_query(handle.bundle, &older.info),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(), "out_info->struct_size is not set");
}

TEST(Nulls, AreRefusedByName) {
  EXPECT_EQ(tilewright_bundle_open(nullptr, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(), "path must not be NULL");
  EXPECT_EQ(tilewright_bundle_open("x", nullptr), TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(), "out_bundle must not be NULL");
  EXPECT_EQ(tilewright_model_load(nullptr, nullptr, nullptr, nullptr, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_EQ(tilewright_session_create(nullptr, nullptr, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_EQ(tilewright_session_step(nullptr, nullptr, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_EQ(tilewright_generate(nullptr, nullptr, 0, nullptr, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_EQ(tilewright_logits(nullptr, nullptr, 0, nullptr),
            TILEWRIGHT_INVALID_ARGUMENT);
}

//===----------------------------------------------------------------------===//
// Loading, on a device
//===----------------------------------------------------------------------===//

namespace {

class Load : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(tilewright_device_create(testDevice().c_str(), &device),
              TILEWRIGHT_OK)
        << tilewright_last_error();
  }
  void TearDown() override { tilewright_device_destroy(device); }

  /// Loads; on failure the message, without the temporary folder's name.
  std::string load(const std::string &bundleBytes,
                   const std::map<std::string, TestTensor> &weights,
                   const tilewright_model_options *options = nullptr) {
    TemporaryFolder folder;
    folder.write("model.safetensors", makeSafetensors(weights));
    BundleHandle handle(bundleBytes);
    EXPECT_EQ(handle.status, TILEWRIGHT_OK) << tilewright_last_error();
    tilewright_model *model = nullptr;
    status = tilewright_model_load(device, handle.bundle, folder.path().c_str(),
                                   options, &model);
    tilewright_model_destroy(model);
    if (status == TILEWRIGHT_OK)
      return "";
    std::string message = tilewright_last_error();
    for (size_t at; (at = message.find(folder.path())) != std::string::npos;)
      message.replace(at, folder.path().size(), "DIR");
    return message;
  }

  tilewright_device *device = nullptr;
  tilewright_status status = TILEWRIGHT_OK;
};

} // namespace

TEST_F(Load, WeightsOfAnotherModel) {
  auto weights = makeWeights();
  weights.erase("table");
  EXPECT_EQ(load(makeBundle(), weights),
            "DIR: the weights lack the tensor 'table' that the bundle wants");
  EXPECT_EQ(status, TILEWRIGHT_INVALID_WEIGHTS);
  weights = makeWeights();
  weights["table"].shape = {1, 97};
  EXPECT_EQ(load(makeBundle(), weights),
            "DIR: DIR/model.safetensors: tensor 'table' is bf16 [1, 97], but "
            "the bundle was compiled for bf16 [97]");
  EXPECT_EQ(status, TILEWRIGHT_INVALID_WEIGHTS);
}

TEST_F(Load, AnotherTarget) {
  nlohmann::json manifest = makeManifest();
  manifest["target"] = "sm_100a";
  std::string message = load(makeBundle(manifest), makeWeights());
  EXPECT_EQ(status, TILEWRIGHT_UNSUPPORTED);
  EXPECT_EQ(message.find("test.twb: compiled for sm_100a, which does not run "
                         "on "),
            0u)
      << message;
}

TEST_F(Load, PtxThatTheDriverRefuses) {
  Members members = makeMembers();
  members["manifest.json"] = makeManifest().dump();
  std::string &ptx = members["kernels/append.ptx"];
  ptx.replace(ptx.find("ld.global.s32"), 13, "ld.galaxy.s32");
  std::string message = load(makeZip(members), makeWeights());
  EXPECT_EQ(status, TILEWRIGHT_COMPILE_FAILED);
  EXPECT_EQ(message.find("test.twb: kernel 'append': "), 0u) << message;
  EXPECT_NE(message.find("galaxy"), std::string::npos)
      << "the driver's log is missing: " << message;
}

TEST_F(Load, EntryThatIsNotThere) {
  Members members = makeMembers();
  members["manifest.json"] = makeManifest().dump();
  members["kernels/append.ptx"] = members["kernels/choose.ptx"];
  std::string message = load(makeZip(members), makeWeights());
  EXPECT_EQ(status, TILEWRIGHT_COMPILE_FAILED);
  EXPECT_EQ(message.find("test.twb: kernel 'append': it has no such entry"), 0u)
      << message;
}

TEST_F(Load, ParametersThatAreNotThePtxs) {
  nlohmann::json manifest = makeManifest();
  manifest["kernels"][0]["params"][4]["dtype"] = "i64";
  EXPECT_EQ(load(makeBundle(manifest), makeWeights()),
            "test.twb: kernel 'append': params[4] is not what the PTX of "
            "'append' declares");
  EXPECT_EQ(status, TILEWRIGHT_INVALID_BUNDLE);
  manifest = makeManifest();
  manifest["kernels"][0]["params"].erase(4);
  EXPECT_EQ(load(makeBundle(manifest), makeWeights()),
            "test.twb: kernel 'append': the PTX declares more parameters than "
            "the manifest");
}

TEST_F(Load, ProgressAndCancelling) {
  struct Progress {
    uint64_t done = 0, total = 0;
    int calls = 0;
    int stopAt = 0;
  } progress;
  tilewright_model_options options = TILEWRIGHT_MODEL_OPTIONS_INIT;
  options.user = &progress;
  options.progress = [](void *user, uint64_t done, uint64_t total) -> int {
    auto &progress = *static_cast<Progress *>(user);
    EXPECT_GT(done, progress.done);
    progress.done = done;
    progress.total = total;
    return ++progress.calls == progress.stopAt;
  };
  EXPECT_EQ(load(makeBundle(), makeWeights(), &options), "");
  EXPECT_EQ(progress.done, progress.total);
  EXPECT_EQ(progress.total, 97u * 4 + 6 * 2);
  progress = Progress();
  progress.stopAt = 1;
  EXPECT_EQ(load(makeBundle(), makeWeights(), &options),
            "loading the weights was cancelled");
  EXPECT_EQ(status, TILEWRIGHT_CANCELLED);
}

TEST_F(Load, PagesOutOfRange) {
  TemporaryFolder folder;
  folder.write("model.safetensors", makeSafetensors(makeWeights()));
  BundleHandle handle(makeBundle());
  tilewright_model *model = nullptr;
  ASSERT_EQ(tilewright_model_load(device, handle.bundle, folder.path().c_str(),
                                  nullptr, &model),
            TILEWRIGHT_OK)
      << tilewright_last_error();
  tilewright_session *session = nullptr;
  tilewright_session_options options = TILEWRIGHT_SESSION_OPTIONS_INIT;
  options.num_pages = -1;
  EXPECT_EQ(tilewright_session_create(model, &options, &session),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_STREQ(tilewright_last_error(),
               "num_pages is -1, must be from 1 to 536870911");
  options.num_pages = 4;
  options.caller_pages = 5;
  EXPECT_EQ(tilewright_session_create(model, &options, &session),
            TILEWRIGHT_INVALID_ARGUMENT);
  EXPECT_EQ(session, nullptr);
  tilewright_model_destroy(model);
}
