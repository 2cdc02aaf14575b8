//===- InterpretPass.cpp - The interpreter as a pass ----------------------===//
// Not a compiler pass: it leaves the module as it is. Tests run it on functions
// that check themselves, or hand tensors in and out as .npy files.
//===----------------------------------------------------------------------===//

#include "ir/reference/InterpretPass.h"
#include "ir/reference/Interpreter.h"
#include "ir/reference/Npy.h"

#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace tilewright::reference {
namespace {

struct Interpret : PassWrapper<Interpret, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(Interpret)

  Interpret() = default;
  Interpret(const Interpret &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "xf-interpret"; }
  StringRef getDescription() const final {
    return "Run functions in the reference interpreter";
  }
  void runOnOperation() final;

private:
  FailureOr<Tensor> readWeight(xf::WeightOp weight);
  LogicalResult runSelfChecking(const WeightProvider &provider);
  LogicalResult runOnFiles(const WeightProvider &provider);

  Option<std::string> function{
      *this, "function",
      llvm::cl::desc("Function to run; without it, every public function that "
                     "has no arguments")};
  ListOption<std::string> inputs{
      *this, "inputs",
      llvm::cl::desc("One .npy file per argument; floats are rounded to the "
                     "argument's type")};
  ListOption<std::string> outputs{
      *this, "outputs", llvm::cl::desc("One .npy file per result to write")};
  Option<std::string> weights{
      *this, "weights",
      llvm::cl::desc("Folder with NAME.npy for each xf.weight")};
};

} // namespace

/// Reads a file that must have the type, or any float type for a float type.
static FailureOr<Tensor> readAs(Operation *op, const Twine &path,
                                RankedTensorType type) {
  llvm::Expected<Tensor> tensor = readNpy(path.str());
  if (!tensor)
    return op->emitError(llvm::toString(tensor.takeError()));
  std::optional<ElementType> expected = getElementType(type.getElementType());
  if (expected && isFloat(*expected) && isFloat(tensor->getType()))
    return tensor->convert(*expected);
  return *tensor;
}

FailureOr<Tensor> Interpret::readWeight(xf::WeightOp weight) {
  if (weights.empty())
    return provideNoWeights(weight);
  auto type = RankedTensorType::get(weight.getType().getShape(),
                                    weight.getSourceDtype());
  return readAs(weight, weights + "/" + weight.getName() + ".npy", type);
}

LogicalResult Interpret::runSelfChecking(const WeightProvider &provider) {
  // All functions run, so that one call shows every failure.
  bool ok = true, any = false;
  for (auto func : getOperation().getOps<func::FuncOp>()) {
    if (func.isExternal() || !func.isPublic() || func.getNumArguments() != 0)
      continue;
    any = true;
    ok &= succeeded(evaluate(func, {}, provider));
  }
  if (!any)
    return getOperation().emitError("has no function without arguments to run");
  return success(ok);
}

LogicalResult Interpret::runOnFiles(const WeightProvider &provider) {
  auto func = getOperation().lookupSymbol<func::FuncOp>(function);
  if (!func || func.isExternal())
    return getOperation().emitError("has no function '") << function << "'";
  if (inputs.size() != func.getNumArguments() ||
      outputs.size() != func.getNumResults())
    return func.emitError("expects ")
           << func.getNumArguments() << " inputs and " << func.getNumResults()
           << " outputs, but got " << inputs.size() << " and "
           << outputs.size();
  SmallVector<Tensor> args;
  for (auto [path, type] : llvm::zip_equal(inputs, func.getArgumentTypes())) {
    auto tensorType = dyn_cast<RankedTensorType>(type);
    if (!tensorType)
      return func.emitError("expects tensors as arguments, but got ") << type;
    FailureOr<Tensor> tensor = readAs(func, path, tensorType);
    if (failed(tensor))
      return failure();
    args.push_back(std::move(*tensor));
  }
  FailureOr<SmallVector<Tensor>> results = evaluate(func, args, provider);
  if (failed(results))
    return failure();
  for (auto [path, tensor] : llvm::zip_equal(outputs, *results))
    if (llvm::Error error = writeNpy(path, tensor))
      return func.emitError(llvm::toString(std::move(error)));
  return success();
}

void Interpret::runOnOperation() {
  WeightProvider provider = [&](xf::WeightOp weight) {
    return readWeight(weight);
  };
  if (failed(function.empty() ? runSelfChecking(provider)
                              : runOnFiles(provider)))
    signalPassFailure();
}

void registerInterpretPass() { PassRegistration<Interpret>(); }

} // namespace tilewright::reference
