//===- FamilyHarness.cpp - A graph through its kernel against the oracle --===//

#include "tests/conformance/FamilyHarness.h"

#include "ir/reference/Interpreter.h"
#include "ir/tile/Tile.h"
#include "ir/xf/Xf.h"
#include "passes/Passes.h"
#include "tests/conformance/KernelHarness.h"
#include "tools/driver/CompilerContext.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <random>

using namespace mlir;
using tilewright::reference::Tensor;

namespace tilewright::conformance {

namespace {
/// The state of one case on its way through the compiler.
class FamilyRun {
public:
  explicit FamilyRun(const FamilyCase &test) : test(test) {}
  std::string run();

private:
  bool prepareGraph();
  bool lower();
  bool makeArguments();
  std::string launch();
  std::string compareResult(unsigned index, const Tensor &expected,
                            const HostTensor &actual);
  std::string fault(const char *what) {
    return what + (": " + context.takeDiagnostics());
  }
  bool runPasses(llvm::function_ref<void(OpPassManager &)> build);
  SmallVector<int64_t> shapeOf(RankedTensorType type);
  int64_t sizeOf(const xf::Dim &dim);

  const FamilyCase &test;
  CompilerContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  xf::KernelOp kernel;
  std::string kernelText;
  SmallVector<Tensor> arguments;
};
} // namespace

bool FamilyRun::runPasses(llvm::function_ref<void(OpPassManager &)> build) {
  PassManager passes(&context.get());
  build(passes);
  return succeeded(passes.run(*module));
}

bool FamilyRun::prepareGraph() {
  module = parseSourceString<ModuleOp>(test.graph, &context.get());
  if (!module)
    return false;
  function = module->lookupSymbol<func::FuncOp>("forward");
  Builder builder(&context.get());
  SmallVector<NamedAttribute> bounds;
  for (const char *name : {"tokens", "seqs", "rows", "context"}) {
    auto bound = test.bounds.find(name), size = test.sizes.find(name);
    int64_t value = bound != test.bounds.end() ? bound->second
                    : size != test.sizes.end() ? size->second
                                               : 1;
    bounds.push_back(builder.getNamedAttr(
        name, builder.getI64IntegerAttr(std::max<int64_t>(value, 1))));
  }
  function->setAttr("xf.bounds", builder.getDictionaryAttr(bounds));
  function->setAttr("xf.entry", builder.getStringAttr(test.entry));
  return runPasses([](OpPassManager &pm) {
    pm.addNestedPass<func::FuncOp>(createFormKernels());
  });
}

bool FamilyRun::lower() {
  TuneKernelsOptions tune;
  tune.skuName = test.sku;
  tune.skuDirectory = TILEWRIGHT_SKU_DIRECTORY;
  if (!runPasses([&](OpPassManager &pm) {
        pm.addNestedPass<func::FuncOp>(createTuneKernels(tune));
      }))
    return false;
  kernel = *function.getOps<xf::KernelOp>().begin();
  NamedAttrList config(*kernel.getConfig());
  for (const auto &[name, value] : test.config)
    config.set(name,
               IntegerAttr::get(IntegerType::get(&context.get(), 64), value));
  kernel.setConfigAttr(config.getDictionary(&context.get()));
  if (!runPasses([](OpPassManager &pm) { pm.addPass(createLowerXfToTile()); }))
    return false;
  OwningOpRef<ModuleOp> single = ModuleOp::create(kernel.getLoc());
  single->push_back((*module->getOps<tile::KernelOp>().begin())->clone());
  llvm::raw_string_ostream(kernelText) << *single;
  return true;
}

int64_t FamilyRun::sizeOf(const xf::Dim &dim) {
  return dim.isFixed() ? dim.value : test.sizes.at(dim.name.str()) + dim.value;
}

SmallVector<int64_t> FamilyRun::shapeOf(RankedTensorType type) {
  return llvm::map_to_vector(xf::getDims(type),
                             [&](const xf::Dim &dim) { return sizeOf(dim); });
}

bool FamilyRun::makeArguments() {
  std::mt19937 generator(test.seed);
  std::normal_distribution<float> normal;
  for (BlockArgument argument : function.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    Tensor tensor(*reference::getElementType(type.getElementType()),
                  shapeOf(type));
    unsigned position = argument.getArgNumber();
    auto integers = test.integers.find(position);
    auto scale = test.scales.find(position);
    auto floats = test.floats.find(position);
    for (int64_t i = 0; i < tensor.getNumElements(); ++i) {
      if (floats != test.floats.end())
        tensor.setFloat(i, floats->second.at(i));
      else if (reference::isFloat(tensor.getType()))
        tensor.setFloat(i, normal(generator) * (scale == test.scales.end()
                                                    ? 1.0f
                                                    : scale->second));
      else
        tensor.setInt(i, integers->second.at(i));
    }
    arguments.push_back(tensor);
  }
  return true;
}

static HostTensor toHost(const Tensor &tensor) {
  ArrayRef<char> bytes = tensor.getBytes();
  return HostTensor(std::vector<char>(bytes.begin(), bytes.end()));
}

std::string FamilyRun::compareResult(unsigned index, const Tensor &expected,
                                     const HostTensor &actual) {
  Tensor got(expected.getType(), expected.getShape(),
             ArrayRef<char>(reinterpret_cast<const char *>(actual.bytes.data()),
                            actual.bytes.size()));
  const Bound &bound =
      expected.getType() == reference::ElementType::BF16 ? test.bf16 : test.f32;
  int64_t bad = 0;
  std::string first;
  for (int64_t i = 0; i < expected.getNumElements(); ++i) {
    bool isFloat = reference::isFloat(expected.getType());
    double want = isFloat ? expected.getFloat(i) : double(expected.getInt(i));
    double have = isFloat ? got.getFloat(i) : double(got.getInt(i));
    double allowed = isFloat
                         ? std::max(bound.relative * std::max(std::abs(want),
                                                              std::abs(have)),
                                    bound.absolute)
                         : 0;
    if (std::abs(want - have) <= allowed ||
        (std::isnan(want) && std::isnan(have)) || want == have)
      continue;
    if (bad++ == 0) {
      llvm::raw_string_ostream os(first);
      os << "result " << index << " at [";
      llvm::interleaveComma(reference::getCoordinates(expected.getShape(), i),
                            os);
      os << "]: expected " << want << ", got " << have << ", off by "
         << std::abs(want - have) << ", allowed " << allowed;
    }
  }
  return bad ? first + "; " + std::to_string(bad) + " of " +
                   std::to_string(expected.getNumElements()) +
                   " elements are off\n"
             : "";
}

std::string FamilyRun::launch() {
  FailureOr<SmallVector<Tensor>> expected =
      reference::evaluate(function, arguments);
  if (failed(expected))
    return fault("the oracle failed");
  llvm::Expected<TestKernel> compiled = TestKernel::compile(kernelText);
  if (!compiled)
    return llvm::toString(compiled.takeError());
  std::vector<HostTensor> buffers;
  for (Value input : kernel.getInputs())
    buffers.push_back(
        toHost(arguments[cast<BlockArgument>(input).getArgNumber()]));
  // Where each result of the kernel is after the launch.
  SmallVector<unsigned> place;
  for (OpResult result : kernel->getResults()) {
    if (std::optional<unsigned> operand =
            kernel.getInPlaceOperand(result.getResultNumber())) {
      place.push_back(*operand);
      continue;
    }
    place.push_back(buffers.size());
    auto type = cast<RankedTensorType>(result.getType());
    Tensor empty(*reference::getElementType(type.getElementType()),
                 shapeOf(type));
    buffers.push_back(HostTensor::unwritten(empty.getBytes().size()));
  }
  runtime::SymbolValues symbols{};
  for (size_t i = 0; i < runtime::numSymbols; ++i)
    if (auto size =
            test.sizes.find(std::string(runtime::name(runtime::Symbol(i))));
        size != test.sizes.end())
      symbols[runtime::Symbol(i)] = size->second;
  if (llvm::Error error = compiled->launch(buffers, symbols))
    return llvm::toString(std::move(error));
  std::string faults;
  auto returned = cast<func::ReturnOp>(function.front().getTerminator());
  for (OpOperand &operand : returned->getOpOperands()) {
    auto result = cast<OpResult>(operand.get());
    unsigned index = operand.getOperandNumber();
    faults += compareResult(index, (*expected)[index],
                            buffers[place[result.getResultNumber()]]);
  }
  return faults;
}

std::string FamilyRun::run() {
  if (!prepareGraph())
    return fault("the graph does not form kernels");
  auto kernels = llvm::to_vector(function.getOps<xf::KernelOp>());
  if (kernels.size() != 1)
    return "the graph forms " + std::to_string(kernels.size()) +
           " kernels, not one";
  if (!makeArguments())
    return "arguments are missing";
  if (!lower())
    return fault("the kernel has no lowering");
  return launch();
}

std::string runFamilyCase(const FamilyCase &test) {
  return FamilyRun(test).run();
}

} // namespace tilewright::conformance
