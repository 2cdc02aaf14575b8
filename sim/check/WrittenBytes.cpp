//===- WrittenBytes.cpp - Which bytes of an address range were written ----===//

#include "sim/check/WrittenBytes.h"

#include <algorithm>
#include <new>

namespace tilewright::sim::check {

bool WrittenBytes::open(uint64_t from, uint64_t bytes) {
  base = from;
  size = bytes;
  uint64_t pages = (bytes + pageBytes - 1) >> pageShift;
  states.reset(new (std::nothrow) std::atomic<uint8_t>[pages]());
  return states && space.reserve(pages * pageWords * sizeof(uint64_t));
}

/// Calls `visit(page, first byte in it, bytes)` until one returns false; true
/// when none did. What lies outside of the range is skipped.
template <typename Visit>
bool WrittenBytes::eachPart(uint64_t address, uint64_t bytes,
                            const Visit &visit) const {
  uint64_t at = address - base;
  if (at >= size)
    return true;
  uint64_t end = at + std::min(bytes, size - at);
  while (at < end) {
    uint64_t page = at >> pageShift, first = at & (pageBytes - 1);
    uint64_t count = std::min(end - at, pageBytes - first);
    if (!visit(page, first, count))
      return false;
    at += count;
  }
  return true;
}

/// Calls `visit(word, mask)` for the words of bits [first, first + count).
template <typename Visit>
static bool eachWord(std::atomic<uint64_t> *words, uint64_t first,
                     uint64_t count, const Visit &visit) {
  while (count) {
    uint64_t bit = first % 64, taken = std::min(count, 64 - bit);
    uint64_t mask = (taken == 64 ? ~uint64_t(0) : (uint64_t(1) << taken) - 1)
                    << bit;
    if (!visit(words[first / 64], mask))
      return false;
    first += taken;
    count -= taken;
  }
  return true;
}

/// The bits of a page whose state is not Some mean nothing; now they say what
/// the state said.
void WrittenBytes::makeMixed(uint64_t page) {
  std::lock_guard<std::mutex> lock(mutex);
  uint8_t state = states[page].load(std::memory_order_relaxed);
  if (state == Some)
    return;
  uint64_t value = state == Everything ? ~uint64_t(0) : 0;
  for (uint64_t word = 0; word < pageWords; ++word)
    wordsOf(page)[word].store(value, std::memory_order_relaxed);
  states[page].store(Some, std::memory_order_release);
}

void WrittenBytes::setWhole(uint64_t page, bool value) {
  std::lock_guard<std::mutex> lock(mutex);
  states[page].store(value ? Everything : Nothing, std::memory_order_release);
}

void WrittenBytes::setPart(uint64_t page, uint64_t first, uint64_t count,
                           bool value) {
  uint8_t state = states[page].load(std::memory_order_acquire);
  if (state == (value ? Everything : Nothing))
    return;
  if (count == pageBytes)
    return setWhole(page, value);
  if (state != Some)
    makeMixed(page);
  eachWord(wordsOf(page), first, count,
           [=](std::atomic<uint64_t> &word, uint64_t mask) {
             uint64_t old = word.load(std::memory_order_relaxed);
             if (value && (old & mask) != mask)
               word.fetch_or(mask, std::memory_order_relaxed);
             if (!value && (old & mask) != 0)
               word.fetch_and(~mask, std::memory_order_relaxed);
             return true;
           });
}

void WrittenBytes::mark(uint64_t address, uint64_t bytes) {
  eachPart(address, bytes, [&](uint64_t page, uint64_t first, uint64_t count) {
    setPart(page, first, count, true);
    return true;
  });
}

void WrittenBytes::clear(uint64_t address, uint64_t bytes) {
  eachPart(address, bytes, [&](uint64_t page, uint64_t first, uint64_t count) {
    setPart(page, first, count, false);
    return true;
  });
}

bool WrittenBytes::allWritten(uint64_t address, uint64_t bytes) const {
  return eachPart(
      address, bytes, [&](uint64_t page, uint64_t first, uint64_t count) {
        uint8_t state = states[page].load(std::memory_order_acquire);
        if (state != Some)
          return state == Everything;
        return eachWord(wordsOf(page), first, count,
                        [](std::atomic<uint64_t> &word, uint64_t mask) {
                          return (~word.load(std::memory_order_relaxed) &
                                  mask) == 0;
                        });
      });
}

bool WrittenBytes::anyWritten(uint64_t address, uint64_t bytes) const {
  return !eachPart(
      address, bytes, [&](uint64_t page, uint64_t first, uint64_t count) {
        uint8_t state = states[page].load(std::memory_order_acquire);
        if (state != Some)
          return state == Nothing;
        return eachWord(wordsOf(page), first, count,
                        [](std::atomic<uint64_t> &word, uint64_t mask) {
                          return (word.load(std::memory_order_relaxed) &
                                  mask) == 0;
                        });
      });
}

} // namespace tilewright::sim::check
