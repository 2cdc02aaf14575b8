//===- Clock.h - Vector clocks over the agents of a launch ------*- C++ -*-===//
//
// An agent is something whose events happen in an order of their own: a warp's
// generic accesses, a thread's bulk groups, the phases of one mbarrier, and so
// on. A clock says, for each agent, up to which of its events everything is
// known to have happened. A warp is one agent although its lanes are ordered
// only by what synchronizes them, so a clock may also know some of a warp's
// lanes further than the others.
//
// Clocks are shared and copied on write: most synchronization leaves many
// threads with the same knowledge.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_CLOCK_H
#define TILEWRIGHT_SIM_CHECK_CLOCK_H

#include <cstdint>
#include <utility>
#include <vector>

namespace tilewright::sim::check {

/// A sparse map from numbers to times that is cheap to copy and to join: a
/// radix tree whose nodes are shared.
class Times {
public:
  Times() = default;
  Times(const Times &other);
  Times(Times &&other) noexcept : root(std::exchange(other.root, nullptr)) {}
  Times &operator=(Times other) noexcept {
    std::swap(root, other.root);
    return *this;
  }
  ~Times();

  bool empty() const { return !root; }
  bool same(const Times &other) const { return root == other.root; }
  uint32_t get(uint32_t key) const;
  /// Raises the key's time to at least `time`.
  void raise(uint32_t key, uint32_t time);
  void join(const Times &other);
  /// Calls `visit(key, time)` for keys from `begin` to before `end` that have
  /// a time.
  template <typename Visit>
  void forRange(uint32_t begin, uint32_t end, Visit visit) const {
    for (uint32_t key = begin; key < end;) {
      uint32_t run = 0;
      const uint32_t *times = leaf(key, run);
      for (uint32_t i = 0; times && i < run && key + i < end; ++i)
        if (times[i])
          visit(key + i, times[i]);
      key += run;
    }
  }

private:
  struct Node;
  /// The times from `key` to the end of its leaf, or null and how far there
  /// are none.
  const uint32_t *leaf(uint32_t key, uint32_t &run) const;
  static constexpr uint32_t fanBits = 5, depth = 6;
  static void release(Node *node, uint32_t level);
  static Node *own(Node *node, uint32_t level);
  static void join(Node *&into, Node *from, uint32_t level);
  Node *root = nullptr;
};

/// What is known of agents anywhere in the grid, by their numbers there.
struct Known {
  Times whole; ///< by agent: all lanes
  Times lanes; ///< by agent * 32 + lane

  bool empty() const { return whole.empty() && lanes.empty(); }
  bool same(const Known &other) const {
    return whole.same(other.whole) && lanes.same(other.lanes);
  }
  void join(const Known &other) {
    whole.join(other.whole);
    lanes.join(other.lanes);
  }
  bool covers(uint32_t agent, uint32_t laneMask, uint32_t time) const;
};

/// Lanes of an agent that are known further than all of its lanes.
struct Partial {
  uint32_t agent, lanes, time;
};

/// Agents of the own cluster are numbered from 0, so that the common look-up is
/// an array access.
struct Clock {
  uint32_t references = 0;
  std::vector<uint32_t> whole; ///< agents past the end: time 0
  std::vector<Partial> partial;
  Known foreign;

  uint32_t wholeTime(uint32_t agent) const {
    return agent < whole.size() ? whole[agent] : 0;
  }
  /// Whether the events of `lanes` up to `time` are known.
  bool covers(uint32_t agent, uint32_t lanes, uint32_t time) const {
    return wholeTime(agent) >= time || coversPartly(agent, lanes, time);
  }
  void raise(uint32_t agent, uint32_t time);
  void raise(uint32_t agent, uint32_t lanes, uint32_t time);
  /// Whether `other` adds nothing.
  bool includes(const Clock &other) const;
  void join(const Clock &other);

private:
  bool coversPartly(uint32_t agent, uint32_t lanes, uint32_t time) const;
};

/// A shared clock. Null knows nothing.
class ClockRef {
public:
  ClockRef() = default;
  ClockRef(const ClockRef &other) : clock(other.clock) {
    if (clock)
      ++clock->references;
  }
  ClockRef(ClockRef &&other) noexcept
      : clock(std::exchange(other.clock, nullptr)) {}
  ClockRef &operator=(ClockRef other) noexcept {
    std::swap(clock, other.clock);
    return *this;
  }
  ~ClockRef() {
    if (clock && --clock->references == 0)
      recycle(clock);
  }

  explicit operator bool() const { return clock; }
  bool operator==(const ClockRef &other) const { return clock == other.clock; }
  const Clock *operator->() const { return clock; }
  const Clock &operator*() const { return *clock; }
  bool covers(uint32_t agent, uint32_t lanes, uint32_t time) const {
    return clock && clock->covers(agent, lanes, time);
  }
  /// The clock to change; nobody else sees it.
  Clock &edit();
  void join(const ClockRef &other);

private:
  static Clock *take();
  static void recycle(Clock *clock);
  Clock *clock = nullptr;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_CLOCK_H
