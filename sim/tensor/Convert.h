//===- Convert.h - Conversions between floating-point formats -------------===//
//
// The float-to-float half of PTX `cvt` (ISA 9.7.9.21) for every format up to
// f32. A value is decoded to double, which holds all of them exactly, and
// rounded once on encoding.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_CONVERT_H
#define TILEWRIGHT_SIM_TENSOR_CONVERT_H

#include <bit>
#include <cstdint>

namespace tilewright::sim {

/// A floating-point format; TF32 is held in 32 bits with the low 13 clear.
enum class FloatFormat : uint8_t { F32, TF32, F16, BF16, E4M3, E5M2 };

enum class RoundingMode : uint8_t {
  NearestEven, ///< .rn
  NearestAway, ///< .rna
  Zero,        ///< .rz
  Down,        ///< .rm
  Up           ///< .rp
};

struct ConvertOptions {
  RoundingMode rounding = RoundingMode::NearestEven;
  bool satfinite = false; ///< too large, infinity included: the largest finite
  bool relu = false;      ///< negative, -0 included: +0
};

/// The value of `bits`, exactly; a NaN gives a quiet NaN.
double decodeFloat(FloatFormat format, uint32_t bits);

/// `value` rounded to `format`. NaN gives the format's canonical NaN:
/// 0x7fffffff, 0x7fff, or 0x7f. E4M3 has no infinity: without satfinite
/// overflow gives NaN.
uint32_t encodeFloat(FloatFormat format, double value, ConvertOptions options);

// Inline forms of the conversions that inner loops use.

inline float f32FromBf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

/// .rn; NaN gives 0x7fff.
inline uint16_t bf16FromF32(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return 0x7fff;
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
}

/// Exact; a NaN keeps its payload.
inline float f32FromF16(uint16_t bits) {
  uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  // Scaling by 2^112 moves f16's exponent bias to f32's, subnormals included.
  float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  uint32_t result = std::bit_cast<uint32_t>(scaled);
  if ((bits & 0x7c00u) == 0x7c00u)
    result = magnitude | 0x7f800000u;
  return std::bit_cast<float>(result | sign);
}

/// .rn; NaN gives 0x7fff.
uint16_t f16FromF32(float value);

/// Exact tables of the 8-bit formats.
float f32FromE4m3(uint8_t bits);
float f32FromE5m2(uint8_t bits);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_CONVERT_H
