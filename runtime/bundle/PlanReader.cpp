//===- PlanReader.cpp - Launch plans of a manifest ------------------------===//

#include "runtime/bundle/Readers.h"
#include "runtime/support/Json.h"

namespace tilewright::runtime {

static constexpr size_t maxPlans = 64;
static constexpr size_t maxLaunches = 1 << 16;
static constexpr int64_t arenaAlignment = 16;

namespace {

/// Reads launches against the tensors and kernels read before.
class PlanReader {
public:
  explicit PlanReader(Manifest &manifest);

  Plan read(const Field &field) const;

private:
  Launch readLaunch(const Field &field, const Plan &plan) const;
  KernelLaunch readKernelLaunch(const Field &field, const Plan &plan) const;
  ZeroFill readZeroFill(const Field &field, const Plan &plan) const;
  Operand readOperand(const Field &field) const;
  void checkOperand(const Field &field, const Operand &operand,
                    const ArgumentType &type, const Plan &plan) const;
  void checkArena(const Field &field, const Operand &operand, uint64_t bytes,
                  const Plan &plan) const;

  Manifest &manifest;
  NameIndex kernels, weights, inputs, outputs, caches;
};

template <typename Items>
NameIndex indexOf(const Items &items) {
  NameIndex names;
  for (const auto &item : items)
    names.emplace(item.name, names.size());
  return names;
}

struct NamedType {
  DType dtype;
  uint64_t bytes;
};

} // namespace

PlanReader::PlanReader(Manifest &manifest)
    : manifest(manifest), kernels(indexOf(manifest.kernels)),
      weights(indexOf(manifest.weights)), inputs(indexOf(manifest.inputs)),
      outputs(indexOf(manifest.outputs)), caches(indexOf(manifest.caches)) {}

Operand PlanReader::readOperand(const Field &field) const {
  using enum Operand::Kind;
  for (auto [key, kind] : {std::pair("activation", Activation),
                           std::pair("workspace", Workspace)}) {
    if (!field.has(key))
      continue;
    field.allowOnly({key});
    const Field offset = field[key];
    int64_t value = offset.integer(0, Field::largest);
    if (value % arenaAlignment != 0)
      offset.fail("must be a multiple of " + std::to_string(arenaAlignment));
    return {kind, uint64_t(value)};
  }
  for (auto [key, kind, names] : {std::tuple("weight", Weight, &weights),
                                  std::tuple("input", Input, &inputs),
                                  std::tuple("output", Output, &outputs),
                                  std::tuple("cache", Cache, &caches)}) {
    if (!field.has(key))
      continue;
    field.allowOnly({key});
    const Field tensor = field[key];
    return {kind, findName(*names, tensor, key)};
  }
  field.fail("must be one of activation, workspace, weight, input, output, "
             "cache");
}

/// dtype and bytes of a named tensor, nothing for an arena.
static std::optional<NamedType> namedType(const Manifest &manifest,
                                          const Operand &operand,
                                          const SymbolValues &symbols) {
  auto sized = [&](const auto &tensor) {
    return NamedType{
        tensor.dtype,
        denseBytes(tensor.dtype, tensor.shape, symbols).value_or(0)};
  };
  switch (operand.kind) {
  case Operand::Kind::Weight: {
    const Weight &weight = manifest.weights[operand.index];
    return NamedType{weight.value->dtype(), weight.bytes};
  }
  case Operand::Kind::Input:
    return sized(manifest.inputs[operand.index]);
  case Operand::Kind::Output:
    return sized(manifest.outputs[operand.index]);
  case Operand::Kind::Cache:
    return sized(manifest.caches[operand.index]);
  default:
    return std::nullopt;
  }
}

void PlanReader::checkArena(const Field &field, const Operand &operand,
                            uint64_t bytes, const Plan &plan) const {
  bool isActivation = operand.kind == Operand::Kind::Activation;
  uint64_t arena = isActivation ? plan.activationBytes : plan.workspaceBytes;
  if (operand.index > arena || bytes > arena - operand.index)
    field.fail(std::to_string(bytes) + " bytes at " +
               std::to_string(operand.index) + " do not fit the " +
               std::to_string(arena) + " bytes of " +
               (isActivation ? "activation_bytes" : "workspace_bytes"));
}

/// Every operand must hold what the kernel may touch of it. Sizes grow with
/// their symbols, so the plan's maxima stand for all steps; of pages, which
/// have no maximum, only the cache's own multiples can be compared.
void PlanReader::checkOperand(const Field &field, const Operand &operand,
                              const ArgumentType &type,
                              const Plan &plan) const {
  for (int64_t pages : {int64_t(1), int64_t(1) << 20}) {
    SymbolValues symbols = plan.maxima;
    symbols[Symbol::Pages] = pages;
    std::optional<uint64_t> bytes = denseBytes(type.dtype, type.shape, symbols);
    if (!bytes)
      field.fail("the kernel's argument is too large");
    std::optional<NamedType> named = namedType(manifest, operand, symbols);
    if (!named) {
      checkArena(field, operand, *bytes, plan);
      continue;
    }
    if (named->dtype != type.dtype)
      field.fail("is " + std::string(name(named->dtype)) +
                 ", but the kernel's argument is " +
                 std::string(name(type.dtype)));
    if (*bytes > named->bytes)
      field.fail("has " + std::to_string(named->bytes) +
                 " bytes, but the kernel's argument " + std::to_string(*bytes));
  }
}

KernelLaunch PlanReader::readKernelLaunch(const Field &field,
                                          const Plan &plan) const {
  field.allowOnly({"kernel", "args"});
  const Field kernelName = field["kernel"], operands = field["args"];
  KernelLaunch launch{findName(kernels, kernelName, "kernel"), {}};
  const Kernel &kernel = manifest.kernels[launch.kernel];
  size_t size = operands.listSize(kernel.arguments.size());
  if (size != kernel.arguments.size())
    operands.fail("has " + std::to_string(size) + " entries, but kernel " +
                  inQuotes(kernel.name) + " takes " +
                  std::to_string(kernel.arguments.size()));
  for (size_t i = 0; i < size; ++i) {
    const Field field = operands.at(i);
    Operand operand = readOperand(field);
    checkOperand(field, operand, kernel.arguments[i], plan);
    launch.operands.push_back(operand);
  }
  return launch;
}

ZeroFill PlanReader::readZeroFill(const Field &field, const Plan &plan) const {
  field.allowOnly({"zero", "bytes"});
  const Field destination = field["zero"], bytes = field["bytes"];
  ZeroFill fill{readOperand(destination), bytes.size()};
  if (fill.destination.kind != Operand::Kind::Activation &&
      fill.destination.kind != Operand::Kind::Workspace)
    destination.fail("must be an arena: activation or workspace");
  if (!fill.bytes.isMonotone() || fill.bytes.uses(Symbol::Sms) ||
      fill.bytes.uses(Symbol::Pages))
    bytes.fail("may use neither 'sub', nor 'sms', nor 'pages'");
  std::optional<int64_t> most = fill.bytes.evaluate(plan.maxima);
  if (!most)
    bytes.fail("is too large");
  checkArena(destination, fill.destination, uint64_t(*most), plan);
  return fill;
}

Launch PlanReader::readLaunch(const Field &field, const Plan &plan) const {
  if (field.has("zero"))
    return readZeroFill(field, plan);
  return readKernelLaunch(field, plan);
}

Plan PlanReader::read(const Field &field) const {
  field.allowOnly(
      {"max_tokens", "activation_bytes", "workspace_bytes", "launches"});
  Plan plan;
  plan.maxTokens = field["max_tokens"].integer(1, manifest.limits.maxTokens);
  plan.activationBytes =
      uint64_t(field["activation_bytes"].integer(0, Field::largest));
  plan.workspaceBytes =
      uint64_t(field["workspace_bytes"].integer(0, Field::largest));
  plan.maxima = manifest.maxima(plan.maxTokens);
  const Field launches = field["launches"];
  for (size_t i = 0, size = launches.listSize(maxLaunches); i < size; ++i) {
    const Field launch = launches.at(i);
    plan.launches.push_back(readLaunch(launch, plan));
  }
  return plan;
}

static EntryPoint readEntryPoint(const Field &field, const PlanReader &reader) {
  field.allowOnly({"plans"});
  const Field plans = field["plans"];
  EntryPoint entry;
  size_t size = plans.listSize(maxPlans);
  if (size == 0)
    plans.fail("must have at least one plan");
  for (size_t i = 0; i < size; ++i) {
    const Field plan = plans.at(i);
    entry.plans.push_back(reader.read(plan));
    if (i > 0 && entry.plans[i].maxTokens <= entry.plans[i - 1].maxTokens)
      plan.fail("plans must ascend in 'max_tokens'");
  }
  return entry;
}

void readEntryPoints(const Field &object, Manifest &manifest) {
  object.allowOnly({"decode", "prefill"});
  PlanReader reader(manifest);
  const Field prefill = object["prefill"];
  manifest.prefill = readEntryPoint(prefill, reader);
  if (manifest.prefill.plans.back().maxTokens != manifest.limits.maxTokens)
    prefill.fail("the last plan must hold symbols.tokens.max = " +
                 std::to_string(manifest.limits.maxTokens) + " tokens");
  if (object.has("decode")) {
    const Field decode = object["decode"];
    manifest.decode = readEntryPoint(decode, reader);
  }
}

} // namespace tilewright::runtime
