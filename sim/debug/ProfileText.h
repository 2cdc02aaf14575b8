//===- ProfileText.h - A module's text, line by line ------------*- C++ -*-===//
//
// Modules may be gone when a report is written, so their text is kept here,
// with what reports need of it: where functions begin and end, and which line
// of the program's own source each line comes from.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_DEBUG_PROFILETEXT_H
#define TILEWRIGHT_SIM_DEBUG_PROFILETEXT_H

#include "sim/ptx/DebugDirectives.h"
#include "sim/ptx/Source.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::sim::debug {

using ptx::SourceLine;

class ModuleText {
public:
  /// `instructions` are where those of the text begin, ascending.
  ModuleText(const ptx::Source &source,
             std::vector<ptx::Location> instructions);

  const std::string &name() const { return source.name(); }
  std::string_view text() const { return source.text(); }
  ptx::LineColumn position(ptx::Location at) const {
    return source.position(at);
  }
  uint32_t lineCount() const { return static_cast<uint32_t>(lines.size()); }
  /// Lines are numbered from 1.
  std::string_view line(uint32_t number) const {
    return lines[number - 1].text;
  }
  SourceLine sourceOf(uint32_t number) const {
    return lines[number - 1].source;
  }
  /// The name that `.file` gives; empty when it gives none.
  const std::string &file(uint32_t number) const;
  /// `file:line`, or nothing.
  std::string describe(const SourceLine &line) const;
  /// The statement at `at` in one line, without comments.
  std::string statement(ptx::Location at) const;

  /// A function with a body: its first and its last line.
  struct Extent {
    uint32_t begin = 0, end = 0;
  };
  const std::vector<Extent> &functions() const { return extents; }
  /// Where the kernel begins; 0 if it is not found.
  uint32_t entryLine(std::string_view kernel) const;
  const std::vector<ptx::Location> &instructions() const { return places; }

private:
  struct Line {
    std::string_view text;
    SourceLine source;
  };
  void splitLines();
  void readDirectives();
  void findFunctions();

  ptx::Source source;
  std::vector<Line> lines;
  std::map<uint32_t, std::string> files;
  std::vector<Extent> extents;
  std::vector<ptx::Location> places;
};

/// One copy of each text. Thread-safe.
class ModuleTexts {
public:
  /// `places` gives the instructions' places if the text is new.
  std::shared_ptr<const ModuleText>
  find(const ptx::Source &source,
       const std::function<std::vector<ptx::Location>()> &places);

private:
  std::mutex mutex;
  std::multimap<size_t, std::shared_ptr<const ModuleText>> known;
};

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_PROFILETEXT_H
