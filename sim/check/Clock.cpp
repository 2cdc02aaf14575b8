//===- Clock.cpp - Vector clocks over the agents of a launch --------------===//

#include "sim/check/Clock.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace tilewright::sim::check {

//===----------------------------------------------------------------------===//
// Times
//===----------------------------------------------------------------------===//

static constexpr uint32_t fan = 32;

struct Times::Node {
  uint32_t references = 1;
  union {
    Node *child[fan]; ///< inner nodes
    uint32_t time[fan];
  };
  Node() : child{} {}
};

Times::Times(const Times &other) : root(other.root) {
  if (root)
    ++root->references;
}

Times::~Times() { release(root, depth - 1); }

void Times::release(Node *node, uint32_t level) {
  if (!node || --node->references)
    return;
  if (level)
    for (Node *child : node->child)
      release(child, level - 1);
  delete node;
}

/// A copy that may be changed, in place of one reference to `node`.
Times::Node *Times::own(Node *node, uint32_t level) {
  if (!node)
    return new Node();
  if (node->references == 1)
    return node;
  Node *copy = new Node(*node);
  copy->references = 1;
  if (level)
    for (Node *child : copy->child)
      if (child)
        ++child->references;
  --node->references;
  return copy;
}

uint32_t Times::get(uint32_t key) const {
  const Node *node = root;
  for (uint32_t level = depth - 1; node && level; --level)
    node = node->child[key >> (level * fanBits) & (fan - 1)];
  return node ? node->time[key & (fan - 1)] : 0;
}

const uint32_t *Times::leaf(uint32_t key, uint32_t &run) const {
  const Node *node = root;
  uint32_t level = depth - 1;
  for (; node && level; --level)
    node = node->child[key >> (level * fanBits) & (fan - 1)];
  uint32_t span = 1u << ((level + 1) * fanBits);
  run = span - (key & (span - 1));
  return node ? node->time + (key & (fan - 1)) : nullptr;
}

void Times::raise(uint32_t key, uint32_t time) {
  if (get(key) >= time)
    return;
  Node **place = &root;
  for (uint32_t level = depth - 1;; --level) {
    *place = own(*place, level);
    if (level == 0)
      break;
    place = &(*place)->child[key >> (level * fanBits) & (fan - 1)];
  }
  (*place)->time[key & (fan - 1)] = time;
}

void Times::join(const Times &other) { join(root, other.root, depth - 1); }

/// Ends with `from` itself where that is the result, so that equal knowledge
/// is the same tree.
void Times::join(Node *&into, Node *from, uint32_t level) {
  if (!from || into == from)
    return;
  if (!into) {
    ++from->references;
    into = from;
    return;
  }
  bool changes = false, isFrom = true;
  if (level == 0) {
    for (uint32_t i = 0; i < fan; ++i) {
      changes |= from->time[i] > into->time[i];
      isFrom &= from->time[i] >= into->time[i];
    }
    if (!changes)
      return;
    if (!isFrom) {
      into = own(into, level);
      for (uint32_t i = 0; i < fan; ++i)
        into->time[i] = std::max(into->time[i], from->time[i]);
    }
  } else {
    bool isNew = false;
    for (uint32_t i = 0; i < fan; ++i)
      isNew |= from->child[i] && from->child[i] != into->child[i];
    if (!isNew)
      return;
    into = own(into, level);
    for (uint32_t i = 0; i < fan; ++i) {
      join(into->child[i], from->child[i], level - 1);
      isFrom &= into->child[i] == from->child[i];
    }
  }
  if (!isFrom)
    return;
  ++from->references;
  release(into, level);
  into = from;
}

bool Known::covers(uint32_t agent, uint32_t laneMask, uint32_t time) const {
  if (whole.get(agent) >= time)
    return true;
  for (; laneMask; laneMask &= laneMask - 1) {
    uint32_t lane = static_cast<uint32_t>(std::countr_zero(laneMask));
    if (lanes.get(agent * fan + lane) < time)
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Clock
//===----------------------------------------------------------------------===//

bool Clock::coversPartly(uint32_t agent, uint32_t lanes, uint32_t time) const {
  for (const Partial &each : partial)
    if (each.agent == agent && each.time >= time)
      lanes &= ~each.lanes;
  return lanes == 0;
}

void Clock::raise(uint32_t agent, uint32_t time) {
  if (agent >= whole.size())
    whole.resize(agent + 1);
  if (whole[agent] >= time)
    return;
  whole[agent] = time;
  std::erase_if(partial, [&](const Partial &each) {
    return each.agent == agent && each.time <= time;
  });
}

void Clock::raise(uint32_t agent, uint32_t lanes, uint32_t time) {
  if (lanes == ~0u)
    return raise(agent, time);
  if (wholeTime(agent) >= time)
    return;
  Partial *sameTime = nullptr;
  for (Partial &each : partial) {
    if (each.agent != agent)
      continue;
    if (each.time > time)
      lanes &= ~each.lanes;
    else if (each.time < time)
      each.lanes &= ~lanes;
    else
      sameTime = &each;
  }
  if (!lanes)
    return;
  if (sameTime)
    sameTime->lanes |= lanes;
  else
    partial.push_back({agent, lanes, time});
  // Lanes that are all known, each for itself, are known as a whole.
  uint32_t all = 0, least = ~0u;
  for (const Partial &each : partial)
    if (each.agent == agent && each.lanes) {
      all |= each.lanes;
      least = std::min(least, each.time);
    }
  if (all == ~0u)
    raise(agent, least);
  std::erase_if(partial, [](const Partial &each) { return each.lanes == 0; });
}

bool Clock::includes(const Clock &other) const {
  if (&other == this)
    return true;
  for (size_t agent = 0; agent < other.whole.size(); ++agent)
    if (other.whole[agent] > wholeTime(static_cast<uint32_t>(agent)))
      return false;
  for (const Partial &each : other.partial)
    if (!covers(each.agent, each.lanes, each.time))
      return false;
  return other.foreign.empty() || foreign.same(other.foreign);
}

void Clock::join(const Clock &other) {
  if (whole.size() < other.whole.size())
    whole.resize(other.whole.size());
  for (size_t agent = 0; agent < other.whole.size(); ++agent)
    whole[agent] = std::max(whole[agent], other.whole[agent]);
  if (!partial.empty())
    std::erase_if(partial, [&](const Partial &each) {
      return each.time <= wholeTime(each.agent);
    });
  for (const Partial &each : other.partial)
    raise(each.agent, each.lanes, each.time);
  foreign.join(other.foreign);
}

/// Clocks come and go with every barrier; their arrays are kept.
static thread_local struct ClockPool {
  std::vector<Clock *> clocks;
  ~ClockPool() {
    for (Clock *clock : clocks)
      delete clock;
  }
} pool;
static constexpr size_t pooledClocks = 256;

Clock *ClockRef::take() {
  if (pool.clocks.empty())
    return new Clock();
  Clock *clock = pool.clocks.back();
  pool.clocks.pop_back();
  return clock;
}

void ClockRef::recycle(Clock *clock) {
  if (pool.clocks.size() >= pooledClocks) {
    delete clock;
    return;
  }
  clock->whole.clear();
  clock->partial.clear();
  clock->foreign = Known();
  pool.clocks.push_back(clock);
}

Clock &ClockRef::edit() {
  if (!clock) {
    clock = take();
    clock->references = 1;
  } else if (clock->references > 1) {
    Clock *copy = take();
    *copy = *clock;
    copy->references = 1;
    --clock->references;
    clock = copy;
  }
  return *clock;
}

void ClockRef::join(const ClockRef &other) {
  if (!other.clock || clock == other.clock)
    return;
  if (!clock || other.clock->includes(*clock)) {
    *this = other;
    return;
  }
  if (!clock->includes(*other.clock))
    edit().join(*other.clock);
}

} // namespace tilewright::sim::check
