//===- TensorMapTest.cpp - The rules of cuTensorMapEncodeTiled ------------===//

#include "sim/async/TensorMap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>

using namespace tilewright::sim;

namespace {

/// A valid set of arguments that a test changes in one place.
struct Arguments {
  uint64_t dim[maxTensorRank] = {100, 50, 20, 4, 2};
  uint64_t stride[maxTensorRank - 1] = {208, 10400, 208000, 832000};
  uint32_t box[maxTensorRank] = {64, 8, 2, 1, 1};
  uint32_t elementStride[maxTensorRank] = {1, 1, 1, 1, 1};
  TensorMapArguments arguments;

  Arguments() {
    arguments.dataType = static_cast<uint32_t>(TensorDataType::BFloat16);
    arguments.rank = 3;
    arguments.globalAddress = 0x7f0000001000;
    arguments.globalDim = dim;
    arguments.globalStrides = stride;
    arguments.boxDim = box;
    arguments.elementStrides = elementStride;
    arguments.swizzle = static_cast<uint32_t>(TensorSwizzle::Bytes128);
  }
};

struct alignas(64) MapBytes {
  uint8_t bytes[tensorMapBytes] = {};
};

std::string encode(const std::function<void(Arguments &)> &change) {
  Arguments arguments;
  change(arguments);
  MapBytes map;
  std::string error = encodeTensorMap(arguments.arguments, map.bytes);
  MapBytes untouched;
  if (!error.empty()) {
    EXPECT_EQ(std::memcmp(map.bytes, untouched.bytes, tensorMapBytes), 0)
        << "written in spite of: " << error;
  }
  return error;
}

TEST(TensorMap, ComesBackAsItWentIn) {
  Arguments arguments;
  arguments.elementStride[1] = 3;
  arguments.arguments.oobFill = 1;
  arguments.arguments.l2Promotion = 2;
  MapBytes bytes;
  ASSERT_EQ(encodeTensorMap(arguments.arguments, bytes.bytes), "");
  TensorMap map;
  ASSERT_EQ(decodeTensorMap(bytes.bytes, map), "");
  EXPECT_EQ(map.address, arguments.arguments.globalAddress);
  EXPECT_EQ(map.rank, 3);
  EXPECT_EQ(map.type, TensorDataType::BFloat16);
  EXPECT_EQ(map.swizzle, TensorSwizzle::Bytes128);
  EXPECT_EQ(map.l2Promotion, 2);
  EXPECT_TRUE(map.fillNan);
  EXPECT_EQ(map.dim[2], 20u);
  EXPECT_EQ(map.stride[0], 2u);
  EXPECT_EQ(map.stride[2], 10400u);
  EXPECT_EQ(map.boxElements(1), 3u); // ceil(8 / 3)
  EXPECT_EQ(map.boxBytes(), 64u * 3 * 2 * 2);
}

TEST(TensorMap, LargestValuesAreAccepted) {
  EXPECT_EQ(encode([](Arguments &a) {
              a.arguments.rank = 5;
              a.dim[1] = uint64_t{1} << 32;
              a.stride[0] = 16;
              a.box[1] = 256;
              a.elementStride[2] = 8;
              a.arguments.dataType = 0; // bytes: a row of 64
              a.arguments.swizzle = 2;
            }),
            "");
}

TEST(TensorMap, RefusesEachBrokenRule) {
  struct Case {
    const char *message;
    std::function<void(Arguments &)> change;
  };
  const Case cases[] = {
      {"rank is 0", [](Arguments &a) { a.arguments.rank = 0; }},
      {"rank is 6", [](Arguments &a) { a.arguments.rank = 6; }},
      {"need sm_100", [](Arguments &a) { a.arguments.dataType = 13; }},
      {"unknown tensor data type 16",
       [](Arguments &a) { a.arguments.dataType = 16; }},
      {"not a multiple of 16",
       [](Arguments &a) { a.arguments.globalAddress += 8; }},
      {"global dimension 1 is not from 1", [](Arguments &a) { a.dim[1] = 0; }},
      {"global dimension 0 is not from 1",
       [](Arguments &a) { a.dim[0] = (uint64_t{1} << 32) + 1; }},
      {"global stride 0 is not a multiple",
       [](Arguments &a) { a.stride[0] = 200; }},
      {"global stride 1 is not below 2^40",
       [](Arguments &a) { a.stride[1] = uint64_t{1} << 40; }},
      {"leaves the address space",
       [](Arguments &a) {
         a.dim[1] = uint64_t{1} << 32;
         a.stride[0] = (uint64_t{1} << 40) - 16;
       }},
      {"box dimension 2 is not", [](Arguments &a) { a.box[2] = 0; }},
      {"box dimension 1 is not", [](Arguments &a) { a.box[1] = 257; }},
      {"not a multiple of 16", [](Arguments &a) { a.box[0] = 60; }},
      {"more than the swizzle of 64",
       [](Arguments &a) { a.arguments.swizzle = 2; }},
      {"element stride 0 is not", [](Arguments &a) { a.elementStride[0] = 0; }},
      {"element stride 1 is not", [](Arguments &a) { a.elementStride[1] = 9; }},
      {"interleaved", [](Arguments &a) { a.arguments.interleave = 1; }},
      {"interleaved", [](Arguments &a) { a.arguments.interleave = 2; }},
      {"unknown interleave", [](Arguments &a) { a.arguments.interleave = 3; }},
      {"need sm_100", [](Arguments &a) { a.arguments.swizzle = 4; }},
      {"unknown swizzle", [](Arguments &a) { a.arguments.swizzle = 7; }},
      {"unknown L2", [](Arguments &a) { a.arguments.l2Promotion = 4; }},
      {"unknown out-of-bounds", [](Arguments &a) { a.arguments.oobFill = 2; }},
      {"NaN fill needs",
       [](Arguments &a) {
         a.arguments.dataType = static_cast<uint32_t>(TensorDataType::UInt16);
         a.arguments.oobFill = 1;
       }},
      {"is null", [](Arguments &a) { a.arguments.globalStrides = nullptr; }},
  };
  ASSERT_EQ(encode([](Arguments &) {}), "");
  for (const Case &test : cases) {
    std::string error = encode(test.change);
    EXPECT_NE(error.find(test.message), std::string::npos)
        << "expected '" << test.message << "', got '" << error << "'";
  }
  Arguments arguments;
  alignas(64) uint8_t bytes[tensorMapBytes + 64];
  EXPECT_EQ(encodeTensorMap(arguments.arguments, bytes + 16),
            "the tensor map is not aligned to 64 bytes");
}

TEST(TensorMap, AnyFlippedBitIsNoticed) {
  Arguments arguments;
  MapBytes bytes;
  ASSERT_EQ(encodeTensorMap(arguments.arguments, bytes.bytes), "");
  TensorMap map;
  for (int bit = 0; bit < tensorMapBytes * 8; ++bit) {
    MapBytes broken = bytes;
    broken.bytes[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_NE(decodeTensorMap(broken.bytes, map), "") << bit;
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    for (uint8_t &byte : bytes.bytes)
      byte = static_cast<uint8_t>(random());
    EXPECT_NE(decodeTensorMap(bytes.bytes, map), "");
  }
}

TEST(TensorMap, ReplacesItsAddress) {
  Arguments arguments;
  MapBytes bytes;
  ASSERT_EQ(encodeTensorMap(arguments.arguments, bytes.bytes), "");
  EXPECT_NE(replaceTensorMapAddress(bytes.bytes, 8), "");
  ASSERT_EQ(replaceTensorMapAddress(bytes.bytes, 0x1000), "");
  TensorMap map;
  ASSERT_EQ(decodeTensorMap(bytes.bytes, map), "");
  EXPECT_EQ(map.address, 0x1000u);
}

// A grouped kernel rewrites a map field by field; only the whole must be valid.
TEST(TensorMap, ReplacesFieldsOneByOne) {
  Arguments arguments;
  MapBytes bytes;
  ASSERT_EQ(encodeTensorMap(arguments.arguments, bytes.bytes), "");
  auto replace = [&](TensorMapField field, uint32_t ordinal, uint64_t value) {
    return replaceTensorMapField(bytes.bytes, field, ordinal, value);
  };
  TensorMap map;
  EXPECT_EQ(replace(TensorMapField::GlobalStride, 0, 8), "");
  EXPECT_NE(decodeTensorMap(bytes.bytes, map), "");
  EXPECT_EQ(replace(TensorMapField::GlobalStride, 0, 4096), "");
  EXPECT_EQ(replace(TensorMapField::GlobalDim, 1, 77), "");
  EXPECT_EQ(replace(TensorMapField::BoxDim, 1, 16), "");
  EXPECT_EQ(replace(TensorMapField::ElementStride, 2, 2), "");
  EXPECT_EQ(replace(TensorMapField::GlobalAddress, 0, 0x4000), "");
  EXPECT_EQ(replace(TensorMapField::Rank, 0, 1), "");         // rank 2
  EXPECT_EQ(replace(TensorMapField::ElementType, 0, 10), ""); // bf16 there
  EXPECT_EQ(replace(TensorMapField::FillMode, 0, 1), "");
  ASSERT_EQ(decodeTensorMap(bytes.bytes, map), "");
  EXPECT_EQ(map.rank, 2);
  EXPECT_EQ(map.dim[1], 77u);
  EXPECT_EQ(map.stride[1], 4096u);
  EXPECT_EQ(map.box[1], 16u);
  EXPECT_EQ(map.address, 0x4000u);
  EXPECT_EQ(map.type, TensorDataType::BFloat16);
  EXPECT_TRUE(map.fillNan);
  EXPECT_NE(replace(TensorMapField::GlobalStride, 4, 16), "");
  EXPECT_NE(replace(TensorMapField::BoxDim, 5, 16), "");
  EXPECT_NE(replace(TensorMapField::SwizzleAtomicity, 0, 1), "");
}

} // namespace
