//===- Symbols.cpp - Keeps what the text calls things ---------------------===//
// For tools of debugging: declarations by scope, and the registers that each
// instruction names, with the type that it reads or writes them as.
//===----------------------------------------------------------------------===//

#include "sim/exec/Memory.h"
#include "sim/exec/decode/Decoder.h"

#include <algorithm>

namespace tilewright::sim {

using ptx::Operand;
using ptx::Type;
using Role = NamedRegister::Role;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

static bool hasModifier(const ptx::Instruction &ast, std::string_view text) {
  return std::any_of(
      ast.modifiers.begin(), ast.modifiers.end(),
      [=](const ptx::Modifier &modifier) { return modifier.text == text; });
}

static std::vector<Type> typesOf(const ptx::Instruction &ast) {
  std::vector<Type> types;
  for (const ptx::Modifier &modifier : ast.modifiers)
    if (std::optional<Type> type = ptx::typeFromName(modifier.text))
      types.push_back(*type);
  return types;
}

/// The same of wmma: products name two types where the factors are f16, and the
/// stride of a matrix in memory is a number.
static Type wmmaType(const ptx::Instruction &ast, size_t index,
                     const std::vector<Type> &types) {
  if (hasModifier(ast, "load") || hasModifier(ast, "store"))
    return index == (hasModifier(ast, "store") ? 1 : 0) ? types[0] : Type::None;
  if (types.size() == 2)
    return index == 0 ? types[0] : index == 3 ? types[1] : Type::F16;
  return types[std::min(index, types.size() - 1)];
}

/// The instruction's own type for its operand number `index`.
static Type namedType(const ptx::Instruction &ast, size_t index) {
  std::vector<Type> types = typesOf(ast);
  // A copy's type is that of what it moves, its operands are addresses and
  // sizes.
  if (types.empty() || ast.opcode == "cp")
    return Type::None;
  if (ast.opcode == "wmma")
    return wmmaType(ast, index, types);
  auto at = [&](size_t i) { return types[std::min(i, types.size() - 1)]; };
  std::string_view op = ast.opcode;
  if (op == "cvt" || op == "set" || op == "mma" || op == "wgmma")
    return op == "set" ? at(std::min<size_t>(index, 1)) : at(index);
  if (op == "slct")
    return at(index == 3);
  if ((op == "mul" || op == "mad") && hasModifier(ast, "wide"))
    return index == 0 || index == 3 ? ptx::widened(types[0]) : types[0];
  return types[0];
}

static bool isInteger(Type type) {
  return ptx::isSigned(type) || (ptx::isUnsignedOrBits(type));
}

/// Types as a whole register holds them: packed pairs, extended integers.
static Type inRegister(Type type, uint32_t bytes) {
  uint32_t own = ptx::typeBytes(type);
  if (type == Type::TF32)
    return Type::F32;
  if (own == bytes)
    return type;
  if (type == Type::F16 && bytes == 4)
    return Type::F16x2;
  if (type == Type::BF16 && bytes == 4)
    return Type::BF16x2;
  if (own == 0 || own > bytes || !isInteger(type) || ptx::isBits(type))
    return Type::None;
  bool isSigned = ptx::isSigned(type);
  if (bytes == 8)
    return isSigned ? Type::S64 : Type::U64;
  if (bytes == 4)
    return isSigned ? Type::S32 : Type::U32;
  return isSigned ? Type::S16 : Type::U16;
}

/// How the instruction sees a register: its own type where it says one.
static Type readAs(Type named, const LocalName &what) {
  if (what.type == Type::Pred)
    return Type::Pred;
  Type type = inRegister(named, what.bytes);
  return type == Type::None || ptx::isBits(type) ? what.type : type;
}

//===----------------------------------------------------------------------===//
// Roles
//===----------------------------------------------------------------------===//

/// Whether the first operand is what the instruction computes.
static bool hasResult(const ptx::Instruction &ast) {
  static constexpr std::string_view none[] = {
      "st",         "red",       "bra",      "brx",           "membar",
      "fence",      "ret",       "exit",     "trap",          "cp",
      "nanosleep",  "stmatrix",  "prefetch", "prefetchu",     "stackrestore",
      "setmaxnreg", "tensormap", "pmevent",  "griddepcontrol"};
  std::string_view op = ast.opcode;
  if (ast.operands.empty() || ast.operands[0].kind == Operand::Kind::Address)
    return false;
  if (op == "bar" || op == "barrier")
    return hasModifier(ast, "red");
  return std::find(std::begin(none), std::end(none), op) == std::end(none);
}

static Role roleOf(const ptx::Instruction &ast, size_t index) {
  if (ast.opcode == "call")
    return index == 0 && ast.operands.size() > 1 &&
                   ast.operands[0].kind == Operand::Kind::List
               ? Role::Result
               : Role::Source;
  if (index != 0 || !hasResult(ast))
    return Role::Source;
  return ast.opcode == "wgmma" ? Role::Both : Role::Result;
}

static void addRegisters(const InstDecoder &d, const Operand &operand,
                         Role role, Type named,
                         std::vector<NamedRegister> &registers) {
  if (operand.kind == Operand::Kind::Name) {
    Operand plain = operand;
    plain.offset = 0;
    plain.minus = false;
    LocalName what;
    if (!d.isRegister(plain, what))
      return;
    // A vector register is its elements.
    static constexpr std::string_view elements = "xyzw";
    uint32_t count = what.vector;
    what.vector = 1;
    for (uint32_t i = 0; i < count; ++i) {
      NamedRegister &each = registers.emplace_back();
      each.name = operand.name;
      each.member = count > 1 ? elements.substr(i, 1) : operand.member;
      each.role = role;
      each.what = what;
      each.what.ref += i * (what.bytes > 4 ? row64Bytes : row32Bytes);
      each.type = readAs(named, what);
    }
    return;
  }
  if (operand.kind == Operand::Kind::Address)
    role = Role::Address, named = Type::None;
  for (const Operand &element : operand.elements)
    addRegisters(d, element, role, named, registers);
}

/// Of the instructions that it became, the one that does what the text says:
/// others fetch what it needs before, and a call's results come after.
static Handler mainOf(const FunctionDecoder &fn, const ptx::Instruction &ast) {
  for (size_t i = fn.code.size(); i-- > 0;) {
    const Inst &inst = fn.code[i];
    if (inst.location != ast.location)
      return nullptr;
    if (ast.opcode != "call" || !(inst.flags & addressInFrame))
      return inst.run;
  }
  return nullptr;
}

void InstDecoder::keepSymbols() {
  InstructionSymbols kept;
  kept.begin = ast.location;
  kept.main = mainOf(fn, ast);
  if (!ast.guard.empty()) {
    std::string_view text = fn.program.source.text();
    kept.begin = static_cast<ptx::Location>(text.rfind('@', ast.guardLocation));
    Operand operand;
    operand.name = ast.guard;
    addRegisters(*this, operand, Role::Guard, Type::Pred, kept.registers);
  }
  for (size_t i = 0; i < ast.operands.size(); ++i)
    addRegisters(*this, ast.operands[i], roleOf(ast, i), namedType(ast, i),
                 kept.registers);
  fn.program.symbols->instructions.emplace(ast.location, std::move(kept));
}

void FunctionDecoder::keepSymbols() {
  symbolScopes.front().begin = function.location;
  program.symbols->functions.push_back({&info, std::move(symbolScopes)});
}

void keepVariables(const ModuleScope &scope) {
  for (const auto &[name, placed] : scope.variables) {
    const ptx::Variable &variable = *placed.declaration;
    scope.program.symbols->variables.push_back({name, variable.space,
                                                variable.type, placed.address,
                                                variable.bytes()});
  }
}

} // namespace tilewright::sim
