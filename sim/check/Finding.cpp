//===- Finding.cpp - What a check found, and where they are collected -----===//

#include "sim/check/Finding.h"

#include "sim/ptx/DebugDirectives.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cxxabi.h>
#include <tuple>

namespace tilewright::sim::check {

static constexpr std::array<std::string_view, kindCount> kindNames = {
    "memory",  "initialization", "race",     "proxy",     "wgmma",
    "barrier", "cluster",        "deadlock", "divergence"};

std::string_view nameOf(Kind kind) { return kindNames[size_t(kind)]; }

std::string_view nameOf(Severity severity) {
  return severity == Severity::Error ? "error" : "formal";
}

std::optional<KindSet> KindSet::parse(std::string_view text,
                                      std::string &error) {
  KindSet set;
  while (true) {
    std::string_view name = text.substr(0, text.find(','));
    auto known = std::find(kindNames.begin(), kindNames.end(), name);
    if (name == "all") {
      set = all();
    } else if (known != kindNames.end()) {
      set.add(Kind(known - kindNames.begin()));
    } else {
      error = "unknown check '" + std::string(name) + "'; there are all";
      for (std::string_view each : kindNames)
        error += ", " + std::string(each);
      return std::nullopt;
    }
    if (name.size() == text.size())
      return set;
    text.remove_prefix(name.size() + 1);
  }
}

std::string demangled(const std::string &name) {
  int status = 0;
  char *text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// The name that `.file number "name"` gives; directives may follow their use.
static std::string fileName(std::string_view text, uint32_t number) {
  for (size_t at = text.find(".file"); at != std::string_view::npos;
       at = text.find(".file", at + 1)) {
    std::string_view line = text.substr(at, text.find('\n', at) - at);
    if (auto operands = ptx::operandsOf(line, ".file"))
      if (auto file = ptx::readFile(*operands); file && file->number == number)
        return std::string(file->name);
  }
  return {};
}

/// `file:line` from the two numbers at the front of `operands`.
static std::string fileAndLine(std::string_view text,
                               std::string_view operands) {
  std::optional<ptx::SourceLine> loc = ptx::readLoc(operands);
  std::string name = loc ? fileName(text, loc->file) : "";
  return name.empty() ? "" : name + ":" + std::to_string(loc->line);
}

/// Fills in what the last .loc of the function before `location` says.
static void findOriginal(std::string_view text, size_t location,
                         ResolvedPlace &place) {
  size_t end = location;
  while (end != 0) {
    size_t begin = text.rfind('\n', end - 1);
    begin = begin == std::string_view::npos ? 0 : begin + 1;
    std::string_view line = text.substr(begin, end - begin);
    if (auto operands = ptx::operandsOf(line, ".loc")) {
      place.original = fileAndLine(text, *operands);
      static constexpr std::string_view inlined = "inlined_at";
      if (size_t at = operands->find(inlined); at != std::string_view::npos)
        place.inlinedAt =
            fileAndLine(text, operands->substr(at + inlined.size()));
      return;
    }
    if (line.find(".entry") != std::string_view::npos ||
        line.find(".func") != std::string_view::npos)
      return;
    end = begin == 0 ? 0 : begin - 1;
  }
}

ResolvedPlace resolve(const Place &place) {
  if (!place)
    return {};
  const ptx::Source &source = *place.source;
  ptx::LineColumn position = source.position(place.location);
  ResolvedPlace resolved;
  resolved.file = source.name();
  resolved.line = position.line;
  resolved.column = position.column;
  resolved.text = source.lineText(place.location);
  findOriginal(source.text(), place.location, resolved);
  return resolved;
}

//===----------------------------------------------------------------------===//
// Findings
//===----------------------------------------------------------------------===//

/// The order of occurrences of one finding, and of launches in a report.
static auto occurrence(const Finding &finding) {
  auto triple = [](const std::optional<Dim3> &dim) {
    return dim ? std::tuple(dim->z, dim->y, dim->x) : std::tuple(0u, 0u, 0u);
  };
  return std::tuple(finding.launch, triple(finding.block),
                    triple(finding.thread), triple(finding.otherBlock),
                    triple(finding.otherThread), finding.address.value_or(0));
}

Findings::Key Findings::keyOf(const Finding &finding) {
  Key key;
  key.kernel = finding.kernel;
  key.kind = finding.kind;
  key.severity = finding.severity;
  if (finding.place) {
    key.file = finding.place.source->name();
    key.location = finding.place.location;
  } else {
    key.sentence = finding.message;
  }
  if (finding.other)
    key.other = finding.other.location;
  return key;
}

/// Orders records; ties of the launch are broken by the lines.
template <typename Entry>
static bool before(const Entry &a, const Entry &b) {
  return std::tie(a.second.finding.launch, a.first) <
         std::tie(b.second.finding.launch, b.first);
}

Findings::Entries::iterator Findings::last() {
  return std::max_element(
      entries.begin(), entries.end(),
      [](const auto &a, const auto &b) { return before(a, b); });
}

void Findings::insert(Key key, Finding finding) {
  if (entries.size() == limit) {
    // The first ones in order stay, whenever they came.
    auto victim = last();
    if (std::tie(finding.launch, key) >
        std::tie(victim->second.finding.launch, victim->first)) {
      ++droppedCount;
      return;
    }
    droppedCount += victim->second.count;
    entries.erase(victim);
  }
  Record record;
  record.place = resolve(finding.place);
  record.other = resolve(finding.other);
  record.finding = std::move(finding);
  record.finding.place = record.finding.other = {};
  record.count = 1;
  record.id = ++nextId;
  entries.emplace(std::move(key), std::move(record));
}

void Findings::add(Finding finding) {
  Key key = keyOf(finding);
  std::lock_guard<std::mutex> lock(mutex);
  errors |= finding.severity == Severity::Error;
  auto known = entries.find(key);
  if (known == entries.end()) {
    insert(std::move(key), std::move(finding));
    return;
  }
  Record &record = known->second;
  ++record.count;
  if (occurrence(finding) < occurrence(record.finding)) {
    record.finding = std::move(finding);
    record.finding.place = record.finding.other = {};
  }
}

std::vector<Record> Findings::records() const {
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<const Entries::value_type *> order;
  for (const auto &entry : entries)
    order.push_back(&entry);
  std::sort(order.begin(), order.end(),
            [](auto *a, auto *b) { return before(*a, *b); });
  std::vector<Record> result;
  for (const auto *entry : order)
    result.push_back(entry->second);
  return result;
}

bool Findings::empty() const {
  std::lock_guard<std::mutex> lock(mutex);
  return entries.empty();
}

bool Findings::hasErrors() const {
  std::lock_guard<std::mutex> lock(mutex);
  return errors;
}

uint64_t Findings::dropped() const {
  std::lock_guard<std::mutex> lock(mutex);
  return droppedCount;
}

void Findings::clear() {
  std::lock_guard<std::mutex> lock(mutex);
  entries.clear();
  droppedCount = 0;
  errors = false;
}

} // namespace tilewright::sim::check
