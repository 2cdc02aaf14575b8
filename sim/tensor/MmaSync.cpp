//===- MmaSync.cpp - mma.sync of one warp ---------------------------------===//

#include "sim/tensor/MmaSync.h"

#include "sim/tensor/BlockMultiply.h"
#include "sim/tensor/FloatEnvironment.h"
#include "sim/tensor/WgmmaKernels.h"

#include <cmath>
#include <cstring>

namespace tilewright::sim {

/// Lanes that share a row of a fragment.
static constexpr int laneGroup = 4;

/// 32-bit words of K; f64 counts elements instead.
static int wordsOf(const MmaSyncOp &op) {
  return op.aType == MatrixType::F64 ? op.k : op.k * bitsOf(op.aType) / 32;
}

int MmaSyncOp::aRegisters() const { return wordsOf(*this) / laneGroup * m / 8; }
int MmaSyncOp::bRegisters() const { return wordsOf(*this) / laneGroup; }
int MmaSyncOp::cRegisters() const {
  return (cType == AccumulatorType::F16 ? 1 : 2) * m / 8;
}
int MmaSyncOp::dRegisters() const {
  return (dType == AccumulatorType::F16 ? 1 : 2) * m / 8;
}

namespace {
/// A family of shapes: what the ISA has for one element type.
struct ShapeRule {
  MatrixType type;
  int m;
  int k[3];
  TensorArch since;
};
} // namespace

static constexpr ShapeRule shapeRules[] = {
    {MatrixType::F16, 16, {8, 16}, TensorArch::Ampere},
    {MatrixType::BF16, 16, {8, 16}, TensorArch::Ampere},
    {MatrixType::TF32, 16, {4, 8}, TensorArch::Ampere},
    {MatrixType::E4M3, 16, {16, 32}, TensorArch::Ada},
    {MatrixType::E5M2, 16, {16, 32}, TensorArch::Ada},
    {MatrixType::S8, 8, {16}, TensorArch::Ampere},
    {MatrixType::S8, 16, {16, 32}, TensorArch::Ampere},
    {MatrixType::U8, 8, {16}, TensorArch::Ampere},
    {MatrixType::U8, 16, {16, 32}, TensorArch::Ampere},
    {MatrixType::S4, 8, {32}, TensorArch::Ampere},
    {MatrixType::S4, 16, {32, 64}, TensorArch::Ampere},
    {MatrixType::U4, 8, {32}, TensorArch::Ampere},
    {MatrixType::U4, 16, {32, 64}, TensorArch::Ampere},
    {MatrixType::B1, 8, {128}, TensorArch::Ampere},
    {MatrixType::B1, 16, {128, 256}, TensorArch::Ampere},
    {MatrixType::F64, 8, {4}, TensorArch::Ampere},
    {MatrixType::F64, 16, {4, 8, 16}, TensorArch::Hopper},
};

static bool hasShape(const MmaSyncOp &op) {
  for (const ShapeRule &rule : shapeRules)
    for (int k : rule.k)
      if (rule.type == op.aType && rule.m == op.m && k != 0 && k == op.k &&
          op.arch >= rule.since)
        return op.n == 8;
  return false;
}

static const char *checkOperandTypes(const MmaSyncOp &op) {
  if (isFp8(op.aType))
    return isFp8(op.bType) ? nullptr : "mma multiplies fp8 by fp8 only";
  if (isInteger(op.aType))
    return isInteger(op.bType) && bitsOf(op.aType) == bitsOf(op.bType)
               ? nullptr
               : "mma needs integers of one width for a and b";
  return op.aType == op.bType ? nullptr : "mma needs the same type for a and b";
}

const char *checkMmaSync(const MmaSyncOp &op) {
  if (!hasShape(op))
    return "this mma shape does not exist or is not supported for its element "
           "type on this target";
  if (const char *error = checkOperandTypes(op))
    return error;
  if (op.cType != op.dType)
    return "mma needs the same type for c and d";
  AccumulatorType type = op.dType;
  if (isInteger(op.aType) != (type == AccumulatorType::S32))
    return "mma accumulates integers, and only them, in s32";
  if ((op.aType == MatrixType::F64) != (type == AccumulatorType::F64))
    return "mma accumulates f64, and only it, in f64";
  bool halfAllowed = op.aType == MatrixType::F16 || isFp8(op.aType);
  if (type == AccumulatorType::F16 && !halfAllowed)
    return "mma accumulates in f16 for f16 and fp8 only";
  if (op.saturate && (!isInteger(op.aType) || op.aType == MatrixType::B1))
    return "mma saturates 4- and 8-bit integer forms only";
  if (op.rounding != RoundingMode::NearestEven && op.aType != MatrixType::F64)
    return "mma has a rounding for f64 only";
  return nullptr;
}

/// Volatile operands keep the arithmetic behind the switch of the mode.
static double fusedMultiplyAdd(double a, double b, double c) {
  volatile double x = a, y = b, z = c;
  return std::fma(x, y, z);
}

/// Each element is a chain of fused multiply-adds in order of k.
static void runDouble(const MmaSyncOp &op, void *const *d, const void *const *a,
                      const void *const *b, const void *const *c) {
  auto element = [](const void *const *registers, int index, int lane) {
    return static_cast<const double *>(registers[index])[lane];
  };
  int rowGroups = op.m / 8;
  double result[4][warpLanes];
  HostRounding rounding(op.rounding);
  for (int index = 0; index < op.cRegisters(); ++index)
    for (int lane = 0; lane < warpLanes; ++lane) {
      int row = lane / laneGroup, half = index / 2;
      int column = lane % laneGroup * 2 + index % 2;
      double sum = element(c, index, lane);
      for (int k = 0; k < op.k; ++k) {
        int part = k / laneGroup, from = k % laneGroup;
        sum = fusedMultiplyAdd(
            element(a, part * rowGroups + half, row * laneGroup + from),
            element(b, part, column * laneGroup + from), sum);
      }
      result[index][lane] = sum;
    }
  for (int index = 0; index < op.dRegisters(); ++index)
    std::memcpy(d[index], result[index], sizeof(result[index]));
}

static BlockOp blockOpOf(const MmaSyncOp &op) {
  BlockOp result;
  result.spec = dotSpecOf(op.arch, /*wgmma=*/false, op.aType, op.bType,
                          op.dType, wordsOf(op));
  result.integer = isInteger(op.aType);
  if (result.integer)
    result.spec.stepWords = wordsOf(op);
  result.andBits = op.bitOperation == BitOperation::And;
  result.saturate = op.saturate;
  return result;
}

static const uint32_t *lanesOf(const void *const *registers, int index) {
  return static_cast<const uint32_t *>(registers[index]);
}

/// The words [firstWord, firstWord + stepWords) of both operands.
static void loadStep(const StepKernels &kernels, const MmaSyncOp &op,
                     int firstWord, int stepWords, const void *const *a,
                     const void *const *b, RowBlock &rows,
                     ColumnBlock &columns) {
  static const uint32_t zeros[warpLanes] = {};
  int rowGroups = op.m / 8;
  for (int word = 0; word < stepWords; word += laneGroup) {
    int part = (firstWord + word) / laneGroup;
    const uint32_t *high = rowGroups == 2 ? lanesOf(a, 2 * part + 1) : zeros;
    gatherRows(kernels, word / laneGroup, lanesOf(a, rowGroups * part), high,
               rows);
    for (int column = 0; column < blockColumns; ++column)
      std::memcpy(&columns.words[column * maxStepWords + word],
                  lanesOf(b, part) + column * laneGroup,
                  laneGroup * sizeof(uint32_t));
  }
}

void runMmaSyncWith(const StepKernels &kernels, const MmaSyncOp &op,
                    void *const *d, const void *const *a, const void *const *b,
                    const void *const *c) {
  DefaultFloatEnvironment environment;
  if (op.aType == MatrixType::F64)
    return runDouble(op, d, a, b, c);
  BlockOp block = blockOpOf(op);
  // The m8 shapes run as m16 with rows of zeros that go nowhere.
  uint32_t unused[2][warpLanes] = {};
  const uint32_t *sources[4] = {};
  uint32_t *targets[4] = {unused[0], unused[1], unused[0], unused[1]};
  for (int i = 0; i < 4; ++i)
    sources[i] = i < op.cRegisters() ? lanesOf(c, i) : unused[i % 2];
  for (int i = 0; i < op.dRegisters(); ++i)
    targets[i] = static_cast<uint32_t *>(d[i]);

  // Steps before the last must leave d alone: it may be a or b.
  uint32_t partial[4][warpLanes];
  uint32_t *const partials[4] = {partial[0], partial[1], partial[2],
                                 partial[3]};
  int stepWords = block.spec.stepWords;
  RowBlock rows;
  ColumnBlock columns;
  std::memset(columns.words, 0, sizeof(columns.words));
  for (int word = 0; word < wordsOf(op); word += stepWords) {
    loadStep(kernels, op, word, stepWords, a, b, rows, columns);
    decodeBlock(kernels, block, rows);
    decodeBlock(kernels, block, columns);
    bool first = word == 0, last = word + stepWords >= wordsOf(op);
    multiplyBlock(kernels, block, rows, columns, first ? sources : partials,
                  last ? targets : partials);
  }
}

void runMmaSync(const MmaSyncOp &op, void *const *d, const void *const *a,
                const void *const *b, const void *const *c) {
  runMmaSyncWith(bestKernels(), op, d, a, b, c);
}

} // namespace tilewright::sim
