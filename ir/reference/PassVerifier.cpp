//===- PassVerifier.cpp - Does each pass keep what the graph means? -------===//

#include "ir/reference/PassVerifier.h"
#include "ir/reference/Compare.h"
#include "ir/reference/RandomStep.h"
#include "ir/reference/RoundingBound.h"

#include "mlir/Pass/Pass.h"

#include <mutex>

using namespace mlir;

namespace tilewright::reference {
namespace {

constexpr uint64_t kSeed = 1;

class PassVerifier : public PassInstrumentation {
public:
  PassVerifier(MayRound mayRound, bool &failed)
      : mayRound(std::move(mayRound)), hasFailed(failed) {}

  void runBeforePass(Pass *pass, Operation *op) override;
  void runAfterPass(Pass *pass, Operation *op) override;

private:
  /// What a function is asked, and what it gave after the last pass.
  struct Model {
    SmallVector<Tensor> arguments;
    /// With noise where a pass has asked for it.
    NoisyResults expected;
    /// Of the function that gave it.
    std::string meaning;
  };

  void addModel(func::FuncOp func);
  Model *findModel(func::FuncOp func);
  void makeNoise(func::FuncOp func);
  void verifyFunction(Pass *pass, func::FuncOp func);
  LogicalResult compareBits(Pass *pass, func::FuncOp func, const Model &model,
                            ArrayRef<Tensor> results);
  LogicalResult compareRounded(Pass *pass, func::FuncOp func,
                               const Model &model, const NoisyResults &results);
  InFlightDiagnostic fail(Pass *pass, func::FuncOp func);

  MayRound mayRound;
  bool &hasFailed;
  WeightProvider weights = makeRandomWeights(kSeed);
  /// Passes run on functions in parallel.
  std::mutex mutex;
  llvm::StringMap<Model> models;
  /// The name of the only function before the first pass, if it was the only
  /// one: passes may make plans of it, under other names.
  std::optional<std::string> onlyModel;
};

} // namespace

/// Pass adaptors run other passes and are not passes of anyone's.
static bool isAdaptor(Pass *pass) { return pass->getArgument().empty(); }

static bool isModel(func::FuncOp func) {
  auto isTensor = [](Type type) {
    return xf::hasNamedSizes(type) &&
           getElementType(cast<RankedTensorType>(type).getElementType());
  };
  return !func.isExternal() && llvm::all_of(func.getArgumentTypes(), isTensor);
}

static void forEachModel(Operation *op, function_ref<void(func::FuncOp)> body) {
  op->walk([&](func::FuncOp func) {
    if (isModel(func))
      body(func);
    return WalkResult::skip();
  });
}

/// Text that two functions share only if they have the same ops on the same
/// values. Left out is what says how to run them, not what they mean: most
/// passes behind the fusion change that alone, and large models take a while.
static std::string describeMeaning(func::FuncOp func) {
  llvm::DenseMap<Value, unsigned> numbers;
  auto number = [&](ValueRange values) {
    for (Value value : values)
      numbers.try_emplace(value, numbers.size());
  };
  std::string text;
  llvm::raw_string_ostream os(text);
  func.walk<WalkOrder::PreOrder>([&](Operation *op) {
    for (Region &region : op->getRegions())
      for (Block &block : region)
        number(block.getArguments());
    if (op == func)
      return;
    os << op->getName();
    for (NamedAttribute attribute : op->getAttrs()) {
      StringRef name = attribute.getName();
      bool isHow =
          isa<xf::KernelOp>(op) && (name == "config" || name == "reason");
      if (!isHow && op->getInherentAttr(name))
        os << ' ' << name << '=' << attribute.getValue();
    }
    for (Value operand : op->getOperands())
      os << ' ' << numbers.lookup(operand);
    os << " :";
    for (Type type : op->getResultTypes())
      os << ' ' << type;
    os << (op->getNumRegions() ? "{\n" : "\n");
    number(op->getResults());
  });
  return text;
}

/// Which result tokens are chosen from, and how.
static ChoiceSource findChoiceSource(func::FuncOp func,
                                     ArrayRef<Tensor> arguments) {
  ChoiceSource source;
  for (unsigned index = 0; index < func.getNumResults(); ++index) {
    auto name = func.getResultAttrOfType<StringAttr>(index, "xf.output");
    if (name && name.getValue() == "logits")
      source.logits = static_cast<int>(index);
  }
  for (unsigned index = 0; index < func.getNumArguments(); ++index) {
    auto name = func.getArgAttrOfType<StringAttr>(index, "xf.input");
    if (name && name.getValue() == "temperature")
      source.temperature = &arguments[index];
  }
  return source;
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

void PassVerifier::addModel(func::FuncOp func) {
  SmallVector<Tensor> arguments = makeRandomArguments(func, kSeed);
  FailureOr<SmallVector<Tensor>> results = evaluate(func, arguments, weights);
  if (failed(results)) {
    hasFailed = true;
    return;
  }
  models[func.getName()] = {std::move(arguments),
                            NoisyResults{std::move(*results), {}},
                            describeMeaning(func)};
}

PassVerifier::Model *PassVerifier::findModel(func::FuncOp func) {
  auto found = models.find(func.getName());
  if (found != models.end())
    return &found->second;
  if (!onlyModel)
    return nullptr;
  // From here on the plan is a model of its own, with bounds of its own.
  return &(models[func.getName()] = models[*onlyModel]);
}

void PassVerifier::runBeforePass(Pass *pass, Operation *op) {
  std::lock_guard<std::mutex> lock(mutex);
  if (!models.empty() && !isAdaptor(pass) && mayRound(pass->getArgument()))
    forEachModel(op, [&](func::FuncOp func) {
      if (!hasFailed)
        makeNoise(func);
    });
  // The first of all passes is an adaptor on the module, or a pass on it.
  if (hasFailed || !models.empty() || !isa<ModuleOp>(op))
    return;
  forEachModel(op, [&](func::FuncOp func) {
    if (!hasFailed)
      addModel(func);
  });
  if (models.size() == 1)
    onlyModel = models.begin()->first().str();
}

/// A function has to make its noise before a pass takes it away.
void PassVerifier::makeNoise(func::FuncOp func) {
  Model *model = findModel(func);
  if (!model || !model->expected.runs.empty())
    return;
  FailureOr<NoisyResults> noisy =
      addNoise(func, model->arguments, weights, model->expected.exact);
  if (succeeded(noisy))
    model->expected = std::move(*noisy);
  else
    hasFailed = true;
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

InFlightDiagnostic PassVerifier::fail(Pass *pass, func::FuncOp func) {
  hasFailed = true;
  return func.emitError("pass '")
         << pass->getArgument() << "' changes what the graph means: ";
}

/// Also finds what no rounding can change: number, types and shapes.
LogicalResult PassVerifier::compareBits(Pass *pass, func::FuncOp func,
                                        const Model &model,
                                        ArrayRef<Tensor> results) {
  ArrayRef<Tensor> expected = model.expected.exact;
  if (results.size() != expected.size())
    return fail(pass, func) << "expects " << expected.size()
                            << " results, but got " << results.size();
  for (auto [index, pair] :
       llvm::enumerate(llvm::zip_equal(results, expected))) {
    const auto &[actual, wanted] = pair;
    if (actual.getShape() != wanted.getShape() ||
        actual.getType() != wanted.getType())
      return fail(pass, func) << "result " << index << " has another type";
    if (mayRound(pass->getArgument()))
      continue;
    if (std::optional<Mismatch> mismatch = findDifference(actual, wanted))
      return fail(pass, func) << "expects, in result " << index << ", "
                              << describe(*mismatch, actual, wanted);
  }
  return success();
}

LogicalResult PassVerifier::compareRounded(Pass *pass, func::FuncOp func,
                                           const Model &model,
                                           const NoisyResults &results) {
  ChoiceSource source = findChoiceSource(func, model.arguments);
  for (unsigned index = 0; index < results.exact.size(); ++index)
    if (std::string why =
            whyBeyondRounding(model.expected, results, index, source);
        !why.empty())
      return fail(pass, func) << "result " << index << " " << why;
  return success();
}

void PassVerifier::verifyFunction(Pass *pass, func::FuncOp func) {
  Model *model = findModel(func);
  if (!model)
    return;
  std::string meaning = describeMeaning(func);
  if (meaning == model->meaning)
    return;
  FailureOr<SmallVector<Tensor>> exact =
      evaluate(func, model->arguments, weights);
  FailureOr<NoisyResults> results = failure();
  bool rounds = mayRound(pass->getArgument());
  if (succeeded(exact))
    results = rounds ? addNoise(func, model->arguments, weights, *exact)
                     : FailureOr<NoisyResults>(NoisyResults{*exact, {}});
  if (failed(results)) {
    func.emitError("pass '")
        << pass->getArgument() << "' leaves a graph that cannot be interpreted";
    hasFailed = true;
    return;
  }
  if (failed(compareBits(pass, func, *model, results->exact)) ||
      (rounds && failed(compareRounded(pass, func, *model, *results))))
    return;
  // Bounds are of one pass each: the next starts from here.
  model->expected = std::move(*results);
  model->meaning = std::move(meaning);
}

void PassVerifier::runAfterPass(Pass *pass, Operation *op) {
  std::lock_guard<std::mutex> lock(mutex);
  if (isAdaptor(pass))
    return;
  forEachModel(op, [&](func::FuncOp func) {
    if (!hasFailed)
      verifyFunction(pass, func);
  });
}

std::unique_ptr<PassInstrumentation> createPassVerifier(MayRound mayRound,
                                                        bool &out_failed) {
  return std::make_unique<PassVerifier>(std::move(mayRound), out_failed);
}

} // namespace tilewright::reference
