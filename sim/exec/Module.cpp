//===- Module.cpp - From PTX text to kernels ------------------------------===//

#include "sim/exec/Cta.h"
#include "sim/exec/Engine.h"
#include "sim/exec/Environment.h"
#include "sim/exec/LocalStack.h"
#include "sim/exec/decode/Decoder.h"
#include "sim/ptx/Parser.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <set>

namespace tilewright::sim {

using ptx::Space;
using ptx::SyntaxError;

namespace {

/// An error that has no place in the text.
struct LoadError {
  Error error;
};

class LoadedModule final : public Module {
public:
  LoadedModule(std::string_view ptx, std::string name,
               const DeviceConfig &config, GlobalAllocator &allocator)
      : program(ptx, std::move(name)), config(config), allocator(allocator) {}
  ~LoadedModule() override {
    for (uint64_t address : allocations)
      allocator.release(address);
  }

  void load();
  const ptx::Source &source() const { return program.source; }

  const Kernel *findKernel(std::string_view name) const override {
    for (const Kernel &kernel : kernelList)
      if (kernel.name == name)
        return &kernel;
    return nullptr;
  }
  std::optional<GlobalVariable>
  findGlobal(std::string_view name) const override {
    auto found = placedGlobals.find(std::string(name));
    if (found == placedGlobals.end())
      return std::nullopt;
    return found->second;
  }
  std::vector<std::pair<std::string, GlobalVariable>> globals() const override {
    return {placedGlobals.begin(), placedGlobals.end()};
  }
  std::vector<const Kernel *> kernels() const override {
    std::vector<const Kernel *> all;
    for (const Kernel &kernel : kernelList)
      all.push_back(&kernel);
    return all;
  }

private:
  void checkTarget();
  void placeVariable(const ptx::Variable &variable);
  void placeVariables();
  void initialize(const PlacedVariable &placed);
  void initializeElement(const ptx::Initializer &value, ptx::Type type,
                         std::byte *&at, std::byte *end);
  uint64_t initializerBits(const ptx::Initializer &value, ptx::Type type);
  void declareFunctions();
  void findCommonShared();
  SharedLayout layOutShared(const ptx::Function &function);
  void decodeFunctions();
  void addKernel(const ptx::Function &function, FunctionInfo &info,
                 const SharedLayout &shared);
  uint32_t localBytes(const FunctionInfo &info);

  Program program;
  DeviceConfig config;
  GlobalAllocator &allocator;
  ptx::ModuleAst ast;
  std::unique_ptr<ModuleScope> scope;
  std::vector<uint64_t> allocations;
  std::unordered_map<std::string, GlobalVariable> placedGlobals;
  std::deque<Kernel> kernelList;
  int targetVersion = 0;
  std::deque<KernelCode> kernelCode;
  /// Module-scope shared variables that callable functions use.
  std::vector<const ptx::Variable *> commonShared;
  std::set<std::string_view> commonSharedNames;
  /// What localBytes() found out.
  std::unordered_map<const FunctionInfo *, uint32_t> deepestLocal;
};

} // namespace

//===----------------------------------------------------------------------===//
// Target
//===----------------------------------------------------------------------===//

static bool splitArch(std::string_view arch, int &number, char &suffix) {
  if (!arch.starts_with("sm_"))
    return false;
  arch.remove_prefix(3);
  auto [end, error] =
      std::from_chars(arch.data(), arch.data() + arch.size(), number);
  if (error != std::errc())
    return false;
  std::string_view rest(end,
                        static_cast<size_t>(arch.data() + arch.size() - end));
  suffix = rest.empty() ? 0 : rest[0];
  return rest.size() <= 1;
}

void LoadedModule::checkTarget() {
  int wanted = 0, have = 0;
  char wantedSuffix = 0, haveSuffix = 0;
  if (!splitArch(ast.target, wanted, wantedSuffix))
    throw SyntaxError{ast.targetLocation,
                      "unknown target '" + std::string(ast.target) + "'"};
  targetVersion = wanted;
  splitArch(config.arch, have, haveSuffix);
  bool runs = wantedSuffix ? wanted == have && wantedSuffix == haveSuffix
                           : wanted <= have;
  if (!runs)
    throw LoadError{{ErrorKind::WrongTarget,
                     source().render(ast.targetLocation,
                                     "PTX for " + std::string(ast.target) +
                                         " does not run on " + config.arch)}};
}

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

void LoadedModule::placeVariable(const ptx::Variable &variable) {
  PlacedVariable placed;
  placed.declaration = &variable;
  auto known = scope->variables.find(variable.name);
  if (known != scope->variables.end()) {
    // A declaration may be repeated, and precede its definition.
    if (!known->second.declaration->isExtern && !variable.isExtern)
      throw SyntaxError{variable.location, "'" + std::string(variable.name) +
                                               "' is defined twice"};
    if (variable.isExtern)
      return;
  }
  if (variable.space != Space::Shared && !variable.isExtern) {
    uint64_t size = std::max<uint64_t>(variable.bytes(), 1);
    placed.address =
        allocator.allocate(size, std::max(variable.alignment(), 1u));
    if (!placed.address)
      throw LoadError{
          {ErrorKind::OutOfMemory,
           source().render(variable.location, "no memory for this variable")}};
    allocations.push_back(placed.address);
    std::memset(reinterpret_cast<void *>(placed.address), 0, size);
    placedGlobals[std::string(variable.name)] = {
        placed.address, variable.bytes(), variable.isManaged};
  }
  scope->variables[variable.name] = placed;
}

void LoadedModule::placeVariables() {
  for (const ptx::Variable &variable : ast.variables)
    placeVariable(variable);
  for (const ptx::Function &function : ast.functions)
    for (const ptx::Statement &statement : function.body)
      if (const auto *variable = std::get_if<ptx::Variable>(&statement))
        if (variable->space == Space::Global || variable->space == Space::Const)
          placeVariable(*variable);
  for (const auto &[name, placed] : scope->variables)
    if (placed.declaration->isExtern &&
        placed.declaration->space != Space::Shared)
      throw LoadError{{ErrorKind::UnresolvedSymbol,
                       source().render(placed.declaration->location,
                                       "variable '" + std::string(name) +
                                           "' has no definition; modules are "
                                           "not linked with each other")}};
}

uint64_t LoadedModule::initializerBits(const ptx::Initializer &value,
                                       ptx::Type type) {
  const ptx::Operand &operand = value.value;
  switch (operand.kind) {
  case ptx::Operand::Kind::Integer:
    if (type == ptx::Type::F32)
      return std::bit_cast<uint32_t>(
          static_cast<float>(static_cast<int64_t>(operand.bits)));
    if (type == ptx::Type::F64)
      return std::bit_cast<uint64_t>(
          static_cast<double>(static_cast<int64_t>(operand.bits)));
    return operand.bits;
  case ptx::Operand::Kind::Float32:
    return operand.bits;
  case ptx::Operand::Kind::Float64:
    if (type == ptx::Type::F32)
      return std::bit_cast<uint32_t>(
          static_cast<float>(std::bit_cast<double>(operand.bits)));
    return operand.bits;
  case ptx::Operand::Kind::Name:
    break;
  default:
    throw SyntaxError{operand.location, "expected a constant"};
  }
  if (auto found = scope->variables.find(operand.name);
      found != scope->variables.end() && found->second.address)
    return found->second.address + static_cast<uint64_t>(operand.offset);
  if (auto found = scope->functions.find(operand.name);
      found != scope->functions.end()) {
    if (!found->second->defined)
      throw SyntaxError{operand.location, describeUndefined(operand.name)};
    return functionWindow + found->second->index;
  }
  throw SyntaxError{operand.location,
                    "unknown name '" + std::string(operand.name) + "'"};
}

void LoadedModule::initializeElement(const ptx::Initializer &value,
                                     ptx::Type type, std::byte *&at,
                                     std::byte *end) {
  if (value.isList) {
    for (const ptx::Initializer &element : value.list)
      initializeElement(element, type, at, end);
    return;
  }
  uint32_t bytes = ptx::typeBytes(type);
  if (bytes > 8 || at + bytes > end)
    throw SyntaxError{value.value.location, "too many initializers"};
  uint64_t bits = initializerBits(value, type);
  std::memcpy(at, &bits, bytes);
  at += bytes;
}

void LoadedModule::initialize(const PlacedVariable &placed) {
  const ptx::Variable &variable = *placed.declaration;
  if (!variable.initializer)
    return;
  if (variable.space == Space::Shared)
    throw SyntaxError{variable.location,
                      "shared variables cannot be initialized"};
  auto *at = reinterpret_cast<std::byte *>(placed.address);
  initializeElement(*variable.initializer, variable.type, at,
                    at + variable.bytes());
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

void LoadedModule::declareFunctions() {
  for (const ptx::Function &function : ast.functions) {
    auto [entry, isNew] = scope->functions.emplace(function.name, nullptr);
    if (!isNew) {
      if (function.hasBody && entry->second->defined)
        throw SyntaxError{function.location, "'" + std::string(function.name) +
                                                 "' is defined twice"};
      entry->second->defined |= function.hasBody;
      continue;
    }
    FunctionInfo &info = program.functions.emplace_back();
    info.name = function.name;
    info.isEntry = function.isEntry;
    info.index = static_cast<uint32_t>(program.functions.size() - 1);
    info.defined = function.hasBody;
    for (const ptx::Variable &param : function.params)
      info.paramTypes.push_back(param.isArray ? ptx::Type::None : param.type);
    for (const ptx::Variable &value : function.returns)
      info.returnTypes.push_back(value.isArray ? ptx::Type::None : value.type);
    if (!function.hasBody && function.name == "vprintf")
      info.builtin = Builtin::Printf;
    if (!function.hasBody && function.name == "__assertfail")
      info.builtin = Builtin::AssertFail;
    if (!function.hasBody && function.name == "free")
      info.builtin = Builtin::Free;
    entry->second = &info;
  }
  for (const ptx::Alias &alias : ast.aliases) {
    auto target = scope->functions.find(alias.target);
    if (target == scope->functions.end())
      throw SyntaxError{alias.location,
                        "unknown function '" + std::string(alias.target) + "'"};
    scope->functions[alias.name] = target->second;
  }
}

/// Names of module-scope shared variables in an operand.
static void collectShared(
    const ptx::Operand &operand,
    const std::unordered_map<std::string_view, PlacedVariable> &variables,
    std::set<std::string_view> &names) {
  if (operand.kind == ptx::Operand::Kind::Name) {
    if (auto found = variables.find(operand.name);
        found != variables.end() &&
        found->second.declaration->space == Space::Shared)
      names.insert(operand.name);
    return;
  }
  for (const ptx::Operand &element : operand.elements)
    collectShared(element, variables, names);
}

static std::set<std::string_view> sharedNames(
    const ptx::Function &function,
    const std::unordered_map<std::string_view, PlacedVariable> &variables) {
  std::set<std::string_view> names;
  for (const ptx::Statement &statement : function.body)
    if (const auto *instruction = std::get_if<ptx::Instruction>(&statement))
      for (const ptx::Operand &operand : instruction->operands)
        collectShared(operand, variables, names);
  return names;
}

static bool usesModuleShared(const ptx::ModuleAst &ast) {
  return std::any_of(ast.variables.begin(), ast.variables.end(),
                     [](const ptx::Variable &variable) {
                       return variable.space == Space::Shared;
                     });
}

void LoadedModule::findCommonShared() {
  for (const ptx::Function &function : ast.functions) {
    if (function.isEntry)
      continue;
    if (usesModuleShared(ast))
      for (std::string_view name : sharedNames(function, scope->variables))
        if (commonSharedNames.insert(name).second)
          commonShared.push_back(scope->variables.at(name).declaration);
    for (const ptx::Statement &statement : function.body)
      if (const auto *variable = std::get_if<ptx::Variable>(&statement))
        if (variable->space == Space::Shared &&
            commonSharedNames.insert(variable->name).second)
          commonShared.push_back(variable);
  }
}

/// Static variables one after another, those of callable functions first, so
/// that they have the same address under every kernel.
SharedLayout LoadedModule::layOutShared(const ptx::Function &function) {
  SharedLayout layout;
  layout.end = config.sharedReservedPerBlock;
  auto place = [&](const ptx::Variable &variable) {
    if (variable.isUnsized || (variable.isExtern && variable.bytes() == 0)) {
      layout.dynamicAlign = std::max(layout.dynamicAlign, variable.alignment());
      return;
    }
    uint32_t align = std::max(variable.alignment(), 1u);
    uint64_t end = ((layout.end + align - 1) & ~uint64_t(align - 1));
    if (!layout.offsets.emplace(variable.name, static_cast<uint32_t>(end))
             .second)
      return;
    layout.variables.push_back({std::string(variable.name),
                                static_cast<uint32_t>(end), variable.bytes()});
    end += variable.bytes();
    if (end > clusterOffsetMask)
      throw SyntaxError{variable.location, "shared memory is too large"};
    layout.end = static_cast<uint32_t>(end);
  };
  for (const ptx::Variable *variable : commonShared)
    place(*variable);
  if (!function.isEntry)
    return layout;
  if (usesModuleShared(ast))
    for (std::string_view name : sharedNames(function, scope->variables))
      place(*scope->variables.at(name).declaration);
  for (const ptx::Statement &statement : function.body)
    if (const auto *variable = std::get_if<ptx::Variable>(&statement))
      if (variable->space == Space::Shared)
        place(*variable);
  return layout;
}

void LoadedModule::decodeFunctions() {
  std::vector<FunctionDecoder::DirectCall> calls;
  std::vector<std::pair<const ptx::Function *, SharedLayout>> entries;
  for (const ptx::Function &function : ast.functions) {
    if (!function.hasBody)
      continue;
    FunctionInfo &info = *scope->functions.at(function.name);
    SharedLayout shared = layOutShared(function);
    FunctionDecoder decoder(*scope, function, info, shared);
    decoder.decode();
    calls.insert(calls.end(), decoder.calls.begin(), decoder.calls.end());
    if (function.isEntry)
      entries.push_back({&function, std::move(shared)});
  }
  for (const FunctionDecoder::DirectCall &call : calls) {
    if (!call.callee->defined)
      throw LoadError{{ErrorKind::UnresolvedSymbol,
                       source().render(call.location,
                                       describeUndefined(call.callee->name))}};
    if (call.params != call.callee->params.size() ||
        call.returns != call.callee->returns.size())
      throw SyntaxError{call.location,
                        "the call does not match '" + call.callee->name + "'"};
  }
  for (const auto &[function, shared] : entries)
    addKernel(*function, *scope->functions.at(function->name), shared);
}

/// Local memory that `info` and the deepest calls below it need, up to the
/// limit of a thread; recursion grows the stack at run time. Each function is
/// looked at once, without recursion of our own: call graphs come from anybody.
uint32_t LoadedModule::localBytes(const FunctionInfo &info) {
  struct Visit {
    const FunctionInfo *function;
    size_t callee = 0;
  };
  std::vector<Visit> path;
  auto enter = [&](const FunctionInfo &function) {
    if (deepestLocal.emplace(&function, 0).second)
      path.push_back({&function});
  };
  enter(info);
  while (!path.empty()) {
    Visit &visit = path.back();
    const FunctionInfo &function = *visit.function;
    if (visit.callee < function.callees.size()) {
      enter(*function.callees[visit.callee++]);
      continue;
    }
    uint32_t below = 0;
    for (const FunctionInfo *callee : function.callees)
      below = std::max(below, deepestLocal.at(callee));
    deepestLocal[&function] =
        std::min(function.localBytes + below, LocalStack::limit);
    path.pop_back();
  }
  return deepestLocal.at(&info);
}

static Dim3 toDim3(const std::array<uint32_t, 3> &triple) {
  return {triple[0], triple[1], triple[2]};
}

void LoadedModule::addKernel(const ptx::Function &function, FunctionInfo &info,
                             const SharedLayout &shared) {
  Kernel &kernel = kernelList.emplace_back();
  kernel.name = function.name;
  uint32_t offset = 0;
  for (const ptx::Variable &param : function.params) {
    uint32_t align = param.alignment();
    offset = (offset + align - 1) & ~(align - 1);
    uint32_t size = static_cast<uint32_t>(param.bytes());
    kernel.params.push_back({std::string(param.name), offset, size, align});
    offset += size;
  }
  kernel.totalParamBytes = offset;
  kernel.staticSharedBytes = shared.end - config.sharedReservedPerBlock;
  kernel.localBytesPerThread = localBytes(info);
  kernel.maxThreadsPerBlock = config.maxThreadsPerBlock;
  if (function.maxThreads)
    kernel.maxThreadsPerBlock = static_cast<uint32_t>(std::min<uint64_t>(
        toDim3(*function.maxThreads).count(), config.maxThreadsPerBlock));
  if (function.requiredThreads) {
    kernel.requiredBlock = toDim3(*function.requiredThreads);
    kernel.maxThreadsPerBlock =
        static_cast<uint32_t>(kernel.requiredBlock->count());
  }
  // PTX has no register allocation; without a directive assume what lets a
  // full SM of threads run.
  uint32_t whole =
      config.maxThreadsPerSm ? config.regsPerSm / config.maxThreadsPerSm : 0;
  kernel.regs = function.maxRegisters ? function.maxRegisters : whole;
  // A kernel that says how large its blocks are is compiled to fit them.
  if (function.maxRegisters &&
      (function.maxThreads || function.requiredThreads)) {
    constexpr uint32_t unit = 8; // in which registers are given out
    uint32_t share = config.regsPerBlock / kernel.maxThreadsPerBlock;
    kernel.regs = std::min(kernel.regs, std::max(share / unit * unit, unit));
  }
  kernel.minBlocksPerSm = function.minBlocksPerSm;
  if (function.requiredCluster)
    kernel.requiredCluster = toDim3(*function.requiredCluster);
  kernel.explicitCluster = function.explicitCluster;
  kernel.maxClusterRank = function.maxClusterRank;
  kernel.targetVersion = targetVersion;
  kernel.code = &kernelCode.emplace_back(KernelCode{
      &program, &info, shared.end, shared.dynamicAlign, shared.variables});
}

void LoadedModule::load() {
  ast = ptx::parseModule(program.source);
  checkTarget();
  scope = std::make_unique<ModuleScope>(ModuleScope{program, config, {}, {}});
  auto seed = readNumber(perturbVariable);
  if (!seed)
    throw LoadError{seed.error()};
  scope->perturbSeed = *seed;
  if (config.keepsSymbols)
    program.symbols = std::make_unique<ModuleSymbols>();
  placeVariables();
  if (program.symbols)
    keepVariables(*scope);
  declareFunctions();
  for (const auto &[name, placed] : scope->variables)
    if (!placed.declaration->isExtern)
      initialize(placed);
  findCommonShared();
  decodeFunctions();
  bool controlsGrids = std::any_of(
      program.effects.begin(), program.effects.end(), [](const Effect &each) {
        return each.kind == EffectKind::GridWait ||
               each.kind == EffectKind::GridTrigger;
      });
  for (Kernel &kernel : kernelList)
    kernel.controlsGrids = controlsGrids;
  // Only the decoded code is needed from here on.
  ast = {};
  scope.reset();
}

Result<std::unique_ptr<Module>> Module::load(std::string_view ptx,
                                             std::string name,
                                             const DeviceConfig &config,
                                             GlobalAllocator &allocator) {
  if (ptx.size() > UINT32_MAX / 2)
    return Error{ErrorKind::InvalidPtx,
                 name + ": error: the text is too large"};
  auto module =
      std::make_unique<LoadedModule>(ptx, std::move(name), config, allocator);
  try {
    module->load();
  } catch (const SyntaxError &error) {
    return Error{ErrorKind::InvalidPtx,
                 module->source().render(error.location, error.message)};
  } catch (LoadError &error) {
    return std::move(error.error);
  }
  return std::unique_ptr<Module>(std::move(module));
}

} // namespace tilewright::sim
