//===- Annotate.cpp - Source text with counts in its margin ---------------===//

#include "sim/debug/Annotate.h"

#include "sim/debug/ProfileReport.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace tilewright::sim::debug {

namespace {
/// A column of the margin; one that is zero in all lines is left out.
struct Column {
  const char *title;
  uint64_t (*value)(const Counts &);
};

/// Counts of a line; none where no instruction begins.
using Margin = std::map<uint32_t, Counts>;
} // namespace

static constexpr Column columns[] = {
    {"issues", [](const Counts &c) { return c.issues; }},
    {"threads", [](const Counts &c) { return c.threads; }},
    {"off", [](const Counts &c) { return c.offIssues; }},
    {"diverge", [](const Counts &c) { return c.divergent; }},
    {"wavefronts", [](const Counts &c) { return c.wavefronts; }},
    {"conflicts",
     [](const Counts &c) { return c.wavefronts - c.idealWavefronts; }},
    {"sectors", [](const Counts &c) { return c.sectors + c.copySectors; }},
    {"excess", [](const Counts &c) { return c.sectors - c.idealSectors; }},
    {"copied",
     [](const Counts &c) {
       return std::max(c.copyReadBytes + c.copyWriteBytes,
                       std::max(c.copyToShared, c.copyFromShared));
     }},
    {"local", [](const Counts &c) { return c.localBytes; }},
    {"serial", [](const Counts &c) { return c.atomicSerial; }},
    {"flops", [](const Counts &c) { return c.productFlops; }},
    {"waited", [](const Counts &c) { return c.waitSteps; }},
};
/// These are shown in any case.
static constexpr size_t firstOptional = 2;

static const char legend[] =
    "Columns, left out where all of a kernel's lines have zero:\n"
    "  issues      executions by a warp; 0: an instruction that was never "
    "executed; blank: no instruction\n"
    "  threads     the lanes of these\n"
    "  off         times that the guard was false in every lane\n"
    "  diverge     times that lanes went to different places\n"
    "  wavefronts  passes of shared memory, by the rule of banks\n"
    "  conflicts   those that are more than the access needs\n"
    "  sectors     of 32 bytes in global memory, request by request\n"
    "  excess      those that are more than the bytes need\n"
    "  copied      bytes that asynchronous copies moved\n"
    "  local       bytes of local memory\n"
    "  serial      atomic operations that meet at one address, one after "
    "another\n"
    "  flops       of products\n"
    "  waited      steps of the launch while a warp waited here\n"
    "Nothing here is a time.\n";

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

namespace {
class Table {
public:
  /// Chooses columns and widths for all lines of a kernel.
  explicit Table(const std::vector<const Margin *> &margins);
  std::string head() const;
  /// `counts` is null where there is no instruction.
  std::string row(const Counts *counts, uint32_t number,
                  std::string_view text) const;

private:
  std::vector<std::pair<const Column *, size_t>> shown; ///< with its width
};
} // namespace

Table::Table(const std::vector<const Margin *> &margins) {
  for (size_t i = 0; i < std::size(columns); ++i) {
    uint64_t most = 0;
    for (const Margin *margin : margins)
      for (const auto &[line, counts] : *margin)
        most = std::max(most, columns[i].value(counts));
    if (most || i < firstOptional)
      shown.push_back(
          {&columns[i], std::max(std::to_string(most).size(),
                                 std::string_view(columns[i].title).size())});
  }
}

static std::string padded(std::string text, size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text
                             : text;
}

std::string Table::head() const {
  std::string text;
  for (const auto &[column, width] : shown)
    text += padded(column->title, width) + " ";
  return text + "|  line |\n";
}

std::string Table::row(const Counts *counts, uint32_t number,
                       std::string_view text) const {
  std::string line;
  for (size_t i = 0; i < shown.size(); ++i) {
    uint64_t value = counts ? shown[i].first->value(*counts) : 0;
    // A zero says that an instruction never ran; elsewhere it is a blank.
    bool says = counts && (value || i == 0);
    line += padded(says ? std::to_string(value) : "", shown[i].second) + " ";
  }
  if (!text.empty() && text.back() == '\r')
    text.remove_suffix(1);
  line += "|" + padded(std::to_string(number), 6) + " |";
  return line + (text.empty() ? "" : " ") + std::string(text) + "\n";
}

//===----------------------------------------------------------------------===//
// Sections
//===----------------------------------------------------------------------===//

/// Functions of which the kernel executed something.
static std::vector<ModuleText::Extent>
executedFunctions(const KernelProfile &kernel, const Margin &margin) {
  std::vector<ModuleText::Extent> found;
  for (const ModuleText::Extent &extent : kernel.text->functions()) {
    auto at = margin.lower_bound(extent.begin);
    if (at != margin.end() && at->first <= extent.end)
      found.push_back(extent);
  }
  return found;
}

/// What the kernel executed, by line of the PTX, and zero for instructions of
/// the same functions that it did not.
static Margin ptxMargin(const KernelProfile &kernel) {
  Margin executed;
  for (const auto &[at, instruction] : kernel.instructions)
    executed[kernel.text->position(at).line] += instruction.counts;
  Margin margin = executed;
  for (const ModuleText::Extent &extent : executedFunctions(kernel, executed))
    for (ptx::Location at : kernel.text->instructions())
      if (uint32_t line = kernel.text->position(at).line;
          line >= extent.begin && line <= extent.end)
        margin.try_emplace(line);
  return margin;
}

static std::string ptxSection(const KernelProfile &kernel, const Margin &margin,
                              const Table &table) {
  const ModuleText &text = *kernel.text;
  std::string result = "\n-- " + text.name() + "\n" + table.head();
  bool first = true;
  for (const ModuleText::Extent &extent : executedFunctions(kernel, margin)) {
    if (!std::exchange(first, false))
      result += "\n";
    for (uint32_t line = extent.begin; line <= extent.end; ++line) {
      auto counts = margin.find(line);
      result += table.row(counts == margin.end() ? nullptr : &counts->second,
                          line, text.line(line));
    }
  }
  return result;
}

/// Sums the PTX lines of each line of a source file, by file.
static std::map<uint32_t, Margin> sourceMargins(const KernelProfile &kernel,
                                                const Margin &ptx) {
  std::map<uint32_t, Margin> files;
  for (const auto &[line, counts] : ptx) {
    SourceLine source = kernel.text->sourceOf(line);
    if (source.file && source.line)
      files[source.file][source.line] += counts;
  }
  return files;
}

static std::optional<std::vector<std::string>>
readLines(const std::string &path) {
  std::ifstream file(path);
  if (!file)
    return std::nullopt;
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    lines.push_back(line);
  return lines;
}

/// Lines of a source file that stand between two that have instructions and are
/// further apart than this are left out: headers are long.
static constexpr uint32_t context = 8;

static std::string sourceSection(const std::string &name, const Margin &margin,
                                 const Table &table) {
  std::string result = "\n-- " + (name.empty() ? "(no name)" : name) + "\n";
  std::optional<std::vector<std::string>> lines = readLines(name);
  if (!lines || margin.rbegin()->first > lines->size()) {
    result += lines ? "   (the file has fewer lines than the PTX says)\n"
                    : "   (the file cannot be read)\n";
    lines.reset();
  }
  result += table.head();
  for (auto at = margin.begin(); at != margin.end(); ++at) {
    auto next = std::next(at);
    result +=
        table.row(&at->second, at->first, lines ? (*lines)[at->first - 1] : "");
    if (!lines || next == margin.end())
      continue;
    if (next->first - at->first > context) {
      result += "...\n";
      continue;
    }
    for (uint32_t line = at->first + 1; line < next->first; ++line)
      result += table.row(nullptr, line, (*lines)[line - 1]);
  }
  return result;
}

static std::string kernelText(const KernelProfile &kernel) {
  Margin ptx = ptxMargin(kernel);
  std::map<uint32_t, Margin> sources = sourceMargins(kernel, ptx);
  std::vector<const Margin *> margins = {&ptx};
  for (const auto &[file, margin] : sources)
    margins.push_back(&margin);
  Table table(margins);
  std::string text = "\n== " + titleOf(kernel) + "\n";
  for (const auto &[file, margin] : sources)
    text += sourceSection(kernel.text->file(file), margin, table);
  return text + ptxSection(kernel, ptx, table);
}

std::string renderAnnotated(const std::vector<KernelProfile> &kernels) {
  std::string text = legend;
  if (kernels.empty())
    text += "\nNo kernel ran.\n";
  for (const KernelProfile &kernel : kernels)
    text += kernelText(kernel);
  return text;
}

} // namespace tilewright::sim::debug
