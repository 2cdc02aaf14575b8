//===- ProfileText.cpp - A module's text, line by line --------------------===//

#include "sim/debug/ProfileText.h"

namespace tilewright::sim::debug {

ModuleText::ModuleText(const ptx::Source &from,
                       std::vector<ptx::Location> instructions)
    : source(from.text(), from.name()), places(std::move(instructions)) {
  splitLines();
  readDirectives();
  findFunctions();
}

void ModuleText::splitLines() {
  std::string_view rest = source.text();
  while (true) {
    size_t end = rest.find('\n');
    lines.push_back({rest.substr(0, end), {}});
    if (end == std::string_view::npos)
      return;
    rest.remove_prefix(end + 1);
  }
}

/// A `.loc` holds up to the next one or the end of the function.
void ModuleText::readDirectives() {
  SourceLine current;
  for (Line &line : lines) {
    if (auto operands = ptx::operandsOf(line.text, ".file")) {
      if (auto file = ptx::readFile(*operands))
        files[file->number] = file->name;
    } else if (auto operands = ptx::operandsOf(line.text, ".loc")) {
      current = ptx::readLoc(*operands).value_or(SourceLine());
    } else if (line.text.find(".entry") != std::string_view::npos ||
               line.text.find(".func") != std::string_view::npos) {
      current = {};
    }
    line.source = current;
  }
}

/// Braces outside of comments and strings; a body is where they begin to nest
/// behind a line with `.entry` or `.func`.
void ModuleText::findFunctions() {
  std::string_view text = source.text();
  uint32_t line = 1, head = 0, depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    std::string_view rest = text.substr(i);
    size_t skip = 0;
    if (rest.starts_with("//"))
      skip = rest.find('\n');
    else if (rest.starts_with("/*"))
      skip = rest.find("*/", 2);
    else if (rest[0] == '"')
      skip = rest.find('"', 1);
    if (skip == std::string_view::npos)
      return;
    for (size_t k = 0; k < skip; ++k)
      line += rest[k] == '\n';
    i += skip;
    rest = text.substr(i);
    if (depth == 0 && (rest.starts_with(".entry") || rest.starts_with(".func")))
      head = line;
    if (rest[0] == ';' && depth == 0)
      head = 0;
    else if (rest[0] == '{')
      ++depth;
    else if (rest[0] == '}' && depth && --depth == 0 && head) {
      extents.push_back({head, line});
      head = 0;
    }
    line += rest[0] == '\n';
  }
}

const std::string &ModuleText::file(uint32_t number) const {
  static const std::string none;
  auto found = files.find(number);
  return found == files.end() ? none : found->second;
}

std::string ModuleText::describe(const SourceLine &line) const {
  const std::string &name = file(line.file);
  return name.empty() ? "" : name + ":" + std::to_string(line.line);
}

/// Where the guard of the instruction at `at` begins, or `at`.
static size_t guardBefore(std::string_view text, size_t at) {
  size_t end = text.find_last_not_of(" \t", at ? at - 1 : 0);
  if (at == 0 || end == std::string_view::npos)
    return at;
  size_t begin = text.find_last_of(" \t\n;{}:", end);
  begin = begin == std::string_view::npos ? 0 : begin + 1;
  return begin <= end && text[begin] == '@' ? begin : at;
}

std::string ModuleText::statement(ptx::Location at) const {
  std::string_view rest = text().substr(guardBefore(text(), at));
  std::string result;
  bool space = false;
  for (size_t i = 0; i < rest.size(); ++i) {
    if (rest.substr(i).starts_with("//")) {
      i = rest.find('\n', i);
      if (i == std::string_view::npos)
        break;
    }
    char c = rest[i];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      space = !result.empty();
      continue;
    }
    if (space)
      result += ' ';
    space = false;
    result += c;
    if (c == ';')
      break;
  }
  return result;
}

uint32_t ModuleText::entryLine(std::string_view kernel) const {
  for (const Extent &extent : extents) {
    std::string_view head = line(extent.begin);
    size_t at = head.find(".entry");
    if (at == head.npos)
      continue;
    head = ptx::trimLeft(head.substr(at + std::string_view(".entry").size()));
    if (head.substr(0, head.find_first_of(" \t\r(")) == kernel)
      return extent.begin;
  }
  return 0;
}

std::shared_ptr<const ModuleText>
ModuleTexts::find(const ptx::Source &source,
                  const std::function<std::vector<ptx::Location>()> &places) {
  size_t hash = std::hash<std::string_view>()(source.text());
  std::lock_guard<std::mutex> lock(mutex);
  auto [begin, end] = known.equal_range(hash);
  for (auto each = begin; each != end; ++each)
    if (each->second->name() == source.name() &&
        each->second->text() == source.text())
      return each->second;
  auto text = std::make_shared<const ModuleText>(source, places());
  known.emplace(hash, text);
  return text;
}

} // namespace tilewright::sim::debug
