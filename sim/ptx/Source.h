//===- Source.h - PTX text, locations in it, and caret errors ---*- C++ -*-===//

#ifndef TILEWRIGHT_SIM_PTX_SOURCE_H
#define TILEWRIGHT_SIM_PTX_SOURCE_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tilewright::sim::ptx {

/// A byte offset into the text.
using Location = uint32_t;

struct LineColumn {
  uint32_t line = 0;   ///< from 1
  uint32_t column = 0; ///< from 1
};

/// Owns the text of one module; AST and diagnostics point into it.
class Source {
public:
  Source(std::string_view text, std::string name);

  std::string_view text() const { return content; }
  const std::string &name() const { return fileName; }
  LineColumn position(Location location) const;
  /// The line that holds `location`, without its end.
  std::string_view lineText(Location location) const;
  /// `name:line:col: error: message`, the line, and a caret.
  std::string render(Location location, std::string_view message) const;

private:
  std::string content;
  std::string fileName;
  std::vector<Location> lineStarts;
};

/// Thrown inside the PTX front end and the decoder; Module::load catches it.
struct SyntaxError {
  Location location;
  std::string message;
};

} // namespace tilewright::sim::ptx

#endif // TILEWRIGHT_SIM_PTX_SOURCE_H
