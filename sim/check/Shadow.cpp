//===- Shadow.cpp - Who touched each byte last ----------------------------===//

#include "sim/check/Shadow.h"

#include <algorithm>

namespace tilewright::sim::check {

uint32_t Shadow::newReadSet() {
  if (freeSets.empty()) {
    sets.emplace_back();
    return static_cast<uint32_t>(sets.size() - 1) | readSetBit;
  }
  uint32_t index = freeSets.back();
  freeSets.pop_back();
  return index | readSetBit;
}

void Shadow::freeSet(uint32_t index) {
  sets[index].touches.clear();
  freeSets.push_back(index);
}

void Shadow::refine(ShadowBlock &block, uint32_t shift) {
  std::vector<Cell> finer(blockBytes >> shift);
  uint32_t copies = 1u << (block.shift - shift);
  for (size_t i = 0; i < block.cells.size(); ++i) {
    Cell cell = block.cells[i];
    for (uint32_t k = 0; k < copies; ++k) {
      Cell &to = finer[i * copies + k];
      to = cell;
      // Each granule owns its set.
      if (k && (cell.read & readSetBit)) {
        to.read = newReadSet();
        sets[to.read & ~readSetBit] = sets[cell.read & ~readSetBit];
      }
    }
  }
  block.shift = shift;
  block.cells = std::move(finer);
}

bool Shadow::compact() {
  if (log.size() < compactAt)
    return false;
  std::vector<RecordId> number(log.size(), 0);
  auto forWords = [&](auto each) {
    for (Page &page : pages)
      for (uint64_t i = 0; page && i < pageBlocks; ++i)
        if (page[i])
          for (Cell &cell : page[i]->cells) {
            each(cell.write);
            if (!(cell.read & readSetBit))
              each(cell.read);
          }
  };
  forWords([&](uint32_t &word) { number[word >> laneBits] = 1; });
  for (ReadSet &set : sets)
    for (Touch &touch : set.touches)
      number[touch.record] = 1;
  RecordId kept = 1;
  for (RecordId id = 1; id < number.size(); ++id)
    if (number[id]) {
      log[kept] = log[id];
      number[id] = kept++;
    }
  number[0] = 0;
  log.records.resize(kept);
  forWords([&](uint32_t &word) {
    word = packTouch(number[word >> laneBits], word & ((1u << laneBits) - 1));
  });
  for (ReadSet &set : sets)
    for (Touch &touch : set.touches)
      touch.record = number[touch.record];
  compactAt = std::max<size_t>(compactAt, size_t(kept) * 2);
  // Numbers have so many bits; memory that needs more is taken as untouched.
  if (compactAt > maxRecords) {
    for (Page &page : pages)
      page.reset();
    sets.clear();
    freeSets.clear();
    log.records.resize(1);
    compactAt = maxRecords / 2;
  }
  return true;
}

} // namespace tilewright::sim::check
