//===- PassVerifier.cpp - Does each pass keep what the graph means? -------===//

#include "ir/reference/PassVerifier.h"
#include "ir/reference/Compare.h"
#include "ir/reference/RandomStep.h"

#include "mlir/Pass/Pass.h"

#include <cmath>
#include <mutex>

using namespace mlir;

namespace tilewright::reference {
namespace {

constexpr uint64_t kSeed = 1;

class PassVerifier : public PassInstrumentation {
public:
  PassVerifier(PassBound bound, bool &failed)
      : bound(std::move(bound)), hasFailed(failed) {}

  void runBeforePass(Pass *pass, Operation *op) override;
  void runAfterPass(Pass *pass, Operation *op) override;

private:
  /// What a function is asked, and what it gave after the last pass.
  struct Model {
    SmallVector<Tensor> arguments;
    SmallVector<Tensor> expected;
    /// Of the function that gave it.
    std::string meaning;
  };

  void addModel(func::FuncOp func);
  Model *findModel(func::FuncOp func);
  void verifyFunction(Pass *pass, func::FuncOp func);
  LogicalResult compare(Pass *pass, func::FuncOp func, const Model &model,
                        ArrayRef<Tensor> results);

  PassBound bound;
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

/// Distance between two tensors over the length of the second.
static double getRelativeDistance(const Tensor &actual,
                                  const Tensor &expected) {
  double distance = 0.0, length = 0.0;
  for (int64_t i = 0; i < actual.getNumElements(); ++i) {
    double wanted = expected.getFloat(i);
    double difference = actual.getFloat(i) - wanted;
    distance += difference * difference;
    length += wanted * wanted;
  }
  if (distance == 0.0)
    return 0.0;
  // Not a number where either is not, and then beyond every bound.
  return std::sqrt(distance / length);
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
  models[func.getName()] = {std::move(arguments), std::move(*results),
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

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

LogicalResult PassVerifier::compare(Pass *pass, func::FuncOp func,
                                    const Model &model,
                                    ArrayRef<Tensor> results) {
  auto fail = [&] {
    return func.emitError("pass '")
           << pass->getArgument() << "' changes what the graph means: ";
  };
  if (results.size() != model.expected.size())
    return fail() << "expects " << model.expected.size() << " results, but got "
                  << results.size();
  double allowed = bound(pass->getArgument());
  for (auto [index, pair] :
       llvm::enumerate(llvm::zip_equal(results, model.expected))) {
    const auto &[actual, wanted] = pair;
    if (actual.getShape() != wanted.getShape() ||
        actual.getType() != wanted.getType())
      return fail() << "result " << index << " has another type";
    if (allowed == 0.0) {
      if (std::optional<Mismatch> mismatch = findDifference(actual, wanted))
        return fail() << "expects, in result " << index << ", "
                      << describe(*mismatch, actual, wanted);
    } else if (isFloat(actual.getType())) {
      double distance = getRelativeDistance(actual, wanted);
      if (!(distance <= allowed))
        return fail() << "result " << index << " moves by " << distance
                      << " of its length, and the pass states " << allowed;
    }
  }
  return success();
}

void PassVerifier::verifyFunction(Pass *pass, func::FuncOp func) {
  Model *model = findModel(func);
  if (!model)
    return;
  std::string meaning = describeMeaning(func);
  if (meaning == model->meaning)
    return;
  FailureOr<SmallVector<Tensor>> results =
      evaluate(func, model->arguments, weights);
  if (failed(results))
    func.emitError("pass '")
        << pass->getArgument() << "' leaves a graph that cannot be interpreted";
  if (failed(results) || failed(compare(pass, func, *model, *results))) {
    hasFailed = true;
    return;
  }
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

std::unique_ptr<PassInstrumentation> createPassVerifier(PassBound bound,
                                                        bool &out_failed) {
  return std::make_unique<PassVerifier>(std::move(bound), out_failed);
}

} // namespace tilewright::reference
