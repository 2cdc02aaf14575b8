//===- MmaSync.h - mma.sync and the matrix moves of one warp --------------===//
//
// The dense mma.sync forms of sm_80 to sm_90 (PTX ISA 9.7.14.5), ldmatrix,
// stmatrix and movmatrix, on registers held as 32 consecutive lanes.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_MMASYNC_H
#define TILEWRIGHT_SIM_TENSOR_MMASYNC_H

#include "sim/tensor/Convert.h"
#include "sim/tensor/MatrixType.h"

#include <cstdint>

namespace tilewright::sim {

/// How the products of single bits are formed.
enum class BitOperation : uint8_t { Xor, And };

struct MmaSyncOp {
  int m = 16;
  int n = 8;
  int k = 16;
  MatrixType aType = MatrixType::F16;
  MatrixType bType = MatrixType::F16;
  AccumulatorType cType = AccumulatorType::F32;
  AccumulatorType dType = AccumulatorType::F32;
  bool saturate = false; ///< .satfinite of the integer forms
  BitOperation bitOperation = BitOperation::Xor;
  RoundingMode rounding = RoundingMode::NearestEven; ///< of the f64 forms
  TensorArch arch = TensorArch::Hopper;

  /// Registers per thread: 32-bit ones, or 64-bit ones for f64.
  int aRegisters() const;
  int bRegisters() const;
  int cRegisters() const;
  int dRegisters() const;
};

/// Null if `op` is a form that the ISA has and that is implemented, else what
/// is wrong with it.
const char *checkMmaSync(const MmaSyncOp &op);

/// Runs a form that checkMmaSync accepts on the 32 lanes of a warp. Each
/// pointer names one register: 32 consecutive 32-bit words (64-bit for f64).
/// `d` may be the same registers as `c`.
void runMmaSync(const MmaSyncOp &op, void *const *d, const void *const *a,
                const void *const *b, const void *const *c);

/// mma.sync.m8n8k4 on .f16 (ISA 9.7.14.5.1): four products of 8x8x4, each by
/// eight lanes.
struct QuadMmaOp {
  bool aColumn = false, bColumn = false; ///< .col layouts
  AccumulatorType cType = AccumulatorType::F32;
  AccumulatorType dType = AccumulatorType::F32;
  TensorArch arch = TensorArch::Hopper;
};
inline constexpr int quadRegisters = 2; ///< of A, and of B
/// Registers of an accumulator.
constexpr int quadRegistersOf(AccumulatorType type) {
  return type == AccumulatorType::F16 ? 4 : 8;
}
void runQuadMma(const QuadMmaOp &op, uint32_t *const *d,
                const uint32_t *const *a, const uint32_t *const *b,
                const uint32_t *const *c);

/// ldmatrix .m8n8.x{count}.b16: `rows[8 * i + r]` points at the 16 bytes of row
/// r of matrix i (the address of lane 8 * i + r, bounds checked by the caller),
/// `registers[i]` at the 32 lanes of destination i.
void loadMatrix(int count, bool transpose, const uint8_t *const *rows,
                uint32_t *const *registers);

/// stmatrix, the inverse of loadMatrix.
void storeMatrix(int count, bool transpose, uint8_t *const *rows,
                 const uint32_t *const *registers);

/// movmatrix.sync.aligned.m8n8.trans.b16; the two may be the same register.
void transposeMatrix(uint32_t *destination, const uint32_t *source);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_MMASYNC_H
