//===- SharedLayout.cpp - Addresses in shared memory ----------------------===//

#include "ir/tile/SharedLayout.h"

#include "llvm/ADT/STLExtras.h"

#include <map>
#include <set>

using namespace llvm;

namespace tilewright::tile {

// The swizzle permutes 16-byte chunks by the number of the 128-byte line.
constexpr int64_t chunkBytes = 16;
constexpr int64_t lineBytes = 128;
constexpr int64_t patternLines = 8;
constexpr int64_t unswizzledAlignment = 128;

constexpr int64_t bankBytes = 4;
constexpr int64_t numBanks = 32;
constexpr int64_t warpThreads = 32;

int64_t SharedLayout::getAlignment() const {
  return swizzle == 0 ? unswizzledAlignment : patternLines * swizzle;
}

int64_t SharedLayout::getPanelColumns() const {
  return swizzle == 0 ? columns : swizzle / elementBytes;
}

int64_t SharedLayout::getByteOffset(int64_t row, int64_t column) const {
  int64_t panelColumns = getPanelColumns();
  int64_t panel = column / panelColumns;
  int64_t offset =
      ((panel * rows + row) * panelColumns + column % panelColumns) *
      elementBytes;
  if (swizzle == 0)
    return offset;
  int64_t mask = swizzle / chunkBytes - 1;
  return offset ^ ((offset / lineBytes & mask) * chunkBytes);
}

AccessCost getAccessCost(ArrayRef<int64_t> offsets, int64_t bytesPerThread) {
  // Wide accesses are served in parts of the warp that move a line each.
  AccessCost cost;
  int64_t perPart = std::min<int64_t>(
      warpThreads, lineBytes / std::max(bytesPerThread, bankBytes));
  for (size_t begin = 0; begin < offsets.size(); begin += perPart) {
    std::map<int64_t, std::set<int64_t>> wordsOfBank;
    for (int64_t offset : offsets.slice(
             begin, std::min<size_t>(perPart, offsets.size() - begin)))
      for (int64_t byte = 0; byte < bytesPerThread; byte += bankBytes) {
        int64_t word = (offset + byte) / bankBytes;
        wordsOfBank[word % numBanks].insert(word);
      }
    size_t most = 0, words = 0;
    for (const auto &[bank, set] : wordsOfBank) {
      most = std::max(most, set.size());
      words += set.size();
    }
    cost.wavefronts += most;
    cost.ideal += (words + numBanks - 1) / numBanks;
  }
  cost.bytes = offsets.size() * bytesPerThread;
  return cost;
}

AccessCost getAccessCost(const Layout &fragment, const SharedLayout &tile,
                         int64_t vector, int64_t warp) {
  AccessCost total;
  for (int64_t reg = 0, end = fragment.getNumRegisters(); reg < end;
       reg += vector) {
    SmallVector<int64_t> offsets;
    for (int64_t lane = 0; lane < warpThreads; ++lane) {
      Coordinate at = fragment.getCoordinate(warp * warpThreads + lane, reg);
      offsets.push_back(tile.getByteOffset(at[0], at[1]));
    }
    AccessCost cost = getAccessCost(offsets, vector * tile.elementBytes);
    total.bytes += cost.bytes;
    total.wavefronts += cost.wavefronts;
    total.ideal += cost.ideal;
  }
  return total;
}

} // namespace tilewright::tile
