//===- Constant.cpp - Values of constant expressions ----------------------===//

#include "sim/ptx/Constant.h"

namespace tilewright::sim::ptx {

using Kind = Constant::Kind;

static Constant truth(bool value) { return {Kind::Signed, value ? 1u : 0u}; }

/// -1, 0 or 1, and 2 when a NaN is among the operands.
static int compare(const Constant &a, const Constant &b) {
  if (!a.isInteger()) {
    double x = a.asDouble(), y = b.asDouble();
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
  }
  if (a.kind == Kind::Unsigned || b.kind == Kind::Unsigned)
    return a.bits < b.bits ? -1 : a.bits > b.bits;
  int64_t x = static_cast<int64_t>(a.bits), y = static_cast<int64_t>(b.bits);
  return x < y ? -1 : x > y;
}

static Constant comparison(BinaryOp op, const Constant &a, const Constant &b) {
  int order = compare(a, b);
  switch (op) {
  case BinaryOp::Less:
    return truth(order == -1);
  case BinaryOp::Greater:
    return truth(order == 1);
  case BinaryOp::LessEqual:
    return truth(order == -1 || order == 0);
  case BinaryOp::GreaterEqual:
    return truth(order == 1 || order == 0);
  case BinaryOp::Equal:
    return truth(order == 0);
  default:
    return truth(order != 0);
  }
}

static Constant floating(BinaryOp op, const Constant &a, const Constant &b) {
  double x = a.asDouble(), y = b.asDouble();
  double result = op == BinaryOp::Multiply ? x * y
                  : op == BinaryOp::Divide ? x / y
                  : op == BinaryOp::Add    ? x + y
                                           : x - y;
  return {Kind::Float64, std::bit_cast<uint64_t>(result)};
}

/// The quotient, of which INT64_MIN / -1 wraps.
static uint64_t quotient(const Constant &a, const Constant &b,
                         bool isUnsigned) {
  if (isUnsigned)
    return a.bits / b.bits;
  if (b.bits == ~uint64_t(0))
    return 0 - a.bits;
  return static_cast<uint64_t>(static_cast<int64_t>(a.bits) /
                               static_cast<int64_t>(b.bits));
}

static uint64_t shifted(BinaryOp op, const Constant &a, uint64_t amount) {
  bool negative = a.kind == Kind::Signed && a.bits >> 63;
  if (op == BinaryOp::ShiftLeft)
    return amount > 63 ? 0 : a.bits << amount;
  if (amount > 63)
    return negative ? ~uint64_t(0) : 0;
  return a.kind == Kind::Signed
             ? static_cast<uint64_t>(static_cast<int64_t>(a.bits) >> amount)
             : a.bits >> amount;
}

static Constant integer(BinaryOp op, const Constant &a, const Constant &b) {
  bool isUnsigned = a.kind == Kind::Unsigned || b.kind == Kind::Unsigned;
  Kind kind = isUnsigned ? Kind::Unsigned : Kind::Signed;
  switch (op) {
  case BinaryOp::Multiply:
    return {kind, a.bits * b.bits};
  case BinaryOp::Divide:
    return {kind, quotient(a, b, isUnsigned)};
  case BinaryOp::Remainder:
    return {Kind::Signed, a.bits % b.bits};
  case BinaryOp::Add:
    return {kind, a.bits + b.bits};
  case BinaryOp::Subtract:
    return {kind, a.bits - b.bits};
  case BinaryOp::ShiftLeft:
  case BinaryOp::ShiftRight:
    return {a.kind, shifted(op, a, b.bits)};
  case BinaryOp::And:
    return {kind, a.bits & b.bits};
  case BinaryOp::Xor:
    return {kind, a.bits ^ b.bits};
  case BinaryOp::Or:
    return {kind, a.bits | b.bits};
  case BinaryOp::LogicalAnd:
    return truth(a.bits && b.bits);
  default:
    return truth(a.bits || b.bits);
  }
}

const char *evaluate(BinaryOp op, const Constant &a, const Constant &b,
                     Constant &out) {
  if (a.kind == Kind::Float32 || b.kind == Kind::Float32)
    return "a 0f constant has no place in an expression";
  if (a.isInteger() != b.isInteger())
    return "an expression mixes integers and floats";
  if (op >= BinaryOp::Less && op <= BinaryOp::NotEqual) {
    out = comparison(op, a, b);
    return nullptr;
  }
  bool hasFloats = op == BinaryOp::Multiply || op == BinaryOp::Divide ||
                   op == BinaryOp::Add || op == BinaryOp::Subtract;
  if (!a.isInteger()) {
    if (!hasFloats)
      return "this operator needs integers";
    out = floating(op, a, b);
    return nullptr;
  }
  if ((op == BinaryOp::Divide || op == BinaryOp::Remainder) && b.bits == 0)
    return "division by zero in a constant";
  out = integer(op, a, b);
  return nullptr;
}

const char *evaluate(char op, const Constant &a, Constant &out) {
  out = a;
  if (op == '+')
    return nullptr;
  if (!a.isInteger()) {
    if (op != '-')
      return "this operator needs an integer";
    out.bits ^= uint64_t(1) << (a.kind == Kind::Float64 ? 63 : 31);
    return nullptr;
  }
  if (op == '-')
    out.bits = 0 - a.bits;
  else if (op == '~')
    out = {Kind::Unsigned, ~a.bits};
  else
    out = truth(a.bits == 0);
  return nullptr;
}

} // namespace tilewright::sim::ptx
