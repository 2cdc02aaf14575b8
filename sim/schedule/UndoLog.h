//===- UndoLog.h - What a launch writes to global memory --------*- C++ -*-===//
//
// Keeps the bytes that a launch overwrites, so that it can run again from the
// memory it started with, and compares what the runs leave behind. Only bytes
// that the launch itself wrote are put back or compared: others may belong to
// the host or to another stream.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_SCHEDULE_UNDOLOG_H
#define TILEWRIGHT_SIM_SCHEDULE_UNDOLOG_H

#include "sim/exec/Footprint.h"
#include "sim/exec/Observer.h"
#include "sim/ptx/Types.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

namespace tilewright::sim::schedule {

/// Where two runs of a launch left different bytes.
struct Difference {
  uint64_t address = 0; ///< of the first element that differs
  ptx::Type type = ptx::Type::None;
  std::string usual, other; ///< its values
  uint64_t bytes = 0;       ///< that differ, in all
  /// Nothing but floating-point atomics wrote them: sums of another order.
  bool onlyFloatAtomics = true;
};

/// Of one launch, over all of its runs.
class UndoLog {
public:
  UndoLog();
  ~UndoLog();
  UndoLog(const UndoLog &) = delete;

  /// Sees the writes of one run; the log must outlive it.
  std::unique_ptr<Observer> watch();

  /// What memory holds now is what other runs are compared with.
  void keepResult();
  void restoreStart();
  void restoreResult();
  /// None when memory holds the result that was kept.
  std::optional<Difference> compare() const;

private:
  class Watcher;

  static constexpr uint64_t pageBytes = 4096;
  /// Of a byte: 0 when it was not written, else the type of the last write.
  using Mark = uint8_t;
  static constexpr Mark onlyFloatAtomic = 0x80;
  struct Page {
    std::array<std::byte, pageBytes> start, result;
    std::array<Mark, pageBytes> marks{};
  };

  void written(uint64_t address, uint64_t bytes, ptx::Type type,
               bool isFloatAtomic);
  Page &pageOf(uint64_t address);
  template <typename Visit>
  void eachRun(const Visit &visit) const;

  std::map<uint64_t, std::unique_ptr<Page>> pages; ///< by address
  uint64_t lastPage = ~uint64_t(0);
  Page *last = nullptr;
};

} // namespace tilewright::sim::schedule

#endif // TILEWRIGHT_SIM_SCHEDULE_UNDOLOG_H
