//===- KernelHarness.cpp - Text of a kernel in, results out ---------------===//

#include "tests/conformance/KernelHarness.h"

#include "codegen/ptx/PtxEmitter.h"
#include "ir/tile/Tile.h"
#include "runtime/bundle/Readers.h"
#include "runtime/driver/Module.h"
#include "runtime/session/LaunchPlan.h"
#include "tests/conformance/LaunchChecks.h"
#include "tests/conformance/LaunchRecord.h"
#include "tools/driver/KernelCompiler.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <cmath>
#include <random>

using namespace mlir;

namespace tilewright::conformance {

static llvm::Error makeError(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

static llvm::Error makeError(const runtime::Error &error) {
  return makeError(error.message());
}

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

uint16_t toBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float fromBf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

std::vector<uint16_t> toBf16(const std::vector<float> &values) {
  std::vector<uint16_t> bits;
  for (float value : values)
    bits.push_back(toBf16(value));
  return bits;
}

std::vector<float> fromBf16(const std::vector<uint16_t> &bits) {
  std::vector<float> values;
  for (uint16_t value : bits)
    values.push_back(fromBf16(value));
  return values;
}

std::vector<float> makeNumbers(size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<float> values(count);
  for (float &value : values)
    value = static_cast<float>(static_cast<int>(generator() % 33) - 16) / 8;
  return values;
}

std::string
fill(std::string text,
     const std::vector<std::pair<std::string, std::string>> &values) {
  for (const auto &[name, value] : values) {
    std::string wanted = "$" + name;
    for (size_t at = 0; (at = text.find(wanted, at)) != std::string::npos;
         at += value.size())
      text.replace(at, wanted.size(), value);
  }
  return text;
}

std::string compare(const std::vector<float> &actual,
                    const std::vector<float> &expected, size_t columns,
                    double relative, double absolute) {
  if (actual.size() != expected.size())
    return "sizes differ: " + std::to_string(actual.size()) + " and " +
           std::to_string(expected.size());
  size_t wrong = 0, first = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    double a = actual[i], e = expected[i];
    double bound = absolute + relative * std::max(std::abs(a), std::abs(e));
    // Written so that NaN fails.
    if (std::abs(a - e) <= bound || a == e)
      continue;
    if (wrong++ == 0)
      first = i;
  }
  if (wrong == 0)
    return "";
  return std::to_string(wrong) + " of " + std::to_string(actual.size()) +
         " elements differ; the first at [" + std::to_string(first / columns) +
         ", " + std::to_string(first % columns) +
         "]: " + std::to_string(actual[first]) + " instead of " +
         std::to_string(expected[first]);
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

struct TestKernel::State {
  CompiledKernel compiled;
  nlohmann::json entries;
  runtime::ZipMembers members;
  runtime::Manifest manifest;
  runtime::DevicePtr device;
  runtime::Module module;
  runtime::abi::Function function = nullptr;

  llvm::Error compile(llvm::StringRef text);
  llvm::Error load();
};

static std::unique_ptr<MLIRContext> createContext() {
  DialectRegistry registry;
  registry.insert<tile::TileDialect, arith::ArithDialect, math::MathDialect,
                  scf::SCFDialect>();
  registerPtxTranslations(registry);
  return std::make_unique<MLIRContext>(registry);
}

llvm::Error TestKernel::State::compile(llvm::StringRef text) {
  std::unique_ptr<MLIRContext> context = createContext();
  std::string diagnostics;
  ScopedDiagnosticHandler handler(context.get(), [&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream os(diagnostics);
    os << diagnostic.getLocation() << ": " << diagnostic << "\n";
    return success();
  });
  OwningOpRef<ModuleOp> parsed =
      parseSourceString<ModuleOp>(text, ParserConfig(context.get()));
  if (!parsed)
    return makeError(diagnostics);
  CompileOptions options;
  options.threads = 1;
  auto kernels = compileKernels(*parsed, options);
  if (!kernels) {
    std::string message = llvm::toString(kernels.takeError());
    return makeError(message + "\n" + diagnostics);
  }
  if (kernels->size() != 1)
    return makeError("expects one kernel, but got " +
                     llvm::Twine(kernels->size()));
  compiled = std::move(kernels->front());

  auto ptxas = Ptxas::find("", "");
  if (!ptxas)
    return ptxas.takeError();
  PtxasOptions clean;
  clean.rejectSpills = clean.rejectAdvisories = true;
  auto assembled = ptxas->assemble(compiled.ptx, options.target, clean);
  return assembled ? llvm::Error::success() : assembled.takeError();
}

//===----------------------------------------------------------------------===//
// The device
//===----------------------------------------------------------------------===//

static llvm::StringRef getDeviceName() {
  const char *name = std::getenv("TILEWRIGHT_TEST_DEVICE");
  return name ? name : "sim:h800-sxm";
}

static bool isSimulated() { return getDeviceName().starts_with("sim:"); }

/// One device for all tests of a program: opening it takes longer than most.
static llvm::Expected<runtime::DevicePtr> getDevice() {
  static runtime::DevicePtr device;
  if (device)
    return device;
  if (isSimulated())
    LaunchChecks::get();
  auto opened = runtime::Device::open(getDeviceName().str());
  if (!opened)
    return makeError(opened.error());
  device = *opened;
  return device;
}

llvm::Error TestKernel::State::load() {
  // Through the reader of bundles, so that what it refuses fails here too.
  compiled.entry["family"] = "test";
  entries = nlohmann::json::array({compiled.entry});
  members[compiled.entry["ptx"].get<std::string>()] = compiled.ptx;
  try {
    runtime::Field list(entries);
    runtime::readKernels(list, members, manifest);
  } catch (const runtime::FieldError &error) {
    return makeError(error.error);
  }
  auto opened = getDevice();
  if (!opened)
    return opened.takeError();
  device = *opened;
  if (auto current = device->makeCurrent(); !current)
    return makeError(current.error());
  auto loaded = runtime::Module::load(device, compiled.ptx, "");
  if (!loaded)
    return makeError(loaded.error());
  module = std::move(*loaded);
  auto found = module.function(compiled.name);
  if (!found)
    return makeError(found.error());
  function = *found;
  const runtime::Kernel &kernel = manifest.kernels.front();
  int code = device->driver().funcSetAttribute(
      function, runtime::abi::MaxDynamicSharedSizeBytes,
      static_cast<int>(kernel.sharedBytes));
  if (auto set = device->driver().check(code, TILEWRIGHT_LAUNCH_FAILED,
                                        "shared memory is refused");
      !set)
    return makeError(set.error());
  return llvm::Error::success();
}

TestKernel::TestKernel(std::unique_ptr<State> state)
    : state(std::move(state)) {}
TestKernel::TestKernel(TestKernel &&) = default;
TestKernel &TestKernel::operator=(TestKernel &&) = default;
TestKernel::~TestKernel() = default;

llvm::Expected<TestKernel> TestKernel::compile(llvm::StringRef text,
                                               const PtxEdit &edit) {
  auto state = std::make_unique<State>();
  if (llvm::Error error = state->compile(text))
    return std::move(error);
  if (edit)
    state->compiled.ptx = edit(std::move(state->compiled.ptx));
  if (llvm::Error error = state->load())
    return std::move(error);
  return TestKernel(std::move(state));
}

const std::string &TestKernel::getPtx() const { return state->compiled.ptx; }

int64_t TestKernel::getSharedBytes() const {
  return state->manifest.kernels.front().sharedBytes;
}

//===----------------------------------------------------------------------===//
// Launching
//===----------------------------------------------------------------------===//

/// The runtime's `Result<void>` as an error, in a chain of calls.
static llvm::Error toError(runtime::Result<void> result) {
  return result ? llvm::Error::success() : makeError(result.error());
}

namespace {
/// An argument on the device, between two guards that no kernel may touch. The
/// simulator's checks see every access next to an object, reads too, so that
/// there an argument is an object of its own.
class DeviceTensor {
public:
  llvm::Error create(const runtime::DevicePtr &device,
                     const runtime::Stream &stream, const HostTensor &tensor);
  llvm::Error copyOut(const runtime::Stream &stream);
  /// Of what was copied out.
  llvm::Error checkGuards() const;
  void take(HostTensor &tensor) const;

  runtime::Extent getExtent() const {
    return {buffer.address() + guardBytes, bytes};
  }

private:
  runtime::DeviceBuffer buffer;
  std::vector<std::byte> content;
  uint64_t bytes = 0, guardBytes = 0;

  static constexpr uint64_t kGuardBytes = 1024;
  static constexpr std::byte kGuard{0xa5};
};
} // namespace

llvm::Error DeviceTensor::create(const runtime::DevicePtr &device,
                                 const runtime::Stream &stream,
                                 const HostTensor &tensor) {
  bytes = tensor.bytes.size();
  guardBytes = isSimulated() ? 0 : kGuardBytes;
  // An argument without elements has an address all the same.
  content.assign(std::max<uint64_t>(bytes + 2 * guardBytes, 1), kGuard);
  auto allocated =
      runtime::DeviceBuffer::allocate(device, content.size(), "a test");
  if (!allocated)
    return makeError(allocated.error());
  buffer = std::move(*allocated);
  if (tensor.isWritten)
    std::copy(tensor.bytes.begin(), tensor.bytes.end(),
              content.begin() + guardBytes);
  else if (isSimulated())
    return llvm::Error::success();
  return toError(
      stream.copyIn(buffer.address(), content.data(), content.size()));
}

llvm::Error DeviceTensor::copyOut(const runtime::Stream &stream) {
  return toError(
      stream.copyOut(content.data(), buffer.address(), content.size()));
}

llvm::Error DeviceTensor::checkGuards() const {
  for (uint64_t i = 0; i < guardBytes; ++i)
    for (uint64_t at : {guardBytes - 1 - i, guardBytes + bytes + i})
      if (content[at] != kGuard)
        return makeError("the kernel wrote to byte " +
                         llvm::Twine(int64_t(at) - int64_t(guardBytes)) +
                         " of an argument of " + llvm::Twine(bytes));
  return llvm::Error::success();
}

void DeviceTensor::take(HostTensor &tensor) const {
  std::copy_n(content.begin() + guardBytes, bytes, tensor.bytes.begin());
  tensor.isWritten = true;
}

/// What ends a launch: the driver's error, and what the checks have found.
static llvm::Error finishLaunch(llvm::Error launched) {
  std::string findings =
      isSimulated() ? LaunchChecks::get().takeFindings() : "";
  if (findings.empty())
    return launched;
  return llvm::joinErrors(std::move(launched), makeError(findings));
}

llvm::Error TestKernel::launch(std::vector<HostTensor> &arguments,
                               runtime::SymbolValues symbols) const {
  const runtime::Kernel &kernel = state->manifest.kernels.front();
  if (arguments.size() != kernel.arguments.size())
    return makeError("expects " + llvm::Twine(kernel.arguments.size()) +
                     " arguments, but got " + llvm::Twine(arguments.size()));
  const runtime::Driver &driver = state->device->driver();
  if (symbols[runtime::Symbol::Sms] == 0)
    symbols[runtime::Symbol::Sms] = state->device->numSms();
  recordLaunch(state->entries.front(), state->compiled.ptx, symbols, arguments);
  auto stream = runtime::Stream::create(state->device);
  if (!stream)
    return makeError(stream.error());

  std::vector<DeviceTensor> tensors(arguments.size());
  runtime::KernelLaunch launch{0, {}};
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (auto error = tensors[i].create(state->device, *stream, arguments[i]))
      return error;
    launch.operands.push_back({runtime::Operand::Kind::Activation, i});
  }
  auto resolve = [&](const runtime::Operand &operand) {
    return tensors[operand.index].getExtent();
  };
  runtime::PreparedLaunch prepared(kernel, state->function);
  if (auto error = toError(prepared.prepare(driver, launch, resolve, symbols)))
    return error;
  if (auto error = toError(prepared.update(driver, symbols)))
    return error;
  auto launched = prepared.launch(driver, stream->handle());
  if (!launched)
    return makeError(launched.error());
  if (auto error = finishLaunch(toError(stream->synchronize())))
    return error;
  for (DeviceTensor &tensor : tensors)
    if (auto error = tensor.copyOut(*stream))
      return error;
  if (auto error = toError(stream->synchronize()))
    return error;
  for (auto [argument, tensor] : llvm::zip_equal(arguments, tensors)) {
    if (auto error = tensor.checkGuards())
      return error;
    tensor.take(argument);
  }
  return llvm::Error::success();
}

} // namespace tilewright::conformance
