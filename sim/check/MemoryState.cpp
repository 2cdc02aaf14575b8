//===- MemoryState.cpp - What is known of global memory -------------------===//

#include "sim/check/MemoryState.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace tilewright::sim::check {

bool MemoryState::open(uint64_t from, uint64_t bytes, bool tracksWrites) {
  base = from;
  size = bytes;
  if (!tracksWrites)
    return true;
  writes = std::make_unique<WrittenBytes>();
  return writes->open(from, bytes);
}

void MemoryState::allocated(MemoryObject object, bool startsWritten) {
  if (writes && startsWritten)
    writes->mark(object.address, object.size);
  else if (writes)
    writes->clear(object.address, object.size);
  std::unique_lock<std::shared_mutex> lock(mutex);
  auto first = objects.lower_bound(object.address);
  if (first != objects.begin() &&
      std::prev(first)->second.end() > object.address)
    --first;
  while (first != objects.end() && first->first < object.end())
    first = objects.erase(first);
  objects[object.address] = std::move(object);
}

void MemoryState::released(uint64_t address) {
  std::unique_lock<std::shared_mutex> lock(mutex);
  if (auto found = objects.find(address); found != objects.end())
    found->second.freed = true;
  releases.fetch_add(1, std::memory_order_release);
}

void MemoryState::rename(uint64_t address, std::string name) {
  std::unique_lock<std::shared_mutex> lock(mutex);
  if (auto found = objects.find(address); found != objects.end())
    found->second.name = std::move(name);
}

void MemoryState::copied(uint64_t to, uint64_t from, uint64_t bytes) {
  if (!writes || !contains(to))
    return;
  if (!contains(from) || writes->allWritten(from, bytes))
    return writes->mark(to, bytes);
  if (!writes->anyWritten(from, bytes))
    return writes->clear(to, bytes);
  // Halves, so that whole pages keep being handled at once; in the order that
  // lets ranges overlap.
  uint64_t half = bytes / 2;
  if (to > from) {
    copied(to + half, from + half, bytes - half);
    copied(to, from, half);
  } else {
    copied(to, from, half);
    copied(to + half, from + half, bytes - half);
  }
}

/// The last object that starts at or below the address.
std::map<uint64_t, MemoryObject>::const_iterator
MemoryState::lastAt(uint64_t address) const {
  auto next = objects.upper_bound(address);
  return next == objects.begin() ? objects.end() : std::prev(next);
}

std::optional<LiveRange> MemoryState::findLive(uint64_t address) const {
  std::shared_lock<std::shared_mutex> lock(mutex);
  auto found = lastAt(address);
  if (found == objects.end() || found->second.freed ||
      address >= found->second.end())
    return std::nullopt;
  return LiveRange{found->first, found->second.end()};
}

static std::string bytesText(uint64_t count) {
  return std::to_string(count) + (count == 1 ? " byte " : " bytes ");
}

std::string MemoryState::describe(uint64_t address, uint64_t bytes) const {
  std::shared_lock<std::shared_mutex> lock(mutex);
  auto below = lastAt(address);
  auto above = objects.upper_bound(address);
  std::string state =
      below != objects.end() && below->second.freed ? ", which is freed" : "";
  if (below != objects.end() && address < below->second.end()) {
    const MemoryObject &object = below->second;
    std::string text =
        bytesText(address - object.address) + "into " + object.name + state;
    if (bytes > object.end() - address)
      text = bytesText(bytes - (object.end() - address)) + "behind " +
             object.name + state;
    return text;
  }
  // Most accesses that miss an object run past its end.
  constexpr uint64_t near = 1 << 20;
  uint64_t past = below == objects.end() ? near : address - below->second.end();
  if (above != objects.end() && above->first - address < std::min(past, near))
    return bytesText(above->first - address) + "before " + above->second.name +
           (above->second.freed ? ", which is freed" : "");
  if (past < near)
    return (past ? bytesText(past) : std::string("directly ")) + "behind " +
           below->second.name + state;
  return "in no allocation";
}

} // namespace tilewright::sim::check
