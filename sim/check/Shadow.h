//===- Shadow.h - Who touched each byte last --------------------*- C++ -*-===//
//
// For every granule of memory: the last write, and the reads since then that
// are not ordered with each other (FastTrack; Flanagan and Freund, PLDI 2009).
// An access is the number of a record in a log plus a lane, so a warp's access
// costs one record and 4 bytes a granule. Granules are 16 bytes where everybody
// accesses so much at once, and as small as the smallest access elsewhere.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_SHADOW_H
#define TILEWRIGHT_SIM_CHECK_SHADOW_H

#include "sim/exec/Effect.h"

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

namespace tilewright::sim::check {

/// How an access happened, as far as order is concerned.
enum class Method : uint8_t {
  Generic,
  Mbarrier,  ///< an operation on an mbarrier object
  AsyncCopy, ///< cp.async and st.async: generic proxy, completes later
  Bulk,      ///< bulk and tensor copies: async proxy
  Wgmma,     ///< reads of wgmma: async proxy
};
inline bool isAsync(Method method) { return method > Method::Mbarrier; }
inline bool isAsyncProxy(Method method) { return method >= Method::Bulk; }

/// One instruction's accesses, or a run of instructions' that are alike.
struct AccessRecord {
  uint32_t agent = 0;       ///< in its cluster
  uint32_t globalAgent = 0; ///< in the grid
  uint32_t time = 0;        ///< of the agent; when it has completed
  uint32_t cluster = 0;
  uint32_t pc = 0;
  uint32_t warp = 0; ///< that issued it, in the cluster
  uint32_t lanes = 0;
  /// Of a load that reads a tensor map in global memory: the bulk group that
  /// its thread commits next.
  uint32_t mapGroup = 0;
  Method method = Method::Generic;
  MemoryOrder order = MemoryOrder::Weak;
  MemoryScope scope = MemoryScope::Thread;
  bool uniform = false; ///< every lane accessed all of it
  bool updates = false; ///< atomic
  /// Behind a wait for the launch's prerequisites.
  bool behindWait = false;
  /// Hands what it writes to the tensormap proxy.
  bool releasesMap = false;
};

using RecordId = uint32_t;

/// What a granule's state says about one access.
struct Touch {
  RecordId record = 0;
  uint32_t lanes = 0;
};

/// A record and a lane in 32 bits; 0 is none. For reads the top bit says that
/// the rest is the number of a set.
struct Cell {
  uint32_t write = 0;
  uint32_t read = 0;
};
inline constexpr uint32_t readSetBit = 1u << 31;
inline constexpr uint32_t laneBits = 5;
inline constexpr RecordId maxRecords = 1u << (31 - laneBits);

inline uint32_t packTouch(RecordId record, uint32_t lane) {
  return record << laneBits | lane;
}

/// Reads that are not ordered with each other.
struct ReadSet {
  std::vector<Touch> touches;
};

class AccessLog {
public:
  AccessLog() : records(1) {}
  RecordId add(const AccessRecord &record) {
    records.push_back(record);
    return static_cast<RecordId>(records.size() - 1);
  }
  AccessRecord &operator[](RecordId id) { return records[id]; }
  const AccessRecord &operator[](RecordId id) const { return records[id]; }
  size_t size() const { return records.size(); }
  /// The access that a cell's word stands for.
  Touch touch(uint32_t word) const {
    RecordId id = word >> laneBits;
    uint32_t lane = word & ((1u << laneBits) - 1);
    return {id, records[id].uniform ? records[id].lanes : 1u << lane};
  }
  std::vector<AccessRecord> records;
};

inline constexpr uint32_t blockBytes = 1024;
/// The largest granule.
inline constexpr uint64_t coarsest = 16;

/// The shadow of blockBytes bytes.
struct ShadowBlock {
  explicit ShadowBlock(uint32_t shift)
      : shift(shift), cells(blockBytes >> shift) {}
  uint32_t shift; ///< log2 of a granule's bytes
  std::vector<Cell> cells;
};

/// The shadow of a memory and the log of who accessed it.
class Shadow {
public:
  void resize(uint64_t bytes) {
    pages.resize((bytes + pageBytes - 1) / pageBytes);
  }

  /// The block that holds `offset`, with granules that divide `offset` and
  /// `bytes`.
  ShadowBlock &block(uint64_t offset, uint64_t bytes) {
    Page &page = pages[offset / pageBytes];
    if (!page)
      page = std::make_unique<std::unique_ptr<ShadowBlock>[]>(pageBlocks);
    std::unique_ptr<ShadowBlock> &block =
        page[offset / blockBytes % pageBlocks];
    uint32_t shift =
        static_cast<uint32_t>(std::countr_zero(offset | bytes | coarsest));
    if (!block)
      block = std::make_unique<ShadowBlock>(shift);
    if (shift < block->shift) [[unlikely]]
      refine(*block, shift);
    return *block;
  }

  /// Calls `each(Cell &, offset)` for the granules of a range, none of which
  /// is larger than `unit` (0: as large as they are).
  template <typename Each>
  void forCells(uint64_t offset, uint64_t bytes, uint64_t unit, Each each) {
    while (bytes) {
      uint64_t inBlock = offset % blockBytes;
      uint64_t piece =
          blockBytes - inBlock < bytes ? blockBytes - inBlock : bytes;
      ShadowBlock &home = block(offset, piece | unit);
      Cell *cell = home.cells.data() + (inBlock >> home.shift);
      uint64_t granule = uint64_t(1) << home.shift;
      for (uint64_t at = 0; at < piece; at += granule)
        each(*cell++, offset + at);
      offset += piece;
      bytes -= piece;
    }
  }

  /// Calls `each(cell, offset, bytes)` for the granules that somebody touched,
  /// in their order.
  template <typename Each>
  void forTouched(Each each) const {
    for (uint64_t page = 0; page < pages.size(); ++page)
      for (uint64_t b = 0; pages[page] && b < pageBlocks; ++b) {
        const ShadowBlock *home = pages[page][b].get();
        uint64_t at = page * pageBytes + b * blockBytes;
        for (size_t i = 0; home && i < home->cells.size(); ++i)
          if (home->cells[i].write || home->cells[i].read)
            each(home->cells[i], at + (i << home->shift),
                 uint64_t(1) << home->shift);
      }
  }

  const ReadSet &readSet(uint32_t word) const {
    return sets[word & ~readSetBit];
  }
  ReadSet &readSet(uint32_t word) { return sets[word & ~readSetBit]; }
  uint32_t newReadSet();
  void freeReads(Cell &cell) {
    if (cell.read & readSetBit)
      freeSet(cell.read & ~readSetBit);
    cell.read = 0;
  }

  /// Forgets records that no granule names any more, when there are too many.
  /// True if the numbers of records have changed.
  bool compact();

  AccessLog log;

private:
  static constexpr uint64_t pageBytes = 1 << 20;
  static constexpr uint64_t pageBlocks = pageBytes / blockBytes;
  using Page = std::unique_ptr<std::unique_ptr<ShadowBlock>[]>;
  void refine(ShadowBlock &block, uint32_t shift);
  void freeSet(uint32_t index);

  std::vector<Page> pages;
  std::vector<ReadSet> sets;
  std::vector<uint32_t> freeSets;
  size_t compactAt = 1 << 21;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_SHADOW_H
