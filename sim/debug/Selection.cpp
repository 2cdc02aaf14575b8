//===- Selection.cpp - Which kernels, blocks and warps to look at ---------===//

#include "sim/debug/Selection.h"

#include "sim/check/Finding.h"
#include "sim/debug/Values.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace tilewright::sim::debug {

bool WarpSelection::has(const Warp &candidate) const {
  return (!block || *block == candidate.cta->id) &&
         (!warp || *warp == candidate.index);
}

std::string WarpSelection::text() const {
  std::string text;
  if (block)
    text = "block " + tripleText(block->x, block->y, block->z);
  if (warp)
    text += (text.empty() ? "warp " : ", warp ") + std::to_string(*warp);
  return text;
}

//===----------------------------------------------------------------------===//
// Blocks and warps
//===----------------------------------------------------------------------===//

static bool isNumbers(std::string_view text) {
  return text == "*" ||
         (!text.empty() &&
          text.find_first_not_of("0123456789,") == std::string_view::npos);
}

static bool parseNumber(std::string_view text, uint32_t &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return !text.empty() && error == std::errc() &&
         end == text.data() + text.size();
}

static bool parseBlock(std::string_view text, WarpSelection &warps) {
  if (text == "*")
    return true;
  Dim3 block{0, 0, 0};
  uint32_t *axes[] = {&block.x, &block.y, &block.z};
  for (uint32_t *axis : axes) {
    size_t end = std::min(text.find(','), text.size());
    if (!parseNumber(text.substr(0, end), *axis))
      return false;
    if (end == text.size()) {
      warps.block = block;
      return true;
    }
    text.remove_prefix(end + 1);
  }
  return false;
}

bool parseWarps(std::span<const std::string_view> fields, WarpSelection &warps,
                std::string &error) {
  if (!fields.empty() && !parseBlock(fields[0], warps)) {
    error = "'" + std::string(fields[0]) + "' is no block: x, x,y or x,y,z";
    return false;
  }
  uint32_t number = 0;
  if (fields.size() < 2 || fields[1] == "*")
    return true;
  if (!parseNumber(fields[1], number)) {
    error = "'" + std::string(fields[1]) + "' is no warp's number";
    return false;
  }
  warps.warp = number;
  return true;
}

bool takeWarps(std::string_view &text, WarpSelection &warps,
               std::string &error) {
  std::vector<std::string_view> fields;
  while (fields.size() < 2) {
    size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || !isNumbers(text.substr(colon + 1)))
      break;
    fields.insert(fields.begin(), text.substr(colon + 1));
    text = text.substr(0, colon);
  }
  return parseWarps(fields, warps, error);
}

/// No name has a colon that is not of a `::` between two parts.
static bool hasLoneColon(std::string_view text) {
  for (size_t at = text.find(':'); at != std::string_view::npos;
       at = text.find(':', at + 2))
    if (at + 2 >= text.size() || text[at + 1] != ':')
      return true;
  return false;
}

bool parseSelection(std::string_view text, Selection &selection,
                    std::string &error) {
  std::string_view whole = text;
  if (!takeWarps(text, selection.warps, error))
    return false;
  if (text.empty() || isNumbers(text) || hasLoneColon(text)) {
    error =
        "expected KERNEL[:BLOCK[:WARP]], but got '" + std::string(whole) + "'";
    return false;
  }
  selection.kernel = text;
  return true;
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Where the bracket that ends `text` opens, or npos.
static size_t openingOf(std::string_view text, char open, char close) {
  int depth = 0;
  for (size_t i = text.size(); i-- > 0;) {
    depth += text[i] == close;
    depth -= text[i] == open;
    if (depth == 0)
      return i;
  }
  return std::string_view::npos;
}

/// Behind the last `separator` that no bracket encloses.
static std::string_view lastPart(std::string_view text,
                                 std::string_view separator) {
  int depth = 0;
  for (size_t i = text.size(); i-- > 0;) {
    depth += text[i] == ')' || text[i] == '>';
    depth -= text[i] == '(' || text[i] == '<';
    if (depth == 0 && text.substr(i).starts_with(separator))
      return text.substr(i + separator.size());
  }
  return text;
}

/// The names that a kernel answers to, the longest first.
static std::vector<std::string> namesOf(const std::string &name) {
  std::string full = check::demangled(name);
  std::vector<std::string> names = {name, full};
  std::string_view rest = full;
  auto dropEnd = [&](char open, char close) {
    if (!rest.empty() && rest.back() == close)
      if (size_t at = openingOf(rest, open, close); at != rest.npos && at > 0)
        rest = rest.substr(0, at);
    names.emplace_back(rest);
  };
  dropEnd('(', ')');
  // A template's name has its result in front.
  rest = lastPart(rest, " ");
  names.emplace_back(rest);
  dropEnd('<', '>');
  rest = lastPart(rest, "::");
  names.emplace_back(rest);
  return names;
}

bool namesKernel(std::string_view pattern, const std::string &name) {
  std::vector<std::string> names = namesOf(name);
  return std::find(names.begin(), names.end(), pattern) != names.end();
}

/// Letters to insert, drop or change.
static size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row[b.size()];
}

std::string KernelsSeen::explain(const std::string &wanted) const {
  static constexpr size_t listed = 8;
  if (names.empty())
    return "no kernel '" + wanted + "' ran, and no other";
  std::string closest, list;
  size_t least = wanted.size() / 3 + 1, shown = 0;
  for (const std::string &name : names) {
    for (const std::string &form : namesOf(name))
      if (size_t far = distance(wanted, form); far < least) {
        least = far;
        closest = form;
      }
    if (++shown <= listed)
      list += (list.empty() ? "'" : ", '") + check::demangled(name) + "'";
  }
  if (names.size() > listed)
    list += " and " + std::to_string(names.size() - listed) + " more";
  return "no kernel '" + wanted + "' ran" +
         (closest.empty() ? "; these did: "
                          : ", did you mean '" + closest + "'? These did: ") +
         list;
}

} // namespace tilewright::sim::debug
