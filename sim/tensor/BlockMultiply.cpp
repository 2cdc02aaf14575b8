//===- BlockMultiply.cpp - 16 x 8 blocks for wgmma and mma.sync -----------===//

#include "sim/tensor/BlockMultiply.h"

#include <bit>
#include <cstring>
#include <limits>

namespace tilewright::sim {

/// Elements `bits` wide of one word, as 32-bit integers.
static int32_t integerPart(MatrixType type, uint32_t word, int bit) {
  int bits = bitsOf(type);
  uint32_t top = word << (32 - bits - bit);
  bool isSigned = type == MatrixType::S8 || type == MatrixType::S4;
  return isSigned ? static_cast<int32_t>(top) >> (32 - bits)
                  : static_cast<int32_t>(top >> (32 - bits));
}

/// The 4- and 8-bit forms; the sum of one step fits 32 bits by far.
static void sumProducts(const BlockOp &op, const RowBlock &rows,
                        const uint32_t *column, int32_t *sums) {
  int bits = bitsOf(op.spec.aType);
  for (int w = 0; w < op.spec.stepWords; ++w) {
    for (int bit = 0; bit < 32; bit += bits) {
      int32_t factor = integerPart(op.spec.bType, column[w], bit);
      if (factor == 0)
        continue;
      for (int row = 0; row < blockRows; ++row)
        sums[row] +=
            integerPart(op.spec.aType, rows.words[w][row], bit) * factor;
    }
  }
}

static void sumBits(const BlockOp &op, const RowBlock &rows,
                    const uint32_t *column, int32_t *sums) {
  for (int w = 0; w < op.spec.stepWords; ++w)
    for (int row = 0; row < blockRows; ++row) {
      uint32_t a = rows.words[w][row];
      sums[row] += std::popcount(op.andBits ? a & column[w] : a ^ column[w]);
    }
}

static uint32_t addIntegers(uint32_t accumulator, int32_t sum, bool saturate) {
  int64_t total = int64_t{static_cast<int32_t>(accumulator)} + sum;
  if (saturate) {
    constexpr int64_t low = std::numeric_limits<int32_t>::min();
    constexpr int64_t high = std::numeric_limits<int32_t>::max();
    total = total < low ? low : total > high ? high : total;
  }
  return static_cast<uint32_t>(total);
}

static void multiplyIntegers(const BlockOp &op, const RowBlock &rows,
                             const ColumnBlock &columns,
                             AccumulatorBlock &accumulators) {
  for (int j = 0; j < blockColumns; ++j) {
    const uint32_t *column = &columns.words[j * maxStepWords];
    int32_t sums[blockRows] = {};
    if (op.spec.aType == MatrixType::B1)
      sumBits(op, rows, column, sums);
    else
      sumProducts(op, rows, column, sums);
    for (int row = 0; row < blockRows; ++row)
      accumulators.values[j][row] =
          addIntegers(accumulators.values[j][row], sums[row], op.saturate);
  }
}

/// f16 accumulators are rare; the scalar rule serves them.
static void multiplyHalfResults(const BlockOp &op, const RowBlock &rows,
                                const ColumnBlock &columns,
                                AccumulatorBlock &accumulators) {
  for (int row = 0; row < blockRows; ++row) {
    uint32_t words[maxStepWords];
    for (int w = 0; w < op.spec.stepWords; ++w)
      words[w] = rows.words[w][row];
    for (int j = 0; j < blockColumns; ++j)
      accumulators.values[j][row] =
          fusedDot(op.spec, words, &columns.words[j * maxStepWords],
                   accumulators.values[j][row]);
  }
}

/// The operations that the kernels do not know.
static bool worksOnWords(const BlockOp &op) {
  return op.integer || op.spec.result == DotResult::F16;
}

void decodeBlock(const StepKernels &kernels, const BlockOp &op,
                 RowBlock &rows) {
  if (!worksOnWords(op))
    kernels.decodeRows(op.spec, rows);
}

void decodeBlock(const StepKernels &kernels, const BlockOp &op,
                 ColumnBlock &columns) {
  if (!worksOnWords(op))
    kernels.decodeColumns(op.spec, columns);
}

/// Registers of one warp to accumulators and back; `pairs` of f16 in a lane, or
/// whole words.
static void gatherAccumulators(const StepKernels &kernels, bool pairs,
                               const uint32_t *const *registers,
                               AccumulatorBlock &accumulators) {
  auto &values = accumulators.values;
  if (!pairs) {
    uint32_t *const even[4] = {values[0], values[2], values[4], values[6]};
    uint32_t *const odd[4] = {values[1], values[3], values[5], values[7]};
    kernels.gather(registers[0], registers[2], even);
    kernels.gather(registers[1], registers[3], odd);
    return;
  }
  uint32_t *const packed[4] = {values[0], values[2], values[4], values[6]};
  kernels.gather(registers[0], registers[1], packed);
  for (int j = 0; j < blockColumns; j += 2)
    for (int row = 0; row < blockRows; ++row) {
      uint32_t pair = values[j][row];
      values[j][row] = pair & 0xffff;
      values[j + 1][row] = pair >> 16;
    }
}

static void scatterAccumulators(const StepKernels &kernels, bool pairs,
                                const AccumulatorBlock &accumulators,
                                uint32_t *const *registers) {
  const auto &values = accumulators.values;
  if (!pairs) {
    const uint32_t *const even[4] = {values[0], values[2], values[4],
                                     values[6]};
    const uint32_t *const odd[4] = {values[1], values[3], values[5], values[7]};
    kernels.scatter(even, registers[0], registers[2]);
    kernels.scatter(odd, registers[1], registers[3]);
    return;
  }
  uint32_t packed[4][blockRows];
  for (int q = 0; q < 4; ++q)
    for (int row = 0; row < blockRows; ++row)
      packed[q][row] = values[2 * q][row] | values[2 * q + 1][row] << 16;
  const uint32_t *const in[4] = {packed[0], packed[1], packed[2], packed[3]};
  kernels.scatter(in, registers[0], registers[1]);
}

void multiplyBlock(const StepKernels &kernels, const BlockOp &op,
                   const RowBlock &rows, const ColumnBlock &columns,
                   const uint32_t *const *from, uint32_t *const *to) {
  if (!worksOnWords(op))
    return kernels.multiply(op.spec, rows, columns, from, to);
  bool pairs = !op.integer;
  AccumulatorBlock accumulators;
  if (from)
    gatherAccumulators(kernels, pairs, from, accumulators);
  else
    std::memset(&accumulators, 0, sizeof(accumulators));
  if (op.integer)
    multiplyIntegers(op, rows, columns, accumulators);
  else
    multiplyHalfResults(op, rows, columns, accumulators);
  scatterAccumulators(kernels, pairs, accumulators, to);
}

void gatherRows(const StepKernels &kernels, int part, const uint32_t *low,
                const uint32_t *high, RowBlock &rows) {
  uint32_t *const out[4] = {rows.words[4 * part], rows.words[4 * part + 1],
                            rows.words[4 * part + 2], rows.words[4 * part + 3]};
  kernels.gather(low, high, out);
}

} // namespace tilewright::sim
