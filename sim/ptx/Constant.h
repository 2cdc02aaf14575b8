//===- Constant.h - Values of constant expressions --------------*- C++ -*-===//
//
// ISA 4.5.5 and 4.5.6: integers of 64 bits, signed or not, and doubles.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_PTX_CONSTANT_H
#define TILEWRIGHT_SIM_PTX_CONSTANT_H

#include <bit>
#include <cstdint>
#include <string_view>

namespace tilewright::sim::ptx {

struct Constant {
  enum class Kind : uint8_t { Signed, Unsigned, Float64, Float32 };
  Kind kind = Kind::Signed;
  uint64_t bits = 0;

  bool isInteger() const {
    return kind == Kind::Signed || kind == Kind::Unsigned;
  }
  double asDouble() const { return std::bit_cast<double>(bits); }
};

/// Binary operators, in the classes of their precedence.
enum class BinaryOp : uint8_t {
  Multiply,
  Divide,
  Remainder,
  Add,
  Subtract,
  ShiftLeft,
  ShiftRight,
  Less,
  Greater,
  LessEqual,
  GreaterEqual,
  Equal,
  NotEqual,
  And,
  Xor,
  Or,
  LogicalAnd,
  LogicalOr,
};

/// Null, or why the operands do not fit the operator; `out` is the value.
const char *evaluate(BinaryOp op, const Constant &a, const Constant &b,
                     Constant &out);
/// `-`, `+`, `~` or `!`.
const char *evaluate(char op, const Constant &a, Constant &out);

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_CONSTANT_H
