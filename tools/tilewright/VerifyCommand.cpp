//===- VerifyCommand.cpp - tilewright verify ------------------------------===//
// Two questions on random weights and input. Does each pass on the graph keep
// what it means? And do the compiled kernels, loaded through the public C API,
// give what the interpreter gives for the graph they were made from?
//===----------------------------------------------------------------------===//

#include "ir/reference/RandomStep.h"
#include "runtime/tilewright.h"
#include "tools/driver/Compile.h"
#include "tools/driver/LogitsCheck.h"
#include "tools/driver/RandomCheckpoint.h"
#include "tools/driver/ReferenceSession.h"
#include "tools/tilewright/Commands.h"
#include "tools/tilewright/LaunchCheck.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cstdio>
#include <memory>
#include <random>

using namespace mlir;
using nlohmann::json;
using tilewright::reference::Tensor;

namespace tilewright {

namespace {
constexpr uint64_t kSeed = 1;

struct VerifyFlags {
  CompileOptions options;
  std::string device;
  /// For tests: a wrong instruction in the first kernel with this in its name.
  std::string corruptKernel;
  bool json = false;
};

/// Releases a handle of the C API.
template <typename T, void (*destroy)(T *)>
using Handle =
    std::unique_ptr<T, std::integral_constant<void (*)(T *), destroy>>;

/// A folder that goes with its contents.
class TemporaryFolder {
public:
  TemporaryFolder() {
    failure = llvm::sys::fs::createUniqueDirectory("tilewright-verify", path);
  }
  ~TemporaryFolder() {
    if (!failure)
      (void)llvm::sys::fs::remove_directories(path);
  }
  llvm::SmallString<128> path;
  std::error_code failure;
};

/// The model on the device, one sequence per prompt.
class DeviceSession {
public:
  llvm::Error open(const CompiledModel &compiled, const std::string &weights,
                   const std::string &deviceName, size_t numSequences);
  /// Logits of the last token of each sequence, row by row.
  llvm::Expected<std::vector<float>>
  step(llvm::ArrayRef<std::vector<int32_t>> batch);
  /// Tokens that the last step chose.
  llvm::ArrayRef<int32_t> getTokens() const { return tokens; }

private:
  Handle<tilewright_device, tilewright_device_destroy> device;
  Handle<tilewright_bundle, tilewright_bundle_destroy> bundle;
  Handle<tilewright_model, tilewright_model_destroy> model;
  Handle<tilewright_session, tilewright_session_destroy> session;
  std::vector<Handle<tilewright_sequence, tilewright_sequence_destroy>>
      sequences;
  std::vector<int32_t> tokens;
  int64_t vocabulary = 0;
};
} // namespace

static llvm::Error lastError() {
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 llvm::Twine(tilewright_last_error()));
}

/// Calls a function of the C API whose last argument receives a handle.
template <typename HandleType, typename Function, typename... Args>
static llvm::Error create(HandleType &handle, Function function, Args... args) {
  typename HandleType::pointer made;
  if (function(args..., &made) != TILEWRIGHT_OK)
    return lastError();
  handle.reset(made);
  return llvm::Error::success();
}

llvm::Error DeviceSession::open(const CompiledModel &compiled,
                                const std::string &weights,
                                const std::string &deviceName,
                                size_t numSequences) {
  auto bytes = encodeBundle(compiled.manifest, compiled.members);
  if (!bytes)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(bytes.error().message()));
  if (auto error = create(bundle, tilewright_bundle_open_memory, bytes->data(),
                          bytes->size(), "the compiled bundle"))
    return error;
  tilewright_bundle_info info = TILEWRIGHT_BUNDLE_INFO_INIT;
  if (tilewright_bundle_query(bundle.get(), &info) != TILEWRIGHT_OK)
    return lastError();
  vocabulary = info.vocab_size;
  if (auto error = create(device, tilewright_device_create, deviceName.c_str()))
    return error;
  if (auto error =
          create(model, tilewright_model_load, device.get(), bundle.get(),
                 weights.c_str(),
                 static_cast<const tilewright_model_options *>(nullptr)))
    return error;
  if (auto error =
          create(session, tilewright_session_create, model.get(),
                 static_cast<const tilewright_session_options *>(nullptr)))
    return error;
  sequences.resize(numSequences);
  for (auto &sequence : sequences)
    if (auto error =
            create(sequence, tilewright_sequence_create, session.get()))
      return error;
  return llvm::Error::success();
}

llvm::Expected<std::vector<float>>
DeviceSession::step(llvm::ArrayRef<std::vector<int32_t>> batch) {
  std::vector<tilewright_step_input> inputs;
  for (auto [sequence, newTokens] : llvm::zip_equal(sequences, batch)) {
    tilewright_step_input input = TILEWRIGHT_STEP_INPUT_INIT;
    input.sequence = sequence.get();
    input.tokens = newTokens.data();
    input.num_tokens = newTokens.size();
    inputs.push_back(input);
  }
  std::vector<float> logits(batch.size() * vocabulary);
  tokens.assign(batch.size(), -1);
  tilewright_batch request = TILEWRIGHT_BATCH_INIT;
  request.inputs = inputs.data();
  request.num_inputs = inputs.size();
  request.next_tokens = tokens.data();
  request.next_tokens_capacity = tokens.size();
  request.logits = logits.data();
  request.logits_capacity = batch.size();
  if (tilewright_session_step(session.get(), &request, nullptr) !=
      TILEWRIGHT_OK)
    return lastError();
  return logits;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

/// Prompts of some lengths that a step and the context have room for: one
/// token, a few, and more than a page.
static std::vector<std::vector<int32_t>> makePrompts(const json &manifest) {
  int64_t room = manifest["symbols"]["tokens"]["max"];
  int64_t sequences = manifest["symbols"]["seqs"]["max"];
  int64_t pageSize = manifest["page_size"], context = manifest["max_context"];
  int64_t vocabulary = manifest["model"]["vocab_size"];
  std::mt19937 generator(kSeed);
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t length : {pageSize + 2, int64_t(1), int64_t(7)}) {
    // Two more tokens follow.
    length = std::min({length, context - 2, room});
    if (length <= 0 || static_cast<int64_t>(prompts.size()) == sequences)
      break;
    room -= length;
    prompts.emplace_back();
    for (int64_t i = 0; i < length; ++i)
      prompts.back().push_back(static_cast<int32_t>(generator() % vocabulary));
  }
  return prompts;
}

/// The error with a note on what the single kernels of the step do.
static llvm::Error nameKernel(llvm::Error error,
                              llvm::Expected<std::string> finding) {
  std::string text = llvm::toString(std::move(error)) + "\nnote: ";
  text += finding ? *finding
                  : "its kernels cannot be checked one by one: " +
                        llvm::toString(finding.takeError());
  return llvm::make_error<VerificationError>(text);
}

/// Makes a kernel wrong that was right.
static llvm::Error corruptKernel(CompiledModel &compiled,
                                 const std::string &part) {
  static constexpr llvm::StringLiteral right = "add.rn.f32",
                                       wrong = "sub.rn.f32";
  for (auto &[name, text] : compiled.members) {
    size_t at = text.find(right);
    if (name.find(part) == std::string::npos || at == std::string::npos)
      continue;
    text.replace(at, right.size(), wrong);
    return llvm::Error::success();
  }
  return llvm::createStringError("no kernel has '%s' in its name and adds",
                                 part.c_str());
}

static llvm::Error verifySteps(const CompiledModel &compiled, ModuleOp module,
                               const std::string &deviceName, json &report) {
  TemporaryFolder folder;
  if (folder.failure)
    return llvm::createStringError(folder.failure,
                                   "cannot make a temporary folder");
  llvm::SmallString<128> checkpoint = folder.path;
  llvm::sys::path::append(checkpoint, "model.safetensors");
  if (auto error = writeRandomCheckpoint(module, kSeed, checkpoint.str().str()))
    return error;
  std::vector<std::vector<int32_t>> batch = makePrompts(compiled.manifest);
  DeviceSession device;
  if (auto error = device.open(compiled, checkpoint.str().str(), deviceName,
                               batch.size()))
    return error;
  int64_t longest = 0;
  for (const std::vector<int32_t> &prompt : batch)
    longest = std::max<int64_t>(longest, prompt.size());
  ReferenceSession oracle(module, reference::makeRandomWeights(kSeed),
                          batch.size(), longest + 2);
  std::vector<StepTokens> steps;
  for (const char *what : {"prefill", "decode", "second decode"}) {
    announce(std::string(what) + " on " + deviceName +
             " and by the interpreter");
    steps.push_back(batch);
    func::FuncOp plan = oracle.findPlan(batch);
    FailureOr<Tensor> expected = oracle.step(batch);
    if (failed(expected))
      return llvm::createStringError("the interpreter failed");
    llvm::Expected<std::vector<float>> logits = device.step(batch);
    if (!logits)
      return logits.takeError();
    LogitsDistance distance;
    if (auto error = compareLogits(what, *expected, *logits,
                                   getAllowedDistance(plan), distance))
      return nameKernel(std::move(error),
                        findWrongKernel(compiled, plan, checkpoint.str().str(),
                                        deviceName, steps));
    if (auto error = checkTokens(what, device.getTokens(), *logits))
      return nameKernel(std::move(error),
                        findWrongKernel(compiled, plan, checkpoint.str().str(),
                                        deviceName, steps));
    report["steps"].push_back({{"step", what},
                               {"plan", plan.getName().str()},
                               {"rows", batch.size()},
                               {"largest_distance", distance.largest},
                               {"allowed_distance", distance.allowed}});
    for (auto [tokens, next] : llvm::zip_equal(batch, device.getTokens()))
      tokens = {next};
  }
  return llvm::Error::success();
}

static llvm::Error verifyModel(const VerifyFlags &flags) {
  CompilerContext context;
  OwningOpRef<ModuleOp> module;
  std::string warnings;
  announce("every pass against the interpreter");
  llvm::Expected<CompiledModel> compiled =
      compileModel(flags.options, warnings, context, module);
  std::fputs(warnings.c_str(), stderr);
  if (!compiled)
    return compiled.takeError();
  json report = {{"passes", compiled->manifest["pipeline"]},
                 {"steps", json::array()}};
  if (!flags.corruptKernel.empty())
    if (llvm::Error error = corruptKernel(*compiled, flags.corruptKernel))
      return error;
  if (flags.device != "none") {
    std::string device =
        flags.device.empty() ? "sim:" + flags.options.sku : flags.device;
    if (llvm::Error error = verifySteps(*compiled, *module, device, report)) {
      std::fputs(context.takeDiagnostics().c_str(), stderr);
      return error;
    }
  }
  if (flags.json) {
    std::printf("%s\n", report.dump().c_str());
    return llvm::Error::success();
  }
  std::printf("every pass keeps what the graph means\n");
  for (const json &step : report["steps"])
    std::printf("%s, plan %s: %lld rows of logits off by at most %.3g, allowed "
                "%.3g\n",
                step["step"].get<std::string>().c_str(),
                step["plan"].get<std::string>().c_str(),
                step["rows"].get<long long>(),
                step["largest_distance"].get<double>(),
                step["allowed_distance"].get<double>());
  return llvm::Error::success();
}

static int runVerify(VerifyFlags &flags) {
  flags.options.configOnly = true;
  flags.options.verifyEachPass = true;
  flags.options.assemble = false;
  return runCompilation(flags.options, "tilewright-verify.reproducer",
                        [&] { return verifyModel(flags); });
}

void addVerify(CLI::App &program, Action &action, const std::string &self) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App *command = program.add_subcommand(
      "verify", "Check passes and kernels of a model against the interpreter, "
                "on random weights");
  addModelOptions(*command, flags->options, self);
  command->add_option("--device", flags->device,
                      "cuda:N, sim:SKU, lib:PATH, or none: passes alone; "
                      "without it, the simulator as the SKU");
  command->add_flag("--json", flags->json, "Print one JSON object");
  command->add_option("--debug-corrupt-kernel", flags->corruptKernel)
      ->group("");
  command->callback(
      [flags, &action] { action = [flags] { return runVerify(*flags); }; });
}

} // namespace tilewright
