//===- Descriptor.cpp - wgmma matrix descriptors --------------------------===//

#include "sim/tensor/Descriptor.h"

namespace tilewright::sim {

// Fields of the descriptor, PTX ISA 9.7.15.5.1.2.2.
static constexpr int startBit = 0, leadingBit = 16, strideBit = 32;
static constexpr int baseOffsetBit = 49, swizzleBit = 62;
static constexpr uint64_t addressFieldMask = 0x3fff;
/// Addresses and offsets are kept in units of 16 bytes.
static constexpr int addressUnitBits = 4;

static uint32_t decodeOffset(uint64_t bits, int position) {
  return static_cast<uint32_t>((bits >> position) & addressFieldMask)
         << addressUnitBits;
}

static uint64_t encodeOffset(uint32_t offset, int position) {
  return ((offset >> addressUnitBits) & addressFieldMask) << position;
}

MatrixDescriptor MatrixDescriptor::decode(uint64_t bits) {
  MatrixDescriptor result;
  result.start = decodeOffset(bits, startBit);
  result.leading = decodeOffset(bits, leadingBit);
  result.stride = decodeOffset(bits, strideBit);
  result.baseOffset = (bits >> baseOffsetBit) & 7;
  result.swizzle = static_cast<DescriptorSwizzle>(bits >> swizzleBit);
  return result;
}

uint64_t MatrixDescriptor::encode() const {
  return encodeOffset(start, startBit) | encodeOffset(leading, leadingBit) |
         encodeOffset(stride, strideBit) |
         static_cast<uint64_t>(baseOffset & 7) << baseOffsetBit |
         static_cast<uint64_t>(swizzle) << swizzleBit;
}

/// Chunks that one line of a swizzle atom holds.
static uint32_t chunksPerLine(DescriptorSwizzle swizzle) {
  switch (swizzle) {
  case DescriptorSwizzle::None:
    return 1;
  case DescriptorSwizzle::Bytes32:
    return 2;
  case DescriptorSwizzle::Bytes64:
    return 4;
  case DescriptorSwizzle::Bytes128:
    return 8;
  }
  return 1;
}

/// Replaces unswizzled addresses by swizzled ones: address bits 6:4 are xored
/// with the number of the 128-byte line, counted from where the pattern starts.
static void swizzleAddresses(const MatrixDescriptor &descriptor, int count,
                             uint32_t *addresses) {
  uint32_t mask = chunksPerLine(descriptor.swizzle) - 1;
  uint32_t base = descriptor.baseOffset;
  for (int i = 0; i < count; ++i)
    addresses[i] ^= (((addresses[i] >> 7) - base) & mask) << addressUnitBits;
}

// K-major: ((8,m),(T,2k)) : ((line,SBO),(1,step)). Unswizzled, the two chunks
// of a k-step are the leading offset apart; swizzled, they are neighbours.
static void kMajorAddresses(const MatrixDescriptor &descriptor, int rows,
                            uint32_t *addresses) {
  bool swizzled = descriptor.swizzle != DescriptorSwizzle::None;
  uint32_t line = chunksPerLine(descriptor.swizzle) * chunkBytes;
  uint32_t step = swizzled ? chunkBytes : descriptor.leading;
  for (int row = 0; row < rows; ++row) {
    uint32_t group = static_cast<uint32_t>(row) / 8;
    uint32_t address = descriptor.start + group * descriptor.stride +
                       (static_cast<uint32_t>(row) % 8) * line;
    addresses[2 * row] = address;
    addresses[2 * row + 1] = address + step;
  }
}

// MN-major: ((T,W,m),(8,k)) : ((1,T,LBO),(line,SBO)) with W chunks a line; the
// unswizzled form ((T,1,m),(8,k)) : ((1,T,SBO),(T,LBO)) swaps the two offsets.
static void mnMajorAddresses(const MatrixDescriptor &descriptor, int rows,
                             uint32_t *addresses) {
  constexpr int depths = kStepBytes / 2;
  bool swizzled = descriptor.swizzle != DescriptorSwizzle::None;
  uint32_t width = chunksPerLine(descriptor.swizzle);
  uint32_t acrossMn = swizzled ? descriptor.leading : descriptor.stride;
  uint32_t acrossK = swizzled ? descriptor.stride : descriptor.leading;
  for (int depth = 0; depth < depths; ++depth) {
    uint32_t line = descriptor.start + (depth / 8) * acrossK +
                    (depth % 8) * width * chunkBytes;
    for (int i = 0; i < rows / 8; ++i) {
      uint32_t chunk = static_cast<uint32_t>(i);
      *addresses++ =
          line + (chunk / width) * acrossMn + (chunk % width) * chunkBytes;
    }
  }
}

void chunkAddresses(const MatrixDescriptor &descriptor, int rows, bool mnMajor,
                    uint32_t *addresses) {
  if (mnMajor)
    mnMajorAddresses(descriptor, rows, addresses);
  else
    kMajorAddresses(descriptor, rows, addresses);
  if (descriptor.swizzle != DescriptorSwizzle::None)
    swizzleAddresses(descriptor, operandChunks(rows), addresses);
}

} // namespace tilewright::sim
