//===- Convert.cpp - Floating-point formats on the CPU --------------------===//

#include "runtime/weights/Convert.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace tilewright::runtime {

uint16_t bf16FromFloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return uint16_t(bits >> 16 | 0x40); // quiet, and not an infinity
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float floatFromBf16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

uint16_t f16FromFloat(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  float magnitude = std::fabs(value);
  if (std::isnan(value))
    return sign | 0x7e00;
  // Half of the last step above the largest finite f16, 65504, is 65520.
  if (magnitude >= 65520.0f)
    return sign | 0x7c00;
  // Below the smallest normal 2^-14 the step is 2^-24: adding 0.5, whose last
  // bit is 2^-24, rounds there.
  if (magnitude < 0x1p-14f)
    return sign |
           uint16_t(std::bit_cast<uint32_t>(magnitude + 0.5f) - 0x3f000000);
  uint32_t rest = std::bit_cast<uint32_t>(magnitude);
  rest += 0xfff + (rest >> 13 & 1);
  return sign | uint16_t((rest >> 13) - (112 << 10));
}

float floatFromF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 0x1f;
  uint32_t fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) {
    float magnitude = float(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

/// Rounds to odd: what is inexact gets an odd last bit, so that a further
/// rounding to a format at least two bits narrower is as if it were the first.
static float oddFloatFromDouble(double value) {
  float rounded = float(value);
  if (std::isnan(value) || double(rounded) == value)
    return rounded;
  uint32_t bits = std::bit_cast<uint32_t>(rounded);
  if (std::fabs(double(rounded)) > std::fabs(value))
    --bits;
  return std::bit_cast<float>(bits | 1);
}

namespace {
// One struct per format: how to read and to write one element.
template <typename T>
T loadRaw(const std::byte *at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}
template <typename T>
void storeRaw(std::byte *at, T value) {
  std::memcpy(at, &value, sizeof(T));
}

struct Bf16 {
  static constexpr size_t bytes = 2;
  static float load(const std::byte *at) {
    return floatFromBf16(loadRaw<uint16_t>(at));
  }
  static void store(std::byte *at, float value) {
    storeRaw(at, bf16FromFloat(value));
  }
  static void store(std::byte *at, double value) {
    store(at, oddFloatFromDouble(value));
  }
};
struct F16 {
  static constexpr size_t bytes = 2;
  static float load(const std::byte *at) {
    return floatFromF16(loadRaw<uint16_t>(at));
  }
  static void store(std::byte *at, float value) {
    storeRaw(at, f16FromFloat(value));
  }
  static void store(std::byte *at, double value) {
    store(at, oddFloatFromDouble(value));
  }
};
struct F32 {
  static constexpr size_t bytes = 4;
  static float load(const std::byte *at) { return loadRaw<float>(at); }
  static void store(std::byte *at, float value) { storeRaw(at, value); }
  static void store(std::byte *at, double value) { storeRaw(at, float(value)); }
};
struct F64 {
  static constexpr size_t bytes = 8;
  static double load(const std::byte *at) { return loadRaw<double>(at); }
};
} // namespace

template <typename From, typename To>
static void convertAs(const std::byte *source, std::byte *destination,
                      size_t count) {
  for (size_t i = 0; i < count; ++i)
    To::store(destination + i * To::bytes,
              From::load(source + i * From::bytes));
}

template <typename To>
static void convertTo(DType from, const std::byte *source,
                      std::byte *destination, size_t count) {
  switch (from) {
  case DType::BF16:
    return convertAs<Bf16, To>(source, destination, count);
  case DType::F16:
    return convertAs<F16, To>(source, destination, count);
  case DType::F32:
    return convertAs<F32, To>(source, destination, count);
  default:
    return convertAs<F64, To>(source, destination, count);
  }
}

bool isComputable(DType dtype) {
  return dtype == DType::BF16 || dtype == DType::F16 || dtype == DType::F32;
}

void convert(DType from, const std::byte *source, DType to,
             std::byte *destination, size_t count) {
  if (from == to) {
    std::memcpy(destination, source, count * byteSize(to));
    return;
  }
  if (to == DType::BF16)
    return convertTo<Bf16>(from, source, destination, count);
  if (to == DType::F16)
    return convertTo<F16>(from, source, destination, count);
  return convertTo<F32>(from, source, destination, count);
}

template <typename Element, typename Scale>
static void scaleAs(const std::byte *source, const std::byte *scale,
                    std::byte *destination, size_t rows, size_t columns) {
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < columns; ++i) {
      size_t at = (row * columns + i) * Element::bytes;
      // At most 48 bits: exact in f64.
      double product = double(Element::load(source + at)) *
                       double(Scale::load(scale + i * Scale::bytes));
      Element::store(destination + at, product);
    }
}

template <typename Element>
static void scaleBy(DType scaleDtype, const std::byte *source,
                    const std::byte *scale, std::byte *destination, size_t rows,
                    size_t columns) {
  if (scaleDtype == DType::BF16)
    return scaleAs<Element, Bf16>(source, scale, destination, rows, columns);
  if (scaleDtype == DType::F16)
    return scaleAs<Element, F16>(source, scale, destination, rows, columns);
  return scaleAs<Element, F32>(source, scale, destination, rows, columns);
}

void scaleColumns(DType dtype, const std::byte *source, DType scaleDtype,
                  const std::byte *scale, std::byte *destination, size_t rows,
                  size_t columns) {
  if (dtype == DType::BF16)
    return scaleBy<Bf16>(scaleDtype, source, scale, destination, rows, columns);
  if (dtype == DType::F16)
    return scaleBy<F16>(scaleDtype, source, scale, destination, rows, columns);
  return scaleBy<F32>(scaleDtype, source, scale, destination, rows, columns);
}

} // namespace tilewright::runtime
