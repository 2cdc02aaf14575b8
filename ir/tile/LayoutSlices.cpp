//===- LayoutSlices.cpp - Parts and regroupings of layouts ----------------===//
// What a thread can do to a fragment with the registers it holds: keep a part,
// take groups apart, put them together, rename registers.
//===----------------------------------------------------------------------===//

#include "ir/tile/Layout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Twine.h"

#include <map>

using namespace llvm;

namespace tilewright::tile {

bool Layout::isThreadLocal(unsigned dim) const {
  return all_of(threadModes, [&](const Mode &mode) {
    return mode.size == 1 || mode.steps[dim] == 0;
  });
}

Layout Layout::reduced(unsigned dim) const {
  Layout result = *this;
  for (Mode &mode : result.threadModes)
    mode.steps[dim] = 0;
  for (Mode &mode : result.registerModes)
    mode.steps[dim] = 0;
  return result.canonical();
}

Layout Layout::withoutDim(unsigned dim) const {
  Layout result = *this;
  --result.rank;
  for (SmallVector<Mode, 6> *modes :
       {&result.threadModes, &result.registerModes})
    for (Mode &mode : *modes)
      mode.steps.erase(mode.steps.begin() + dim);
  return result.canonical();
}

Layout Layout::withDim(unsigned dim) const {
  Layout result = *this;
  ++result.rank;
  for (SmallVector<Mode, 6> *modes :
       {&result.threadModes, &result.registerModes})
    for (Mode &mode : *modes)
      mode.steps.insert(mode.steps.begin() + dim, 0);
  return result;
}

int64_t Layout::getVectorWidth(unsigned dim) const {
  Layout form = canonical();
  if (form.registerModes.empty())
    return 1;
  const Mode &first = form.registerModes.front();
  for (unsigned other = 0; other < rank; ++other)
    if (first.steps[other] != (other == dim ? 1 : 0))
      return 1;
  int64_t width = 1;
  auto startsAligned = [&](ArrayRef<Mode> modes, int64_t wanted) {
    return all_of(
        modes, [&](const Mode &mode) { return mode.steps[dim] % wanted == 0; });
  };
  while (first.size % (2 * width) == 0 &&
         startsAligned(form.threadModes, 2 * width) &&
         startsAligned(ArrayRef(form.registerModes).drop_front(), 2 * width))
    width *= 2;
  return width;
}

/// Modes that count through `coordinates` in order, starting at zero, or
/// nothing if they are no sum of digits.
static std::optional<SmallVector<Mode>> fit(unsigned rank,
                                            ArrayRef<Coordinate> coordinates) {
  SmallVector<Mode> modes;
  size_t period = 1;
  while (period < coordinates.size()) {
    Coordinate step = coordinates[period];
    for (auto [value, base] : zip(step, coordinates[0]))
      value -= base;
    // The digit lasts as long as the coordinate moves by the same step.
    size_t size = 1;
    while ((size + 1) * period <= coordinates.size()) {
      Coordinate expected = coordinates[(size - 1) * period];
      for (auto [value, part] : zip(expected, step))
        value += part;
      if (coordinates[size * period] != expected)
        break;
      ++size;
    }
    if (size == 1 || any_of(step, [](int64_t value) { return value < 0; }))
      return std::nullopt;
    modes.push_back(Mode{static_cast<int64_t>(size), step});
    period *= size;
  }
  if (period != coordinates.size())
    return std::nullopt;
  // Only the corners were looked at.
  Layout check(rank, {}, modes);
  for (auto [index, coordinate] : enumerate(coordinates))
    if (check.getRegisterCoordinate(index) != coordinate)
      return std::nullopt;
  return modes;
}

std::optional<Layout::Part> Layout::extract(ArrayRef<int64_t> offsets,
                                            ArrayRef<int64_t> shape,
                                            std::string &reason) const {
  Coordinate reach = Layout(rank, threadModes, {}).getShape();
  SmallVector<int64_t> registers;
  SmallVector<Coordinate> coordinates;
  for (int64_t reg = 0, end = getNumRegisters(); reg < end; ++reg) {
    Coordinate coordinate = getRegisterCoordinate(reg);
    bool inside = true, outside = false;
    for (unsigned dim = 0; dim < rank; ++dim) {
      coordinate[dim] -= offsets[dim];
      // Over all threads the register spans [first, last].
      int64_t first = coordinate[dim], last = first + reach[dim] - 1;
      inside &= first >= 0 && last < shape[dim];
      outside |= last < 0 || first >= shape[dim];
    }
    if (!inside && !outside) {
      reason = ("register " + Twine(reg) +
                " is inside the part in some threads and outside in others")
                   .str();
      return std::nullopt;
    }
    if (!inside)
      continue;
    registers.push_back(reg);
    coordinates.push_back(coordinate);
  }
  std::optional<SmallVector<Mode>> modes = fit(rank, coordinates);
  if (!modes) {
    reason = "the registers of the part are not evenly spaced";
    return std::nullopt;
  }
  Layout layout = Layout(rank, threadModes, *modes).canonical();
  if (!layout.covers(shape)) {
    reason = "the part is not a whole number of register steps";
    return std::nullopt;
  }
  return Part{layout, registers};
}

/// Splits the modes whose digits cross a multiple of `boundary` along `dim`
/// into one below and one above it.
static std::optional<SmallVector<Mode>>
splitAt(ArrayRef<Mode> modes, unsigned dim, int64_t boundary) {
  SmallVector<Mode> result;
  for (const Mode &mode : modes) {
    int64_t step = mode.steps[dim];
    if (step == 0 || step >= boundary || step * mode.size <= boundary) {
      result.push_back(mode);
      continue;
    }
    if (boundary % step || mode.size % (boundary / step))
      return std::nullopt;
    Mode low = mode, high = mode;
    low.size = boundary / step;
    high.size = mode.size / low.size;
    for (int64_t &value : high.steps)
      value *= low.size;
    result.push_back(low);
    result.push_back(high);
  }
  return result;
}

std::optional<Layout::Part> Layout::deinterleave(unsigned dim, int64_t group,
                                                 unsigned parity,
                                                 std::string &reason) const {
  auto split = [&](ArrayRef<Mode> modes) {
    std::optional<SmallVector<Mode>> once = splitAt(modes, dim, group);
    return once ? splitAt(*once, dim, 2 * group) : std::nullopt;
  };
  std::optional<SmallVector<Mode>> threads = split(threadModes);
  std::optional<SmallVector<Mode>> registers = split(registerModes);
  if (!threads || !registers) {
    reason = "a mode of the layout straddles the groups";
    return std::nullopt;
  }
  auto isParity = [&](const Mode &mode) { return mode.steps[dim] == group; };
  if (any_of(*threads, isParity)) {
    reason = "the partners of a group are in different threads";
    return std::nullopt;
  }
  // Steps above the pair of groups shrink by half, since one of two goes.
  auto shrink = [&](SmallVector<Mode> &modes) {
    for (Mode &mode : modes)
      if (mode.steps[dim] >= 2 * group)
        mode.steps[dim] /= 2;
  };
  SmallVector<Mode> kept;
  SmallVector<int64_t> numbers = {0};
  int64_t weight = 1;
  bool found = false;
  for (const Mode &mode : *registers) {
    bool drops = isParity(mode);
    found |= drops;
    SmallVector<int64_t> next;
    for (int64_t digit = 0; digit < (drops ? 1 : mode.size); ++digit)
      for (int64_t number : numbers)
        next.push_back(number + weight * (drops ? parity : digit));
    numbers = next;
    weight *= mode.size;
    if (!drops)
      kept.push_back(mode);
  }
  if (!found) {
    reason = "no register mode steps over the groups";
    return std::nullopt;
  }
  shrink(*threads);
  shrink(kept);
  return Part{Layout(rank, *threads, kept).canonical(), numbers};
}

std::optional<Layout> Layout::interleaved(unsigned dim, int64_t group,
                                          std::string &reason) const {
  std::optional<SmallVector<Mode>> threads = splitAt(threadModes, dim, group);
  std::optional<SmallVector<Mode>> registers =
      splitAt(registerModes, dim, group);
  if (!threads || !registers) {
    reason = "a mode of the layout straddles the groups";
    return std::nullopt;
  }
  auto grow = [&](SmallVector<Mode> &modes) {
    for (Mode &mode : modes)
      if (mode.steps[dim] >= group)
        mode.steps[dim] *= 2;
  };
  grow(*threads);
  grow(*registers);
  // The pair goes right before the modes it makes room for, where the layouts
  // of instructions have it.
  auto position = find_if(*registers, [&](const Mode &mode) {
    return mode.steps[dim] >= 2 * group;
  });
  Coordinate steps(rank, 0);
  steps[dim] = group;
  registers->insert(position, Mode{2, steps});
  return Layout(rank, *threads, *registers).canonical();
}

std::optional<SmallVector<int64_t>>
Layout::getThreadLocalMap(const Layout &target) const {
  if (rank != target.rank || getNumThreads() != target.getNumThreads())
    return std::nullopt;
  // A register of the target is in the same thread if, in every thread, the two
  // thread parts differ by the same amount: zero, since both start at zero.
  for (int64_t thread = 0, end = getNumThreads(); thread < end; ++thread) {
    Coordinate mine = getThreadCoordinate(thread);
    Coordinate other = target.getThreadCoordinate(thread);
    for (auto [have, want] : zip(mine, other))
      if (have != want)
        return std::nullopt;
  }
  std::map<std::vector<int64_t>, int64_t> held;
  for (int64_t reg = getNumRegisters() - 1; reg >= 0; --reg) {
    Coordinate coordinate = getRegisterCoordinate(reg);
    held[{coordinate.begin(), coordinate.end()}] = reg;
  }
  SmallVector<int64_t> map;
  for (int64_t reg = 0, end = target.getNumRegisters(); reg < end; ++reg) {
    Coordinate coordinate = target.getRegisterCoordinate(reg);
    auto it = held.find({coordinate.begin(), coordinate.end()});
    if (it == held.end())
      return std::nullopt;
    map.push_back(it->second);
  }
  return map;
}

} // namespace tilewright::tile
