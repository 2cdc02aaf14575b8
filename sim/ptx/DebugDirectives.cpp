//===- DebugDirectives.cpp - .file and .loc of a text, as they stand ------===//

#include "sim/ptx/DebugDirectives.h"

#include <charconv>

namespace tilewright::sim::ptx {

std::string_view trimLeft(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin);
}

std::optional<std::string_view> operandsOf(std::string_view line,
                                           std::string_view directive) {
  line = trimLeft(line);
  if (!line.starts_with(directive) || line.size() == directive.size() ||
      (line[directive.size()] != ' ' && line[directive.size()] != '\t'))
    return std::nullopt;
  return line.substr(directive.size());
}

/// Takes an unsigned number off the front of `text`.
static std::optional<uint32_t> takeNumber(std::string_view &text) {
  text = trimLeft(text);
  uint32_t value = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc())
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<FileOperands> readFile(std::string_view operands) {
  std::optional<uint32_t> number = takeNumber(operands);
  size_t open = operands.find('"');
  if (!number || open == std::string_view::npos)
    return std::nullopt;
  size_t close = operands.find('"', open + 1);
  if (close == std::string_view::npos)
    return std::nullopt;
  return FileOperands{*number, operands.substr(open + 1, close - open - 1)};
}

std::optional<SourceLine> readLoc(std::string_view operands) {
  std::optional<uint32_t> file = takeNumber(operands);
  std::optional<uint32_t> line = takeNumber(operands);
  if (!file || !line)
    return std::nullopt;
  return SourceLine{*file, *line};
}

} // namespace tilewright::sim::ptx
