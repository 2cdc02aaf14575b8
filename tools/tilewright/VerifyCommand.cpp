//===- VerifyCommand.cpp - tilewright verify ------------------------------===//
// Two questions on random weights and input. Does each pass on the graph keep
// what it means? And do the compiled kernels, loaded through the public C API,
// give what the interpreter gives for the graph they were made from?
//===----------------------------------------------------------------------===//

#include "ir/reference/RandomStep.h"
#include "runtime/tilewright.h"
#include "tools/driver/Compile.h"
#include "tools/driver/RandomCheckpoint.h"
#include "tools/driver/ReferenceSession.h"
#include "tools/tilewright/Commands.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <cmath>
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
      llvm::sys::fs::remove_directories(path);
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

/// How far a step was off, at most, and how far it may be; in logits.
struct Distance {
  double largest = 0, allowed = 0;
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
// Comparison
//===----------------------------------------------------------------------===//

/// Roundings to 16 bits on the way to the logits, and the unit roundoff of the
/// coarsest of them.
static std::pair<int64_t, double> countRoundings(func::FuncOp plan) {
  int64_t count = 0;
  double unit = 0;
  plan.walk([&](Operation *op) {
    if (op->getNumResults() == 0 || isa<xf::KernelOp>(op) ||
        xf::isWeightExpression(op->getResult(0)))
      return;
    xf::FusionKind kind = cast<xf::FusionInterface>(op).getFusionKind();
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    if (kind == xf::FusionKind::Weight || kind == xf::FusionKind::Movement ||
        kind == xf::FusionKind::CacheWrite || kind == xf::FusionKind::Gather)
      return;
    // Attention also rounds its weights, whatever it gives.
    if (kind == xf::FusionKind::Attention)
      ++count;
    if (!element.isBF16() && !element.isF16())
      return;
    ++count;
    unit = std::max(unit, element.isBF16() ? 0x1p-9 : 0x1p-12);
  });
  return {count, unit};
}

/// Both sides round in the same places, but what they round differs in its last
/// bits, so a rounding may go the other way. Each moves the logits by about a
/// unit roundoff of their size, in a direction of its own; five deviations of
/// their sum leave no room for chance.
static double getAllowedDistance(func::FuncOp plan) {
  constexpr double kDeviations = 5;
  auto [count, unit] = countRoundings(plan);
  return kDeviations * std::sqrt(static_cast<double>(count)) * unit;
}

static std::string describeMismatch(const char *what, int64_t row,
                                    int64_t column, double expected, double got,
                                    double allowed) {
  char text[256];
  std::snprintf(text, sizeof text,
                "%s: expects logits[%lld, %lld] to be %.9g, but got %.9g, off "
                "by %.3g, allowed %.3g",
                what, static_cast<long long>(row),
                static_cast<long long>(column), expected, got,
                std::abs(expected - got), allowed);
  return text;
}

static llvm::Error compareLogits(const char *what, func::FuncOp plan,
                                 const Tensor &expected,
                                 llvm::ArrayRef<float> actual,
                                 Distance &distance) {
  int64_t columns = expected.getRowSize();
  std::vector<float> wanted = expected.getFloats();
  double relative = getAllowedDistance(plan);
  for (int64_t row = 0; row < expected.getNumRows(); ++row) {
    double squares = 0;
    for (int64_t j = 0; j < columns; ++j)
      squares += double(wanted[row * columns + j]) * wanted[row * columns + j];
    double allowed =
        relative * std::sqrt(squares / static_cast<double>(columns));
    for (int64_t j = 0; j < columns; ++j) {
      double want = wanted[row * columns + j], got = actual[row * columns + j];
      double off = std::abs(want - got);
      // Written so that NaN fails.
      if (!(off <= allowed))
        return llvm::make_error<VerificationError>(
            describeMismatch(what, row, j, want, got, allowed));
      if (off > distance.largest)
        distance.largest = off;
      distance.allowed = std::max(distance.allowed, allowed);
    }
  }
  return llvm::Error::success();
}

/// Greedy tokens must be the best of the device's own logits.
static llvm::Error checkTokens(const char *what, llvm::ArrayRef<int32_t> tokens,
                               llvm::ArrayRef<float> logits) {
  size_t columns = logits.size() / tokens.size();
  for (auto [row, token] : llvm::enumerate(tokens)) {
    llvm::ArrayRef<float> values = logits.slice(row * columns, columns);
    int64_t best =
        std::max_element(values.begin(), values.end()) - values.begin();
    if (token != best)
      return llvm::make_error<VerificationError>(
          std::string(what) + ": expects next_tokens[" + std::to_string(row) +
          "] to be " + std::to_string(best) + ", but got " +
          std::to_string(token));
  }
  return llvm::Error::success();
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
  for (const char *what : {"prefill", "decode", "second decode"}) {
    func::FuncOp plan = oracle.findPlan(batch);
    FailureOr<Tensor> expected = oracle.step(batch);
    if (failed(expected))
      return llvm::createStringError("the interpreter failed");
    llvm::Expected<std::vector<float>> logits = device.step(batch);
    if (!logits)
      return logits.takeError();
    Distance distance;
    if (auto error = compareLogits(what, plan, *expected, *logits, distance))
      return error;
    if (auto error = checkTokens(what, device.getTokens(), *logits))
      return error;
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

static int runVerify(VerifyFlags &flags) {
  flags.options.configOnly = true;
  flags.options.verifyEachPass = true;
  flags.options.assemble = false;
  CompilerContext context;
  OwningOpRef<ModuleOp> module;
  std::string warnings;
  llvm::Expected<CompiledModel> compiled =
      compileModel(flags.options, warnings, context, module);
  std::fputs(warnings.c_str(), stderr);
  if (!compiled)
    return fail(compiled.takeError());
  json report = {{"passes", compiled->manifest["pipeline"]},
                 {"steps", json::array()}};
  if (flags.device != "none") {
    std::string device =
        flags.device.empty() ? "sim:" + flags.options.sku : flags.device;
    if (llvm::Error error = verifySteps(*compiled, *module, device, report)) {
      std::fputs(context.takeDiagnostics().c_str(), stderr);
      return fail(std::move(error));
    }
  }
  if (flags.json) {
    std::printf("%s\n", report.dump().c_str());
    return kDone;
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
  return kDone;
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
  command->callback(
      [flags, &action] { action = [flags] { return runVerify(*flags); }; });
}

} // namespace tilewright
