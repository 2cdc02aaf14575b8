//===- DescriptorTest.cpp - wgmma descriptors and chunk addresses ---------===//

#include "sim/tensor/Descriptor.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

using namespace tilewright::sim;

namespace {

TEST(Descriptor, FieldsOfTheManual) {
  // start 0x12340, leading 0x80, stride 0x400, base offset 5, 64-byte swizzle.
  uint64_t bits = 0x1234u | uint64_t{0x8} << 16 | uint64_t{0x40} << 32 |
                  uint64_t{5} << 49 | uint64_t{2} << 62;
  MatrixDescriptor descriptor = MatrixDescriptor::decode(bits);
  EXPECT_EQ(descriptor.start, 0x12340u);
  EXPECT_EQ(descriptor.leading, 0x80u);
  EXPECT_EQ(descriptor.stride, 0x400u);
  EXPECT_EQ(descriptor.baseOffset, 5);
  EXPECT_EQ(descriptor.swizzle, DescriptorSwizzle::Bytes64);
  EXPECT_EQ(descriptor.encode(), bits);
}

// The 128-byte pattern as the manual's table in 5.5.7 prints it: line r of the
// atom holds chunk c at place c ^ r.
TEST(Descriptor, SwizzleTableOf128Bytes) {
  MatrixDescriptor descriptor;
  descriptor.start = 2048;
  descriptor.stride = 1024;
  descriptor.swizzle = DescriptorSwizzle::Bytes128;
  uint32_t addresses[maxOperandChunks];
  for (uint32_t step = 0; step < 4; ++step) {
    descriptor.start = 2048 + 32 * step;
    chunkAddresses(descriptor, 64, false, addresses);
    for (uint32_t row = 0; row < 64; ++row)
      for (uint32_t i = 0; i < 2; ++i)
        EXPECT_EQ(addresses[2 * row + i],
                  2048 + 128 * row + 16 * ((2 * step + i) ^ (row % 8)));
  }
}

// A pattern that does not start at a 1024-byte boundary says so in its base
// offset and then looks, from its start, like one that does.
TEST(Descriptor, BaseOffsetMovesThePattern) {
  MatrixDescriptor aligned, moved;
  aligned.start = 4096;
  aligned.stride = 1024;
  aligned.swizzle = DescriptorSwizzle::Bytes128;
  uint32_t expected[maxOperandChunks], addresses[maxOperandChunks];
  chunkAddresses(aligned, 256, false, expected);
  for (uint32_t line = 1; line < 8; ++line) {
    moved = aligned;
    moved.start += 128 * line;
    moved.baseOffset = static_cast<uint8_t>(line);
    chunkAddresses(moved, 256, false, addresses);
    for (int i = 0; i < operandChunks(256); ++i)
      ASSERT_EQ(addresses[i], expected[i] + 128 * line);
  }
}

// Whatever the layout, no two chunks of a matrix share an address.
TEST(Descriptor, CompactLayoutsAreInjective) {
  for (bool mnMajor : {false, true})
    for (auto swizzle :
         {DescriptorSwizzle::None, DescriptorSwizzle::Bytes32,
          DescriptorSwizzle::Bytes64, DescriptorSwizzle::Bytes128}) {
      MatrixDescriptor descriptor;
      descriptor.swizzle = swizzle;
      bool plain = swizzle == DescriptorSwizzle::None;
      descriptor.leading = plain ? 8192 : 2048;
      descriptor.stride = plain ? 128 : 1024;
      uint32_t addresses[maxOperandChunks];
      chunkAddresses(descriptor, 256, mnMajor, addresses);
      std::set<uint32_t> seen(addresses, addresses + operandChunks(256));
      EXPECT_EQ(seen.size(), static_cast<size_t>(operandChunks(256)));
    }
}

} // namespace
