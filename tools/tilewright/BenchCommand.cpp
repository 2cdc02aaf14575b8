//===- BenchCommand.cpp - tilewright bench --------------------------------===//
// Runs real steps, a prompt and then one more token per sequence, and measures
// every launch in them on the device.
//===----------------------------------------------------------------------===//

#include "runtime/session/Session.h"
#include "runtime/tilewright.h"
#include "tools/tilewright/Commands.h"
#include "tools/tilewright/CublasLt.h"
#include "tools/tilewright/StepTimer.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <dlfcn.h>
#include <thread>

using nlohmann::json;

namespace tilewright {
using namespace runtime;

namespace {
struct BenchFlags {
  std::string bundle, weights, device = "cuda:0";
  int64_t batch = 1, promptTokens = 128;
  int repeats = 3;
  bool json = false;
};

/// A model on a device with sequences in it.
struct Bench {
  DevicePtr device;
  std::shared_ptr<const Model> model;
  std::unique_ptr<StepTimer> timer;
  std::shared_ptr<Session> session;
  std::vector<Sequence> sequences;
  std::vector<int32_t> prompt;
};
} // namespace

/// Whether seconds on this device are those of the host that simulates it.
static bool isSimulator(const std::string &device) {
  Result<DeviceName> name = DeviceName::parse(device);
  if (!name || name->kind == DeviceName::Kind::Simulator)
    return bool(name);
  const char *environment = std::getenv("TILEWRIGHT_LIBCUDA");
  std::string path = name->library;
  if (path.empty() && environment)
    path = environment;
  void *library =
      path.empty() ? nullptr : dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  return library && dlsym(library, "tilewright_sim_configure");
}

static Result<void> checkSizes(const BenchFlags &flags, const Limits &limits) {
  auto most = [](const char *flag, int64_t value,
                 int64_t limit) -> Result<void> {
    if (value <= limit)
      return success();
    return Error(TILEWRIGHT_INVALID_ARGUMENT,
                 std::string(flag) + " is " + std::to_string(value) +
                     ", this bundle takes at most " + std::to_string(limit));
  };
  TILEWRIGHT_TRY(most("--batch", flags.batch, limits.maxSeqs));
  return most("--prompt-tokens", flags.promptTokens,
              std::min(limits.maxTokens, limits.maxContext - 1));
}

static Result<Bench> prepare(const BenchFlags &flags) {
  Bench bench;
  TILEWRIGHT_ASSIGN(auto bundle, Bundle::open(flags.bundle));
  TILEWRIGHT_TRY(checkSizes(flags, bundle->manifest().limits));
  TILEWRIGHT_ASSIGN(bench.device, Device::open(flags.device));
  TILEWRIGHT_TRY(bench.device->makeCurrent());
  LoadOptions load;
  load.numThreads = std::max(1u, std::thread::hardware_concurrency());
  TILEWRIGHT_ASSIGN(bench.model,
                    Model::load(bench.device, bundle, flags.weights, load));
  bench.timer = std::make_unique<StepTimer>(bench.device);
  const Limits &limits = bundle->manifest().limits;
  SessionOptions options;
  options.numPages =
      flags.batch * ((flags.promptTokens + limits.pageSize) / limits.pageSize);
  options.observer = bench.timer.get();
  TILEWRIGHT_ASSIGN(bench.session, Session::create(bench.model, options));
  bench.sequences.resize(size_t(flags.batch));
  for (int64_t i = 0; i < flags.promptTokens; ++i)
    bench.prompt.push_back(int32_t(i % limits.vocabSize));
  return bench;
}

/// Runs one step of `count` new tokens for each of `sequences`.
static Result<void> runStep(Bench &bench, std::span<Sequence> sequences,
                            size_t count) {
  std::vector<StepInput> inputs;
  for (Sequence &sequence : sequences) {
    StepInput input;
    input.sequence = &sequence;
    input.tokens = std::span(bench.prompt).first(count);
    inputs.push_back(input);
  }
  TILEWRIGHT_ASSIGN(int64_t rows, bench.session->step(inputs, {}));
  (void)rows;
  return bench.timer->finishStep();
}

/// The step `repeats` times, and once before that to warm up.
static Result<void> repeatStep(Bench &bench, std::span<Sequence> sequences,
                               size_t count, int repeats) {
  int64_t length = sequences.front().length;
  bench.timer->clear();
  for (int i = 0; i <= repeats; ++i) {
    for (Sequence &sequence : sequences)
      bench.session->truncate(sequence, length);
    TILEWRIGHT_TRY(runStep(bench, sequences, count));
    if (i == 0 && repeats > 0)
      bench.timer->forgetTimes();
  }
  return success();
}

/// The product at the heart of a GEMM kernel: what the rows of its first two
/// arguments say.
static std::optional<GemmSize> gemmSize(const Kernel &kernel,
                                        const SymbolValues &symbols) {
  if (kernel.family != "gemm" || kernel.arguments.size() < 2 ||
      kernel.arguments[1].shape.size() != 2)
    return std::nullopt;
  auto n = kernel.arguments[1].shape[0].evaluate(symbols),
       k = kernel.arguments[1].shape[1].evaluate(symbols);
  auto elements = numElements(kernel.arguments[0].shape, symbols);
  if (!n || !k || !elements || *k == 0 || *elements % *k != 0)
    return std::nullopt;
  return GemmSize{*elements / *k, *n, *k};
}

static Result<json> describeKernels(const Bench &bench, CublasLt *peer,
                                    int repeats) {
  json kernels = json::array();
  for (const StepTimer::KernelTime &time : bench.timer->byKernel()) {
    json entry = {{"name", time.kernel->name},
                  {"family", time.kernel->family},
                  {"launches", time.launches},
                  {"seconds", time.seconds}};
    if (auto size = gemmSize(*time.kernel, bench.timer->symbols())) {
      entry["gemm"] = {{"m", size->m}, {"n", size->n}, {"k", size->k}};
      if (peer) {
        TILEWRIGHT_ASSIGN(double seconds, peer->measure(*size, repeats));
        entry["cublaslt_seconds"] = seconds * double(time.launches);
      }
    }
    kernels.push_back(entry);
  }
  return kernels;
}

static Result<json> measure(Bench &bench, const BenchFlags &flags,
                            CublasLt *peer) {
  json steps = json::array();
  auto add = [&](const char *entryPoint, size_t sequences,
                 size_t tokens) -> Result<void> {
    announce(std::string(entryPoint) + ", " +
             std::to_string(flags.repeats + 1) + " times");
    TILEWRIGHT_TRY(repeatStep(bench,
                              std::span(bench.sequences).first(sequences),
                              tokens, flags.repeats));
    TILEWRIGHT_ASSIGN(json kernels,
                      describeKernels(bench, peer, flags.repeats));
    double seconds = 0;
    for (const json &kernel : kernels)
      seconds += kernel["seconds"].get<double>();
    steps.push_back({{"entry_point", entryPoint},
                     {"sequences", sequences},
                     {"new_tokens", tokens},
                     {"keys", bench.sequences[0].length},
                     {"seconds", seconds},
                     {"kernels", kernels}});
    return success();
  };
  TILEWRIGHT_TRY(add("prefill", 1, bench.prompt.size()));
  for (Sequence &sequence : std::span(bench.sequences).subspan(1))
    TILEWRIGHT_TRY(
        runStep(bench, std::span(&sequence, 1), bench.prompt.size()));
  TILEWRIGHT_TRY(add("decode", bench.sequences.size(), 1));
  return steps;
}

static void printStep(const json &step, bool compared) {
  double total = step["seconds"].get<double>();
  std::printf("%s: %lld x %lld new tokens, %lld keys: %.3f ms in kernels\n",
              step["entry_point"].get<std::string>().c_str(),
              (long long)step["sequences"].get<int64_t>(),
              (long long)step["new_tokens"].get<int64_t>(),
              (long long)step["keys"].get<int64_t>(), total * 1e3);
  for (const json &kernel : step["kernels"]) {
    double seconds = kernel["seconds"].get<double>();
    int64_t launches = kernel["launches"].get<int64_t>();
    std::printf("  %-40s %4lld x %9.1f us %5.1f%%",
                kernel["name"].get<std::string>().c_str(), (long long)launches,
                seconds / double(launches) * 1e6,
                total > 0 ? 100 * seconds / total : 0);
    if (compared && kernel.contains("cublaslt_seconds"))
      std::printf("   cuBLASLt %9.1f us",
                  kernel["cublaslt_seconds"].get<double>() / double(launches) *
                      1e6);
    std::printf("\n");
  }
}

/// What a reader of the figures must know, in one line; empty if nothing.
static std::string makeNote(bool simulated, const Result<CublasLt> &peer) {
  if (simulated)
    return "seconds are this host's, simulating the GPU: no prediction of a "
           "GPU's; nothing is compared with cuBLASLt, whose machine code a "
           "simulator of PTX cannot run";
  return peer ? "" : "not compared with cuBLASLt: " + peer.error().message();
}

static int runBench(const BenchFlags &flags) {
  Result<Bench> bench = prepare(flags);
  if (!bench)
    return fail(bench.error().message());
  bool simulated = isSimulator(flags.device);
  Result<CublasLt> peer =
      simulated ? Result<CublasLt>(Error(TILEWRIGHT_UNAVAILABLE, "simulated"))
                : CublasLt::open(bench->device);
  std::string note = makeNote(simulated, peer);
  if (!note.empty())
    std::fprintf(stderr, "note: %s\n", note.c_str());
  Result<json> steps = measure(*bench, flags, peer ? &*peer : nullptr);
  if (!steps)
    return fail(steps.error().message());
  if (flags.json) {
    json result = {{"device", bench->device->name()},
                   {"host_seconds", simulated},
                   {"note", note},
                   {"repeats", flags.repeats},
                   {"steps", *steps}};
    std::printf("%s\n", result.dump().c_str());
    return kDone;
  }
  std::printf("%s%s\n", bench->device->name().c_str(),
              simulated ? ", simulated: host seconds" : "");
  for (const json &step : *steps)
    printStep(step, bool(peer));
  return kDone;
}

void addBench(CLI::App &program, Action &action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App *command = program.add_subcommand(
      "bench", "Measure each kernel of a bundle on a device");
  command->add_option("bundle", flags->bundle, "The bundle")->required();
  command
      ->add_option("--weights", flags->weights,
                   "Directory with the safetensors files")
      ->required();
  command->add_option("--device", flags->device, "cuda:N, sim:SKU, or lib:PATH")
      ->capture_default_str();
  command->add_option("--batch", flags->batch, "Sequences of the decode step")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 16));
  command
      ->add_option(
          "--prompt-tokens", flags->promptTokens,
          "Tokens of the prefill step, and keys of each sequence after it")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 24));
  command
      ->add_option("--repeats", flags->repeats,
                   "Measured repetitions of each step, the best counts; 0: "
                   "measure the first one")
      ->capture_default_str()
      ->check(CLI::Range(0, 1 << 20));
  command->add_flag("--json", flags->json, "Print one JSON object");
  command->callback(
      [flags, &action] { action = [flags] { return runBench(*flags); }; });
}

} // namespace tilewright
