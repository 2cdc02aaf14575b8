//===- ConvertLane.cpp - Every conversion, one lane at a time -------------===//
//
// The complete definition of `cvt` (ISA 9.7.9.21). ConvertOps.cpp has vector
// code for the conversions that matter; everything else comes here.
//
//===----------------------------------------------------------------------===//

#include "sim/exec/ops/Directed.h"
#include "sim/exec/ops/Select.h"
#include "sim/tensor/FloatEnvironment.h"

#include <bit>
#include <cmath>
#include <limits>

namespace tilewright::sim {

using ptx::Type;

static bool isInteger(Type type) {
  return !ptx::isFloat(type) && type != Type::Pred && type != Type::None;
}

static FloatFormat formatOf(Type type) {
  switch (type) {
  case Type::F16:
  case Type::F16x2:
    return FloatFormat::F16;
  case Type::BF16:
  case Type::BF16x2:
    return FloatFormat::BF16;
  case Type::TF32:
    return FloatFormat::TF32;
  case Type::E4M3x2:
    return FloatFormat::E4M3;
  case Type::E5M2x2:
    return FloatFormat::E5M2;
  default:
    return FloatFormat::F32;
  }
}

static bool isPacked8(Type type) {
  return type == Type::E4M3x2 || type == Type::E5M2x2;
}
static bool isPacked16(Type type) {
  return type == Type::F16x2 || type == Type::BF16x2;
}

const char *checkConvert(const ConvertSpec &spec) {
  Type to = spec.to, from = spec.from;
  if (to == Type::None || from == Type::None || to == Type::Pred ||
      from == Type::Pred || ptx::isBits(to) || ptx::isBits(from) ||
      to == Type::U16x2 || to == Type::S16x2 || from == Type::U16x2 ||
      from == Type::S16x2 || to == Type::E4M3 || to == Type::E5M2 ||
      from == Type::E4M3 || from == Type::E5M2 || from == Type::TF32)
    return "this pair of types has no conversion";
  if (isPacked8(to))
    return from == Type::F32 || isPacked16(from)
               ? nullptr
               : "fp8 pairs are converted from .f32 or packed halves only";
  if (isPacked8(from))
    return to == Type::F16x2 ? nullptr
                             : "fp8 pairs are converted to .f16x2 only";
  if (isPacked16(to) || to == Type::TF32)
    return from == Type::F32 ? nullptr : "the source has to be .f32";
  if (isPacked16(from))
    return "packed halves are converted to fp8 pairs only";
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Reading a source
//===----------------------------------------------------------------------===//

static uint64_t truncated(Type type, uint64_t bits) {
  uint32_t width = 8 * ptx::typeBytes(type);
  return width == 64 ? bits : bits & ((uint64_t(1) << width) - 1);
}

static __int128 readInteger(Type type, uint64_t bits) {
  uint32_t unused = 64 - 8 * ptx::typeBytes(type);
  if (ptx::isSigned(type))
    return static_cast<int64_t>(bits << unused) >> unused;
  return (bits << unused) >> unused;
}

static double flushDouble(double value) {
  return std::fabs(value) < 0x1p-126 ? std::copysign(0.0, value) : value;
}

static double readFloat(const ConvertSpec &spec, uint64_t bits) {
  if (spec.from == Type::F64)
    return std::bit_cast<double>(bits);
  double value = decodeFloat(formatOf(spec.from), static_cast<uint32_t>(bits));
  return spec.ftz && spec.from == Type::F32 ? flushDouble(value) : value;
}

//===----------------------------------------------------------------------===//
// Integer results
//===----------------------------------------------------------------------===//

static double roundToIntegral(double value, RoundingMode mode) {
  switch (mode) {
  case RoundingMode::Zero:
    return std::trunc(value);
  case RoundingMode::Down:
    return std::floor(value);
  case RoundingMode::Up:
    return std::ceil(value);
  default:
    return std::nearbyint(value);
  }
}

static __int128 lowest(Type type) {
  return ptx::isSigned(type)
             ? -(static_cast<__int128>(1) << (8 * ptx::typeBytes(type) - 1))
             : 0;
}
static __int128 highest(Type type) {
  uint32_t bits = 8 * ptx::typeBytes(type) - (ptx::isSigned(type) ? 1 : 0);
  return (static_cast<__int128>(1) << bits) - 1;
}

static __int128 clampTo(Type type, __int128 value) {
  return value < lowest(type)    ? lowest(type)
         : value > highest(type) ? highest(type)
                                 : value;
}

/// Out of range clamps. NaN is zero, but for 64-bit results and f64 sources,
/// where it is the value with only the sign bit set.
static __int128 floatToInteger(const ConvertSpec &spec, double value) {
  if (std::isnan(value)) {
    bool wide = ptx::typeBytes(spec.to) == 8 || spec.from == Type::F64;
    if (!wide)
      return 0;
    uint32_t bits = 8 * ptx::typeBytes(spec.to);
    return static_cast<__int128>(1) << (bits - 1);
  }
  double whole = roundToIntegral(value, spec.rounding);
  if (whole >= 0x1p64)
    return highest(spec.to);
  if (whole <= -0x1p64)
    return lowest(spec.to);
  return clampTo(spec.to, static_cast<__int128>(whole));
}

/// Extends the result over its register: with the sign if it has one.
static uint64_t writeInteger(Type type, __int128 value) {
  uint64_t bits = truncated(type, static_cast<uint64_t>(value));
  return static_cast<uint64_t>(readInteger(type, bits));
}

//===----------------------------------------------------------------------===//
// Floating-point results
//===----------------------------------------------------------------------===//

static uint64_t writeFloat(const ConvertSpec &spec, Type type, double value) {
  if (spec.toInteger)
    value = roundToIntegral(value, spec.rounding);
  if (spec.sat)
    value = value > 0 ? (value < 1 ? value : 1.0) : 0.0;
  if (type == Type::F64)
    return std::isnan(value) ? uint64_t(0xfff8) << 48
                             : std::bit_cast<uint64_t>(value);
  ConvertOptions options;
  if (!spec.toInteger)
    options.rounding = spec.rounding;
  options.satfinite = spec.satfinite || isPacked8(type);
  options.relu = spec.relu;
  uint32_t bits = encodeFloat(formatOf(type), value, options);
  if (spec.ftz && type == Type::F32 && !(bits & 0x7f800000u))
    bits &= 0x80000000u;
  return bits;
}

/// Rounding an integer of more than 53 bits to odd keeps a second rounding
/// right.
static double integerToDouble(__int128 value) {
  bool negative = value < 0;
  unsigned __int128 magnitude =
      negative ? -static_cast<unsigned __int128>(value) : value;
  uint64_t low = static_cast<uint64_t>(magnitude);
  if (low >> 53) {
    int shift = 11 - std::countl_zero(low);
    uint64_t lost = low & ((uint64_t(1) << shift) - 1);
    low >>= shift;
    if (lost)
      low |= 1;
    double value = std::ldexp(static_cast<double>(low), shift);
    return negative ? -value : value;
  }
  double exact = static_cast<double>(low);
  return negative ? -exact : exact;
}

/// The host's conversion of 64 bits, in the instruction's direction.
static double roundedToDouble(const ConvertSpec &spec, __int128 value) {
  HostRounding rounding(spec.rounding);
  volatile double result;
  if (spec.from == Type::U64) {
    volatile uint64_t source = static_cast<uint64_t>(value);
    result = static_cast<double>(source);
  } else {
    volatile int64_t source = static_cast<int64_t>(value);
    result = static_cast<double>(source);
  }
  return result;
}

static uint64_t integerToFloat(const ConvertSpec &spec, __int128 value) {
  // Hosts make -0 of an unsigned 0 when they round down.
  bool exact = spec.to != Type::F64 || value == 0;
  return writeFloat(spec, spec.to,
                    exact ? integerToDouble(value)
                          : roundedToDouble(spec, value));
}

/// f64 to f32 with the result's own rounding; the rest goes through double
/// exactly.
uint64_t convertLane(const ConvertSpec &spec, uint64_t a, uint64_t b) {
  a = truncated(spec.from, a);
  b = truncated(spec.from, b);
  if (isInteger(spec.from)) {
    __int128 value = readInteger(spec.from, a);
    if (!isInteger(spec.to))
      return integerToFloat(spec, value);
    return writeInteger(spec.to, spec.sat ? clampTo(spec.to, value) : value);
  }
  if (isPacked8(spec.to)) {
    if (isPacked16(spec.from)) {
      b = a & 0xffff;
      a >>= 16;
    }
    return writeFloat(spec, spec.to, readFloat(spec, a)) << 8 |
           writeFloat(spec, spec.to, readFloat(spec, b));
  }
  if (isPacked8(spec.from))
    return writeFloat(spec, spec.to, readFloat(spec, a >> 8)) << 16 |
           writeFloat(spec, spec.to, readFloat(spec, a & 0xff));
  if (isPacked16(spec.to))
    return writeFloat(spec, spec.to, readFloat(spec, a)) << 16 |
           writeFloat(spec, spec.to, readFloat(spec, b));
  double value = readFloat(spec, a);
  if (isInteger(spec.to))
    return writeInteger(spec.to, floatToInteger(spec, value));
  return writeFloat(spec, spec.to, value);
}

} // namespace tilewright::sim
