//===- DebugDirectives.h - .file and .loc of a text, as they stand --------===//
//
// The parser drops what does not change a program. Reports read these two from
// the text itself: where a line comes from in the program's own source (ISA
// 11.5).
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_PTX_DEBUGDIRECTIVES_H
#define TILEWRIGHT_SIM_PTX_DEBUGDIRECTIVES_H

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tilewright::sim::ptx {

std::string_view trimLeft(std::string_view text);

/// What follows the directive when the line begins with it.
std::optional<std::string_view> operandsOf(std::string_view line,
                                           std::string_view directive);

/// `number "name"`, the operands of .file.
struct FileOperands {
  uint32_t number = 0;
  std::string_view name;
};
std::optional<FileOperands> readFile(std::string_view operands);

/// A line of the program's own source.
struct SourceLine {
  uint32_t file = 0; ///< as .file numbers it; 0: none is known
  uint32_t line = 0;
  auto operator<=>(const SourceLine &) const = default;
};
/// `file line`, at the front of the operands of .loc and of inlined_at.
std::optional<SourceLine> readLoc(std::string_view operands);

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_DEBUGDIRECTIVES_H
