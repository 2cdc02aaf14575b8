//===- LaunchCheck.cpp - Which kernel of a step is wrong? -----------------===//

#include "tools/tilewright/LaunchCheck.h"

#include "ir/reference/RoundingBound.h"
#include "runtime/session/Session.h"
#include "tools/driver/BundleWriter.h"

#include <thread>

using namespace mlir;
using tilewright::reference::Tensor;

namespace tilewright {

/// The size that a tensor's dimension has in this step.
static int64_t getSize(const xf::Dim &dim,
                       const runtime::SymbolValues &symbols) {
  if (dim.isFixed())
    return dim.value;
  StringRef name = dim.name.getValue();
  auto symbol = runtime::symbolFromName({name.data(), name.size()});
  return (symbol ? symbols[*symbol] : 0) + dim.value;
}

/// Copies a tensor from the device. Its bytes there are those of the reference.
static runtime::Result<Tensor>
readTensor(const runtime::Stream &stream, RankedTensorType type,
           runtime::abi::DevicePointer address,
           const runtime::SymbolValues &symbols) {
  SmallVector<int64_t> shape;
  for (const xf::Dim &dim : xf::getDims(type))
    shape.push_back(getSize(dim, symbols));
  reference::ElementType element =
      *reference::getElementType(type.getElementType());
  std::vector<char> bytes(reference::getByteWidth(element));
  for (int64_t size : shape)
    bytes.resize(bytes.size() * size_t(size));
  if (!bytes.empty())
    TILEWRIGHT_TRY(stream.copyOut(bytes.data(), address, bytes.size()));
  TILEWRIGHT_TRY(stream.synchronize());
  return Tensor(element, shape, bytes);
}

namespace {
/// Looks at each launch once it is armed, until one is wrong.
class LaunchChecker : public runtime::LaunchObserver {
public:
  explicit LaunchChecker(func::FuncOp plan)
      : kernels(plan.getOps<xf::KernelOp>()), plan(plan) {}

  void arm() { isArmed = true; }
  const std::string &getFinding() const { return finding; }

  runtime::Result<void> before(const runtime::Stream &stream,
                               const runtime::LaunchView &launch) override;
  runtime::Result<void> after(const runtime::Stream &stream,
                              const runtime::LaunchView &launch) override;

private:
  bool looksAt(const runtime::LaunchView &launch) const {
    return isArmed && finding.empty() && !launch.isEmpty &&
           launch.index < kernels.size();
  }
  void compare(const runtime::LaunchView &launch, xf::KernelOp kernel,
               ArrayRef<Tensor> results);
  void blame(const runtime::LaunchView &launch, xf::KernelOp kernel,
             unsigned result, const std::string &why);

  SmallVector<xf::KernelOp> kernels; // in the order of their launches
  func::FuncOp plan;
  bool isArmed = false;
  SmallVector<Tensor> inputs;
  std::string finding;
};
} // namespace

runtime::Result<void> LaunchChecker::before(const runtime::Stream &stream,
                                            const runtime::LaunchView &launch) {
  if (!looksAt(launch))
    return runtime::success();
  inputs.clear();
  for (auto [index, value] :
       llvm::enumerate(kernels[launch.index].getInputs())) {
    TILEWRIGHT_ASSIGN(Tensor tensor,
                      readTensor(stream,
                                 cast<RankedTensorType>(value.getType()),
                                 launch.arguments[index], launch.symbols));
    inputs.push_back(std::move(tensor));
  }
  return runtime::success();
}

runtime::Result<void> LaunchChecker::after(const runtime::Stream &stream,
                                           const runtime::LaunchView &launch) {
  if (!looksAt(launch))
    return runtime::success();
  xf::KernelOp kernel = kernels[launch.index];
  // Behind the inputs come the results that have storage of their own.
  size_t next = kernel.getInputs().size();
  SmallVector<Tensor> results;
  for (OpResult value : kernel->getResults()) {
    std::optional<unsigned> operand =
        kernel.getInPlaceOperand(value.getResultNumber());
    size_t argument = operand ? *operand : next++;
    TILEWRIGHT_ASSIGN(Tensor tensor,
                      readTensor(stream,
                                 cast<RankedTensorType>(value.getType()),
                                 launch.arguments[argument], launch.symbols));
    results.push_back(std::move(tensor));
  }
  compare(launch, kernel, results);
  return runtime::success();
}

void LaunchChecker::compare(const runtime::LaunchView &launch,
                            xf::KernelOp kernel, ArrayRef<Tensor> results) {
  auto exact = reference::evaluate(kernel, inputs);
  FailureOr<reference::NoisyResults> expected = failure();
  if (succeeded(exact))
    expected = reference::addNoise(kernel, inputs, reference::provideNoWeights,
                                   *exact);
  if (failed(expected))
    return blame(launch, kernel, 0,
                 "cannot be evaluated on what the kernel was given");
  reference::NoisyResults actual{SmallVector<Tensor>(results), {}};
  for (unsigned index = 0; index < results.size(); ++index)
    if (std::string why =
            reference::whyBeyondRounding(*expected, actual, index);
        !why.empty())
      return blame(launch, kernel, index, why);
}

void LaunchChecker::blame(const runtime::LaunchView &launch,
                          xf::KernelOp kernel, unsigned result,
                          const std::string &why) {
  llvm::raw_string_ostream os(finding);
  os << "the first kernel that differs is launch " << launch.index
     << " of plan " << plan.getName() << ", " << launch.kernel.name << " ("
     << launch.kernel.family << "), in result " << result << ": " << why;
  if (std::optional<DictionaryAttr> config = kernel.getConfig())
    os << "; its config is " << *config;
}

static runtime::Result<void> runSteps(runtime::Session &session,
                                      LaunchChecker &checker,
                                      ArrayRef<StepTokens> steps) {
  std::vector<runtime::Sequence> sequences(steps.front().size());
  for (const StepTokens &step : steps) {
    std::vector<runtime::StepInput> inputs;
    for (auto [sequence, tokens] : llvm::zip_equal(sequences, step)) {
      runtime::StepInput input;
      input.sequence = &sequence;
      input.tokens = tokens;
      inputs.push_back(input);
    }
    if (&step == &steps.back())
      checker.arm();
    TILEWRIGHT_ASSIGN(int64_t rows, session.step(inputs, {}));
    (void)rows;
  }
  return runtime::success();
}

static runtime::Result<void> check(const CompiledModel &compiled,
                                   const std::string &weights,
                                   const std::string &deviceName,
                                   LaunchChecker &checker,
                                   ArrayRef<StepTokens> steps) {
  TILEWRIGHT_ASSIGN(auto bytes,
                    encodeBundle(compiled.manifest, compiled.members));
  TILEWRIGHT_ASSIGN(auto bundle, runtime::Bundle::fromMemory(
                                     std::move(bytes), "the compiled bundle"));
  TILEWRIGHT_ASSIGN(auto device, runtime::Device::open(deviceName));
  TILEWRIGHT_TRY(device->makeCurrent());
  runtime::LoadOptions load;
  load.numThreads = std::max(1u, std::thread::hardware_concurrency());
  TILEWRIGHT_ASSIGN(auto model,
                    runtime::Model::load(device, bundle, weights, load));
  runtime::SessionOptions options;
  options.observer = &checker;
  TILEWRIGHT_ASSIGN(auto session, runtime::Session::create(model, options));
  return runSteps(*session, checker, steps);
}

llvm::Expected<std::string> findWrongKernel(const CompiledModel &compiled,
                                            func::FuncOp plan,
                                            const std::string &weights,
                                            const std::string &device,
                                            ArrayRef<StepTokens> steps) {
  LaunchChecker checker(plan);
  auto checked = check(compiled, weights, device, checker, steps);
  if (!checked)
    return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                   llvm::Twine(checked.error().message()));
  if (!checker.getFinding().empty())
    return checker.getFinding();
  return "each kernel of plan " + plan.getName().str() +
         " gives what the interpreter gives on the same input";
}

} // namespace tilewright
