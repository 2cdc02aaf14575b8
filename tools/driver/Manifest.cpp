//===- Manifest.cpp - The manifest of a compiled model --------------------===//

#include "tools/driver/Manifest.h"

#include "ir/xf/Xf.h"
#include "passes/BatchInvariance.h"
#include "tools/driver/AttributeJson.h"
#include "tools/driver/WeightValues.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using nlohmann::json;

namespace tilewright {

static json shapeOf(Type type) {
  json shape = json::array();
  for (const xf::Dim &dim : xf::getDims(cast<RankedTensorType>(type))) {
    if (dim.isFixed())
      shape.push_back(dim.value);
    else if (dim.value == 0)
      shape.push_back(dim.name.str());
    else
      shape.push_back(json::array({"add", dim.name.str(), dim.value}));
  }
  return shape;
}

static json describeTensor(StringRef name, Type type) {
  return {{"name", name.str()},
          {"dtype", getDTypeName(getElementTypeOrSelf(type))},
          {"shape", shapeOf(type)}};
}

json toSizeExpression(Attribute size) { return toJson(size); }

namespace {
/// Gathers the parts of a manifest that name things: each weight, input and
/// output once, however many plans and kernels use it.
class ManifestBuilder {
public:
  ManifestBuilder(ModuleOp module, const CompileOptions &options)
      : module(module), options(options) {}

  FailureOr<json> build();

private:
  void describeModel();
  void describeSymbols();
  LogicalResult addPlan(func::FuncOp plan);
  FailureOr<json> makeLaunch(xf::KernelOp kernel);
  FailureOr<json> argumentOf(Value value);
  FailureOr<std::string> weightNamed(Value value);
  void addInput(StringRef list, const json &tensor);

  ModuleOp module;
  const CompileOptions &options;
  json manifest;
  llvm::DenseMap<Value, std::string> weightNames;
  std::map<std::string, std::string> weightsByValue;
};
} // namespace

void ManifestBuilder::addInput(StringRef list, const json &tensor) {
  json &entries = manifest[list.str()];
  for (const json &entry : entries)
    if (entry["name"] == tensor["name"])
      return;
  entries.push_back(tensor);
}

void ManifestBuilder::describeModel() {
  json model = toJson(module->getAttr("xf.model"));
  // Every weight's value tree names its tensors already.
  model.erase("tensors");
  manifest["model"] = model;
  manifest["max_context"] = model["max_context"];
  manifest["page_size"] = model["page_size"];
}

/// Bounds over all plans.
void ManifestBuilder::describeSymbols() {
  int64_t tokens = 0, seqs = 0, rows = 0;
  for (auto plan : module.getOps<func::FuncOp>()) {
    auto bounds = plan->getAttrOfType<DictionaryAttr>("xf.bounds");
    auto bound = [&](StringRef name) {
      return bounds.getAs<IntegerAttr>(name).getInt();
    };
    tokens = std::max(tokens, bound("tokens"));
    seqs = std::max(seqs, bound("seqs"));
    rows = std::max(rows, bound("rows"));
  }
  int64_t context = manifest["max_context"], pageSize = manifest["page_size"];
  manifest["symbols"] = {
      {"tokens", {{"max", tokens}}},
      {"seqs", {{"max", seqs}}},
      {"rows", {{"max", rows}}},
      {"pages", json::object()},
      {"pages_per_seq", {{"max", llvm::divideCeil(context, pageSize)}}}};
}

FailureOr<std::string> ManifestBuilder::weightNamed(Value value) {
  auto it = weightNames.find(value);
  if (it != weightNames.end())
    return it->second;
  FailureOr<json> tree = getWeightValue(value);
  if (failed(tree))
    return failure();
  // Plans are clones, so the same weight appears once in each.
  std::string &name = weightsByValue[tree->dump()];
  if (name.empty()) {
    name = "w" + std::to_string(manifest["weights"].size());
    json weight = describeTensor(name, value.getType());
    weight["value"] = *tree;
    manifest["weights"].push_back(weight);
  }
  return weightNames[value] = name;
}

/// Where a launch finds an operand, or puts a result.
FailureOr<json> ManifestBuilder::argumentOf(Value value) {
  auto named = [](const char *kind, StringAttr name) {
    return json{{kind, name.getValue().str()}};
  };
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    if (auto cache = function.getArgAttrOfType<StringAttr>(
            argument.getArgNumber(), "xf.cache"))
      return named("cache", cache);
    auto input = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                       "xf.input");
    addInput("inputs", describeTensor(input.getValue(), value.getType()));
    return named("input", input);
  }
  if (xf::isWeightExpression(value)) {
    FailureOr<std::string> name = weightNamed(value);
    if (failed(name))
      return failure();
    return json{{"weight", *name}};
  }
  auto kernel = cast<xf::KernelOp>(value.getDefiningOp());
  unsigned index = cast<OpResult>(value).getResultNumber();
  // In place: the operand's own storage.
  if (std::optional<unsigned> operand = kernel.getInPlaceOperand(index))
    return argumentOf(kernel.getInputs()[*operand]);
  for (OpOperand &use : value.getUses())
    if (auto ret = dyn_cast<func::ReturnOp>(use.getOwner())) {
      auto function = ret->getParentOfType<func::FuncOp>();
      auto output = function.getResultAttrOfType<StringAttr>(
          use.getOperandNumber(), "xf.output");
      return named("output", output);
    }
  auto offsets = kernel->getAttrOfType<DenseI64ArrayAttr>("xf.offsets");
  return json{{"activation", offsets[index]}};
}

FailureOr<json> ManifestBuilder::makeLaunch(xf::KernelOp kernel) {
  json launch = {
      {"kernel",
       kernel->getAttrOfType<FlatSymbolRefAttr>("xf.kernel").getValue().str()},
      {"args", json::array()}};
  SmallVector<Value> arguments(kernel.getInputs());
  for (OpResult result : kernel->getResults())
    if (!kernel.getInPlaceOperand(result.getResultNumber()))
      arguments.push_back(result);
  for (Value value : arguments) {
    FailureOr<json> argument = argumentOf(value);
    if (failed(argument))
      return failure();
    launch["args"].push_back(*argument);
  }
  return launch;
}

LogicalResult ManifestBuilder::addPlan(func::FuncOp plan) {
  json launches = json::array();
  for (auto kernel : plan.getOps<xf::KernelOp>()) {
    FailureOr<json> launch = makeLaunch(kernel);
    if (failed(launch))
      return failure();
    launches.push_back(*launch);
  }
  auto ret = cast<func::ReturnOp>(plan.front().getTerminator());
  for (OpOperand &operand : ret->getOpOperands()) {
    unsigned index = operand.getOperandNumber();
    if (auto output = plan.getResultAttrOfType<StringAttr>(index, "xf.output"))
      addInput("outputs",
               describeTensor(output.getValue(), operand.get().getType()));
    else if (auto cache =
                 plan.getResultAttrOfType<StringAttr>(index, "xf.cache"))
      addInput("caches",
               describeTensor(cache.getValue(), operand.get().getType()));
  }
  std::string entry =
      plan->getAttrOfType<StringAttr>("xf.entry").getValue().str();
  auto bounds = plan->getAttrOfType<DictionaryAttr>("xf.bounds");
  manifest["entry_points"][entry]["plans"].push_back(
      {{"max_tokens", bounds.getAs<IntegerAttr>("tokens").getInt()},
       {"activation_bytes",
        plan->getAttrOfType<IntegerAttr>("xf.activation_bytes").getInt()},
       {"workspace_bytes", 0},
       {"launches", launches}});
  return success();
}

FailureOr<json> ManifestBuilder::build() {
  manifest = {
      {"schema_version", 1},
      {"target", options.target},
      {"sku", options.sku},
      {"promises", {{"batch_invariant", whyBatchMatters(module).empty()}}},
      {"inputs", json::array()},
      {"outputs", json::array()},
      {"caches", json::array()},
      {"weights", json::array()},
      {"kernels", json::array()},
      {"entry_points", json::object()}};
  describeModel();
  describeSymbols();
  for (auto plan : module.getOps<func::FuncOp>())
    if (failed(addPlan(plan)))
      return failure();
  return manifest;
}

FailureOr<json> buildManifest(ModuleOp module, const CompileOptions &options) {
  return ManifestBuilder(module, options).build();
}

} // namespace tilewright
