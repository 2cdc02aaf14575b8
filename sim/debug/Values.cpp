//===- Values.cpp - What registers and memory hold, as text ---------------===//

#include "sim/debug/Values.h"

#include "sim/tensor/Convert.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

namespace tilewright::sim::debug {

using ptx::Type;

/// Different values that are worth naming their lanes, and values of a list.
static constexpr size_t groupLimit = 4, listLimit = 4;

std::string hexText(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

std::string tripleText(uint32_t x, uint32_t y, uint32_t z) {
  return "(" + std::to_string(x) + "," + std::to_string(y) + "," +
         std::to_string(z) + ")";
}

LaneValues readRegister(const Warp &warp, const LocalName &what, Type type,
                        uint32_t lanes) {
  LaneValues values{type, lanes, {}};
  for (uint32_t rest = lanes; rest; rest &= rest - 1) {
    int lane = std::countr_zero(rest);
    uint64_t bits;
    if (what.type == Type::Pred)
      bits = warp.predicates[what.ref] >> lane & 1;
    else if (what.bytes > 4)
      bits = warp.row64<uint64_t>(what.ref)[lane];
    else
      bits = warp.row32<uint32_t>(what.ref)[lane];
    if (what.type != Type::Pred && what.bytes < 4)
      bits &= (uint64_t(1) << what.bytes * 8) - 1;
    values.bits.push_back(bits);
  }
  return values;
}

//===----------------------------------------------------------------------===//
// One value
//===----------------------------------------------------------------------===//

/// The shortest decimal that reads back as the same number of its format.
template <typename T>
static std::string decimal(T value) {
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

template <typename T>
static std::string floatText(T value, uint64_t bits) {
  return std::isnan(value) ? "nan(" + hexText(bits) + ")" : decimal(value);
}

static std::string smallFloat(FloatFormat format, uint64_t bits) {
  double value = decodeFloat(format, static_cast<uint32_t>(bits));
  return floatText(static_cast<float>(value), bits);
}

/// Lowest part first, as the ISA numbers them.
static std::string parts(Type element, uint32_t bytes, uint64_t bits) {
  std::string text = "(";
  uint64_t mask = (uint64_t(1) << bytes * 8) - 1;
  for (uint32_t i = 0; i < 2; ++i)
    text +=
        (i ? ", " : "") + renderValue(element, bits >> i * bytes * 8 & mask);
  return text + ")";
}

/// Sign extended from its own width.
static int64_t signedValue(Type type, uint64_t bits) {
  uint32_t unused = 64 - ptx::typeBytes(type) * 8;
  return static_cast<int64_t>(bits << unused) >> unused;
}

std::string renderValue(Type type, uint64_t bits) {
  switch (type) {
  case Type::F32:
  case Type::TF32:
    return floatText(std::bit_cast<float>(static_cast<uint32_t>(bits)), bits);
  case Type::F64:
    return floatText(std::bit_cast<double>(bits), bits);
  case Type::F16:
    return smallFloat(FloatFormat::F16, bits);
  case Type::BF16:
    return smallFloat(FloatFormat::BF16, bits);
  case Type::E4M3:
    return smallFloat(FloatFormat::E4M3, bits);
  case Type::E5M2:
    return smallFloat(FloatFormat::E5M2, bits);
  case Type::F16x2:
    return parts(Type::F16, 2, bits);
  case Type::BF16x2:
    return parts(Type::BF16, 2, bits);
  case Type::U16x2:
    return parts(Type::U16, 2, bits);
  case Type::S16x2:
    return parts(Type::S16, 2, bits);
  case Type::E4M3x2:
    return parts(Type::E4M3, 1, bits);
  case Type::E5M2x2:
    return parts(Type::E5M2, 1, bits);
  case Type::Pred:
    return bits ? "true" : "false";
  case Type::S8:
  case Type::S16:
  case Type::S32:
  case Type::S64:
    return std::to_string(signedValue(type, bits));
  case Type::U8:
  case Type::U16:
  case Type::U32:
  case Type::U64:
    return std::to_string(bits);
  default:
    return hexText(bits);
  }
}

//===----------------------------------------------------------------------===//
// All lanes
//===----------------------------------------------------------------------===//

/// Calls `visit(index, lane)`.
template <typename Visit>
static void eachLane(uint32_t lanes, const Visit &visit) {
  for (size_t i = 0; lanes; lanes &= lanes - 1, ++i)
    visit(i, std::countr_zero(lanes));
}

/// The same step from lane to lane, modulo the width of the type; three lanes
/// at least, or any two values would be a progression.
static std::optional<int64_t> strideOf(const LaneValues &values) {
  uint32_t bytes = ptx::typeBytes(values.type);
  if (values.bits.size() < 3 || bytes == 0)
    return std::nullopt;
  uint32_t unused = 64 - bytes * 8;
  int first = std::countr_zero(values.lanes);
  int second = std::countr_zero(values.lanes & (values.lanes - 1));
  auto difference = [&](uint64_t a, uint64_t b) {
    return static_cast<int64_t>((a - b) << unused) >> unused;
  };
  int64_t rise = difference(values.bits[1], values.bits[0]);
  if (rise == 0 || rise % (second - first))
    return std::nullopt;
  int64_t stride = rise / (second - first);
  bool holds = true;
  eachLane(values.lanes, [&](size_t i, int lane) {
    uint64_t expected =
        values.bits[0] +
        static_cast<uint64_t>(stride) * static_cast<uint64_t>(lane - first);
    holds &= difference(values.bits[i], expected) == 0;
  });
  return holds ? std::optional(stride) : std::nullopt;
}

static std::string signText(int64_t value) {
  return (value < 0 ? "" : "+") + std::to_string(value);
}

static double floatValue(Type type, uint64_t bits) {
  uint32_t low = static_cast<uint32_t>(bits);
  switch (type) {
  case Type::F64:
    return std::bit_cast<double>(bits);
  case Type::F16:
    return decodeFloat(FloatFormat::F16, low);
  case Type::BF16:
    return decodeFloat(FloatFormat::BF16, low);
  default:
    return std::bit_cast<float>(low);
  }
}

/// The same of floats, where the sums are exact.
static std::string floatProgression(const LaneValues &values) {
  if (values.bits.size() < 3)
    return {};
  auto at = [&](size_t i) { return floatValue(values.type, values.bits[i]); };
  int first = std::countr_zero(values.lanes);
  int second = std::countr_zero(values.lanes & (values.lanes - 1));
  double stride = (at(1) - at(0)) / (second - first);
  bool holds = std::isfinite(stride) && stride != 0;
  eachLane(values.lanes, [&](size_t i, int lane) {
    holds = holds && at(i) == at(0) + stride * (lane - first);
  });
  if (!holds)
    return {};
  return renderValue(values.type, values.bits[0]) + " " +
         (stride < 0 ? "" : "+") + decimal(stride);
}

static bool isScalarFloat(Type type) {
  return type == Type::F32 || type == Type::F64 || type == Type::F16 ||
         type == Type::BF16 || type == Type::TF32;
}

static std::string progression(const LaneValues &values) {
  if (isScalarFloat(values.type))
    return floatProgression(values);
  if (ptx::isFloat(values.type) || values.type == Type::U16x2 ||
      values.type == Type::S16x2)
    return {};
  if (std::optional<int64_t> stride = strideOf(values))
    return renderValue(values.type, values.bits[0]) + " " + signText(*stride);
  return {};
}

static std::string predicateText(const LaneValues &values) {
  uint32_t mask = 0;
  eachLane(values.lanes, [&](size_t i, int lane) {
    mask |= static_cast<uint32_t>(values.bits[i]) << lane;
  });
  if (mask == 0)
    return "false";
  return mask == values.lanes ? "true" : "lanes " + hexText(mask);
}

std::string renderValues(const LaneValues &values) {
  if (values.bits.empty())
    return "no lanes";
  if (values.type == Type::Pred)
    return predicateText(values);
  // By value, in the order in which lanes have them.
  std::map<uint64_t, uint32_t> lanesOf;
  std::vector<uint64_t> order;
  eachLane(values.lanes, [&](size_t i, int lane) {
    uint32_t &lanes = lanesOf[values.bits[i]];
    if (!lanes)
      order.push_back(values.bits[i]);
    lanes |= 1u << lane;
  });
  if (order.size() == 1)
    return renderValue(values.type, order[0]);
  if (std::string text = progression(values); !text.empty())
    return text;
  std::string text;
  if (order.size() <= groupLimit) {
    for (uint64_t value : order)
      text += (text.empty() ? "" : ", ") + renderValue(values.type, value) +
              " in lanes " + hexText(lanesOf[value]);
    return "{" + text + "}";
  }
  for (size_t i = 0; i < listLimit; ++i)
    text += renderValue(values.type, values.bits[i]) + ", ";
  return "{" + text + "... " + std::to_string(values.bits.size()) + " lanes, " +
         std::to_string(order.size()) + " different}";
}

} // namespace tilewright::sim::debug
