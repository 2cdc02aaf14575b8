//===- Perturb.cpp - Approximations that spend their whole error ----------===//

#include "sim/exec/ops/Perturb.h"

#include "sim/exec/Warp.h"

#include <bit>
#include <cmath>

namespace tilewright::sim {

using ptx::Type;

static bool isHalf(Type type) {
  return type == Type::F16 || type == Type::BF16 || type == Type::F16x2 ||
         type == Type::BF16x2;
}

bool canPerturb(FloatOp op, Type type, const FloatOptions &options) {
  switch (op) {
  case FloatOp::Ex2:
  case FloatOp::Tanh:
    return type == Type::F32 || isHalf(type);
  case FloatOp::Lg2:
  case FloatOp::Sin:
  case FloatOp::Cos:
  case FloatOp::RsqrtApprox:
    return type == Type::F32;
  case FloatOp::Rcp:
  case FloatOp::Sqrt:
    return type == Type::F32 && options.approx;
  case FloatOp::Div:
    return type == Type::F32 && (options.approx || options.full);
  default:
    return false;
  }
}

static double exactOf(FloatOp op, double x, double y) {
  switch (op) {
  case FloatOp::Ex2:
    return std::exp2(x);
  case FloatOp::Lg2:
    return std::log2(x);
  case FloatOp::Sin:
    return std::sin(x);
  case FloatOp::Cos:
    return std::cos(x);
  case FloatOp::Tanh:
    return std::tanh(x);
  case FloatOp::RsqrtApprox:
    return 1.0 / std::sqrt(x);
  case FloatOp::Rcp:
    return 1.0 / x;
  case FloatOp::Sqrt:
    return std::sqrt(x);
  default:
    return x / y;
  }
}

/// A unit in the last place of the f32 that is nearest to `value`.
static double ulpOf(double value) {
  constexpr int fractionBits = 23, leastExponent = -126;
  return std::ldexp(1.0,
                    std::max(std::ilogb(value), leastExponent) - fractionBits);
}

static double halfBound(FloatOp op, Type type, double exact) {
  bool brain = type == Type::BF16 || type == Type::BF16x2;
  // ISA 9.7.4.9 bounds the absolute error, 9.7.4.10 the relative one.
  if (op == FloatOp::Tanh)
    return std::exp2(brain ? -8.0 : -10.987);
  return std::fabs(exact) * std::exp2(brain ? -7.0 : -9.9);
}

/// The largest error that the ISA allows (9.7.3.8 to 9.7.3.22); 0 where it
/// promises nothing.
static double boundOf(FloatOp op, Type type, double x, double exact) {
  if (isHalf(type))
    return halfBound(op, type, exact);
  constexpr double pi = 3.14159265358979323846;
  double size = std::fabs(exact), argument = std::fabs(x);
  switch (op) {
  case FloatOp::Ex2:
  case FloatOp::Div:
    return 2 * ulpOf(exact);
  case FloatOp::Rcp:
    return ulpOf(exact);
  case FloatOp::Sqrt:
    return size * 0x1p-23;
  case FloatOp::RsqrtApprox:
    return size * std::exp2(-22.9);
  case FloatOp::Lg2:
    return x > 0.5 && x < 2.0 ? 0x1p-22 : size * 0x1p-22;
  case FloatOp::Sin:
  case FloatOp::Cos:
    return argument <= 2 * pi     ? std::exp2(-20.5)
           : argument <= 100 * pi ? std::exp2(-14.7)
                                  : 0.0;
  default:
    return size * 0x1p-11;
  }
}

/// splitmix64, so that neighbours get unrelated directions.
static uint64_t mix(uint64_t value) {
  value += 0x9e3779b97f4a7c15u;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
  return value ^ (value >> 31);
}

static FloatFormat formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return FloatFormat::F16;
  case Type::BF16:
  case Type::BF16x2:
    return FloatFormat::BF16;
  default:
    return FloatFormat::F32;
  }
}

/// The result's bits for one value. Zeros, infinities and NaNs, in or out, are
/// in the ISA's tables and stay.
static uint32_t perturbed(const PerturbSpec &spec, uint32_t a, uint32_t b,
                          uint32_t result) {
  FloatFormat format = formatOf(spec.type);
  double x = decodeFloat(format, a), y = decodeFloat(format, b);
  double before = decodeFloat(format, result);
  if (x == 0 || !std::isfinite(x) || before == 0 || !std::isfinite(before))
    return result;
  double exact = exactOf(spec.op, x, y);
  double bound = boundOf(spec.op, spec.type, x, exact);
  bool up =
      mix(mix(mix(spec.seed ^ static_cast<uint64_t>(spec.op)) ^ a) ^ b) & 1;
  // Towards the exact value, so that rounding does not leave the bound.
  ConvertOptions options;
  options.rounding = up ? RoundingMode::Down : RoundingMode::Up;
  uint32_t bits =
      encodeFloat(format, up ? exact + bound : exact - bound, options);
  double after = decodeFloat(format, bits);
  if (bound == 0 || !std::isfinite(after))
    return result;
  bool subnormal = spec.type == Type::F32 && !(bits & 0x7f800000u);
  return spec.ftz && subnormal ? bits & 0x80000000u : bits;
}

static uint32_t perturbedWord(const PerturbSpec &spec, uint32_t a, uint32_t b,
                              uint32_t result) {
  if (spec.type != Type::F16x2 && spec.type != Type::BF16x2)
    return perturbed(spec, a, b, result);
  return perturbed(spec, a >> 16, b >> 16, result >> 16) << 16 |
         perturbed(spec, a & 0xffff, b & 0xffff, result & 0xffff);
}

Status runPerturb(const Inst &inst, Warp &warp) {
  const auto &spec = *static_cast<const PerturbSpec *>(inst.aux);
  const uint32_t *a = warp.row32<uint32_t>(inst.a);
  const uint32_t *b = inst.b == noRef ? nullptr : warp.row32<uint32_t>(inst.b);
  uint32_t *d = warp.row32<uint32_t>(inst.d);
  for (uint32_t lanes = warp.mask; lanes; lanes &= lanes - 1) {
    int lane = std::countr_zero(lanes);
    d[lane] = perturbedWord(spec, a[lane], b ? b[lane] : 0, d[lane]);
  }
  return Status::Next;
}

} // namespace tilewright::sim
