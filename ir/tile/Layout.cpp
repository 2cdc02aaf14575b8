//===- Layout.cpp - Layouts of fragments as data --------------------------===//

#include "ir/tile/Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cassert>

using namespace llvm;

namespace tilewright::tile {

// Geometry of the fragments of tensor-core instructions: an 8 x 8 matrix lies
// over a warp as four threads along the columns, with two elements each, times
// eight along the rows; a warp has two of them below each other.
constexpr int64_t matrixRows = 8;
constexpr int64_t quadThreads = 4;
constexpr int64_t quadElements = 2;
constexpr int64_t matrixColumns = quadThreads * quadElements;
constexpr int64_t warpRows = 2 * matrixRows;
constexpr int64_t warpsPerGroup = 4;
constexpr int64_t groupRows = warpsPerGroup * warpRows;

bool Mode::replicates() const {
  return all_of(steps, [](int64_t step) { return step == 0; });
}

static int64_t getProduct(ArrayRef<Mode> modes) {
  int64_t product = 1;
  for (const Mode &mode : modes)
    product *= mode.size;
  return product;
}

static Coordinate evaluate(unsigned rank, ArrayRef<Mode> modes, int64_t index) {
  Coordinate sum(rank, 0);
  for (const Mode &mode : modes) {
    int64_t digit = index % mode.size;
    index /= mode.size;
    for (unsigned dim = 0; dim < rank; ++dim)
      sum[dim] += digit * mode.steps[dim];
  }
  return sum;
}

/// The largest value that the modes reach along `dim`.
static int64_t getReach(ArrayRef<Mode> modes, unsigned dim) {
  int64_t reach = 0;
  for (const Mode &mode : modes)
    reach += (mode.size - 1) * mode.steps[dim];
  return reach;
}

static Mode makeMode(int64_t size, int64_t rowStep, int64_t columnStep) {
  return Mode{size, {rowStep, columnStep}};
}

Layout::Layout(unsigned rank, ArrayRef<Mode> threads, ArrayRef<Mode> registers)
    : rank(rank), threadModes(threads), registerModes(registers) {
  for ([[maybe_unused]] ArrayRef<Mode> modes : {threads, registers})
    for ([[maybe_unused]] const Mode &mode : modes)
      assert(mode.size > 0 && mode.steps.size() == rank && "malformed mode");
}

//===----------------------------------------------------------------------===//
// The layouts of instructions and accesses
//===----------------------------------------------------------------------===//

std::optional<Layout> Layout::accumulator(int64_t rows, int64_t columns,
                                          int64_t warpgroups) {
  if (rows <= 0 || columns <= 0 || warpgroups <= 0 || rows % groupRows ||
      columns % matrixColumns)
    return std::nullopt;
  int64_t blocks = rows / groupRows;
  // As many warpgroups along the rows as divide them; the others split columns.
  int64_t rowGroups = std::min(blocks, warpgroups);
  while (blocks % rowGroups || warpgroups % rowGroups)
    --rowGroups;
  int64_t columnGroups = warpgroups / rowGroups;
  if (columns % (columnGroups * matrixColumns))
    return std::nullopt;
  int64_t groupColumns = columns / columnGroups;
  Layout layout(
      2,
      {makeMode(quadThreads, 0, quadElements), makeMode(matrixRows, 1, 0),
       makeMode(warpsPerGroup, warpRows, 0), makeMode(rowGroups, groupRows, 0),
       makeMode(columnGroups, 0, groupColumns)},
      {makeMode(quadElements, 0, 1), makeMode(2, matrixRows, 0),
       makeMode(groupColumns / matrixColumns, 0, matrixColumns),
       makeMode(blocks / rowGroups, rowGroups * groupRows, 0)});
  return layout.canonical();
}

std::optional<Layout> Layout::warpAccumulator(int64_t rows, int64_t columns,
                                              int64_t warps, int64_t rowWarps) {
  if (rowWarps <= 0 || warps % rowWarps)
    return std::nullopt;
  int64_t columnWarps = warps / rowWarps;
  if (rows <= 0 || columns <= 0 || rows % (warpRows * rowWarps) ||
      columns % (matrixColumns * columnWarps))
    return std::nullopt;
  int64_t warpColumns = columns / columnWarps;
  Layout layout(
      2,
      {makeMode(quadThreads, 0, quadElements), makeMode(matrixRows, 1, 0),
       makeMode(rowWarps, warpRows, 0), makeMode(columnWarps, 0, warpColumns)},
      {makeMode(quadElements, 0, 1), makeMode(2, matrixRows, 0),
       makeMode(warpColumns / matrixColumns, 0, matrixColumns),
       makeMode(rows / (warpRows * rowWarps), warpRows * rowWarps, 0)});
  return layout.canonical();
}

std::optional<Layout> Layout::blocked(ArrayRef<int64_t> shape, int64_t threads,
                                      int64_t vector) {
  unsigned rank = shape.size();
  if (rank == 0 || vector <= 0 || shape.back() % vector)
    return std::nullopt;
  SmallVector<Mode> threadModes, registerModes;
  auto add = [&](SmallVector<Mode> &modes, int64_t size, unsigned dim,
                 int64_t step) {
    Coordinate steps(rank, 0);
    steps[dim] = step;
    modes.push_back(Mode{size, steps});
  };
  add(registerModes, vector, rank - 1, 1);
  int64_t left = threads;
  for (unsigned i = 0; i < rank; ++i) {
    unsigned dim = rank - 1 - i;
    int64_t unit = i == 0 ? vector : 1;
    int64_t units = shape[dim] / unit;
    // The greatest common divisor keeps every thread busy with whole accesses.
    int64_t along = std::gcd(units, left);
    add(threadModes, along, dim, unit);
    add(registerModes, units / along, dim, unit * along);
    left /= along;
  }
  threadModes.push_back(Mode{left, Coordinate(rank, 0)});
  return Layout(rank, threadModes, registerModes).canonical();
}

Layout Layout::replicated(ArrayRef<int64_t> shape, int64_t threads) {
  unsigned rank = shape.size();
  SmallVector<Mode> registerModes;
  for (unsigned i = 0; i < rank; ++i) {
    Coordinate steps(rank, 0);
    steps[rank - 1 - i] = 1;
    registerModes.push_back(Mode{shape[rank - 1 - i], steps});
  }
  return Layout(rank, {Mode{threads, Coordinate(rank, 0)}}, registerModes)
      .canonical();
}

//===----------------------------------------------------------------------===//
// Coordinates
//===----------------------------------------------------------------------===//

int64_t Layout::getNumThreads() const { return getProduct(threadModes); }
int64_t Layout::getNumRegisters() const { return getProduct(registerModes); }

Coordinate Layout::getShape() const {
  Coordinate shape;
  for (unsigned dim = 0; dim < rank; ++dim)
    shape.push_back(1 + getReach(threadModes, dim) +
                    getReach(registerModes, dim));
  return shape;
}

/// Whether modes that move along `dim`, taken by increasing step, count through
/// 0 .. extent - 1 without gap or overlap.
static bool countsThrough(ArrayRef<Mode> first, ArrayRef<Mode> second,
                          unsigned dim, int64_t extent) {
  SmallVector<std::pair<int64_t, int64_t>> moves;
  for (ArrayRef<Mode> modes : {first, second})
    for (const Mode &mode : modes)
      if (mode.steps[dim] != 0 && mode.size > 1)
        moves.push_back({mode.steps[dim], mode.size});
  llvm::sort(moves);
  int64_t reached = 1;
  for (auto [step, size] : moves) {
    if (step != reached)
      return false;
    reached *= size;
  }
  return reached == extent;
}

bool Layout::covers(ArrayRef<int64_t> shape) const {
  if (shape.size() != rank)
    return false;
  // A mode that moves diagonally would make the dimensions depend on each
  // other; no layout of ours does.
  for (ArrayRef<Mode> modes :
       {ArrayRef<Mode>(threadModes), ArrayRef<Mode>(registerModes)})
    for (const Mode &mode : modes)
      if (mode.size > 1 &&
          count_if(mode.steps, [](int64_t step) { return step != 0; }) > 1)
        return false;
  for (unsigned dim = 0; dim < rank; ++dim)
    if (!countsThrough(threadModes, registerModes, dim, shape[dim]))
      return false;
  return true;
}

Coordinate Layout::getThreadCoordinate(int64_t thread) const {
  return evaluate(rank, threadModes, thread);
}

Coordinate Layout::getRegisterCoordinate(int64_t reg) const {
  return evaluate(rank, registerModes, reg);
}

Coordinate Layout::getCoordinate(int64_t thread, int64_t reg) const {
  Coordinate sum = getThreadCoordinate(thread);
  for (auto [value, part] : zip(sum, getRegisterCoordinate(reg)))
    value += part;
  return sum;
}

std::optional<Place> Layout::find(ArrayRef<int64_t> coordinate) const {
  // Each mode's digit is read off the coordinate by its step, because the modes
  // along a dimension nest.
  if (coordinate.size() != rank)
    return std::nullopt;
  auto read = [&](ArrayRef<Mode> modes) {
    int64_t index = 0, weight = 1;
    for (const Mode &mode : modes) {
      for (unsigned dim = 0; dim < rank; ++dim)
        if (int64_t step = mode.steps[dim]) {
          index += weight * (coordinate[dim] / step % mode.size);
          break;
        }
      weight *= mode.size;
    }
    return index;
  };
  Place place{read(threadModes), read(registerModes)};
  if (!llvm::equal(getCoordinate(place.thread, place.reg), coordinate))
    return std::nullopt;
  return place;
}

//===----------------------------------------------------------------------===//
// Canonical form
//===----------------------------------------------------------------------===//

static SmallVector<Mode, 6> merge(ArrayRef<Mode> modes) {
  SmallVector<Mode, 6> merged;
  for (const Mode &mode : modes) {
    if (mode.size == 1)
      continue;
    if (!merged.empty()) {
      Mode &last = merged.back();
      bool continues = true;
      for (auto [step, lastStep] : zip(mode.steps, last.steps))
        continues &= step == lastStep * last.size;
      if (continues) {
        last.size *= mode.size;
        continue;
      }
    }
    merged.push_back(mode);
  }
  return merged;
}

Layout Layout::canonical() const {
  SmallVector<Mode, 6> registers;
  for (const Mode &mode : registerModes)
    if (!mode.replicates())
      registers.push_back(mode);
  return Layout(rank, merge(threadModes), merge(registers));
}

bool Layout::operator==(const Layout &other) const {
  Layout a = canonical(), b = other.canonical();
  return a.rank == b.rank && a.threadModes == b.threadModes &&
         a.registerModes == b.registerModes;
}

std::string Layout::toString() const {
  std::string text;
  raw_string_ostream os(text);
  auto print = [&](StringRef name, ArrayRef<Mode> modes) {
    os << name << " = [";
    interleaveComma(modes, os, [&](const Mode &mode) {
      os << mode.size << ":(";
      interleaveComma(mode.steps, os);
      os << ")";
    });
    os << "]";
  };
  print("thread", threadModes);
  os << ", ";
  print("register", registerModes);
  return text;
}

} // namespace tilewright::tile
