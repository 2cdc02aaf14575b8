//===- TensorBoxTest.cpp - Boxes of random tensors ------------------------===//
//
// The model looks at one byte of shared memory at a time and asks the manual
// which byte of the tensor belongs there; it walks nothing.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace tilewright::sim;

namespace {

constexpr uint64_t arenaBase = 0x10000;
constexpr uint32_t arenaBytes = 1 << 20;
constexpr uint32_t sharedBytes = 1 << 18;

struct Arena {
  std::vector<uint8_t> bytes = std::vector<uint8_t>(arenaBytes);
  bool readOnly = false;

  GlobalAccess access() {
    return {this,
            [](void *context, uint64_t address, uint64_t size,
               bool write) -> uint8_t * {
              Arena &arena = *static_cast<Arena *>(context);
              if (address < arenaBase || size > arenaBytes ||
                  address - arenaBase > arenaBytes - size ||
                  (write && arena.readOnly))
                return nullptr;
              return arena.bytes.data() + (address - arenaBase);
            }};
  }
};

/// A random tensor that lies inside the arena, and a box around it.
struct BoxCase {
  TensorMap map;
  int32_t coordinates[maxTensorRank] = {};
  uint32_t base = 0;
};

BoxCase randomCase(std::mt19937 &random) {
  BoxCase test;
  TensorMap &map = test.map;
  constexpr TensorDataType types[] = {
      TensorDataType::UInt8, TensorDataType::BFloat16, TensorDataType::Float32,
      TensorDataType::Int64};
  map.type = types[random() % 4];
  map.rank = static_cast<uint8_t>(1 + random() % maxTensorRank);
  map.swizzle = static_cast<TensorSwizzle>(random() % 4);
  map.fillNan = random() % 2 && map.type != TensorDataType::UInt8 &&
                map.type != TensorDataType::Int64;
  uint32_t size = map.elementBytes();
  uint32_t span = 16u << static_cast<uint32_t>(map.swizzle);
  bool swizzled = map.swizzle != TensorSwizzle::None;
  map.box[0] = (swizzled ? span : 16 * (1 + random() % 4)) / size;
  map.dim[0] = 1 + random() % (2 * map.box[0]);
  map.stride[0] = size;
  uint64_t stride = (map.dim[0] * size + 15) / 16 * 16;
  map.elementStride[0] = 1;
  for (int i = 1; i < map.rank; ++i) {
    map.dim[i] = 1 + random() % 6;
    map.stride[i] = stride + 16 * (random() % 3);
    map.box[i] = 1 + random() % 5;
    map.elementStride[i] = static_cast<uint8_t>(1 + random() % 3);
    stride = map.stride[i] * map.dim[i];
  }
  map.address = arenaBase + 16 * (random() % 64);
  for (int i = 0; i < map.rank; ++i)
    test.coordinates[i] = static_cast<int32_t>(random() % (map.dim[i] + 6)) - 3;
  test.base = 128 * (random() % 16);
  return test;
}

/// The tensor element at place `element` of the box; -1 if outside.
int64_t arenaOffset(const BoxCase &test, uint32_t element) {
  const TensorMap &map = test.map;
  uint64_t address = map.address;
  for (int i = 0; i < map.rank; ++i) {
    uint32_t extent =
        (map.box[i] + map.elementStride[i] - 1) / map.elementStride[i];
    int64_t at =
        test.coordinates[i] + int64_t{element % extent} * map.elementStride[i];
    element /= extent;
    if (at < 0 || at >= static_cast<int64_t>(map.dim[i]))
      return -1;
    address += static_cast<uint64_t>(at) * map.stride[i];
  }
  return static_cast<int64_t>(address - arenaBase);
}

/// Where the byte at `offset` of the dense box goes: the manual's tables
/// permute 16-byte places within lines of 128 bytes, by the number of the line.
uint32_t placeOf(const BoxCase &test, uint32_t offset) {
  uint32_t address = test.base + offset;
  uint32_t places = 1u << static_cast<uint32_t>(test.map.swizzle);
  uint32_t line = address / 128, place = address / 16 % 8;
  return line * 128 + (place ^ (line % places)) * 16 + address % 16;
}

class TensorBox : public testing::Test {
protected:
  TensorBox() : shared(sharedBytes), random(21) {
    for (uint8_t &byte : arena.bytes)
      byte = static_cast<uint8_t>(random());
  }
  SharedSpan span() { return {shared.data(), sharedBytes}; }

  Arena arena;
  std::vector<uint8_t> shared;
  std::mt19937 random;
};

TEST_F(TensorBox, LoadsEveryByteWhereTheManualSays) {
  int clipped = 0;
  for (int round = 0; round < 600; ++round) {
    BoxCase test = randomCase(random);
    uint32_t size = test.map.elementBytes();
    std::fill(shared.begin(), shared.end(), 0xcd);
    TransferResult result = loadTensorBox(test.map, test.coordinates, test.base,
                                          span(), arena.access());
    ASSERT_EQ(result.error, "");
    ASSERT_EQ(result.bytes, test.map.boxBytes());
    std::vector<uint8_t> expected(sharedBytes, 0xcd);
    for (uint32_t element = 0; element < result.bytes / size; ++element) {
      int64_t from = arenaOffset(test, element);
      clipped += from < 0;
      for (uint32_t byte = 0; byte < size; ++byte) {
        uint8_t fill = !test.map.fillNan ? 0 : byte == size - 1 ? 0x7f : 0xff;
        expected[placeOf(test, element * size + byte)] =
            from < 0 ? fill : arena.bytes[static_cast<size_t>(from) + byte];
      }
    }
    ASSERT_EQ(shared, expected) << "round " << round;
  }
  EXPECT_GT(clipped, 1000); // the edges were met
}

TEST_F(TensorBox, StoresClipAtTheEdge) {
  for (int round = 0; round < 600; ++round) {
    BoxCase test = randomCase(random);
    uint32_t size = test.map.elementBytes();
    for (uint8_t &byte : shared)
      byte = static_cast<uint8_t>(random());
    std::vector<uint8_t> expected = arena.bytes;
    TransferResult result = storeTensorBox(test.map, test.coordinates,
                                           test.base, span(), arena.access());
    ASSERT_EQ(result.error, "");
    for (uint32_t element = 0; element < result.bytes / size; ++element) {
      int64_t to = arenaOffset(test, element);
      for (uint32_t byte = 0; to >= 0 && byte < size; ++byte)
        expected[static_cast<size_t>(to) + byte] =
            shared[placeOf(test, element * size + byte)];
    }
    ASSERT_EQ(arena.bytes, expected) << "round " << round;
  }
}

TEST_F(TensorBox, ReducesInPlace) {
  for (int round = 0; round < 200; ++round) {
    BoxCase test = randomCase(random);
    test.map.type = TensorDataType::UInt32;
    uint32_t span32 = 16u << static_cast<uint32_t>(test.map.swizzle);
    test.map.box[0] = span32 / 4;
    test.map.stride[0] = 4;
    for (uint8_t &byte : shared)
      byte = static_cast<uint8_t>(random());
    std::vector<uint8_t> expected = arena.bytes;
    TransferResult result =
        reduceTensorBox(test.map, TensorReduction::Add, test.coordinates,
                        test.base, span(), arena.access());
    ASSERT_EQ(result.error, "");
    for (uint32_t element = 0; element < result.bytes / 4; ++element) {
      int64_t to = arenaOffset(test, element);
      if (to < 0)
        continue;
      uint32_t old, value;
      std::memcpy(&old, &expected[static_cast<size_t>(to)], 4);
      std::memcpy(&value, &shared[placeOf(test, element * 4)], 4);
      old += value;
      std::memcpy(&expected[static_cast<size_t>(to)], &old, 4);
    }
    ASSERT_EQ(arena.bytes, expected) << "round " << round;
  }
}

TEST_F(TensorBox, VisitsWhatAStoreWrites) {
  for (int round = 0; round < 200; ++round) {
    BoxCase test = randomCase(random);
    std::vector<uint8_t> visited(arenaBytes), written(arenaBytes);
    visitGlobalRuns(
        test.map, test.coordinates,
        [](void *context, uint64_t address, uint32_t bytes) {
          auto &marks = *static_cast<std::vector<uint8_t> *>(context);
          for (uint32_t i = 0; i < bytes; ++i)
            marks[address - arenaBase + i] = 1;
        },
        &visited);
    uint32_t size = test.map.elementBytes();
    for (uint32_t element = 0; element < test.map.boxBytes() / size; ++element)
      if (int64_t to = arenaOffset(test, element); to >= 0)
        std::fill_n(written.begin() + to, size, 1);
    ASSERT_EQ(visited, written);
  }
}

/// What a load makes of f32 values.
template <size_t Count>
static std::array<uint32_t, Count>
loaded(TensorDataType type, const std::array<uint32_t, Count> &values,
       Arena &arena, uint8_t *shared, SharedSpan span) {
  TensorMap map;
  map.type = type;
  map.rank = 1;
  map.address = arenaBase;
  map.dim[0] = map.box[0] = Count;
  map.stride[0] = sizeof(uint32_t);
  map.elementStride[0] = 1;
  std::memcpy(arena.bytes.data(), values.data(), sizeof(values));
  int32_t origin = 0;
  EXPECT_EQ(loadTensorBox(map, &origin, 0, span, arena.access()).error, "");
  std::array<uint32_t, Count> result;
  std::memcpy(result.data(), shared, sizeof(result));
  return result;
}

TEST_F(TensorBox, FlushesSubnormalsOfFtzTypes) {
  const std::array<uint32_t, 4> values = {0x00000001u, 0x807fffffu, 0x00800000u,
                                          0x3f800000u};
  const std::array<uint32_t, 4> expected = {0, 0x80000000u, 0x00800000u,
                                            0x3f800000u};
  for (TensorDataType type :
       {TensorDataType::Float32Ftz, TensorDataType::TFloat32Ftz})
    EXPECT_EQ(loaded(type, values, arena, shared.data(), span()), expected);
  EXPECT_EQ(
      loaded(TensorDataType::Float32, values, arena, shared.data(), span()),
      values);
}

/// The nearest multiple of tf32's last place, in double; ties away from zero.
static uint32_t nearestTf32(uint32_t bits) {
  double value = std::bit_cast<float>(bits);
  int exponent = value == 0 ? -126 : std::max(std::ilogb(value), -126);
  double place = std::ldexp(1.0, exponent - 10);
  return std::bit_cast<uint32_t>(
      static_cast<float>(std::round(value / place) * place));
}

TEST_F(TensorBox, RoundsToTf32) {
  std::array<uint32_t, 64> values = {
      0x3f800fffu, 0x3f801000u, 0x3f803000u, 0xbf801000u, 0x7f7fefffu,
      0x7f7ff000u, 0xff7fffffu, 0x00000fffu, 0x00001000u, 0x807fffffu};
  std::mt19937 random(7);
  for (size_t i = 10; i < values.size(); ++i)
    do
      values[i] = random();
    while ((values[i] & 0x7f800000u) == 0x7f800000u);
  std::array<uint32_t, 64> expected;
  std::transform(values.begin(), values.end(), expected.begin(), nearestTf32);
  EXPECT_EQ(
      loaded(TensorDataType::TFloat32, values, arena, shared.data(), span()),
      expected);

  const std::array<uint32_t, 4> special = {0x7f800000u, 0xff800000u,
                                           0x7f800001u, 0xffffffffu};
  const std::array<uint32_t, 4> kept = {0x7f800000u, 0xff800000u, 0x7fc00000u,
                                        0xffffe000u};
  EXPECT_EQ(
      loaded(TensorDataType::TFloat32, special, arena, shared.data(), span()),
      kept);
}

TEST_F(TensorBox, RefusesWhatLeavesMemory) {
  TensorMap map;
  map.type = TensorDataType::BFloat16;
  map.rank = 2;
  map.address = arenaBase;
  map.dim[0] = map.box[0] = 64;
  map.dim[1] = arenaBytes / 128 + 1; // one row past the end
  map.box[1] = 2;
  map.stride[0] = 2;
  map.stride[1] = 128;
  map.elementStride[0] = map.elementStride[1] = 1;
  map.swizzle = TensorSwizzle::Bytes128;
  auto load = [&](int32_t row, uint32_t at) {
    int32_t coordinates[] = {0, row};
    return loadTensorBox(map, coordinates, at, span(), arena.access()).error;
  };
  EXPECT_EQ(load(0, 0), "");
  EXPECT_NE(load(0, 64).find("not a multiple of 128"), std::string::npos);
  EXPECT_NE(load(0, sharedBytes - 128).find("leaves shared memory"),
            std::string::npos);
  EXPECT_NE(load(arenaBytes / 128 - 1, 0).find("outside every allocation"),
            std::string::npos);
  arena.readOnly = true;
  int32_t origin[] = {0, 0};
  EXPECT_NE(storeTensorBox(map, origin, 0, span(), arena.access()).error, "");
  map.box[0] = 32;
  EXPECT_NE(load(0, 0).find("does not fill its swizzle"), std::string::npos);
}

} // namespace
