//===- FunctionDecoder.cpp - Names, scopes and statements of a function ---===//

#include "sim/exec/decode/Decoder.h"
#include "sim/exec/decode/UndefinedReads.h"
#include "sim/exec/ops/StackOps.h"

#include <algorithm>

namespace tilewright::sim {

using ptx::Space;
using ptx::SyntaxError;
using ptx::Type;

static constexpr uint32_t undefinedLabel = ~0u;
/// Local memory of one function; more is surely a mistake.
/// Registers of one declaration: far beyond what compilers write, and little
/// enough that a block's rows fit into memory.
static constexpr uint32_t maxRegisters = 1 << 17;
/// ISA 5.1.6.1, since PTX 8.1.
static constexpr uint32_t maxParamBytes = 32764;
static constexpr uint64_t maxLocalBytes = 512 * 1024;

FunctionDecoder::FunctionDecoder(ModuleScope &module,
                                 const ptx::Function &function,
                                 FunctionInfo &info, SharedLayout &shared)
    : module(module), program(module.program), function(function), info(info),
      shared(shared), scopes(1) {
  info.predicates = firstPredicate;
  if (program.symbols)
    symbolScopes.resize(1);
}

Ref FunctionDecoder::newRow32() {
  Ref ref = info.bytes32;
  info.bytes32 += row32Bytes;
  return ref;
}
Ref FunctionDecoder::newRow64() {
  Ref ref = info.bytes64;
  info.bytes64 += row64Bytes;
  return ref;
}
Ref FunctionDecoder::newPredicate() { return info.predicates++; }

Ref FunctionDecoder::carryPredicate() {
  if (carry == noRef)
    carry = newPredicate();
  return carry;
}

uint32_t FunctionDecoder::allocateLocal(uint64_t bytes, uint32_t align,
                                        ptx::Location location) {
  if (bytes > maxLocalBytes || align > maxLocalBytes)
    throw SyntaxError{location, "local variable is too large"};
  localTop = (localTop + align - 1) & ~(align - 1);
  uint32_t offset = localTop;
  localTop += static_cast<uint32_t>(bytes);
  if (localTop > maxLocalBytes)
    throw SyntaxError{location, "function uses too much local memory"};
  info.localBytes = std::max(info.localBytes, (localTop + 15) & ~15u);
  return offset;
}

//===----------------------------------------------------------------------===//
// Scopes
//===----------------------------------------------------------------------===//

/// Numbers the labels ahead, because branches refer to later ones.
void FunctionDecoder::findLabels() {
  size_t current = 0;
  for (const ptx::Statement &statement : function.body) {
    if (std::holds_alternative<ptx::ScopeBegin>(statement)) {
      scopes.emplace_back();
      scopes.back().parent = current;
      current = scopes.size() - 1;
    } else if (std::holds_alternative<ptx::ScopeEnd>(statement)) {
      current = scopes[current].parent;
    } else if (const auto *label = std::get_if<ptx::Label>(&statement)) {
      uint32_t number = static_cast<uint32_t>(labels.size());
      if (!scopes[current].labels.emplace(label->name, number).second)
        throw SyntaxError{label->location, "label '" +
                                               std::string(label->name) +
                                               "' is defined twice"};
      labels.push_back(undefinedLabel);
    } else if (const auto *list = std::get_if<ptx::TargetList>(&statement)) {
      targetLists[list->name] = list;
    } else if (const auto *proto =
                   std::get_if<ptx::CallPrototype>(&statement)) {
      prototypes[proto->name] = proto;
    }
  }
}

void FunctionDecoder::enterScope(ptx::Location location) {
  size_t parent = scope;
  scope = nextScope++;
  if (program.symbols)
    symbolScopes.push_back({parent, location, ~ptx::Location(0), {}});
  scopes[scope].localMark = localTop;
}

void FunctionDecoder::leaveScope(ptx::Location location) {
  if (program.symbols)
    symbolScopes[scope].end = location;
  localTop = scopes[scope].localMark;
  scope = scopes[scope].parent;
}

void FunctionDecoder::add(std::string_view name, const LocalName &entry,
                          ptx::Location location) {
  Scope &here = scopes[scope];
  auto &names =
      entry.kind == LocalName::Kind::RegisterRange ? here.ranges : here.names;
  if (!names.emplace(name, entry).second)
    throw SyntaxError{location,
                      "'" + std::string(name) + "' is declared twice"};
  if (program.symbols)
    symbolScopes[scope].symbols.push_back({name, entry});
}

/// Splits `%r12` into the range `%r` and 12.
static bool splitRange(std::string_view name, std::string_view &prefix,
                       uint32_t &number) {
  size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9')
    --digits;
  if (digits == name.size() || digits == 0 || name.size() - digits > 9)
    return false;
  // Register 1 is `%r1` and never `%r01`.
  if (name[digits] == '0' && name.size() - digits > 1)
    return false;
  prefix = name.substr(0, digits);
  number = 0;
  for (char c : name.substr(digits))
    number = number * 10 + static_cast<uint32_t>(c - '0');
  return true;
}

static uint32_t rowBytes(const LocalName &name) {
  if (name.type == Type::Pred)
    return 1;
  if (name.bytes > 8)
    return 2 * row64Bytes;
  return name.bytes > 4 ? row64Bytes : row32Bytes;
}

const LocalName *FunctionDecoder::lookup(std::string_view name,
                                         LocalName &storage) const {
  std::string_view prefix;
  uint32_t number = 0;
  bool numbered = splitRange(name, prefix, number);
  for (size_t at = scope;; at = scopes[at].parent) {
    const Scope &here = scopes[at];
    if (auto found = here.names.find(name); found != here.names.end())
      return &found->second;
    if (numbered)
      if (auto found = here.ranges.find(prefix);
          found != here.ranges.end() && number < found->second.count) {
        storage = found->second;
        storage.kind = LocalName::Kind::Register;
        storage.ref += number * rowBytes(storage);
        return &storage;
      }
    if (at == 0)
      return nullptr;
  }
}

uint32_t FunctionDecoder::labelNumber(const ptx::Operand &operand) {
  for (size_t at = scope;; at = scopes[at].parent) {
    if (auto found = scopes[at].labels.find(operand.name);
        found != scopes[at].labels.end())
      return found->second;
    if (at == 0)
      throw SyntaxError{operand.location,
                        "unknown label '" + std::string(operand.name) + "'"};
  }
}

const ptx::TargetList *
FunctionDecoder::targetList(std::string_view name) const {
  auto found = targetLists.find(name);
  return found == targetLists.end() ? nullptr : found->second;
}

const ptx::CallPrototype *
FunctionDecoder::prototype(std::string_view name) const {
  auto found = prototypes.find(name);
  return found == prototypes.end() ? nullptr : found->second;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

void FunctionDecoder::declareRegister(const ptx::Variable &variable) {
  LocalName entry;
  entry.type = variable.type;
  entry.bytes = ptx::typeBytes(variable.type);
  entry.vector = variable.vector;
  entry.kind = variable.rangeCount ? LocalName::Kind::RegisterRange
                                   : LocalName::Kind::Register;
  entry.count = variable.rangeCount;
  if (variable.isArray || (variable.rangeCount && variable.vector > 1))
    throw SyntaxError{variable.location, "unsupported register declaration"};
  if (variable.rangeCount > maxRegisters)
    throw SyntaxError{variable.location, "too many registers"};
  uint32_t rows = std::max(variable.rangeCount, 1u) * variable.vector;
  if (entry.type == Type::Pred) {
    entry.ref = info.predicates;
    info.predicates += rows;
  } else if (entry.bytes > 4) {
    // A 128-bit register is two rows.
    entry.ref = info.bytes64;
    info.bytes64 += rows * (entry.bytes / 8) * row64Bytes;
    if (entry.bytes == 16 && variable.vector > 1)
      throw SyntaxError{variable.location, "unsupported register declaration"};
  } else {
    entry.ref = info.bytes32;
    info.bytes32 += rows * row32Bytes;
  }
  add(variable.name, entry, variable.location);
}

void FunctionDecoder::declare(const ptx::Variable &variable) {
  if (variable.space == Space::Reg)
    return declareRegister(variable);
  LocalName entry;
  entry.type = variable.type;
  entry.size = variable.bytes();
  switch (variable.space) {
  case Space::Local:
  case Space::Param:
    entry.kind = LocalName::Kind::Local;
    if (variable.isUnsized)
      throw SyntaxError{variable.location, "unsized local variable"};
    entry.offset = allocateLocal(variable.bytes(), variable.alignment(),
                                 variable.location);
    break;
  case Space::Shared:
    entry.kind = LocalName::Kind::Shared;
    // Placed ahead by the module, which has to know the size.
    entry.offset = shared.offsets.at(variable.name);
    break;
  default:
    // Global and constant variables of a body were placed with the module's.
    return;
  }
  add(variable.name, entry, variable.location);
}

/// A parameter or result in a register is copied from or to the local memory
/// that calls move.
void FunctionDecoder::declareRegisterParam(const ptx::Variable &variable,
                                           uint32_t offset, bool isResult) {
  uint32_t bytes = ptx::typeBytes(variable.type);
  if (variable.type == Type::Pred || bytes > 8)
    throw SyntaxError{variable.location,
                      "this type cannot be a parameter in a register"};
  declareRegister(variable);
  LocalName storage;
  MemorySpec spec;
  spec.elementBytes = bytes;
  spec.row64 = bytes > 4;
  spec.isSigned = ptx::isSigned(variable.type);
  Inst inst;
  inst.d = lookup(variable.name, storage)->ref;
  inst.imm = static_cast<int32_t>(offset);
  inst.flags = addressInFrame | static_cast<uint32_t>(Space::Local)
                                    << addressSpaceShift;
  inst.location = variable.location;
  inst.run = isResult ? selectStore(spec) : selectLoad(spec);
  (isResult ? epilogueCode : code).push_back(inst);
}

/// A function with `alloca` gives its memory back when it returns.
void FunctionDecoder::saveStack() {
  bool allocates =
      std::any_of(function.body.begin(), function.body.end(),
                  [](const ptx::Statement &statement) {
                    const auto *instruction =
                        std::get_if<ptx::Instruction>(&statement);
                    return instruction && instruction->opcode == "alloca";
                  });
  if (!allocates || info.isEntry)
    return;
  Inst save;
  save.run = runStackSave64;
  save.d = newRow64();
  save.location = function.location;
  code.push_back(save);
  Inst restore;
  restore.run = runStackRestore64;
  restore.a = save.d;
  restore.location = function.location;
  epilogueCode.push_back(restore);
}

void FunctionDecoder::declareParams() {
  uint32_t offset = 0;
  for (const ptx::Variable &param : function.params) {
    if (param.space == Space::Reg && info.isEntry)
      throw SyntaxError{param.location,
                        "a kernel has no parameters in registers"};
    LocalName entry;
    entry.type = param.type;
    entry.size = param.bytes();
    if (info.isEntry) {
      uint32_t align = param.alignment();
      offset = (offset + align - 1) & ~(align - 1);
      entry.kind = LocalName::Kind::Param;
      entry.offset = offset;
      offset += static_cast<uint32_t>(param.bytes());
      if (offset > maxParamBytes)
        throw SyntaxError{param.location, "kernel has too many parameters"};
    } else {
      entry.kind = LocalName::Kind::Local;
      entry.offset =
          allocateLocal(param.bytes(), param.alignment(), param.location);
      info.params.push_back(
          {entry.offset, static_cast<uint32_t>(param.bytes())});
      if (param.space == Space::Reg) {
        declareRegisterParam(param, entry.offset, false);
        continue;
      }
    }
    add(param.name, entry, param.location);
  }
  for (const ptx::Variable &value : function.returns) {
    LocalName entry;
    entry.kind = LocalName::Kind::Local;
    entry.type = value.type;
    entry.size = value.bytes();
    entry.offset =
        allocateLocal(value.bytes(), value.alignment(), value.location);
    info.returns.push_back(
        {entry.offset, static_cast<uint32_t>(value.bytes())});
    if (value.space == Space::Reg)
      declareRegisterParam(value, entry.offset, true);
    else
      add(value.name, entry, value.location);
  }
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

void FunctionDecoder::decode() {
  findLabels();
  findWgmma();
  if (module.config.findsUndefinedReads)
    undefinedReads = findUndefinedReads(function);
  declareParams();
  saveStack();
  for (const ptx::Statement &statement : function.body) {
    if (const auto *instruction = std::get_if<ptx::Instruction>(&statement)) {
      InstDecoder(*this, *instruction).decode();
    } else if (const auto *variable = std::get_if<ptx::Variable>(&statement)) {
      declare(*variable);
    } else if (std::holds_alternative<ptx::ScopeBegin>(statement)) {
      enterScope(std::get<ptx::ScopeBegin>(statement).location);
    } else if (std::holds_alternative<ptx::ScopeEnd>(statement)) {
      leaveScope(std::get<ptx::ScopeEnd>(statement).location);
    } else if (const auto *label = std::get_if<ptx::Label>(&statement)) {
      labels[scopes[scope].labels.at(label->name)] =
          static_cast<uint32_t>(code.size());
    }
  }
  code.insert(code.end(), epilogueCode.begin(), epilogueCode.end());
  dropOtherRows();
  if (program.symbols)
    keepSymbols();
  appendLaidOut(code, labels, program, info);
}

} // namespace tilewright::sim
