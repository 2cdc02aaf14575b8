//===- WmmaOps.cpp - wmma.load, wmma.store and wmma.mma -------------------===//

#include "sim/exec/ops/WmmaOps.h"

#include "sim/exec/Memory.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim {

/// Lanes that share a row of a fragment, and columns of a tile.
static constexpr int laneGroup = 4;
static constexpr int tileColumns = 8;
/// Registers of the largest fragment.
static constexpr size_t maxFragment = 8;

/// Elements of one register.
static int perRegister(int bits) { return bits < 32 ? 32 / bits : 1; }

/// Whether the matrix is the tiles' left factor.
static bool isRowOperand(const WmmaTiling &tiling, WmmaMatrix matrix) {
  return (matrix == WmmaMatrix::A) != tiling.transposed;
}

/// Registers of one tile's part of the fragment.
static int tileRegisters(const WmmaTiling &tiling, WmmaMatrix matrix,
                         int bits) {
  if (matrix == WmmaMatrix::C)
    return tiling.tileRows * tileColumns / warpLanes / perRegister(bits);
  int rows = isRowOperand(tiling, matrix) ? tiling.tileRows : tileColumns;
  return rows * tiling.k / warpLanes / perRegister(bits);
}

int wmmaRegisters(const WmmaTiling &tiling, WmmaMatrix matrix, int bits) {
  int tiles = matrix == WmmaMatrix::C ? tiling.rowTiles * tiling.columnTiles
              : isRowOperand(tiling, matrix) ? tiling.rowTiles
                                             : tiling.columnTiles;
  return tiles * tileRegisters(tiling, matrix, bits);
}

namespace {
struct Place {
  int row, column;
};
} // namespace

/// The element of matrix A, B or C that a lane's fragment holds at an index.
static Place placeOf(const WmmaMoveSpec &spec, int index, int lane,
                     int element) {
  const WmmaTiling &tiling = spec.tiling;
  int packed = perRegister(spec.bits);
  int tileSize = tileRegisters(tiling, spec.matrix, spec.bits);
  int tile = index / tileSize, part = index % tileSize;
  Place place;
  if (spec.matrix == WmmaMatrix::C) {
    int pair = packed == 2 ? part : part / 2;
    place.row = tile / tiling.columnTiles * tiling.tileRows + lane / laneGroup +
                8 * pair;
    place.column = tile % tiling.columnTiles * tileColumns +
                   lane % laneGroup * 2 + (packed == 2 ? element : part % 2);
  } else {
    bool rows = isRowOperand(tiling, spec.matrix);
    int groups = rows ? tiling.tileRows / 8 : 1;
    int line = tile * (rows ? tiling.tileRows : tileColumns) +
               lane / laneGroup + 8 * (part % groups);
    int k = (part / groups * laneGroup + lane % laneGroup) * packed + element;
    // Of the left factor a line is a row, of the right one a column.
    place = rows ? Place{line, k} : Place{k, line};
  }
  if (tiling.transposed)
    std::swap(place.row, place.column);
  return place;
}

void wmmaExtents(const WmmaMoveSpec &spec, int &leading, int &count) {
  const WmmaTiling &tiling = spec.tiling;
  int rows = tiling.tileRows * tiling.rowTiles;
  int columns = tileColumns * tiling.columnTiles;
  if (tiling.transposed)
    std::swap(rows, columns);
  int height = spec.matrix == WmmaMatrix::B ? tiling.k : rows;
  int width = spec.matrix == WmmaMatrix::A ? tiling.k : columns;
  leading = spec.columnMajor ? height : width;
  count = spec.columnMajor ? width : height;
}

static Status illegal(const Inst &inst, Warp &warp, std::string message) {
  return warp.fault(inst, ErrorKind::IllegalInstruction, std::move(message));
}

/// Waits for the whole warp.
static bool ready(const Inst &inst, Warp &warp, Status &status) {
  if (!warp.converged(inst, status))
    return false;
  if (warp.mask == allLanes)
    return true;
  status = illegal(inst, warp, "wmma in a warp that has lost lanes");
  return false;
}

/// Host memory of the matrix, checked as a whole; null after a fault.
static std::byte *matrixMemory(const Inst &inst, Warp &warp,
                               const WmmaMoveSpec &spec, uint64_t &stride) {
  int leading = 0, count = 0;
  wmmaExtents(spec, leading, count);
  stride = warp.row32<uint32_t>(inst.b)[0];
  uint64_t address = laneAddress(inst, warp, 0);
  for (int lane = 1; lane < laneCount; ++lane)
    if (laneAddress(inst, warp, lane) != address ||
        warp.row32<uint32_t>(inst.b)[lane] != stride) {
      illegal(inst, warp, "address and stride of wmma differ between lanes");
      return nullptr;
    }
  // Lines start at multiples of the fragment's size, or of their own where the
  // default stride is less than a fragment.
  uint64_t bits = static_cast<uint64_t>(spec.bits);
  uint64_t align = spec.registers.size() * (spec.row64 ? 8u : 4u);
  uint64_t lineAlign =
      std::min(align, static_cast<uint64_t>(leading) * bits / 8);
  if (address % align || stride * bits / 8 % lineAlign) {
    warp.fault(inst, ErrorKind::MisalignedAddress,
               "address of wmma is no multiple of the fragment's " +
                   std::to_string(align) + " bytes, or the stride none of " +
                   std::to_string(lineAlign));
    return nullptr;
  }
  uint64_t elements = stride * static_cast<uint64_t>(count - 1) +
                      static_cast<uint64_t>(leading);
  const char *error = nullptr;
  std::byte *memory = hostPointer(inst, warp, 0, spaceOf(inst), address,
                                  elements * bits / 8, error);
  if (!memory)
    warp.fault(inst, ErrorKind::IllegalAddress, std::string("wmma: ") + error);
  return memory;
}

/// Calls `move(register, lane, shift, byte, bit)` for each element.
template <typename Move>
static void forElements(const WmmaMoveSpec &spec, uint64_t stride, size_t count,
                        Move move) {
  int packed = perRegister(spec.bits);
  for (size_t index = 0; index < count; ++index)
    for (int lane = 0; lane < warpLanes; ++lane)
      for (int element = 0; element < packed; ++element) {
        Place place = placeOf(spec, static_cast<int>(index), lane, element);
        int inner = spec.columnMajor ? place.row : place.column;
        int outer = spec.columnMajor ? place.column : place.row;
        uint64_t bit = (stride * static_cast<uint64_t>(outer) +
                        static_cast<uint64_t>(inner)) *
                       static_cast<uint64_t>(spec.bits);
        move(index, lane, element * spec.bits, bit / 8, bit % 8);
      }
}

Status runWmmaLoad(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const WmmaMoveSpec *>(inst.aux);
  uint64_t stride = 0;
  const std::byte *memory = matrixMemory(inst, warp, spec, stride);
  if (!memory)
    return Status::Fault;
  size_t bytes = static_cast<size_t>(std::max(spec.bits, 8)) / 8;
  uint64_t values[maxFragment][laneCount] = {};
  size_t distinct =
      static_cast<size_t>(wmmaRegisters(spec.tiling, spec.matrix, spec.bits));
  forElements(
      spec, stride, distinct,
      [&](size_t index, int lane, int shift, uint64_t at, uint64_t bit) {
        uint64_t value = 0;
        std::memcpy(&value, memory + at, bytes);
        if (spec.bits < 8)
          value = value >> bit & ((1u << spec.bits) - 1);
        values[index][lane] |= value << shift;
      });
  // A fragment with more registers than the matrix fills repeats them.
  for (size_t i = 0; i < spec.registers.size(); ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      uint64_t value = values[i % distinct][lane];
      if (spec.row64)
        warp.row64<uint64_t>(spec.registers[i])[lane] = value;
      else
        warp.row32<uint32_t>(spec.registers[i])[lane] =
            static_cast<uint32_t>(value);
    }
  return Status::Next;
}

Status runWmmaStore(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const WmmaMoveSpec *>(inst.aux);
  uint64_t stride = 0;
  std::byte *memory = matrixMemory(inst, warp, spec, stride);
  if (!memory)
    return Status::Fault;
  size_t bytes = static_cast<size_t>(spec.bits) / 8;
  forElements(spec, stride, spec.registers.size(),
              [&](size_t index, int lane, int shift, uint64_t at, uint64_t) {
                Ref ref = spec.registers[index];
                uint64_t word = spec.row64 ? warp.row64<uint64_t>(ref)[lane]
                                           : warp.row32<uint32_t>(ref)[lane];
                word >>= shift;
                std::memcpy(memory + at, &word, bytes);
              });
  return Status::Next;
}

//===----------------------------------------------------------------------===//
// wmma.mma
//===----------------------------------------------------------------------===//

namespace {
/// Copies of the registers of a fragment: the results may go where they came
/// from. Rows of f64 have 64-bit lanes.
struct Rows {
  alignas(64) uint64_t at[maxFragment][laneCount];
  const void *from[maxFragment];
  void *to[maxFragment];

  Rows() {
    for (size_t i = 0; i < maxFragment; ++i)
      from[i] = to[i] = at[i];
  }
};
} // namespace

static void readRows(const Warp &warp, const std::vector<Ref> &refs, bool row64,
                     Rows &out) {
  for (size_t i = 0; i < refs.size(); ++i) {
    const void *row = row64
                          ? static_cast<void *>(warp.row64<uint64_t>(refs[i]))
                          : static_cast<void *>(warp.row32<uint32_t>(refs[i]));
    std::memcpy(out.at[i], row, row64 ? row64Bytes : row32Bytes);
  }
}

static void writeRows(Warp &warp, const std::vector<Ref> &refs, bool row64,
                      const Rows &rows) {
  for (size_t i = 0; i < refs.size(); ++i) {
    void *row = row64 ? static_cast<void *>(warp.row64<uint64_t>(refs[i]))
                      : static_cast<void *>(warp.row32<uint32_t>(refs[i]));
    std::memcpy(row, rows.at[i], row64 ? row64Bytes : row32Bytes);
  }
}

static uint32_t *words(Rows &rows, size_t index) {
  return reinterpret_cast<uint32_t *>(rows.at[index]);
}

/// Four registers of f16 pairs become eight of f32.
static void widen(Rows &rows) {
  for (size_t i = 4; i-- > 0;)
    for (int lane = 0; lane < laneCount; ++lane) {
      uint32_t pair = words(rows, i)[lane];
      words(rows, 2 * i + 1)[lane] = std::bit_cast<uint32_t>(
          f32FromF16(static_cast<uint16_t>(pair >> 16)));
      words(rows, 2 * i)[lane] =
          std::bit_cast<uint32_t>(f32FromF16(static_cast<uint16_t>(pair)));
    }
}

static void narrow(Rows &rows) {
  auto half = [](uint32_t bits) {
    return f16FromF32(std::bit_cast<float>(bits));
  };
  for (size_t i = 0; i < 4; ++i)
    for (int lane = 0; lane < laneCount; ++lane) {
      uint32_t low = half(words(rows, 2 * i)[lane]);
      uint32_t high = half(words(rows, 2 * i + 1)[lane]);
      words(rows, i)[lane] = low | high << 16;
    }
}

Status runWmma(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const WmmaSpec *>(inst.aux);
  const WmmaTiling &tiling = spec.tiling;
  Rows left, right, c, d;
  readRows(warp, tiling.transposed ? spec.b : spec.a, spec.row64, left);
  readRows(warp, tiling.transposed ? spec.a : spec.b, spec.row64, right);
  readRows(warp, spec.c, spec.row64, c);
  bool wide = spec.tile.dType == AccumulatorType::F32;
  if (wide && spec.cType == AccumulatorType::F16)
    widen(c);
  int leftSize = spec.tile.aRegisters(), rightSize = spec.tile.bRegisters();
  int accumulators = spec.tile.dRegisters();
  for (int row = 0; row < tiling.rowTiles; ++row)
    for (int column = 0; column < tiling.columnTiles; ++column) {
      int at = (row * tiling.columnTiles + column) * accumulators;
      runMmaSync(spec.tile, d.to + at, left.from + row * leftSize,
                 right.from + column * rightSize, c.from + at);
    }
  if (wide && spec.dType == AccumulatorType::F16)
    narrow(d);
  writeRows(warp, spec.d, spec.row64, d);
  return Status::Next;
}

Status runQuadMmaSync(const Inst &inst, Warp &warp) {
  Status status = Status::Next;
  if (!ready(inst, warp, status))
    return status;
  const auto &spec = *static_cast<const QuadMmaSpec *>(inst.aux);
  uint32_t *d[maxFragment];
  const uint32_t *a[maxFragment], *b[maxFragment], *c[maxFragment];
  auto rows = [&](const std::vector<Ref> &refs, auto **out) {
    for (size_t i = 0; i < refs.size(); ++i)
      out[i] = warp.row32<uint32_t>(refs[i]);
  };
  rows(spec.d, d);
  rows(spec.a, a);
  rows(spec.b, b);
  rows(spec.c, c);
  runQuadMma(spec.op, d, a, b, c);
  return Status::Next;
}

} // namespace tilewright::sim
