//===- Wgmma.cpp - One wgmma.mma_async, to the bit ------------------------===//

#include "sim/tensor/Wgmma.h"

#include "sim/tensor/BlockMultiply.h"
#include "sim/tensor/FloatEnvironment.h"
#include "sim/tensor/WgmmaKernels.h"

#include <cstring>

namespace tilewright::sim {

static const char *checkTypes(const WgmmaOp &op) {
  switch (op.aType) {
  case MatrixType::F16:
    if (op.dType != AccumulatorType::F32 && op.dType != AccumulatorType::F16)
      return "wgmma on f16 accumulates in f32 or f16";
    break;
  case MatrixType::BF16:
  case MatrixType::TF32:
    if (op.dType != AccumulatorType::F32)
      return "wgmma on bf16 or tf32 accumulates in f32";
    break;
  case MatrixType::E4M3:
  case MatrixType::E5M2:
    if (!isFp8(op.bType))
      return "wgmma multiplies fp8 by fp8 only";
    if (op.dType != AccumulatorType::F32 && op.dType != AccumulatorType::F16)
      return "wgmma on fp8 accumulates in f32 or f16";
    return nullptr;
  case MatrixType::S8:
  case MatrixType::U8:
    if (op.bType != MatrixType::S8 && op.bType != MatrixType::U8)
      return "wgmma multiplies 8-bit integers by 8-bit integers only";
    if (op.dType != AccumulatorType::S32)
      return "wgmma on integers accumulates in s32";
    return nullptr;
  case MatrixType::B1:
    if (op.dType != AccumulatorType::S32)
      return "wgmma on integers accumulates in s32";
    break;
  default:
    return "wgmma has no such element type";
  }
  return op.aType == op.bType ? nullptr
                              : "wgmma needs the same type for a and b";
}

const char *checkWgmma(const WgmmaOp &op) {
  if (op.n < 8 || op.n > 256 || op.n % 8 != 0)
    return "wgmma needs n to be a multiple of 8 from 8 to 256";
  if (const char *error = checkTypes(op))
    return error;
  bool integer = isInteger(op.aType);
  if (integer && op.n > 32 && op.n % 16 != 0)
    return "wgmma on integers needs n above 32 to be a multiple of 16";
  bool sixteenBits = bitsOf(op.aType) == 16;
  if ((op.transposeA || op.transposeB) && !sixteenBits)
    return "wgmma transposes 16-bit elements only";
  if (op.transposeA && op.aInRegisters)
    return "wgmma transposes a from shared memory only";
  if (integer && (op.negateA || op.negateB))
    return "wgmma on integers cannot negate";
  if (op.saturate && (!integer || op.aType == MatrixType::B1))
    return "wgmma saturates 8-bit integer forms only";
  return nullptr;
}

/// The sign bits of every element of a word.
static uint32_t signsOf(MatrixType type) {
  switch (bitsOf(type)) {
  case 8:
    return 0x80808080u;
  case 16:
    return 0x80008000u;
  default:
    return 0x80000000u;
  }
}

static BlockOp blockOpOf(const WgmmaOp &op) {
  BlockOp result;
  result.spec = dotSpecOf(TensorArch::Hopper, /*wgmma=*/true, op.aType,
                          op.bType, op.dType, maxStepWords);
  result.spec.aSigns = op.negateA ? signsOf(op.aType) : 0;
  result.spec.bSigns = op.negateB ? signsOf(op.bType) : 0;
  result.integer = isInteger(op.aType);
  result.andBits = true; // the only operation that wgmma has on bits
  result.saturate = op.saturate;
  return result;
}

namespace {
/// An operand in shared memory, all in bounds: the addresses of its chunks, in
/// groups of 8 rows that mostly differ by a constant.
struct SharedOperand {
  uint32_t addresses[maxOperandChunks];
  const uint8_t *data = nullptr;
  /// Step between groups that repeat the addresses of the first, or 0 if every
  /// address is listed.
  uint32_t groupStep = 0;

  const uint8_t *chunk(int index) const { return data + addresses[index]; }
  /// Offsets of the 16 chunks of 8 rows of a K-major operand, from `base`.
  const uint32_t *group(int index, const uint8_t *&base) const {
    base = data + static_cast<uint32_t>(index) * groupStep;
    return addresses + (groupStep ? 0 : 16 * index);
  }
};
} // namespace

/// Swizzling looks at address bits 9:7, so groups of 8 rows that are a multiple
/// of this apart are alike.
static constexpr uint32_t swizzlePeriod = 1024;

/// False if a chunk leaves the window; `address` is then where.
static bool locate(uint64_t bits, int rows, bool mnMajor,
                   const SharedWindow &shared, SharedOperand &operand,
                   uint32_t &address) {
  MatrixDescriptor descriptor = MatrixDescriptor::decode(bits);
  bool alike = !mnMajor && descriptor.stride != 0 &&
               descriptor.stride % swizzlePeriod == 0;
  int listed = alike ? 8 : rows;
  chunkAddresses(descriptor, listed, mnMajor, operand.addresses);
  operand.data = shared.data;
  operand.groupStep = alike ? descriptor.stride : 0;
  uint32_t highest = 0;
  for (int i = 0; i < operandChunks(listed); ++i)
    highest = highest > operand.addresses[i] ? highest : operand.addresses[i];
  highest += operand.groupStep * static_cast<uint32_t>(rows / 8 - 1);
  address = highest;
  return shared.size >= chunkBytes && highest <= shared.size - chunkBytes;
}

/// A of warp `warp` from registers: the fragment of mma.sync's m16.
static void rowsFromRegisters(const StepKernels &kernels,
                              const WarpgroupRegisters &a, int warp,
                              RowBlock &rows) {
  for (int part = 0; part < 2; ++part)
    gatherRows(kernels, part, a.warp[warp] + a.offset[2 * part],
               a.warp[warp] + a.offset[2 * part + 1], rows);
}

static void rowsFromKMajor(const StepKernels &kernels,
                           const SharedOperand &operand, int firstRow,
                           RowBlock &rows) {
  const uint8_t *low, *high;
  const uint32_t *lowOffsets = operand.group(firstRow / 8, low);
  const uint32_t *highOffsets = operand.group(firstRow / 8 + 1, high);
  for (int part = 0; part < 2; ++part) {
    auto *out = rows.words + 4 * part;
    uint32_t *const words[4] = {out[0], out[1], out[2], out[3]};
    kernels.gatherChunks(low, lowOffsets + part, high, highOffsets + part,
                         words);
  }
}

/// M-major A: chunk (depth, i) holds 8 rows; two depths make a word.
static void rowsFromMMajor(const SharedOperand &operand, int firstRow,
                           RowBlock &rows) {
  constexpr int chunksPerDepth = WgmmaOp::m / 8;
  for (int w = 0; w < maxStepWords; ++w) {
    for (int half = 0; half < 2; ++half) {
      uint16_t low[8], high[8];
      int column = firstRow / 8 + half;
      std::memcpy(low, operand.chunk(2 * w * chunksPerDepth + column),
                  chunkBytes);
      std::memcpy(high, operand.chunk((2 * w + 1) * chunksPerDepth + column),
                  chunkBytes);
      for (int row = 0; row < 8; ++row)
        rows.words[w][8 * half + row] =
            low[row] | static_cast<uint32_t>(high[row]) << 16;
    }
  }
}

static void columnsFromKMajor(const StepKernels &kernels,
                              const SharedOperand &operand, int firstColumn,
                              ColumnBlock &columns) {
  const uint8_t *base;
  const uint32_t *offsets = operand.group(firstColumn / 8, base);
  kernels.joinChunks(base, offsets, columns.words);
}

/// N-major B: chunk (depth, i) holds 8 columns; two depths make a word.
static void columnsFromNMajor(const SharedOperand &operand, int n,
                              int firstColumn, ColumnBlock &columns) {
  for (int w = 0; w < maxStepWords; ++w) {
    uint16_t low[8], high[8];
    int chunk = 2 * w * (n / 8) + firstColumn / 8;
    std::memcpy(low, operand.chunk(chunk), chunkBytes);
    std::memcpy(high, operand.chunk(chunk + n / 8), chunkBytes);
    for (int j = 0; j < blockColumns; ++j)
      columns.words[j * maxStepWords + w] =
          low[j] | static_cast<uint32_t>(high[j]) << 16;
  }
}

/// The four registers (two of packed f16) of warp `warp` that hold the eight
/// columns from `firstColumn`.
static void accumulatorRegisters(const WarpgroupRegisters &d, int warp,
                                 int firstColumn, bool pairs,
                                 uint32_t *out[4]) {
  int count = pairs ? 2 : 4;
  int first = firstColumn / 8 * count;
  for (int i = 0; i < count; ++i)
    out[i] = d.warp[warp] + d.offset[first + i];
}

/// Where every operand of one operation is.
namespace {
struct Operation {
  const StepKernels &kernels;
  const WgmmaOp &op;
  const BlockOp &block;
  const WarpgroupRegisters &d;
  bool scaleD;
};
} // namespace

static void multiplyColumns(const Operation &operation, const RowBlock *rows,
                            const ColumnBlock &columns, int firstColumn) {
  bool pairs = operation.op.dType == AccumulatorType::F16;
  for (int warp = 0; warp < warpgroupWarps; ++warp) {
    uint32_t *registers[4];
    accumulatorRegisters(operation.d, warp, firstColumn, pairs, registers);
    multiplyBlock(operation.kernels, operation.block, rows[warp], columns,
                  operation.scaleD ? registers : nullptr, registers);
  }
}

WgmmaResult runWgmmaWith(const StepKernels &kernels, const WgmmaOp &op,
                         const WarpgroupRegisters &d, bool scaleD,
                         const WarpgroupRegisters &a, uint64_t descriptorA,
                         uint64_t descriptorB, const SharedWindow &shared) {
  SharedOperand operandA, operandB;
  uint32_t address = 0;
  if (!op.aInRegisters && !locate(descriptorA, WgmmaOp::m, op.transposeA,
                                  shared, operandA, address))
    return {WgmmaFault::AOutOfBounds, address};
  if (!locate(descriptorB, op.n, op.transposeB, shared, operandB, address))
    return {WgmmaFault::BOutOfBounds, address};

  DefaultFloatEnvironment environment;
  BlockOp block = blockOpOf(op);
  RowBlock rows[warpgroupWarps];
  for (int warp = 0; warp < warpgroupWarps; ++warp) {
    if (op.aInRegisters)
      rowsFromRegisters(kernels, a, warp, rows[warp]);
    else if (op.transposeA)
      rowsFromMMajor(operandA, warp * blockRows, rows[warp]);
    else
      rowsFromKMajor(kernels, operandA, warp * blockRows, rows[warp]);
    decodeBlock(kernels, block, rows[warp]);
  }
  Operation operation = {kernels, op, block, d, scaleD};
  for (int column = 0; column < op.n; column += blockColumns) {
    ColumnBlock columns;
    if (op.transposeB)
      columnsFromNMajor(operandB, op.n, column, columns);
    else
      columnsFromKMajor(kernels, operandB, column, columns);
    decodeBlock(kernels, block, columns);
    multiplyColumns(operation, rows, columns, column);
  }
  return {};
}

WgmmaResult runWgmma(const WgmmaOp &op, const WarpgroupRegisters &d,
                     bool scaleD, const WarpgroupRegisters &a,
                     uint64_t descriptorA, uint64_t descriptorB,
                     const SharedWindow &shared) {
  return runWgmmaWith(bestKernels(), op, d, scaleD, a, descriptorA, descriptorB,
                      shared);
}

} // namespace tilewright::sim
