//===- RegisterUses.cpp - Which registers an instruction names ------------===//

#include "sim/exec/decode/Decoder.h"

#include <algorithm>

namespace tilewright::sim {

using ptx::Operand;
using Register = RegisterUse::Register;
using File = RegisterUse::File;
using Rule = RegisterUse::Rule;

static void addRegister(const InstDecoder &d, const Operand &operand,
                        std::vector<Register> &registers) {
  LocalName name;
  if (!d.isRegister(operand, name))
    return;
  File file = name.type == ptx::Type::Pred ? File::Predicate
              : name.bytes > 4             ? File::Row64
                                           : File::Row32;
  uint32_t step = file == File::Predicate ? 1
                  : file == File::Row64   ? row64Bytes
                                          : row32Bytes;
  // A register of 128 bits is two rows.
  uint32_t rows = name.vector * (name.bytes > 8 ? 2 : 1);
  for (uint32_t i = 0; i < rows; ++i)
    registers.push_back({file, operand.negated, name.ref + i * step});
}

/// Registers of an operand; those in brackets go to `addresses`.
static void addOperand(const InstDecoder &d, const Operand &operand,
                       std::vector<Register> &values,
                       std::vector<Register> &addresses) {
  if (operand.kind == Operand::Kind::Name) {
    Operand plain = operand;
    plain.offset = 0;
    plain.minus = false;
    return addRegister(d, plain, values);
  }
  bool isAddress = operand.kind == Operand::Kind::Address;
  std::vector<Register> &target = isAddress ? addresses : values;
  for (const Operand &element : operand.elements) {
    size_t before = target.size();
    addOperand(d, element, target, addresses);
    // The elements of an access keep their places.
    if (!isAddress && target.size() == before)
      target.emplace_back();
  }
}

template <size_t N>
static bool isOneOf(std::string_view op, const std::string_view (&names)[N]) {
  return std::find(std::begin(names), std::end(names), op) != std::end(names);
}

/// Opcodes without a result whose operands decide what others see or wait for.
static bool shows(std::string_view op) {
  static constexpr std::string_view names[] = {
      "red", "atom", "cp",    "bar",      "barrier",   "mbarrier",
      "mma", "wmma", "wgmma", "stmatrix", "tensormap", "brx"};
  return isOneOf(op, names);
}

static bool hasNoResult(const ptx::Instruction &ast) {
  static constexpr std::string_view names[] = {
      "st",   "red",  "bra", "brx",       "membar",   "fence",     "ret",
      "exit", "trap", "cp",  "nanosleep", "stmatrix", "tensormap", "prefetch"};
  return isOneOf(ast.opcode, names) || ast.operands.empty() ||
         ast.operands[0].kind == Operand::Kind::Address;
}

static bool hasModifier(const ptx::Instruction &ast, std::string_view text) {
  return std::any_of(
      ast.modifiers.begin(), ast.modifiers.end(),
      [=](const ptx::Modifier &modifier) { return modifier.text == text; });
}

static Rule ruleOf(const InstDecoder &d) {
  static constexpr std::string_view elsewhere[] = {
      "ld",    "ldu",  "ldmatrix", "shfl", "vote",     "match",
      "redux", "call", "elect",    "atom", "mbarrier", "activemask"};
  std::string_view op = d.ast.opcode;
  if (isOneOf(op, elsewhere))
    return Rule::Defined;
  if (op == "selp")
    return Rule::Select;
  if (hasModifier(d.ast, "pred") && op == "and")
    return Rule::And;
  if (hasModifier(d.ast, "pred") && op == "or")
    return Rule::Or;
  if (op == "setp" && d.ast.operands.size() == 4) {
    if (hasModifier(d.ast, "and"))
      return Rule::CompareAnd;
    if (hasModifier(d.ast, "or"))
      return Rule::CompareOr;
  }
  return Rule::Any;
}

/// The sources of a select or of logic by their places, registers or not.
static void addPlaces(const InstDecoder &d, RegisterUse &use) {
  for (size_t i = 1; i < d.ast.operands.size(); ++i) {
    std::vector<Register> values;
    addOperand(d, d.ast.operands[i], values, use.addresses);
    use.sources.push_back(values.empty() ? Register() : values.front());
  }
}

const RegisterUse *InstDecoder::findUse() {
  RegisterUse use;
  use.rule = ruleOf(*this);
  use.shows = shows(ast.opcode);
  if (guard != noGuard)
    use.guard = {File::Predicate, (guard & 1) != 0, guard >> 1};
  if (use.rule != Rule::Any && use.rule != Rule::Defined) {
    addOperand(*this, ast.operands[0], use.results, use.addresses);
    addPlaces(*this, use);
  } else {
    size_t first = hasNoResult(ast) ? 0 : 1;
    // A call's operands are its results, its callee and its parameters.
    if (ast.opcode == "call")
      first = ast.operands.size();
    for (size_t i = 0; i < ast.operands.size(); ++i)
      addOperand(*this, ast.operands[i], i < first ? use.results : use.sources,
                 use.addresses);
  }
  bool any = use.guard || !use.results.empty() || !use.sources.empty() ||
             !use.addresses.empty();
  return any ? keep(std::move(use)) : nullptr;
}

} // namespace tilewright::sim
