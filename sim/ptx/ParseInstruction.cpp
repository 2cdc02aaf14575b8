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

// offset = (("+" | "-") "-"? int)*
int64_t Parser::parseOffset() {
  int64_t total = 0;
  while (atPunct('+') || atPunct('-')) {
    bool negative = take().punct == '-';
    if (acceptPunct('-'))
      negative = !negative;
    uint64_t value = expectInteger("an offset");
    total += static_cast<int64_t>(negative ? 0 - value : value);
  }
  return total;
}

// primary = "!"? word .member? offset | signed | vector | address | list
Operand Parser::parsePrimary() {
  Operand operand;
  operand.location = current.location;
  bool negated = acceptPunct('!');
  if (negated && current.kind != TokenKind::Word)
    fail(current.location, "expected a predicate after '!'");
  switch (current.kind) {
  case TokenKind::Word:
    operand.negated = negated;
    operand.name = take().text;
    if (current.kind == TokenKind::DotWord)
      operand.member = take().text;
    operand.offset = parseOffset();
    return operand;
  case TokenKind::Integer:
  case TokenKind::Float32:
  case TokenKind::Float64:
    return parseSigned();
  case TokenKind::Punct:
    if (current.punct == '-' || current.punct == '+' || current.punct == '~')
      return parseSigned();
    if (current.punct == '{')
      return parseVector();
    if (current.punct == '[')
      return parseAddress();
    if (current.punct == '(')
      return parseList();
    break;
  default:
    break;
  }
  fail(current.location, "expected an operand");
}

// signed = ("-" | "+" | "~")? (int | float) | "-" primary
Operand Parser::parseSigned() {
  Operand operand;
  operand.location = current.location;
  bool minus = false, invert = false;
  if (acceptPunct('-'))
    minus = true;
  else if (acceptPunct('~'))
    invert = true;
  else
    acceptPunct('+');
  if (minus && current.kind == TokenKind::Word) {
    // vmad's sources have signs.
    operand = parsePrimary();
    operand.minus = true;
    return operand;
  }
  Token token = take();
  switch (token.kind) {
  case TokenKind::Integer:
    operand.kind = Operand::Kind::Integer;
    operand.bits = minus ? 0 - token.bits : invert ? ~token.bits : token.bits;
    operand.minus = minus;
    return operand;
  case TokenKind::Float32:
    operand.kind = Operand::Kind::Float32;
    operand.bits = minus ? token.bits ^ 0x80000000u : token.bits;
    break;
  case TokenKind::Float64:
    operand.kind = Operand::Kind::Float64;
    operand.bits = minus ? token.bits ^ (uint64_t(1) << 63) : token.bits;
    break;
  default:
    fail(token.location, "expected a number");
  }
  if (invert)
    fail(operand.location, "'~' needs an integer");
  return operand;
}

// vector = "{" operand ("," operand)* "}"
Operand Parser::parseVector() {
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  vector.location = current.location;
  if (++depth > 64)
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
  if (++depth > 64)
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
  if (++depth > 64)
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
