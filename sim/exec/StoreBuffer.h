//===- StoreBuffer.h - Stores that others see late --------------*- C++ -*-===//
//
// The default schedule writes a store to memory when it is executed. Under a
// seed a weak or relaxed store may stay here for a while: its own thread sees
// it, others only once something has ordered it towards them (ISA chapter 8).
// What a barrier or a fence of a small scope has ordered may stay on, for
// threads outside of the scope and for the asynchronous proxy, which asks for a
// proxy fence. Whatever is held reaches memory by itself after a while.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_EXEC_STOREBUFFER_H
#define TILEWRIGHT_SIM_EXEC_STOREBUFFER_H

#include "sim/exec/Effect.h"
#include "sim/exec/Footprint.h"
#include "sim/exec/Inst.h"
#include "sim/exec/Schedule.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tilewright::sim {

struct Cluster;
struct Warp;

/// The held stores of one launch, which runs on one host thread.
class StoreBuffer {
public:
  explicit StoreBuffer(uint64_t seed);

  bool empty() const { return held.empty(); }

  /// `warp.mask` is about to execute the instruction: writes what it has to
  /// find in memory, and lets others see what it puts in order.
  void prepare(const Inst &inst, const Effect &effect, Warp &warp);
  /// Executes it; a store may be held instead, for some of its lanes.
  Status execute(const Inst &inst, const Effect &effect, Warp &warp);

  /// Time goes by: now and then something is written.
  void step();
  /// Writes something; there has to be something.
  void writeSome();
  /// The cluster's threads have exited. What they stored to global memory may
  /// still come late.
  void leave(const Cluster &cluster);
  void writeAll();

private:
  /// Which threads' ordinary accesses see a store besides its own.
  enum class Reach : uint8_t { Thread, Cta, Cluster };

  static constexpr uint32_t maxBytes = 32; ///< the longest vector of a lane
  struct Held {
    std::byte *at = nullptr;
    const Warp *warp = nullptr; ///< null when it has exited
    uint32_t lanes = 0; ///< whose it is; several for what a warp stores at once
    Reach reach = Reach::Thread;
    bool shared = false;
    uint8_t bytes = 0;
    std::byte value[maxBytes];
  };
  /// Bytes that `lanes` are about to access.
  struct Range {
    std::byte *at = nullptr;
    uint64_t bytes = 0;
    uint32_t lanes = 0;
  };

  static bool isSeenBy(const Held &store, const Warp &warp, uint32_t lanes);
  void findRanges(const Inst &inst, const Effect &effect, Warp &warp);
  void addRange(const Span &span, uint32_t lanes);
  bool mayOverlap() const;
  void writeAccessed(const Warp &warp);
  void publish(const Warp &warp, MemoryScope scope);
  void writeSeen(const Warp &warp);

  bool hasRoom();
  uint32_t chooseLanes(uint32_t lanes);
  bool holdLane(const Inst &inst, const Effect &effect, Warp &warp,
                uint32_t lane);
  Status runStore(const Inst &inst, const Effect &effect, Warp &warp);
  Status runCollective(const Inst &inst, const Effect &effect, Warp &warp);
  void add(const Held &store);
  void write(size_t index);

  /// How many held stores touch the lines that a hash calls the same.
  static constexpr uint32_t lineBytes = 32, lineSlots = 4096;
  static size_t slotOf(uintptr_t line);
  template <typename Visit>
  static bool eachLine(const std::byte *at, uint64_t bytes, const Visit &visit);

  ScheduleRandom random;
  uint32_t patience = 1; ///< something is written in one of so many steps
  /// In any order: two of one thread never overlap.
  std::vector<Held> held;
  std::array<uint16_t, lineSlots> lines{};
  Footprint footprint;
  std::vector<Range> ranges;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_EXEC_STOREBUFFER_H
