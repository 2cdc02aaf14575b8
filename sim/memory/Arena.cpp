//===- Arena.cpp - Allocator of one memory --------------------------------===//

#include "sim/memory/Arena.h"

#include "sim/memory/AddressSpace.h"

#include <algorithm>
#include <atomic>

namespace tilewright::sim {

/// Freed blocks of this size and more give their pages back to the host.
static constexpr uint64_t kDiscardBytes = uint64_t(1) << 20;

static uint64_t roundUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

static uint64_t nextId() {
  static std::atomic<uint64_t> counter{0};
  return ++counter;
}

Arena::Arena(uint64_t base, uint64_t size) : base(base), size(size) {
  addHole(base, size);
}

void Arena::addHole(uint64_t address, uint64_t bytes) {
  if (bytes == 0)
    return;
  holes[address] = bytes;
  holesBySize.insert({bytes, address});
}

void Arena::removeHole(uint64_t address, uint64_t bytes) {
  holes.erase(address);
  holesBySize.erase({bytes, address});
}

void Arena::guard(const ArenaGuards &wanted) {
  std::lock_guard<std::mutex> lock(mutex);
  guards = wanted;
}

/// Takes `padded` bytes out of the smallest hole that holds them once aligned;
/// ties by address. 0 when there is none.
uint64_t Arena::place(uint64_t padded, uint64_t align) {
  for (auto it = holesBySize.lower_bound({padded, 0}); it != holesBySize.end();
       ++it) {
    auto [holeBytes, holeAddress] = *it;
    uint64_t address = roundUp(holeAddress, align);
    uint64_t lead = address - holeAddress;
    if (lead > holeBytes || holeBytes - lead < padded)
      continue;
    removeHole(holeAddress, holeBytes);
    addHole(holeAddress, lead);
    addHole(address + padded, holeBytes - lead - padded);
    return address;
  }
  return 0;
}

uint64_t Arena::allocate(uint64_t bytes, uint64_t align, const void *owner,
                         uint32_t tag) {
  if (bytes == 0 || bytes > size)
    return 0;
  uint64_t needed = roundUp(bytes, kGranularity);
  uint64_t padded = needed + guards.redZone;
  align = std::max(align, kGranularity);
  std::lock_guard<std::mutex> lock(mutex);
  uint64_t address = place(padded, align);
  // A program that can have the memory without guards gets it with them too.
  if (!address && quarantined) {
    shrinkQuarantine(0);
    address = place(padded, align);
  }
  if (!address && guards.redZone) {
    dropRedZones();
    padded = needed;
    address = place(padded, align);
  }
  if (!address)
    return 0;
  Allocation allocation{address, bytes, nextId(), owner, tag};
  live[address] = {allocation, padded};
  used += needed;
  if (guards.watcher)
    guards.watcher->allocated(allocation);
  return address;
}

void Arena::releaseLocked(std::map<uint64_t, Block>::iterator block) {
  uint64_t address = block->first, bytes = block->second.padded;
  if (guards.watcher)
    guards.watcher->released(block->second.allocation);
  used -= roundUp(block->second.allocation.size, kGranularity);
  live.erase(block);
  if (bytes >= kDiscardBytes)
    discardPages(address, bytes);
  if (guards.quarantine == 0)
    return mergeHole(address, bytes);
  quarantine.push_back({address, bytes});
  quarantined += bytes;
  shrinkQuarantine(guards.quarantine);
}

/// Gives back what lies behind the live blocks.
void Arena::dropRedZones() {
  for (auto &[address, block] : live) {
    uint64_t needed = roundUp(block.allocation.size, kGranularity);
    if (block.padded > needed)
      mergeHole(address + needed, block.padded - needed);
    block.padded = needed;
  }
}

/// Lets go of the oldest blocks until at most `limit` bytes are kept back.
void Arena::shrinkQuarantine(uint64_t limit) {
  while (quarantined > limit) {
    auto [address, bytes] = quarantine.front();
    quarantine.pop_front();
    quarantined -= bytes;
    mergeHole(address, bytes);
  }
}

/// Adds a hole, together with the holes on both sides.
void Arena::mergeHole(uint64_t address, uint64_t bytes) {
  auto after = holes.lower_bound(address);
  if (after != holes.end() && after->first == address + bytes) {
    uint64_t next = after->first, nextBytes = after->second;
    removeHole(next, nextBytes);
    bytes += nextBytes;
  }
  auto before = holes.lower_bound(address);
  if (before != holes.begin()) {
    --before;
    if (before->first + before->second == address) {
      uint64_t previous = before->first, previousBytes = before->second;
      removeHole(previous, previousBytes);
      address = previous;
      bytes += previousBytes;
    }
  }
  addHole(address, bytes);
}

bool Arena::release(uint64_t address) {
  std::lock_guard<std::mutex> lock(mutex);
  auto block = live.find(address);
  if (block == live.end())
    return false;
  releaseLocked(block);
  return true;
}

void Arena::releaseAll(const void *owner) {
  std::lock_guard<std::mutex> lock(mutex);
  for (auto it = live.begin(); it != live.end();) {
    auto block = it++;
    if (block->second.allocation.owner == owner)
      releaseLocked(block);
  }
}

std::optional<Allocation> Arena::find(uint64_t address) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = live.upper_bound(address);
  if (it == live.begin())
    return std::nullopt;
  --it;
  const Allocation &allocation = it->second.allocation;
  if (address - allocation.address >= allocation.size)
    return std::nullopt;
  return allocation;
}

uint64_t Arena::usedBytes() const {
  std::lock_guard<std::mutex> lock(mutex);
  return used;
}

} // namespace tilewright::sim
