//===- MmaSyncTest.cpp - mma.sync and matrix moves against the manual -----===//

#include "sim/tensor/MmaSync.h"
#include "sim/tensor/WgmmaKernels.h"
#include "tests/sim/tensor/ReferenceDot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace tilewright::sim;
using namespace tilewright::sim::test;

namespace {

/// Fragment coordinates by the formulas of PTX ISA 9.7.14.5.
struct Place {
  int reg, lane, bit;
};

Place placeA(const MmaSyncOp &op, int row, int k) {
  int perWord = std::max(1, 32 / bitsOf(op.aType));
  int rowGroups = op.m / 8;
  return {row / 8 + rowGroups * (k / perWord / 4),
          row % 8 * 4 + k / perWord % 4, k % perWord * bitsOf(op.aType)};
}
Place placeB(const MmaSyncOp &op, int k, int column) {
  int perWord = std::max(1, 32 / bitsOf(op.bType));
  return {k / perWord / 4, column * 4 + k / perWord % 4,
          k % perWord * bitsOf(op.bType)};
}
Place placeC(const MmaSyncOp &op, int row, int column) {
  if (op.cType == AccumulatorType::F16)
    return {row / 8, row % 8 * 4 + column / 2, column % 2 * 16};
  return {row / 8 * 2 + column % 2, row % 8 * 4 + column / 2, 0};
}

using Register = std::vector<uint32_t>;

uint32_t element(const std::vector<Register> &registers, Place place,
                 int bits) {
  uint32_t word = registers[place.reg][place.lane] >> place.bit;
  return bits == 32 ? word : word & ((1u << bits) - 1);
}

void setElement(std::vector<Register> &registers, Place place, uint32_t value) {
  registers[place.reg][place.lane] |= value << place.bit;
}

struct WarpOperands {
  std::vector<Register> a, b, c;
};

WarpOperands randomOperands(const MmaSyncOp &op, Fill fill,
                            std::mt19937 &random) {
  WarpOperands result;
  auto make = [](int count) {
    return std::vector<Register>(static_cast<size_t>(count),
                                 Register(warpLanes));
  };
  result.a = make(op.aRegisters());
  result.b = make(op.bRegisters());
  result.c = make(op.cRegisters());
  if (isInteger(op.aType)) {
    for (auto *operand : {&result.a, &result.b, &result.c})
      for (Register &registers : *operand)
        for (uint32_t &word : registers)
          word = random();
    return result;
  }
  auto container = [](MatrixType type) {
    return type == MatrixType::TF32 ? f32Format : formatOf(type);
  };
  for (int k = 0; k < op.k; ++k) {
    for (int row = 0; row < op.m; ++row)
      setElement(result.a, placeA(op, row, k),
                 randomElement(container(op.aType), fill, random));
    for (int column = 0; column < op.n; ++column)
      setElement(result.b, placeB(op, k, column),
                 randomElement(container(op.bType), fill, random));
  }
  Format c =
      op.cType == AccumulatorType::F16 ? formatOf(MatrixType::F16) : f32Format;
  for (int row = 0; row < op.m; ++row)
    for (int column = 0; column < op.n; ++column)
      setElement(result.c, placeC(op, row, column),
                 randomElement(c, fill, random));
  return result;
}

/// Before Hopper, operands of 32 bytes a row are two steps.
int stepElements(const MmaSyncOp &op) {
  bool halved = op.arch != TensorArch::Hopper && op.k * bitsOf(op.aType) == 256;
  return halved ? op.k / 2 : op.k;
}

uint32_t expectFloat(const MmaSyncOp &op, const WarpOperands &operands, int row,
                     int column) {
  Reference reference = referenceOf(op.arch, false, op.aType, op.dType);
  int bits = bitsOf(op.aType);
  int dropped = op.aType == MatrixType::TF32 ? 13 : 0;
  uint32_t sum = element(operands.c, placeC(op, row, column),
                         op.cType == AccumulatorType::F16 ? 16 : 32);
  for (int first = 0; first < op.k; first += stepElements(op)) {
    std::vector<uint32_t> x, y;
    for (int k = first; k < first + stepElements(op); ++k) {
      x.push_back(element(operands.a, placeA(op, row, k), bits) >> dropped);
      y.push_back(element(operands.b, placeB(op, k, column), bits) >> dropped);
    }
    sum = referenceDot(reference, formatOf(op.aType), x, formatOf(op.bType), y,
                       sum);
  }
  return sum;
}

int64_t integerValue(MatrixType type, uint32_t bits) {
  int width = bitsOf(type);
  bool isSigned = type == MatrixType::S8 || type == MatrixType::S4;
  bool negative = isSigned && bits >> (width - 1);
  return static_cast<int64_t>(bits) - (negative ? int64_t{1} << width : 0);
}

uint32_t expectInteger(const MmaSyncOp &op, const WarpOperands &operands,
                       int row, int column) {
  int bits = bitsOf(op.aType);
  int64_t sum =
      static_cast<int32_t>(element(operands.c, placeC(op, row, column), 32));
  for (int k = 0; k < op.k; ++k) {
    uint32_t x = element(operands.a, placeA(op, row, k), bits);
    uint32_t y = element(operands.b, placeB(op, k, column), bits);
    if (op.aType == MatrixType::B1)
      sum += op.bitOperation == BitOperation::And ? x & y : x ^ y;
    else
      sum += integerValue(op.aType, x) * integerValue(op.bType, y);
  }
  if (op.saturate)
    sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
  return static_cast<uint32_t>(sum);
}

template <class Pointer>
std::vector<Pointer> pointers(std::vector<Register> &registers) {
  std::vector<Pointer> result;
  for (Register &words : registers)
    result.push_back(words.data());
  return result;
}

void check(const StepKernels &kernels, const MmaSyncOp &op,
           WarpOperands operands) {
  WarpOperands before = operands;
  auto a = pointers<const void *>(operands.a);
  auto b = pointers<const void *>(operands.b);
  auto c = pointers<const void *>(operands.c);
  auto d = pointers<void *>(operands.c); // D over C, as kernels do
  runMmaSyncWith(kernels, op, d.data(), a.data(), b.data(), c.data());
  int bits = op.dType == AccumulatorType::F16 ? 16 : 32;
  for (int row = 0; row < op.m; ++row)
    for (int column = 0; column < op.n; ++column) {
      uint32_t expected = isInteger(op.aType)
                              ? expectInteger(op, before, row, column)
                              : expectFloat(op, before, row, column);
      ASSERT_EQ(element(operands.c, placeC(op, row, column), bits), expected)
          << kernels.name << " row " << row << " column " << column << " k "
          << op.k;
    }
}

void checkAllKernels(const MmaSyncOp &op, Fill fill, std::mt19937 &random) {
  ASSERT_EQ(checkMmaSync(op), nullptr);
  WarpOperands operands = randomOperands(op, fill, random);
  check(portableKernels(), op, operands);
  for (const StepKernels *kernels : {avx2Kernels(), avx512Kernels()})
    if (kernels)
      check(*kernels, op, operands);
}

TEST(MmaSync, FloatForms) {
  std::mt19937 random(5);
  struct Row {
    MatrixType a, b;
    std::vector<int> k;
    bool half;
    TensorArch since;
  };
  const std::vector<Row> rows = {
      {MatrixType::F16, MatrixType::F16, {8, 16}, true, TensorArch::Ampere},
      {MatrixType::BF16, MatrixType::BF16, {8, 16}, false, TensorArch::Ampere},
      {MatrixType::TF32, MatrixType::TF32, {4, 8}, false, TensorArch::Ampere},
      {MatrixType::E4M3, MatrixType::E5M2, {16, 32}, true, TensorArch::Ada},
      {MatrixType::E5M2, MatrixType::E5M2, {16, 32}, true, TensorArch::Ada},
  };
  for (TensorArch arch :
       {TensorArch::Ampere, TensorArch::Ada, TensorArch::Hopper})
    for (const Row &row : rows)
      for (int k : row.k)
        for (bool half : {false, true})
          for (Fill fill : allFills) {
            if (arch < row.since || (half && !row.half))
              continue;
            MmaSyncOp op;
            op.arch = arch;
            op.aType = row.a;
            op.bType = row.b;
            op.k = k;
            op.cType = op.dType =
                half ? AccumulatorType::F16 : AccumulatorType::F32;
            checkAllKernels(op, fill, random);
            if (HasFatalFailure())
              return;
          }
}

TEST(MmaSync, IntegerForms) {
  std::mt19937 random(6);
  struct Row {
    MatrixType a, b;
    int m, k;
  };
  const Row rows[] = {
      {MatrixType::S8, MatrixType::U8, 8, 16},
      {MatrixType::S8, MatrixType::S8, 16, 16},
      {MatrixType::U8, MatrixType::S8, 16, 32},
      {MatrixType::S4, MatrixType::U4, 8, 32},
      {MatrixType::U4, MatrixType::U4, 16, 32},
      {MatrixType::S4, MatrixType::S4, 16, 64},
      {MatrixType::B1, MatrixType::B1, 8, 128},
      {MatrixType::B1, MatrixType::B1, 16, 128},
      {MatrixType::B1, MatrixType::B1, 16, 256},
  };
  for (const Row &row : rows)
    for (bool option : {false, true}) {
      MmaSyncOp op;
      op.m = row.m;
      op.k = row.k;
      op.aType = row.a;
      op.bType = row.b;
      op.cType = op.dType = AccumulatorType::S32;
      if (row.a == MatrixType::B1)
        op.bitOperation = option ? BitOperation::And : BitOperation::Xor;
      else
        op.saturate = option;
      checkAllKernels(op, Fill::Bits, random);
    }
}

TEST(MmaSync, DoublesAreChainsOfFma) {
  std::mt19937 random(8);
  std::normal_distribution<double> normal;
  for (auto [m, k] : {std::pair{8, 4}, {16, 4}, {16, 8}, {16, 16}}) {
    MmaSyncOp op;
    op.m = m;
    op.k = k;
    op.aType = op.bType = MatrixType::F64;
    op.cType = op.dType = AccumulatorType::F64;
    ASSERT_EQ(checkMmaSync(op), nullptr);
    auto make = [&](int count) {
      std::vector<std::vector<double>> result(static_cast<size_t>(count));
      for (auto &lanes : result)
        for (int i = 0; i < warpLanes; ++i)
          lanes.push_back(normal(random));
      return result;
    };
    auto a = make(op.aRegisters()), b = make(op.bRegisters());
    auto c = make(op.cRegisters()), d = c;
    std::vector<const void *> pa, pb, pc;
    std::vector<void *> pd;
    for (auto &x : a)
      pa.push_back(x.data());
    for (auto &x : b)
      pb.push_back(x.data());
    for (auto &x : c)
      pc.push_back(x.data());
    for (auto &x : d)
      pd.push_back(x.data());
    runMmaSync(op, pd.data(), pa.data(), pb.data(), pc.data());
    for (int row = 0; row < m; ++row)
      for (int column = 0; column < 8; ++column) {
        Place at = placeC(op, row, column);
        double sum = c[at.reg][at.lane];
        for (int i = 0; i < k; ++i) {
          Place x = placeA(op, row, i), y = placeB(op, i, column);
          sum = std::fma(a[x.reg][x.lane], b[y.reg][y.lane], sum);
        }
        EXPECT_EQ(d[at.reg][at.lane], sum);
      }
  }
}

TEST(MmaSync, RefusesFormsThatDoNotExist) {
  auto broken = [](auto change) {
    MmaSyncOp op;
    change(op);
    return checkMmaSync(op) != nullptr;
  };
  EXPECT_FALSE(broken([](MmaSyncOp &) {}));
  EXPECT_TRUE(broken([](MmaSyncOp &op) { op.k = 32; }));
  EXPECT_TRUE(broken([](MmaSyncOp &op) { op.n = 16; }));
  EXPECT_TRUE(broken([](MmaSyncOp &op) { op.bType = MatrixType::BF16; }));
  EXPECT_TRUE(broken([](MmaSyncOp &op) { op.dType = AccumulatorType::F16; }));
  EXPECT_TRUE(broken([](MmaSyncOp &op) { op.saturate = true; }));
  EXPECT_TRUE(broken([](MmaSyncOp &op) {
    op.aType = op.bType = MatrixType::E4M3;
    op.arch = TensorArch::Ampere;
  }));
}

TEST(MatrixMove, LoadsStoresAndTransposes) {
  std::mt19937 random(9);
  uint8_t memory[32][16];
  for (auto &row : memory)
    for (uint8_t &byte : row)
      byte = static_cast<uint8_t>(random());
  const uint8_t *rows[32];
  uint8_t copy[32][16] = {};
  uint8_t *copyRows[32];
  for (int i = 0; i < 32; ++i) {
    rows[i] = memory[i];
    copyRows[i] = copy[i];
  }
  uint32_t lanes[4][warpLanes];
  uint32_t *registers[4] = {lanes[0], lanes[1], lanes[2], lanes[3]};
  for (bool transpose : {false, true})
    for (int count : {1, 2, 4}) {
      loadMatrix(count, transpose, rows, registers);
      for (int i = 0; i < count; ++i)
        for (int lane = 0; lane < warpLanes; ++lane)
          for (int half = 0; half < 2; ++half) {
            int row = lane / 4, column = 2 * (lane % 4) + half;
            if (transpose)
              std::swap(row, column);
            uint16_t expected;
            std::memcpy(&expected, &memory[8 * i + row][2 * column], 2);
            EXPECT_EQ(lanes[i][lane] >> (16 * half) & 0xffff, expected);
          }
      std::memset(copy, 0, sizeof(copy));
      storeMatrix(count, transpose, copyRows, registers);
      EXPECT_EQ(std::memcmp(copy, memory, static_cast<size_t>(count) * 128), 0);
    }
  uint32_t once[warpLanes], twice[warpLanes];
  loadMatrix(1, true, rows, registers);
  std::copy_n(lanes[0], warpLanes, once);
  loadMatrix(1, false, rows, registers);
  transposeMatrix(twice, lanes[0]);
  EXPECT_TRUE(std::equal(once, once + warpLanes, twice));
}

} // namespace
