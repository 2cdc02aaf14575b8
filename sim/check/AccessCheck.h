//===- AccessCheck.h - Accesses against objects and written bytes ---------===//
//
// The kinds `memory` and `initialization`: an access lies in an object that
// lives, and what it reads was written by somebody.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_ACCESSCHECK_H
#define TILEWRIGHT_SIM_CHECK_ACCESSCHECK_H

#include "sim/check/Finding.h"
#include "sim/check/MemoryState.h"
#include "sim/check/ValueTaint.h"
#include "sim/exec/Footprint.h"
#include "sim/exec/Observer.h"

#include <functional>
#include <unordered_map>

namespace tilewright::sim::check {

/// Where an instruction of `warp` stands, for a finding about `lane`.
Finding findingAt(Kind kind, const Inst &inst, const Warp &warp, uint32_t lane,
                  std::string message);
/// "16 bytes into shared variable 'tile'" or what else lies at the offset.
std::string describeShared(const Cta &cta, uint64_t offset);

/// One bit for each byte of a small memory.
class WrittenBits {
public:
  void reset(uint64_t bytes) { words.assign((bytes + 63) / 64, 0); }
  void grow(uint64_t bytes) { words.resize((bytes + 63) / 64); }
  bool get(uint64_t at) const { return words[at / 64] >> (at % 64) & 1; }
  void set(uint64_t at, bool value);
  void mark(uint64_t at, uint64_t bytes);
  bool all(uint64_t at, uint64_t bytes) const;

private:
  std::vector<uint64_t> words;
};

class AccessCheck final : public Observer {
public:
  using Report = std::function<void(Finding)>;
  AccessCheck(MemoryState &memory, KindSet kinds, Report report)
      : memory(memory), checksMemory(kinds.has(Kind::Memory)),
        checksWrites(kinds.has(Kind::Initialization)), report(report),
        values(report) {}

  void clusterStarts(Cluster &cluster) override;
  void clusterEnds(Cluster &cluster) override;
  void before(const Inst &inst, const Effect &effect, Warp &warp) override;
  void after(const Inst &inst, const Effect &effect, Warp &warp,
             Status status) override;
  void skipped(const Inst &inst, const Effect &effect, Warp &warp) override;
  void faulted(const Inst &inst, Warp &warp, uint32_t lane, ErrorKind kind,
               const std::string &message) override;

private:
  bool isHarmless(Warp &warp, const Span &hull);

  // MemoryCheck.cpp
  bool leavesVariables(const Warp &warp, const Span &span) const;
  void checkObjects(const Inst &inst, Warp &warp);
  void checkShared(const Inst &inst, Warp &warp, const Span &span,
                   const char *what);
  void checkObject(const Inst &inst, Warp &warp, const Span &span,
                   const char *what);
  bool isLive(uint64_t address, uint64_t bytes);

  // InitializationCheck.cpp
  void checkReads(const Inst &inst, const Effect &effect, Warp &warp);
  void checkRead(const Inst &inst, const Effect &effect, Warp &warp,
                 const Span &span, const char *what);
  void found(const Inst &inst, const Effect &effect, Warp &warp,
             const Span &span, uint64_t offset, Finding finding);
  void unmarkTaintedStores(const Inst &inst, const Effect &effect, Warp &warp);
  void markWrites(const Inst &inst, const Effect &effect, Warp &warp);
  void copy(const CopySpans &copy, Warp &warp);
  bool transferWritten(const BoxTransfer &box);
  void transfer(const Inst &inst, const Effect &effect, Warp &warp,
                const BoxTransfer &box);
  bool isWritten(const Warp &warp, const Span &span, uint64_t offset,
                 uint64_t bytes);
  void mark(const Warp &warp, const Span &span);
  void set(const Warp &warp, const Span &span, uint64_t offset, bool value);
  bool isParameter(Warp &warp, const Span &span) const;
  WrittenBits &sharedBits(const Cta &cta) { return shared[&cta]; }
  WrittenBits &localBits(const Warp &warp, uint32_t lane);

  MemoryState &memory;
  const bool checksMemory, checksWrites;
  const Report report;

  ValueTaint values;
  Footprint footprint; ///< of the instruction between before() and after()
  LiveRange recent[4]; ///< objects that were found last
  uint32_t nextRecent = 0;
  uint64_t generation = 0;
  std::unordered_map<const Cta *, WrittenBits> shared;
  std::unordered_map<const Warp *, std::vector<WrittenBits>> local;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_ACCESSCHECK_H
