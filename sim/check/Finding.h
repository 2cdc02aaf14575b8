//===- Finding.h - What a check found, and where they are collected -------===//
//
// A check hands findings to the process's sink, from any thread. The sink folds
// repeats of one pair of lines into one record with a count, and keeps the
// occurrence that comes first in the order of launches, blocks and threads, so
// that a report does not depend on how the host's threads took turns.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_FINDING_H
#define TILEWRIGHT_SIM_CHECK_FINDING_H

#include "sim/exec/Engine.h"
#include "sim/ptx/Source.h"

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::sim::check {

enum class Kind : uint8_t {
  Memory,
  Initialization,
  Race,
  Proxy,
  Wgmma,
  Barrier,
  Cluster,
  Deadlock,
  Divergence,
};
inline constexpr size_t kindCount = 9;

/// The kind's name in reports and options.
std::string_view nameOf(Kind kind);

enum class Severity : uint8_t {
  Error,
  /// Forbidden by the letter of the ISA, while ptxas is known to repair it or
  /// everyone relies on it.
  Formal,
};
std::string_view nameOf(Severity severity);

/// Kinds that are switched on.
class KindSet {
public:
  static KindSet all() { return KindSet((1u << kindCount) - 1); }
  /// "all", or names separated by commas. None and `error` for a wrong name.
  static std::optional<KindSet> parse(std::string_view text,
                                      std::string &error);

  KindSet() = default;
  bool has(Kind kind) const { return bits >> unsigned(kind) & 1; }
  void add(Kind kind) { bits |= 1u << unsigned(kind); }
  bool empty() const { return bits == 0; }
  bool operator==(const KindSet &) const = default;

private:
  explicit KindSet(uint32_t bits) : bits(bits) {}
  uint32_t bits = 0;
};

/// An instruction in the text of a module that is still loaded.
struct Place {
  const ptx::Source *source = nullptr;
  ptx::Location location = 0;

  explicit operator bool() const { return source != nullptr; }
};

/// What a check says. The first side is the one that made the fault visible;
/// the other is what it is not ordered with, if there is one.
struct Finding {
  Kind kind = Kind::Memory;
  Severity severity = Severity::Error;
  uint64_t launch = 0; ///< Launches are numbered from 1; 0 is the host.
  std::string kernel;  ///< empty for what the host did
  Place place, other;
  std::optional<uint64_t> address;
  std::string object; ///< "cuMemAlloc of 4096 bytes, allocation #7, freed"
  std::optional<Dim3> block, thread;
  std::optional<Dim3> otherBlock, otherThread;
  /// One sentence without a full stop that names what is missing.
  std::string message;
};

/// A C++ name as its author wrote it; others as they are.
std::string demangled(const std::string &name);

/// A place as text, which outlives the module.
struct ResolvedPlace {
  std::string file;      ///< what the module is called
  uint32_t line = 0;     ///< from 1
  uint32_t column = 0;   ///< from 1
  std::string text;      ///< the line
  std::string original;  ///< `file:line` of the program's source, from .loc
  std::string inlinedAt; ///< the same of the call that was inlined there

  explicit operator bool() const { return line != 0; }
};
ResolvedPlace resolve(const Place &place);

/// A finding as it is reported.
struct Record {
  Finding finding; ///< its places no longer point anywhere
  ResolvedPlace place, other;
  uint64_t count = 0;
  uint64_t id = 0; ///< tells records apart; no order
};

/// Thread-safe.
class Findings {
public:
  /// Different pairs of lines that are kept; the rest are counted only.
  static constexpr size_t defaultLimit = 1000;

  explicit Findings(size_t limit = defaultLimit) : limit(limit) {}
  Findings(const Findings &) = delete;
  Findings &operator=(const Findings &) = delete;

  void add(Finding finding);

  /// In the order of launches, then of the lines.
  std::vector<Record> records() const;
  bool empty() const;
  /// Whether anything of severity Error was added.
  bool hasErrors() const;
  /// Findings that no record holds.
  uint64_t dropped() const;
  void clear();

private:
  /// Equal for repeats; its order is a part of the report's order.
  struct Key {
    std::string kernel, file;
    ptx::Location location = 0, other = 0;
    Kind kind = Kind::Memory;
    Severity severity = Severity::Error;
    std::string sentence; ///< of findings without a place
    auto operator<=>(const Key &) const = default;
  };
  using Entries = std::map<Key, Record>;

  static Key keyOf(const Finding &finding);
  void insert(Key key, Finding finding);
  Entries::iterator last();

  const size_t limit;
  mutable std::mutex mutex;
  Entries entries;
  uint64_t droppedCount = 0, nextId = 0;
  bool errors = false;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_FINDING_H
