//===- QuadMma.cpp - mma.sync.m8n8k4 on f16 -------------------------------===//
//
// The shape of sm_70, which later targets still take: lanes 4q to 4q + 3 and
// 4q + 16 to 4q + 19 compute product q. A sum has four products, added at once
// by the rule of the target's tensor cores (FusedDot.h).
//
//===----------------------------------------------------------------------===//

#include "sim/tensor/FusedDot.h"
#include "sim/tensor/MmaSync.h"

#include <cstring>

namespace tilewright::sim {

static constexpr int side = 8;  ///< rows of A, columns of B
static constexpr int depth = 4; ///< K

namespace {
/// The matrices of one product, rows of A and columns of B packed along K.
struct QuadMatrices {
  uint16_t a[side][depth];
  uint16_t b[side][depth];
  uint32_t c[side][side]; ///< f16 or f32 bits
};
} // namespace

static uint16_t halfOf(uint32_t word, int index) {
  return static_cast<uint16_t>(word >> (16 * index));
}

/// A (or, with its columns for rows, B): a lane holds four elements along K, or
/// along the other dimension.
static void gather(const uint32_t *const *registers, int lane, bool alongK,
                   uint16_t out[side][depth]) {
  int high = lane < 16 ? 0 : 4;
  for (int i = 0; i < depth; ++i) {
    uint16_t value = halfOf(registers[i / 2][lane], i % 2);
    if (alongK)
      out[lane % 4 + high][i] = value;
    else
      out[i + high][lane % 4] = value;
  }
}

/// Row and column of accumulator element `i` of a lane.
static void placeOf(AccumulatorType type, int lane, int i, int &row,
                    int &column) {
  int high = lane < 16 ? 0 : 4;
  if (type == AccumulatorType::F16) {
    row = lane % 4 + high;
    column = i;
    return;
  }
  row = (lane & 1) + (i & 2) + high;
  column = (i & 4) + (lane & 2) + (i & 1);
}

static uint32_t readElement(AccumulatorType type,
                            const uint32_t *const *registers, int lane, int i) {
  return type == AccumulatorType::F16 ? halfOf(registers[i / 2][lane], i % 2)
                                      : registers[i][lane];
}

static void writeElement(AccumulatorType type, uint32_t *const *registers,
                         int lane, int i, uint32_t bits) {
  if (type != AccumulatorType::F16) {
    registers[i][lane] = bits;
    return;
  }
  uint32_t &word = registers[i / 2][lane];
  int shift = 16 * (i % 2);
  word = (word & ~(0xffffu << shift)) | bits << shift;
}

static void gatherAll(const QuadMmaOp &op, const uint32_t *const *a,
                      const uint32_t *const *b, const uint32_t *const *c,
                      QuadMatrices (&quads)[4]) {
  for (int lane = 0; lane < warpLanes; ++lane) {
    QuadMatrices &quad = quads[lane % 16 / 4];
    gather(a, lane, !op.aColumn, quad.a);
    gather(b, lane, op.bColumn, quad.b);
    for (int i = 0; i < side; ++i) {
      int row, column;
      placeOf(op.cType, lane, i, row, column);
      quad.c[row][column] = readElement(op.cType, c, lane, i);
    }
  }
}

static uint32_t element(const QuadMmaOp &op, const DotSpec &spec,
                        const QuadMatrices &quad, int row, int column) {
  uint32_t a[depth / 2], b[depth / 2];
  std::memcpy(a, quad.a[row], sizeof(a));
  std::memcpy(b, quad.b[column], sizeof(b));
  uint32_t c = quad.c[row][column];
  if (op.cType == AccumulatorType::F16 && op.dType == AccumulatorType::F32)
    c = std::bit_cast<uint32_t>(f32FromF16(static_cast<uint16_t>(c)));
  return fusedDot(spec, a, b, c);
}

void runQuadMma(const QuadMmaOp &op, uint32_t *const *d,
                const uint32_t *const *a, const uint32_t *const *b,
                const uint32_t *const *c) {
  QuadMatrices quads[4];
  gatherAll(op, a, b, c, quads);
  DotSpec spec = dotSpecOf(op.arch, /*wgmma=*/false, MatrixType::F16,
                           MatrixType::F16, op.dType, depth / 2);
  for (int lane = 0; lane < warpLanes; ++lane)
    for (int i = 0; i < side; ++i) {
      int row, column;
      placeOf(op.dType, lane, i, row, column);
      writeElement(op.dType, d, lane, i,
                   element(op, spec, quads[lane % 16 / 4], row, column));
    }
}

} // namespace tilewright::sim
