//===- MatrixType.h - Element types of the tensor cores -------------------===//
//
// Names of element and accumulator types shared by wgmma, mma.sync and the
// conversions, with the few facts about them that are data.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_MATRIXTYPE_H
#define TILEWRIGHT_SIM_TENSOR_MATRIXTYPE_H

#include <cstdint>

namespace tilewright::sim {

/// Element type of a multiplicand.
enum class MatrixType : uint8_t {
  F16,
  BF16,
  TF32,
  E4M3,
  E5M2,
  S8,
  U8,
  S4,
  U4,
  B1,
  F64
};

/// Element type of an accumulator.
enum class AccumulatorType : uint8_t { F32, F16, S32, F64 };

/// Generations that differ in arithmetic (accumulator width, splitting of k).
enum class TensorArch : uint8_t { Ampere, Ada, Hopper };

/// Bits of one element in memory or in a register.
constexpr int bitsOf(MatrixType type) {
  switch (type) {
  case MatrixType::F64:
    return 64;
  case MatrixType::TF32:
    return 32;
  case MatrixType::F16:
  case MatrixType::BF16:
    return 16;
  case MatrixType::E4M3:
  case MatrixType::E5M2:
  case MatrixType::S8:
  case MatrixType::U8:
    return 8;
  case MatrixType::S4:
  case MatrixType::U4:
    return 4;
  case MatrixType::B1:
    return 1;
  }
  return 0;
}

constexpr bool isInteger(MatrixType type) {
  return type == MatrixType::S8 || type == MatrixType::U8 ||
         type == MatrixType::S4 || type == MatrixType::U4 ||
         type == MatrixType::B1;
}

constexpr bool isFp8(MatrixType type) {
  return type == MatrixType::E4M3 || type == MatrixType::E5M2;
}

/// Lanes of a warp; every fragment map below counts in these.
inline constexpr int warpLanes = 32;
inline constexpr int warpgroupWarps = 4;

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_MATRIXTYPE_H
