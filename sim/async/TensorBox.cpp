//===- TensorBox.cpp - Boxes between global and shared memory -------------===//
//
// PTX ISA 5.5.3 and 5.5.7: which elements a box covers, where they land, and
// what happens at the tensor's edge.
//
//===----------------------------------------------------------------------===//

#include "sim/async/TensorMap.h"

#include <cstring>

namespace tilewright::sim {

static constexpr uint32_t chunkBytes = 16;
/// A box row has at most 256 elements of 8 bytes.
static constexpr uint32_t maxRowBytes = 256 * 8;

/// Address bits 6:4 are xored with the low bits of the 128-byte line number.
static uint32_t swizzleAddress(TensorSwizzle swizzle, uint32_t address) {
  uint32_t mask = (1u << static_cast<uint32_t>(swizzle)) - 1;
  return address ^ (((address >> 7) & mask) << 4);
}

uint32_t swizzledAddress(TensorSwizzle swizzle, uint32_t base,
                         uint32_t offset) {
  return swizzleAddress(swizzle, base + offset);
}

namespace {
/// One row of a box, along dimension 0: which of its elements exist.
struct BoxRow {
  uint64_t address; ///< of the first element that exists
  uint32_t first;   ///< its index in the row
  uint32_t count;   ///< 0 if the row is wholly outside
};

/// Walks the rows of a box in the order in which shared memory holds them.
class RowWalker {
public:
  RowWalker(const TensorMap &map, const int32_t *coordinates)
      : map(map), coordinates(coordinates) {
    for (int i = 1; i < map.rank; ++i)
      rows *= map.boxElements(i);
    clipDimension0();
  }

  uint32_t rowCount() const { return rows; }

  /// The current row.
  BoxRow row() const {
    uint64_t address = map.address;
    for (int i = 1; i < map.rank; ++i) {
      int64_t at = coordinates[i] + int64_t{index[i]} * map.elementStride[i];
      if (at < 0 || static_cast<uint64_t>(at) >= map.dim[i])
        return {0, 0, 0};
      address += static_cast<uint64_t>(at) * map.stride[i];
    }
    uint64_t start = static_cast<uint64_t>(coordinates[0] + int64_t{first});
    return {address + start * map.stride[0], first, count};
  }

  void next() {
    for (int i = 1; i < map.rank; ++i) {
      if (++index[i] < map.boxElements(i))
        return;
      index[i] = 0;
    }
  }

private:
  void clipDimension0() {
    int64_t low = coordinates[0];
    int64_t high = low + map.boxElements(0);
    int64_t end = static_cast<int64_t>(map.dim[0]);
    int64_t from = low < 0 ? 0 : low;
    int64_t to = high < end ? high : end;
    count = to > from ? static_cast<uint32_t>(to - from) : 0;
    first = count ? static_cast<uint32_t>(from - low) : 0;
  }

  const TensorMap &map;
  const int32_t *coordinates;
  uint32_t index[maxTensorRank] = {};
  uint32_t rows = 1;
  uint32_t first = 0, count = 0;
};
} // namespace

/// What must hold before a transfer starts; empty if it does.
static std::string checkTransfer(const TensorMap &map, uint32_t sharedAddress,
                                 const SharedSpan &shared) {
  if (sharedAddress % map.sharedAlignment() != 0)
    return "the shared-memory address of a tensor copy is not a multiple of " +
           std::to_string(map.sharedAlignment());
  uint32_t rowBytes = map.boxElements(0) * map.elementBytes();
  uint32_t span = chunkBytes << static_cast<uint32_t>(map.swizzle);
  // The manual does not say how rows shorter than the pattern are laid out.
  if (map.swizzle != TensorSwizzle::None && rowBytes != span)
    return "a box row of " + std::to_string(rowBytes) +
           " bytes does not fill its swizzle of " + std::to_string(span);
  if (uint64_t{sharedAddress} + map.boxBytes() > shared.size)
    return "a tensor copy of " + std::to_string(map.boxBytes()) +
           " bytes leaves shared memory";
  return {};
}

/// Copies a row's bytes into shared memory at its swizzled places.
static void putRow(TensorSwizzle swizzle, uint8_t *shared, uint32_t address,
                   const uint8_t *row, uint32_t bytes) {
  if (swizzle == TensorSwizzle::None) {
    std::memcpy(shared + address, row, bytes);
    return;
  }
  for (uint32_t i = 0; i < bytes; i += chunkBytes)
    std::memcpy(shared + swizzleAddress(swizzle, address + i), row + i,
                chunkBytes);
}

static void takeRow(TensorSwizzle swizzle, const uint8_t *shared,
                    uint32_t address, uint8_t *row, uint32_t bytes) {
  if (swizzle == TensorSwizzle::None) {
    std::memcpy(row, shared + address, bytes);
    return;
  }
  for (uint32_t i = 0; i < bytes; i += chunkBytes)
    std::memcpy(row + i, shared + swizzleAddress(swizzle, address + i),
                chunkBytes);
}

/// The element that stands for what lies outside the tensor.
static void fillOutside(const TensorMap &map, uint8_t *row, uint32_t bytes) {
  if (!map.fillNan) {
    std::memset(row, 0, bytes);
    return;
  }
  // Every bit but the sign is set in the canonical NaN of each format.
  uint32_t size = map.elementBytes();
  std::memset(row, 0xff, bytes);
  for (uint32_t i = size - 1; i < bytes; i += size)
    row[i] = 0x7f;
}

static bool flushes(TensorDataType type) {
  return type == TensorDataType::Float32Ftz ||
         type == TensorDataType::TFloat32Ftz;
}

static bool roundsToTf32(TensorDataType type) {
  return type == TensorDataType::TFloat32 ||
         type == TensorDataType::TFloat32Ftz;
}

constexpr uint32_t signBit = 0x80000000u, exponentBits = 0x7f800000u;
/// Of an f32, behind the ten bits of tf32's significand.
constexpr uint32_t belowTf32 = 0x1fffu, halfBelowTf32 = 0x1000u;
constexpr uint32_t quietBit = 0x400000u;

/// To nearest, ties away from zero, as cvt.rna.tf32 does.
static uint32_t roundedToTf32(uint32_t bits) {
  if ((bits & exponentBits) != exponentBits)
    return (bits + halfBelowTf32) & ~belowTf32;
  bool isNan = (bits & ~(signBit | exponentBits)) != 0;
  return (bits & ~belowTf32) | (isNan ? quietBit : 0);
}

/// What loads do to elements of some types: those of `_FTZ` flush subnormals to
/// zeros of their sign, the TFLOAT32 ones round. (CUTLASS: "TMA converts f32
/// input to tf32 when copying from GMEM to SMEM".)
static void convertLoaded(TensorDataType type, uint8_t *row, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i += sizeof(uint32_t)) {
    uint32_t bits;
    std::memcpy(&bits, row + i, sizeof(bits));
    if (flushes(type) && (bits & exponentBits) == 0)
      bits &= signBit;
    if (roundsToTf32(type))
      bits = roundedToTf32(bits);
    std::memcpy(row + i, &bits, sizeof(bits));
  }
}

static std::string outsideAllocation(const char *what, uint64_t address,
                                     uint64_t bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string hex;
  for (int shift = 60; shift >= 0; shift -= 4)
    if (!hex.empty() || (address >> shift) & 15 || shift == 0)
      hex += digits[(address >> shift) & 15];
  return std::string("a tensor copy ") + what + " " + std::to_string(bytes) +
         " bytes at 0x" + hex + ", outside every allocation";
}

/// Rows lie a whole tensor row apart, which no hardware prefetcher follows. A
/// prefetch past the tensor is harmless: it cannot fault.
static void prefetchRow(const TensorMap &map, const uint8_t *source) {
  constexpr uint64_t rowsAhead = 12, lineBytes = 64;
  uintptr_t ahead =
      reinterpret_cast<uintptr_t>(source) + rowsAhead * map.stride[1];
  for (uint64_t i = 0; i < map.box[0] * map.elementBytes(); i += lineBytes)
    __builtin_prefetch(reinterpret_cast<const void *>(ahead + i));
}

TransferResult loadTensorBox(const TensorMap &map, const int32_t *coordinates,
                             uint32_t sharedAddress, SharedSpan shared,
                             const GlobalAccess &global) {
  if (std::string error = checkTransfer(map, sharedAddress, shared);
      !error.empty())
    return {error, 0};
  uint32_t size = map.elementBytes();
  uint32_t rowElements = map.boxElements(0);
  uint32_t rowBytes = rowElements * size;
  bool converts = flushes(map.type) || roundsToTf32(map.type);
  uint8_t buffer[maxRowBytes];
  RowWalker walker(map, coordinates);
  for (uint32_t i = 0; i < walker.rowCount(); ++i, walker.next()) {
    BoxRow row = walker.row();
    const uint8_t *source = nullptr;
    if (row.count != 0) {
      uint64_t bytes = uint64_t{row.count} * size;
      source = global.translate(global.context, row.address, bytes, false);
      if (!source)
        return {outsideAllocation("reads", row.address, bytes), 0};
      prefetchRow(map, source);
    }
    if (row.count != rowElements || converts) {
      fillOutside(map, buffer, rowBytes);
      if (row.count != 0) {
        std::memcpy(buffer + row.first * size, source, row.count * size);
        if (converts)
          convertLoaded(map.type, buffer + row.first * size, row.count * size);
      }
      source = buffer;
    }
    putRow(map.swizzle, shared.data, sharedAddress + i * rowBytes, source,
           rowBytes);
  }
  return {{}, map.boxBytes()};
}

/// Common part of stores and reductions: hands each row's existing elements to
/// `write` with the global memory that they go to.
template <class Write>
static TransferResult
writeRows(const TensorMap &map, const int32_t *coordinates,
          uint32_t sharedAddress, const SharedSpan &shared,
          const GlobalAccess &global, Write write) {
  if (std::string error = checkTransfer(map, sharedAddress, shared);
      !error.empty())
    return {error, 0};
  uint32_t size = map.elementBytes();
  uint32_t rowBytes = map.boxElements(0) * size;
  uint8_t buffer[maxRowBytes];
  RowWalker walker(map, coordinates);
  for (uint32_t i = 0; i < walker.rowCount(); ++i, walker.next()) {
    BoxRow row = walker.row();
    if (row.count == 0)
      continue;
    uint64_t bytes = uint64_t{row.count} * size;
    uint8_t *target =
        global.translate(global.context, row.address, bytes, true);
    if (!target)
      return {outsideAllocation("writes", row.address, bytes), 0};
    takeRow(map.swizzle, shared.data, sharedAddress + i * rowBytes, buffer,
            rowBytes);
    write(target, buffer + row.first * size, row.count);
  }
  return {{}, map.boxBytes()};
}

TransferResult storeTensorBox(const TensorMap &map, const int32_t *coordinates,
                              uint32_t sharedAddress, SharedSpan shared,
                              const GlobalAccess &global) {
  uint32_t size = map.elementBytes();
  return writeRows(map, coordinates, sharedAddress, shared, global,
                   [&](uint8_t *target, const uint8_t *source, uint32_t count) {
                     std::memcpy(target, source, count * size);
                   });
}

TransferResult reduceTensorBox(const TensorMap &map, TensorReduction operation,
                               const int32_t *coordinates,
                               uint32_t sharedAddress, SharedSpan shared,
                               const GlobalAccess &global) {
  if (const char *error = checkTensorReduction(map.type, operation))
    return {error, 0};
  return writeRows(map, coordinates, sharedAddress, shared, global,
                   [&](uint8_t *target, const uint8_t *source, uint32_t count) {
                     reduceElements(map.type, operation, target, source, count);
                   });
}

void visitGlobalRuns(const TensorMap &map, const int32_t *coordinates,
                     void (*visit)(void *context, uint64_t address,
                                   uint32_t bytes),
                     void *context) {
  RowWalker walker(map, coordinates);
  for (uint32_t i = 0; i < walker.rowCount(); ++i, walker.next())
    if (BoxRow row = walker.row(); row.count != 0)
      visit(context, row.address, row.count * map.elementBytes());
}

} // namespace tilewright::sim
