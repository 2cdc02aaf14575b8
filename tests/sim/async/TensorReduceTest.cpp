//===- TensorReduceTest.cpp - Reductions of the bulk copies ---------------===//

#include "sim/async/TensorMap.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

using namespace tilewright::sim;

namespace {

template <class T>
T reduce(TensorDataType type, TensorReduction operation, T old, T value) {
  EXPECT_EQ(checkTensorReduction(type, operation), nullptr);
  uint8_t target[sizeof(T)], source[sizeof(T)];
  std::memcpy(target, &old, sizeof(T));
  std::memcpy(source, &value, sizeof(T));
  reduceElements(type, operation, target, source, 1);
  std::memcpy(&old, target, sizeof(T));
  return old;
}

TEST(TensorReduce, Integers) {
  auto u32 = [](TensorReduction operation, uint32_t x, uint32_t y) {
    return reduce(TensorDataType::UInt32, operation, x, y);
  };
  EXPECT_EQ(u32(TensorReduction::Add, 0xffffffffu, 2), 1u);
  EXPECT_EQ(u32(TensorReduction::Min, 1, 0xffffffffu), 1u);
  EXPECT_EQ(u32(TensorReduction::Max, 1, 0xffffffffu), 0xffffffffu);
  EXPECT_EQ(u32(TensorReduction::And, 12, 10), 8u);
  EXPECT_EQ(u32(TensorReduction::Or, 12, 10), 14u);
  EXPECT_EQ(u32(TensorReduction::Xor, 12, 10), 6u);
  EXPECT_EQ(u32(TensorReduction::Inc, 4, 5), 5u);
  EXPECT_EQ(u32(TensorReduction::Inc, 5, 5), 0u);
  EXPECT_EQ(u32(TensorReduction::Dec, 0, 5), 5u);
  EXPECT_EQ(u32(TensorReduction::Dec, 6, 5), 5u);
  EXPECT_EQ(u32(TensorReduction::Dec, 3, 5), 2u);
  EXPECT_EQ(reduce<int32_t>(TensorDataType::Int32, TensorReduction::Min, 1, -1),
            -1);
  EXPECT_EQ(reduce<int64_t>(TensorDataType::Int64, TensorReduction::Max, -5,
                            int64_t{1} << 40),
            int64_t{1} << 40);
  EXPECT_EQ(reduce<uint64_t>(TensorDataType::UInt64, TensorReduction::Add,
                             ~uint64_t{0}, 1),
            0u);
}

TEST(TensorReduce, Floats) {
  EXPECT_EQ(reduce(TensorDataType::Float32, TensorReduction::Add, 1.5f, 2.25f),
            3.75f);
  // The manual: subnormal inputs and results become zeros of their sign.
  EXPECT_EQ(reduce(TensorDataType::Float32, TensorReduction::Add, 0x1p-126f,
                   -0x1.8p-126f),
            0.0f);
  EXPECT_EQ(
      std::bit_cast<uint32_t>(reduce(TensorDataType::Float32,
                                     TensorReduction::Add, -0x1p-140f, -0.0f)),
      0x80000000u);
  EXPECT_EQ(reduce(TensorDataType::Float64, TensorReduction::Add, 0x1p-1070,
                   0x1p-1070),
            0x1p-1069);
}

TEST(TensorReduce, Halves) {
  auto f16 = [](TensorReduction operation, uint16_t x, uint16_t y) {
    return reduce(TensorDataType::Float16, operation, x, y);
  };
  EXPECT_EQ(f16(TensorReduction::Add, 0x3c00, 0x3c01), 0x4000); // tie to even
  EXPECT_EQ(f16(TensorReduction::Add, 0x0001, 0x0001), 0x0002); // no flush
  EXPECT_EQ(f16(TensorReduction::Min, 0x7e00, 0x3c00), 0x3c00); // NaN loses
  EXPECT_EQ(f16(TensorReduction::Max, 0x3c00, 0x7e00), 0x3c00);
  EXPECT_EQ(f16(TensorReduction::Min, 0x0000, 0x8000), 0x8000);
  EXPECT_EQ(f16(TensorReduction::Max, 0x8000, 0x0000), 0x0000);
  EXPECT_EQ(f16(TensorReduction::Max, 0xbc00, 0x3800), 0x3800);
  EXPECT_EQ(reduce<uint16_t>(TensorDataType::BFloat16, TensorReduction::Add,
                             0x3f80, 0x3f80),
            0x4000);
}

TEST(TensorReduce, RefusesCombinationsThatDoNotExist) {
  using Type = TensorDataType;
  EXPECT_NE(checkTensorReduction(Type::Float32, TensorReduction::Min), nullptr);
  EXPECT_NE(checkTensorReduction(Type::Float64, TensorReduction::Max), nullptr);
  EXPECT_NE(checkTensorReduction(Type::Int32, TensorReduction::Inc), nullptr);
  EXPECT_NE(checkTensorReduction(Type::Float16, TensorReduction::And), nullptr);
  EXPECT_NE(checkTensorReduction(Type::UInt8, TensorReduction::Add), nullptr);
}

} // namespace
