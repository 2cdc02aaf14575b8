//===- Descriptor.h - wgmma matrix descriptors ----------------------------===//
//
// PTX ISA 9.7.15.5.1.2: how 64 bits describe a matrix in shared memory. Every
// layout keeps 16 bytes together, so an operand is a list of 16-byte chunks and
// the whole of the addressing is one small table.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_TENSOR_DESCRIPTOR_H
#define TILEWRIGHT_SIM_TENSOR_DESCRIPTOR_H

#include <cstdint>

namespace tilewright::sim {

/// Width of the swizzle pattern, with the descriptor's encoding.
enum class DescriptorSwizzle : uint8_t {
  None = 0,
  Bytes128 = 1,
  Bytes64 = 2,
  Bytes32 = 3
};

struct MatrixDescriptor {
  uint32_t start = 0;   ///< shared-memory byte address
  uint32_t leading = 0; ///< leading dimension byte offset
  uint32_t stride = 0;  ///< stride dimension byte offset
  uint8_t baseOffset = 0;
  DescriptorSwizzle swizzle = DescriptorSwizzle::None;

  static MatrixDescriptor decode(uint64_t bits);
  uint64_t encode() const;
};

/// Bytes of one chunk, and of one k-step of any element type.
inline constexpr uint32_t chunkBytes = 16;
inline constexpr uint32_t kStepBytes = 32;
/// Chunks of the largest operand: 256 rows or columns of 32 bytes.
inline constexpr int maxOperandChunks = 512;

/// Number of 16-byte chunks in an operand of `rows` rows (of A) or columns (of
/// B); the same for both major-nesses.
constexpr int operandChunks(int rows) {
  return rows * static_cast<int>(kStepBytes / chunkBytes);
}

/// Fills `addresses` with the shared-memory byte address of every chunk.
/// K-major: chunk 2 * row + i holds the bytes [16 i, 16 i + 16) of row `row`.
/// MN-major (16-bit elements only): chunk k * (rows / 8) + i holds rows
/// [8 i, 8 i + 8) at depth k. `rows` is a multiple of 8, at most 256.
void chunkAddresses(const MatrixDescriptor &descriptor, int rows, bool mnMajor,
                    uint32_t *addresses);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TENSOR_DESCRIPTOR_H
