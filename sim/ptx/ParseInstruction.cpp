//===- ParseInstruction.cpp - Instructions and their operands -------------===//

#include "sim/ptx/Parser.h"

namespace tilewright::sim::ptx {

// instruction = guard? word modifier* (operand ("," operand)*)?
Instruction Parser::parseInstruction() {
  Instruction instruction;
  instruction.location = current.location;
  if (atPunct('@'))
    parseGuard(instruction);
  Token opcode = expectWord("an instruction");
  instruction.location = opcode.location;
  instruction.opcode = opcode.text;
  inCall = opcode.text == "call";
  instruction.modifiers.reserve(4);
  while (current.kind == TokenKind::DotWord) {
    instruction.modifiers.push_back({current.text, current.location});
    take();
  }
  if (atPunct(';') || atPunct(':'))
    return instruction;
  instruction.operands.reserve(4);
  do
    instruction.operands.push_back(parseOperand());
  while (acceptPunct(','));
  return instruction;
}

// guard = "@" "!"? word
void Parser::parseGuard(Instruction &instruction) {
  take();
  instruction.guardNegated = acceptPunct('!');
  Token name = expectWord("a predicate");
  instruction.guard = name.text;
  instruction.guardLocation = name.location;
}

// operand = primary ("|" primary)?
Operand Parser::parseOperand() {
  Operand first = parsePrimary();
  if (!atPunct('|'))
    return first;
  take();
  Operand pair;
  pair.kind = Operand::Kind::Pair;
  pair.location = first.location;
  pair.elements.push_back(std::move(first));
  pair.elements.push_back(parsePrimary());
  return pair;
}

// offset = (("+" | "-") multiplicative)*
int64_t Parser::parseOffset() {
  constexpr int multiplicative = 10;
  int64_t total = 0;
  while (atPunct('+') || atPunct('-')) {
    bool negative = take().punct == '-';
    Location location = current.location;
    Constant value = parseBinary(multiplicative);
    if (!value.isInteger())
      fail(location, "expected an offset");
    total = static_cast<int64_t>(static_cast<uint64_t>(total) +
                                 (negative ? 0 - value.bits : value.bits));
  }
  return total;
}

/// Whether the text behind a sign is a name, so that the sign is no operator of
/// a constant.
static bool isNameAfter(std::string_view text) {
  text.remove_prefix(1);
  while (!text.empty() && (text[0] == ' ' || text[0] == '\t'))
    text.remove_prefix(1);
  if (text.empty() || text.starts_with("WARP_SZ"))
    return false;
  char c = text[0];
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' ||
         c == '_' || c == '$';
}

// primary = "!"? word .member? offset | signed | vector | address | list
Operand Parser::parsePrimary() {
  Operand operand;
  operand.location = current.location;
  if (atPunct('!') && isNameAfter(lexer.textAt(current.location))) {
    take();
    operand.negated = true;
  }
  bool isList = atPunct('(') && inCall;
  if (!operand.negated && !isList && atConstant())
    return parseSigned();
  switch (current.kind) {
  case TokenKind::Word:
    operand.name = take().text;
    if (current.kind == TokenKind::DotWord)
      operand.member = take().text;
    operand.offset = parseOffset();
    return operand;
  case TokenKind::Punct:
    if (current.punct == '{')
      return parseVector();
    if (current.punct == '[')
      return parseAddress();
    if (isList)
      return parseList();
    break;
  default:
    break;
  }
  fail(current.location, "expected an operand");
}

// signed = constant | "-" primary
Operand Parser::parseSigned() {
  Operand operand;
  operand.location = current.location;
  bool minus = atPunct('-');
  if (minus && isNameAfter(lexer.textAt(current.location))) {
    // vmad's sources have signs.
    take();
    operand = parsePrimary();
    operand.minus = true;
    return operand;
  }
  Constant value = parseConstant();
  operand.minus = minus;
  operand.bits = value.bits;
  operand.kind = value.kind == Constant::Kind::Float32 ? Operand::Kind::Float32
                 : value.kind == Constant::Kind::Float64
                     ? Operand::Kind::Float64
                     : Operand::Kind::Integer;
  return operand;
}

// vector = "{" operand ("," operand)* "}"
Operand Parser::parseVector() {
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  vector.location = current.location;
  if (++depth > maxNesting)
    fail(current.location, "operands are nested too deeply");
  take();
  if (!atPunct('}')) {
    do
      vector.elements.push_back(parseOperand());
    while (acceptPunct(','));
  }
  expectPunct('}');
  --depth;
  return vector;
}

// address = "[" operand ("," operand)* "]"
Operand Parser::parseAddress() {
  Operand address;
  address.kind = Operand::Kind::Address;
  address.location = current.location;
  if (++depth > maxNesting)
    fail(current.location, "operands are nested too deeply");
  take();
  do
    address.elements.push_back(parseOperand());
  while (acceptPunct(','));
  expectPunct(']');
  --depth;
  address.offset = address.elements.front().offset;
  return address;
}

// list = "(" (operand ("," operand)*)? ")"
Operand Parser::parseList() {
  Operand list;
  list.kind = Operand::Kind::List;
  list.location = current.location;
  if (++depth > maxNesting)
    fail(current.location, "operands are nested too deeply");
  take();
  if (!atPunct(')')) {
    do
      list.elements.push_back(parseOperand());
    while (acceptPunct(','));
  }
  expectPunct(')');
  --depth;
  return list;
}

} // namespace tilewright::sim::ptx
