//===- Source.cpp - PTX text, locations in it, and caret errors -----------===//

#include "sim/ptx/Source.h"

#include <algorithm>

namespace tilewright::sim::ptx {

Source::Source(std::string_view text, std::string name)
    : content(text), fileName(std::move(name)) {
  // Texts from drivers often carry their terminating zero.
  while (!content.empty() && content.back() == '\0')
    content.pop_back();
  lineStarts.push_back(0);
  for (size_t i = 0; i < content.size(); ++i)
    if (content[i] == '\n')
      lineStarts.push_back(static_cast<Location>(i + 1));
}

LineColumn Source::position(Location location) const {
  auto next = std::upper_bound(lineStarts.begin(), lineStarts.end(), location);
  uint32_t line = static_cast<uint32_t>(next - lineStarts.begin());
  return {line, location - lineStarts[line - 1] + 1};
}

std::string_view Source::lineText(Location location) const {
  Location start = lineStarts[position(location).line - 1];
  std::string_view rest = std::string_view(content).substr(start);
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r')
    rest.remove_suffix(1);
  return rest;
}

std::string Source::render(Location location, std::string_view message) const {
  LineColumn at = position(location);
  std::string_view line = lineText(location);
  std::string text = fileName + ":" + std::to_string(at.line) + ":" +
                     std::to_string(at.column) + ": error: ";
  text += message;
  text += "\n";
  text += line;
  text += "\n";
  // Tabs are repeated so that the caret lands under its column.
  for (uint32_t i = 0; i + 1 < at.column && i < line.size(); ++i)
    text += line[i] == '\t' ? '\t' : ' ';
  text += "^";
  return text;
}

} // namespace tilewright::sim::ptx
