//===- Directed.cpp - Arithmetic with a rounding direction ----------------===//

#include "sim/exec/ops/Directed.h"

#include "sim/tensor/FloatEnvironment.h"

#include <cmath>

namespace tilewright::sim {

template <typename T>
static T compute(FloatOp op, T a, T b, T c) {
  switch (op) {
  case FloatOp::Add:
    return a + b;
  case FloatOp::Sub:
    return a - b;
  case FloatOp::Mul:
    return a * b;
  case FloatOp::Div:
    return a / b;
  case FloatOp::Fma:
    return std::fma(a, b, c);
  case FloatOp::Rcp:
    return T(1) / a;
  case FloatOp::Sqrt:
    return std::sqrt(a);
  default:
    return a;
  }
}

// Volatile operands and result keep the arithmetic between the mode switches.
template <typename T>
static T rounded(FloatOp op, RoundingMode mode, T a, T b, T c) {
  HostRounding rounding(mode);
  volatile T x = a, y = b, z = c;
  volatile T result = compute<T>(op, x, y, z);
  return result;
}

float directed(FloatOp op, RoundingMode mode, float a, float b, float c) {
  return rounded(op, mode, a, b, c);
}
double directed(FloatOp op, RoundingMode mode, double a, double b, double c) {
  return rounded(op, mode, a, b, c);
}

} // namespace tilewright::sim
