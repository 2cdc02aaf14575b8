//===- WgmmaTest.cpp - wgmma against the readable model -------------------===//

#include "sim/tensor/Wgmma.h"
#include "sim/tensor/WgmmaKernels.h"
#include "tests/sim/tensor/ReferenceDot.h"

#include <gtest/gtest.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <cstring>
#include <string>

using namespace tilewright::sim;
using namespace tilewright::sim::test;

namespace {

constexpr uint32_t sharedBytes = 160 * 1024;

/// A matrix in shared memory, addressed element by element by the canonical
/// layouts of PTX ISA 9.7.15.5.1.2.1.3.
struct SharedMatrix {
  MatrixDescriptor descriptor;
  bool mnMajor = false;
  int elementBytes = 2;

  uint32_t addressOf(int mn, int k) const {
    int perChunk = 16 / elementBytes; // T
    int width = widthOf(descriptor.swizzle);
    uint32_t offset;
    if (!mnMajor) {
      // ((8,m),(T,2k)) : ((W T, SBO), (1, T or LBO))
      uint32_t chunkStep = width == 1 ? descriptor.leading : 16;
      offset = (mn % 8) * width * 16 + (mn / 8) * descriptor.stride +
               (k % perChunk) * elementBytes + (k / perChunk) * chunkStep;
    } else if (width == 1) {
      // ((T,1,m),(8,k)) : ((1,T,SBO),(T,LBO))
      offset = (mn % perChunk) * elementBytes +
               (mn / perChunk) * descriptor.stride + (k % 8) * 16 +
               (k / 8) * descriptor.leading;
    } else {
      // ((T,W,m),(8,k)) : ((1,T,LBO),(W T,SBO))
      int chunk = mn / perChunk;
      offset = (mn % perChunk) * elementBytes + (chunk % width) * 16 +
               (chunk / width) * descriptor.leading + (k % 8) * width * 16 +
               (k / 8) * descriptor.stride;
    }
    uint32_t address = descriptor.start + offset;
    uint32_t line = (address / 128 - descriptor.baseOffset) % width;
    return width == 1 ? address : address ^ (line * 16);
  }

  static int widthOf(DescriptorSwizzle swizzle) {
    switch (swizzle) {
    case DescriptorSwizzle::Bytes128:
      return 8;
    case DescriptorSwizzle::Bytes64:
      return 4;
    case DescriptorSwizzle::Bytes32:
      return 2;
    default:
      return 1;
    }
  }
};

/// One wgmma with its operands, and the answer that the model gives.
class WgmmaCase {
public:
  WgmmaCase(const WgmmaOp &op, uint32_t seed) : op(op), random(seed) {
    shared.resize(sharedBytes);
    elementBytes = bitsOf(op.aType) / 8;
    a = layOut(64, op.transposeA, 0);
    b = layOut(op.n, op.transposeB, sharedBytes / 2);
    registerWords =
        static_cast<uint32_t>(op.accumulatorRegisters()) * warpLanes;
    // Registers of the instruction lie in any order in the register file.
    for (int i = 0; i < op.accumulatorRegisters(); ++i)
      offsets.push_back(static_cast<uint32_t>(i) * warpLanes);
    std::shuffle(offsets.begin(), offsets.end(), random);
    for (uint32_t i = 0; i < WgmmaOp::aRegisters; ++i)
      aOffsets.push_back(i * warpLanes);
    for (int warp = 0; warp < warpgroupWarps; ++warp) {
      accumulators.emplace_back(registerWords);
      aRegisters.emplace_back(WgmmaOp::aRegisters * warpLanes);
    }
  }

  void fill(Fill fillA, Fill fillB, Fill fillC) {
    std::bernoulli_distribution zeroLine(0.2);
    for (int row = 0; row < 64; ++row) {
      bool zero = zeroLine(random);
      for (int k = 0; k < op.k(); ++k)
        setA(row, k,
             zero ? 0 : randomElement(container(op.aType), fillA, random));
    }
    for (int column = 0; column < op.n; ++column) {
      bool zero = zeroLine(random);
      for (int k = 0; k < op.k(); ++k)
        store(b, column, k,
              zero ? 0 : randomElement(container(op.bType), fillB, random));
    }
    for (auto &registers : accumulators)
      for (uint32_t &word : registers)
        word = accumulatorWord(fillC);
  }

  /// Asks the model for every element of D, [warp][lane][element].
  void computeExpected(bool scaleD) {
    expected.clear();
    for (int warp = 0; warp < warpgroupWarps; ++warp)
      for (int lane = 0; lane < warpLanes; ++lane)
        for (int element = 0; element < op.n / 2; ++element) {
          MatrixIndex at = wgmmaAccumulatorIndex(warp, lane, element);
          uint32_t before =
              scaleD ? element32(accumulators[warp], element, lane) : 0;
          expected.push_back(expect(at.row, at.column, before));
        }
  }

  /// Runs on `kernels`; reports the first difference from the model.
  void check(const StepKernels &kernels, bool scaleD) {
    std::vector<std::vector<uint32_t>> result = accumulators;
    WarpgroupRegisters d = view(result, offsets);
    WarpgroupRegisters fragments = view(aRegisters, aOffsets);
    WgmmaResult status =
        runWgmmaWith(kernels, op, d, scaleD, fragments, a.descriptor.encode(),
                     b.descriptor.encode(), {shared.data(), sharedBytes});
    ASSERT_EQ(status.fault, WgmmaFault::None);
    size_t next = 0;
    for (int warp = 0; warp < warpgroupWarps; ++warp)
      for (int lane = 0; lane < warpLanes; ++lane)
        for (int element = 0; element < op.n / 2; ++element) {
          MatrixIndex at = wgmmaAccumulatorIndex(warp, lane, element);
          ASSERT_EQ(element32(result[warp], element, lane), expected[next++])
              << kernels.name << " row " << at.row << " column " << at.column
              << " accumulator " << std::hex
              << element32(accumulators[warp], element, lane);
        }
  }

private:
  static Format container(MatrixType type) {
    return type == MatrixType::TF32 ? f32Format : formatOf(type);
  }

  SharedMatrix layOut(int rows, bool mnMajor, uint32_t base) {
    constexpr DescriptorSwizzle swizzles[] = {
        DescriptorSwizzle::None, DescriptorSwizzle::Bytes32,
        DescriptorSwizzle::Bytes64, DescriptorSwizzle::Bytes128};
    SharedMatrix matrix;
    matrix.mnMajor = mnMajor;
    matrix.elementBytes = elementBytes;
    matrix.descriptor.swizzle = swizzles[random() % 4];
    uint32_t width = SharedMatrix::widthOf(matrix.descriptor.swizzle);
    uint32_t atom = 8 * width * 16;
    matrix.descriptor.start = base + atom * (random() % 4);
    uint32_t groups = static_cast<uint32_t>(rows) / 8;
    if (!mnMajor && width > 1) {
      // A k-step inside the atom.
      matrix.descriptor.start += 32 * (random() % (width / 2));
      matrix.descriptor.stride = atom * (1 + random() % 2);
    } else if (!mnMajor || width == 1) {
      matrix.descriptor.stride = 128 * (1 + random() % 2);
      matrix.descriptor.leading = groups * 2 * 128;
    } else {
      matrix.descriptor.stride = atom * (1 + random() % 2);
      matrix.descriptor.leading = 2 * atom * 2;
    }
    return matrix;
  }

  void store(const SharedMatrix &matrix, int mn, int k, uint32_t value) {
    std::memcpy(&shared[matrix.addressOf(mn, k)], &value, elementBytes);
  }
  uint32_t load(const SharedMatrix &matrix, int mn, int k) const {
    uint32_t value = 0;
    std::memcpy(&value, &shared[matrix.addressOf(mn, k)], elementBytes);
    return value;
  }

  /// Where A's fragment keeps an element: register and lane of a warp, and the
  /// bit in the register (9.7.15.5.1.1).
  void setA(int row, int k, uint32_t value) {
    if (!op.aInRegisters)
      return store(a, row, k, value);
    int perWord = 4 / elementBytes;
    int index = (row % 16) / 8 + 2 * (k / perWord / 4);
    int lane = (row % 8) * 4 + k / perWord % 4;
    uint32_t &word = aRegisters[row / 16][index * warpLanes + lane];
    int bit = k % perWord * elementBytes * 8;
    uint32_t mask = (elementBytes == 4 ? ~0u : (1u << elementBytes * 8) - 1)
                    << bit;
    word = (word & ~mask) | value << bit;
  }
  uint32_t elementA(int row, int k) const {
    if (!op.aInRegisters)
      return load(a, row, k);
    int perWord = 4 / elementBytes;
    int index = (row % 16) / 8 + 2 * (k / perWord / 4);
    int lane = (row % 8) * 4 + k / perWord % 4;
    uint32_t word = aRegisters[row / 16][index * warpLanes + lane];
    uint32_t bits = word >> (k % perWord * elementBytes * 8);
    return elementBytes == 4 ? bits : bits & ((1u << elementBytes * 8) - 1);
  }

  uint32_t accumulatorWord(Fill fill) {
    if (isInteger(op.aType))
      return random();
    if (op.dType == AccumulatorType::F32)
      return randomElement(f32Format, fill, random);
    uint32_t low = randomElement(formatOf(MatrixType::F16), fill, random);
    return low | randomElement(formatOf(MatrixType::F16), fill, random) << 16;
  }

  uint32_t element32(const std::vector<uint32_t> &registers, int element,
                     int lane) const {
    if (op.dType != AccumulatorType::F16)
      return registers[offsets[element] + lane];
    uint32_t word = registers[offsets[element / 2] + lane];
    return element % 2 ? word >> 16 : word & 0xffff;
  }

  WarpgroupRegisters view(std::vector<std::vector<uint32_t>> &registers,
                          const std::vector<uint32_t> &order) {
    WarpgroupRegisters result;
    for (int warp = 0; warp < warpgroupWarps; ++warp)
      result.warp[warp] = registers[warp].data();
    result.offset = order.data();
    return result;
  }

  uint32_t expectInteger(int row, int column, uint32_t before) const {
    int64_t sum = static_cast<int32_t>(before);
    auto signedValue = [](MatrixType type, uint32_t bits) {
      return type == MatrixType::S8 ? static_cast<int8_t>(bits)
                                    : static_cast<int>(bits);
    };
    for (int k = 0; k < op.k(); ++k)
      sum += signedValue(op.aType, elementA(row, k)) *
             signedValue(op.bType, load(b, column, k));
    if (op.saturate)
      sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
    return static_cast<uint32_t>(sum);
  }

  uint32_t expect(int row, int column, uint32_t before) const {
    if (isInteger(op.aType))
      return expectInteger(row, column, before);
    std::vector<uint32_t> x, y;
    uint32_t sign = 1u << (bitsOf(op.aType) - 1);
    int dropped = op.aType == MatrixType::TF32 ? 13 : 0;
    for (int k = 0; k < op.k(); ++k) {
      x.push_back((elementA(row, k) ^ (op.negateA ? sign : 0)) >> dropped);
      y.push_back((load(b, column, k) ^ (op.negateB ? sign : 0)) >> dropped);
    }
    Reference reference =
        referenceOf(TensorArch::Hopper, /*wgmma=*/true, op.aType, op.dType);
    return referenceDot(reference, formatOf(op.aType), x, formatOf(op.bType), y,
                        before);
  }

  WgmmaOp op;
  std::mt19937 random;
  std::vector<uint8_t> shared;
  int elementBytes;
  SharedMatrix a, b;
  uint32_t registerWords;
  std::vector<uint32_t> offsets, aOffsets;
  std::vector<std::vector<uint32_t>> accumulators, aRegisters;
  std::vector<uint32_t> expected;
};

std::vector<const StepKernels *> allKernels() {
  std::vector<const StepKernels *> result = {&portableKernels()};
  for (const StepKernels *kernels : {avx2Kernels(), avx512Kernels()})
    if (kernels)
      result.push_back(kernels);
  return result;
}

void checkAll(const WgmmaOp &op, uint32_t seed, Fill a, Fill b, Fill c) {
  ASSERT_EQ(checkWgmma(op), nullptr);
  WgmmaCase test(op, seed);
  test.fill(a, b, c);
  for (bool scaleD : {true, false}) {
    test.computeExpected(scaleD);
    for (const StepKernels *kernels : allKernels())
      test.check(*kernels, scaleD);
  }
}

/// A form with random modifiers.
WgmmaOp randomForm(MatrixType aType, MatrixType bType, AccumulatorType dType,
                   std::mt19937 &random) {
  WgmmaOp op;
  op.aType = aType;
  op.bType = bType;
  op.dType = dType;
  op.n = 8 * (1 + static_cast<int>(random() % 4));
  op.aInRegisters = random() % 2;
  if (bitsOf(aType) == 16) {
    op.transposeA = !op.aInRegisters && random() % 2;
    op.transposeB = random() % 2;
  }
  if (isInteger(aType)) {
    op.saturate = random() % 2;
  } else {
    op.negateA = random() % 2;
    op.negateB = random() % 2;
  }
  return op;
}

struct Types {
  MatrixType a, b;
  AccumulatorType d;
};

class WgmmaTypes : public testing::TestWithParam<Types> {};

TEST_P(WgmmaTypes, EveryFillGivesTheBitsOfTheModel) {
  Types types = GetParam();
  std::mt19937 random(7);
  for (Fill a : allFills)
    for (Fill b : allFills) {
      Fill c = allFills[random() % std::size(allFills)];
      SCOPED_TRACE("fills " + std::to_string(int(a)) + " " +
                   std::to_string(int(b)) + " " + std::to_string(int(c)));
      checkAll(randomForm(types.a, types.b, types.d, random), random(), a, b,
               c);
      if (HasFatalFailure())
        return;
    }
}

INSTANTIATE_TEST_SUITE_P(
    All, WgmmaTypes,
    testing::Values(
        Types{MatrixType::BF16, MatrixType::BF16, AccumulatorType::F32},
        Types{MatrixType::F16, MatrixType::F16, AccumulatorType::F32},
        Types{MatrixType::TF32, MatrixType::TF32, AccumulatorType::F32},
        Types{MatrixType::E4M3, MatrixType::E4M3, AccumulatorType::F32},
        Types{MatrixType::E4M3, MatrixType::E5M2, AccumulatorType::F32},
        Types{MatrixType::E5M2, MatrixType::E4M3, AccumulatorType::F32},
        Types{MatrixType::E5M2, MatrixType::E5M2, AccumulatorType::F32},
        Types{MatrixType::F16, MatrixType::F16, AccumulatorType::F16},
        Types{MatrixType::E4M3, MatrixType::E5M2, AccumulatorType::F16},
        Types{MatrixType::S8, MatrixType::S8, AccumulatorType::S32},
        Types{MatrixType::S8, MatrixType::U8, AccumulatorType::S32},
        Types{MatrixType::U8, MatrixType::S8, AccumulatorType::S32},
        Types{MatrixType::U8, MatrixType::U8, AccumulatorType::S32}));

TEST(Wgmma, WidestShape) {
  WgmmaOp op;
  op.n = 256;
  checkAll(op, 11, Fill::Normal, Fill::Normal, Fill::Normal);
}

// The sum of sixteen products just below 4 and an accumulator needs 33 bits.
TEST(Wgmma, SumsBeyond32Bits) {
  WgmmaOp op;
  for (MatrixType type : {MatrixType::BF16, MatrixType::F16}) {
    op.aType = op.bType = type;
    checkAll(op, 3, Fill::Extreme, Fill::Extreme, Fill::Extreme);
    op.negateA = true;
    checkAll(op, 3, Fill::Extreme, Fill::Extreme, Fill::Normal);
  }
}

// A host program that flushes subnormals or rounds upward changes nothing.
TEST(Wgmma, IgnoresTheHostsFloatEnvironment) {
#if defined(__SSE__)
  for (MatrixType type : {MatrixType::F16, MatrixType::E5M2}) {
    WgmmaOp op;
    op.aType = op.bType = type;
    WgmmaCase test(op, 5);
    test.fill(Fill::Subnormal, Fill::Subnormal, Fill::Subnormal);
    test.computeExpected(/*scaleD=*/true);
    unsigned saved = _mm_getcsr();
    for (const StepKernels *kernels : allKernels()) {
      _mm_setcsr(saved | 0x8040 | 0x4000); // flush results, inputs; round up
      unsigned changed = _mm_getcsr();
      test.check(*kernels, /*scaleD=*/true);
      EXPECT_EQ(_mm_getcsr() & 0xffc0, changed & 0xffc0);
      _mm_setcsr(saved);
    }
  }
#endif
}

// Written down once by hand: 1 + 2^-26 keeps 1 because the small product lies
// below the 25 bits; 2^-25 is kept, and then lost by truncation to 24 bits.
TEST(Wgmma, TruncatesBelowTwentyFiveBits) {
  uint32_t row[8] = {}, column[8] = {};
  DotSpec spec = dotSpecOf(TensorArch::Hopper, true, MatrixType::BF16,
                           MatrixType::BF16, AccumulatorType::F32, 8);
  auto bf16 = [](double power) {
    return static_cast<uint32_t>((127 + power)) << 7;
  };
  row[0] = column[0] = bf16(0);                            // 1 * 1
  row[1] = bf16(-26), column[1] = bf16(0);                 // 2^-26
  EXPECT_EQ(fusedDot(spec, row, column, 0xbf800000u), 0u); // minus 1
  row[1] = bf16(-25);
  EXPECT_EQ(fusedDot(spec, row, column, 0xbf800000u), 0x33000000u); // 2^-25
  EXPECT_EQ(fusedDot(spec, row, column, 0u), 0x3f800000u);
}

TEST(Wgmma, RefusesDescriptorsThatLeaveSharedMemory) {
  WgmmaOp op;
  std::vector<uint8_t> shared(4096);
  std::vector<uint32_t> registers(4 * warpLanes, 0x12345678u);
  const uint32_t offsets[] = {0, 32, 64, 96};
  WarpgroupRegisters d;
  for (auto &warp : d.warp)
    warp = registers.data();
  d.offset = offsets;
  MatrixDescriptor inside, outside;
  inside.leading = 128, inside.stride = 256;
  outside = inside;
  outside.start = 4096 - 128;
  WgmmaResult result = runWgmma(op, d, true, {}, outside.encode(),
                                inside.encode(), {shared.data(), 4096});
  EXPECT_EQ(result.fault, WgmmaFault::AOutOfBounds);
  EXPECT_GE(result.address, 4096u - 15);
  result = runWgmma(op, d, true, {}, inside.encode(), outside.encode(),
                    {shared.data(), 4096});
  EXPECT_EQ(result.fault, WgmmaFault::BOutOfBounds);
  EXPECT_EQ(registers, std::vector<uint32_t>(4 * warpLanes, 0x12345678u));
}

TEST(Wgmma, RefusesFormsThatDoNotExist) {
  auto broken = [](auto change) {
    WgmmaOp op;
    change(op);
    return checkWgmma(op) != nullptr;
  };
  EXPECT_FALSE(broken([](WgmmaOp &) {}));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.n = 12; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.n = 264; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.bType = MatrixType::F16; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.dType = AccumulatorType::F16; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.aType = MatrixType::F64; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) { op.saturate = true; }));
  EXPECT_TRUE(
      broken([](WgmmaOp &op) { op.aInRegisters = op.transposeA = true; }));
  EXPECT_TRUE(broken([](WgmmaOp &op) {
    op.aType = op.bType = MatrixType::E4M3;
    op.transposeB = true;
  }));
  EXPECT_TRUE(broken([](WgmmaOp &op) {
    op.aType = op.bType = MatrixType::S8;
    op.dType = AccumulatorType::S32;
    op.n = 40;
  }));
}

// Every pair of 8-bit values, alone in its product.
TEST(Wgmma, AllPairsOfFp8) {
  for (MatrixType aType : {MatrixType::E4M3, MatrixType::E5M2})
    for (MatrixType bType : {MatrixType::E4M3, MatrixType::E5M2}) {
      Reference reference =
          referenceOf(TensorArch::Hopper, true, aType, AccumulatorType::F32);
      DotSpec spec = dotSpecOf(TensorArch::Hopper, true, aType, bType,
                               AccumulatorType::F32, maxStepWords);
      for (const StepKernels *kernels : allKernels())
        for (uint32_t x = 0; x < 256; x += blockRows)
          for (uint32_t y = 0; y < 256; y += blockColumns) {
            RowBlock rows = {};
            ColumnBlock columns = {};
            for (int i = 0; i < blockRows; ++i)
              rows.words[3][i] = (x + static_cast<uint32_t>(i)) << 16;
            for (int j = 0; j < blockColumns; ++j)
              columns.words[j * maxStepWords + 3] =
                  (y + static_cast<uint32_t>(j)) << 16;
            kernels->decodeRows(spec, rows);
            kernels->decodeColumns(spec, columns);
            uint32_t registers[4][warpLanes];
            uint32_t *const to[4] = {registers[0], registers[1], registers[2],
                                     registers[3]};
            kernels->multiply(spec, rows, columns, /*from=*/nullptr, to);
            for (int i = 0; i < blockRows; ++i)
              for (int j = 0; j < blockColumns; ++j)
                ASSERT_EQ(registers[i / 8 * 2 + j % 2][i % 8 * 4 + j / 2],
                          referenceDot(reference, formatOf(aType),
                                       {x + static_cast<uint32_t>(i)},
                                       formatOf(bType),
                                       {y + static_cast<uint32_t>(j)}, 0))
                    << kernels->name << " " << x + i << " * " << y + j;
          }
    }
}

} // namespace
