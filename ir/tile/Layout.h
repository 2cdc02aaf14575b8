//===- Layout.h - Layouts of fragments as data ------------------*- C++ -*-===//
// A fragment layout maps (thread, register) to a coordinate. It is a sum of
// digits times steps, so every question about it (inverse, slices, vector
// width, replication) is answered from the two lists of modes, with no case per
// instruction. `#tile.layout` is this class as an attribute.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_TILE_LAYOUT_H
#define TILEWRIGHT_IR_TILE_LAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>
#include <string>

namespace tilewright::tile {

using Coordinate = llvm::SmallVector<int64_t, 2>;

/// One digit of a thread or register number, and how far it moves in each
/// dimension.
struct Mode {
  int64_t size = 1;
  Coordinate steps;

  /// All steps zero: the digit does not change the coordinate.
  bool replicates() const;
  bool operator==(const Mode &other) const {
    return size == other.size && steps == other.steps;
  }
};

/// Where an element is: the lowest thread and register that hold it.
struct Place {
  int64_t thread = 0;
  int64_t reg = 0;
};

class Layout {
public:
  /// A layout of a given rank from its modes, innermost first.
  Layout(unsigned rank, llvm::ArrayRef<Mode> threadModes,
         llvm::ArrayRef<Mode> registerModes);

  /// The accumulator of a product of `rows` x `columns` by `warpgroups`
  /// warpgroups: rows are dealt out in blocks of 64, columns split where there
  /// are more warpgroups than blocks. Also the layout of a 16-bit A operand in
  /// registers. Nothing if the shape does not divide.
  static std::optional<Layout> accumulator(int64_t rows, int64_t columns,
                                           int64_t warpgroups);

  /// Rows of the accumulators of `mma.sync` m16n8: `rowWarps` warps along the
  /// rows, the rest along the columns.
  static std::optional<Layout> warpAccumulator(int64_t rows, int64_t columns,
                                               int64_t warps, int64_t rowWarps);

  /// For accesses of `vector` elements along the last dimension: threads lie
  /// along it first, then along the dimensions before it; what is left is
  /// registers. Threads that are too many replicate. Nothing if a size does not
  /// divide.
  static std::optional<Layout> blocked(llvm::ArrayRef<int64_t> shape,
                                       int64_t threads, int64_t vector);

  /// Every thread holds everything.
  static Layout replicated(llvm::ArrayRef<int64_t> shape, int64_t threads);

  unsigned getRank() const { return rank; }
  llvm::ArrayRef<Mode> getThreadModes() const { return threadModes; }
  llvm::ArrayRef<Mode> getRegisterModes() const { return registerModes; }

  int64_t getNumThreads() const;
  int64_t getNumRegisters() const;

  /// The smallest shape that holds all coordinates.
  Coordinate getShape() const;

  /// Whether the coordinates are exactly those of `shape`.
  bool covers(llvm::ArrayRef<int64_t> shape) const;

  /// The parts of a coordinate; it is their sum.
  Coordinate getThreadCoordinate(int64_t thread) const;
  Coordinate getRegisterCoordinate(int64_t reg) const;
  Coordinate getCoordinate(int64_t thread, int64_t reg) const;

  /// The inverse: lowest thread and register of a coordinate.
  std::optional<Place> find(llvm::ArrayRef<int64_t> coordinate) const;

  /// Modes of size 1 dropped, neighbours that continue one another merged;
  /// replicating register modes dropped.
  Layout canonical() const;
  bool operator==(const Layout &other) const;
  bool operator!=(const Layout &other) const { return !(*this == other); }

  /// Whether no two threads hold elements that differ along `dim` only, i.e.
  /// each thread holds whole lines of it.
  bool isThreadLocal(unsigned dim) const;

  /// The result of a reduction: `dim` has size 1, held by all threads that held
  /// a part of it.
  Layout reduced(unsigned dim) const;

  /// Steps of `dim` dropped, or a dimension without steps added at `dim`.
  Layout withoutDim(unsigned dim) const;
  Layout withDim(unsigned dim) const;

  /// Longest run of consecutive registers, a power of two, that lie next to one
  /// another along `dim` and start at a multiple of their number.
  int64_t getVectorWidth(unsigned dim) const;

  /// A layout together with the registers of the original that it keeps.
  struct Part;

  /// The sub-tile at `offsets`; nothing, and `reason`, if it is not
  /// thread-local.
  std::optional<Part> extract(llvm::ArrayRef<int64_t> offsets,
                              llvm::ArrayRef<int64_t> shape,
                              std::string &reason) const;

  /// Every other group of `group` elements along `dim`, starting with the group
  /// of number `parity`; nothing, and `reason`, if it is not thread-local.
  std::optional<Part> deinterleave(unsigned dim, int64_t group, unsigned parity,
                                   std::string &reason) const;

  /// The layout whose two halves under `deinterleave` have this layout.
  std::optional<Layout> interleaved(unsigned dim, int64_t group,
                                    std::string &reason) const;

  /// For each register of `target`, the register of this layout that holds the
  /// same element in the same thread; nothing if a thread lacks an element.
  std::optional<llvm::SmallVector<int64_t>>
  getThreadLocalMap(const Layout &target) const;

  std::string toString() const;

private:
  unsigned rank;
  llvm::SmallVector<Mode, 6> threadModes;
  llvm::SmallVector<Mode, 6> registerModes;
};

struct Layout::Part {
  Layout layout;
  llvm::SmallVector<int64_t> registers;
};

} // namespace tilewright::tile

#endif // TILEWRIGHT_IR_TILE_LAYOUT_H
