//===- MatrixMove.cpp - ldmatrix, stmatrix and movmatrix ------------------===//
//
// PTX ISA 9.7.14.5: a fragment of an 8x8 matrix of 16-bit elements gives lane l
// the elements (l / 4, 2 (l % 4)) and the one after it in its row.
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/MmaSync.h"

#include <cstring>

namespace tilewright::sim {

static constexpr int side = 8;

namespace {
struct Matrix {
  uint16_t at[side][side];
};
} // namespace

static Matrix transposed(const Matrix &matrix) {
  Matrix result;
  for (int row = 0; row < side; ++row)
    for (int column = 0; column < side; ++column)
      result.at[column][row] = matrix.at[row][column];
  return result;
}

static void toFragment(const Matrix &matrix, uint32_t *lanes) {
  for (int lane = 0; lane < warpLanes; ++lane) {
    const uint16_t *pair = &matrix.at[lane / 4][lane % 4 * 2];
    lanes[lane] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
  }
}

static Matrix fromFragment(const uint32_t *lanes) {
  Matrix matrix;
  for (int lane = 0; lane < warpLanes; ++lane) {
    uint16_t *pair = &matrix.at[lane / 4][lane % 4 * 2];
    pair[0] = static_cast<uint16_t>(lanes[lane]);
    pair[1] = static_cast<uint16_t>(lanes[lane] >> 16);
  }
  return matrix;
}

void loadMatrix(int count, bool transpose, const uint8_t *const *rows,
                uint32_t *const *registers) {
  for (int i = 0; i < count; ++i) {
    Matrix matrix;
    for (int row = 0; row < side; ++row)
      std::memcpy(matrix.at[row], rows[side * i + row], sizeof(matrix.at[row]));
    toFragment(transpose ? transposed(matrix) : matrix, registers[i]);
  }
}

void storeMatrix(int count, bool transpose, uint8_t *const *rows,
                 const uint32_t *const *registers) {
  for (int i = 0; i < count; ++i) {
    Matrix matrix = fromFragment(registers[i]);
    if (transpose)
      matrix = transposed(matrix);
    for (int row = 0; row < side; ++row)
      std::memcpy(rows[side * i + row], matrix.at[row], sizeof(matrix.at[row]));
  }
}

void transposeMatrix(uint32_t *destination, const uint32_t *source) {
  toFragment(transposed(fromFragment(source)), destination);
}

} // namespace tilewright::sim
