//===- ParseConstant.cpp - Constant expressions ---------------------------===//
//
// ISA 4.5.4: C's operators and precedence. What stands before a constant says
// that one follows, so registers and symbols are no part of these.
//
//===----------------------------------------------------------------------===//

#include "sim/ptx/Parser.h"

namespace tilewright::sim::ptx {

namespace {
struct Operator {
  std::string_view text;
  BinaryOp op;
  int precedence;
};
} // namespace

/// Two characters before one: `<<` is no `<`.
static constexpr Operator operators[] = {
    {"<<", BinaryOp::ShiftLeft, 8},  {">>", BinaryOp::ShiftRight, 8},
    {"<=", BinaryOp::LessEqual, 7},  {">=", BinaryOp::GreaterEqual, 7},
    {"==", BinaryOp::Equal, 6},      {"!=", BinaryOp::NotEqual, 6},
    {"&&", BinaryOp::LogicalAnd, 2}, {"||", BinaryOp::LogicalOr, 1},
    {"*", BinaryOp::Multiply, 10},   {"/", BinaryOp::Divide, 10},
    {"%", BinaryOp::Remainder, 10},  {"+", BinaryOp::Add, 9},
    {"-", BinaryOp::Subtract, 9},    {"<", BinaryOp::Less, 7},
    {">", BinaryOp::Greater, 7},     {"&", BinaryOp::And, 5},
    {"^", BinaryOp::Xor, 4},         {"|", BinaryOp::Or, 3}};

static const Operator *operatorAt(std::string_view text) {
  for (const Operator &each : operators)
    if (text.starts_with(each.text))
      return &each;
  return nullptr;
}

bool Parser::atConstant() const {
  switch (current.kind) {
  case TokenKind::Integer:
  case TokenKind::Float32:
  case TokenKind::Float64:
    return true;
  case TokenKind::Word:
    return current.text == "WARP_SZ";
  default:
    return atPunct('-') || atPunct('+') || atPunct('~') || atPunct('!') ||
           atPunct('(');
  }
}

// constant = binary ("?" constant ":" constant)?
Constant Parser::parseConstant() {
  if (++depth > maxNesting)
    fail(current.location, "a constant is nested too deeply");
  Constant value = parseBinary(1);
  if (atPunct('?')) {
    Location location = take().location;
    Constant yes = parseConstant();
    expectPunct(':');
    Constant no = parseConstant();
    if (!value.isInteger() || yes.isInteger() != no.isInteger())
      fail(location, "'?:' needs an integer and two values of one kind");
    bool isUnsigned = yes.kind == Constant::Kind::Unsigned ||
                      no.kind == Constant::Kind::Unsigned;
    value = value.bits ? yes : no;
    if (value.isInteger() && isUnsigned)
      value.kind = Constant::Kind::Unsigned;
  }
  --depth;
  return value;
}

// binary = unary (operator unary)*, by precedence
Constant Parser::parseBinary(int leastPrecedence) {
  Constant value = parseUnary();
  for (;;) {
    const Operator *found = operatorAt(lexer.textAt(current.location));
    bool isOperator = current.kind == TokenKind::Punct ||
                      (current.kind == TokenKind::Word && current.text == "%");
    if (!found || !isOperator || found->precedence < leastPrecedence)
      return value;
    Location location = current.location;
    for (size_t i = 0; i < found->text.size(); ++i)
      take();
    Constant right = parseBinary(found->precedence + 1);
    if (const char *why = evaluate(found->op, value, right, value))
      fail(location, why);
  }
}

// unary = ("-" | "+" | "~" | "!") unary | "(" ".s64" ")" unary
//       | "(" constant ")" | int | float | "WARP_SZ"
Constant Parser::parseUnary() {
  if (++depth > maxNesting)
    fail(current.location, "a constant is nested too deeply");
  Token token = take();
  Constant value;
  bool isPunct = token.kind == TokenKind::Punct;
  if (isPunct && token.punct == '(') {
    if (atDot("s64") || atDot("u64")) {
      bool isSigned = take().text == "s64";
      expectPunct(')');
      value = parseUnary();
      if (!value.isInteger())
        fail(token.location, "only integers have casts");
      value.kind = isSigned ? Constant::Kind::Signed : Constant::Kind::Unsigned;
    } else {
      value = parseConstant();
      expectPunct(')');
    }
  } else if (isPunct && std::string_view("-+~!").find(token.punct) !=
                            std::string_view::npos) {
    if (const char *why = evaluate(token.punct, parseUnary(), value))
      fail(token.location, why);
  } else if (token.kind == TokenKind::Integer) {
    // What needs 64 bits is unsigned without a suffix.
    bool isUnsigned = token.bits >> 63 || token.text.ends_with('U') ||
                      token.text.ends_with('u');
    value = {isUnsigned ? Constant::Kind::Unsigned : Constant::Kind::Signed,
             token.bits};
  } else if (token.kind == TokenKind::Float64) {
    value = {Constant::Kind::Float64, token.bits};
  } else if (token.kind == TokenKind::Float32) {
    value = {Constant::Kind::Float32, token.bits};
  } else if (token.kind == TokenKind::Word && token.text == "WARP_SZ") {
    value.bits = warpSize;
  } else {
    fail(token.location, "expected a constant");
  }
  --depth;
  return value;
}

} // namespace tilewright::sim::ptx
