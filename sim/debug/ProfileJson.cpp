//===- ProfileJson.cpp - Profiles as JSON ---------------------------------===//

#include "sim/check/Finding.h"
#include "sim/debug/ProfileAccess.h"
#include "sim/debug/ProfileReport.h"

#include <nlohmann/json.hpp>

namespace tilewright::sim::debug {

using nlohmann::ordered_json;

static constexpr int schemaVersion = 1;

/// Groups in which everything is zero are left out.
static ordered_json jsonOf(const Counts &counts) {
  ordered_json groups = ordered_json::object();
  std::span<const Counter> all = counters();
  for (size_t begin = 0; begin < all.size();) {
    std::string_view name = all[begin].group;
    ordered_json group;
    bool any = false;
    for (; begin < all.size() && all[begin].group == name; ++begin) {
      uint64_t value = counts.*all[begin].field;
      group[all[begin].name] = value;
      any |= value != 0;
    }
    if (any)
      groups[std::string(name)] = std::move(group);
  }
  return groups;
}

static ordered_json jsonOf(const Dim3 &dim) {
  return ordered_json::array({dim.x, dim.y, dim.z});
}

static ordered_json jsonOf(const KernelProfile::Shape &shape) {
  return {{"grid", jsonOf(shape.grid)},
          {"block", jsonOf(shape.block)},
          {"cluster", jsonOf(shape.cluster)},
          {"dynamic_shared_bytes", shape.dynamicSharedBytes},
          {"launches", shape.launches}};
}

/// Copies by who makes them.
static ordered_json copiesOf(const KernelProfile &kernel) {
  static constexpr const char *names[copyKinds] = {"other", "cp_async", "bulk",
                                                   "tensor", "st_async"};
  Counts sums[copyKinds];
  for (const auto &[location, instruction] : kernel.instructions)
    sums[static_cast<size_t>(instruction.copyKind)] += instruction.counts;
  ordered_json all = ordered_json::object();
  for (uint32_t kind = 1; kind < copyKinds; ++kind) {
    ordered_json groups = jsonOf(sums[kind]);
    if (groups.contains("copies"))
      all[names[kind]] = groups["copies"];
  }
  return all;
}

/// Three ways to see the traffic with global memory: what lanes and copies ask
/// for, the sectors that this takes request by request, and each sector once.
static ordered_json trafficOf(const Counts &total) {
  uint64_t sector = memoryRules.sectorBytes;
  return {
      {"requested_read_bytes", total.globalReadBytes + total.copyReadBytes},
      {"requested_write_bytes", total.globalWriteBytes + total.copyWriteBytes},
      {"sector_bytes", (total.sectors + total.copySectors) * sector},
      {"unique_read_bytes", total.uniqueReadSectors * sector},
      {"unique_write_bytes", total.uniqueWriteSectors * sector},
      {"unique_lines", total.uniqueLines}};
}

static ordered_json orNull(const std::string &text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

static ordered_json instructionOf(const ModuleText &text, ptx::Location at,
                                  const Counts &counts) {
  ptx::LineColumn place = text.position(at);
  ordered_json entry = {
      {"ptx_line", place.line},
      {"ptx_column", place.column},
      {"source", orNull(text.describe(text.sourceOf(place.line)))},
      {"text", text.statement(at)}};
  entry.update(jsonOf(counts));
  return entry;
}

/// Instructions summed by line of the program's source. Sectors that are unique
/// to each do not add up.
static std::map<SourceLine, Counts> bySource(const KernelProfile &kernel) {
  std::map<SourceLine, Counts> sums;
  for (const auto &[at, instruction] : kernel.instructions) {
    SourceLine line = kernel.text->sourceOf(kernel.text->position(at).line);
    if (kernel.text->describe(line).empty())
      continue;
    Counts counts = instruction.counts;
    counts.uniqueReadSectors = counts.uniqueWriteSectors = counts.uniqueLines =
        0;
    sums[line] += counts;
  }
  return sums;
}

static std::string dump(const ordered_json &value) {
  // Names in PTX may hold any bytes.
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// One entry a line, for eyes and for line-based tools.
static std::string listOf(const std::vector<ordered_json> &entries) {
  std::string text = "[";
  const char *separator = "\n    ";
  for (const ordered_json &entry : entries) {
    text += separator + dump(entry);
    separator = ",\n    ";
  }
  return text + "]";
}

static std::string kernelJson(const KernelProfile &kernel) {
  Counts total = kernel.total();
  std::vector<ordered_json> shapes, instructions, lines;
  for (const KernelProfile::Shape &shape : kernel.shapes)
    shapes.push_back(jsonOf(shape));
  for (const auto &[at, instruction] : kernel.instructions)
    instructions.push_back(instructionOf(*kernel.text, at, instruction.counts));
  for (const auto &[line, counts] : bySource(kernel)) {
    ordered_json entry = {{"source", kernel.text->describe(line)}};
    entry.update(jsonOf(counts));
    lines.push_back(std::move(entry));
  }
  ordered_json head = {{"kernel", kernel.kernel},
                       {"name", check::demangled(kernel.kernel)},
                       {"module", kernel.text->name()},
                       {"launches", kernel.launches},
                       {"failed_launches", kernel.failedLaunches},
                       {"blocks", kernel.blocks},
                       {"warps", kernel.warps},
                       {"steps", kernel.steps},
                       {"total", jsonOf(total)},
                       {"traffic", trafficOf(total)},
                       {"copies", copiesOf(kernel)}};
  std::string text = dump(head);
  text.pop_back(); // the brace
  return text + ",\n   \"shapes\": " + listOf(shapes) +
         ",\n   \"instructions\": " + listOf(instructions) +
         ",\n   \"source_lines\": " + listOf(lines) + "}";
}

std::string renderProfileJson(const std::vector<KernelProfile> &kernels) {
  ordered_json rules = {{"shared_banks", memoryRules.banks},
                        {"bank_bytes", memoryRules.bankBytes},
                        {"sector_bytes", memoryRules.sectorBytes},
                        {"line_bytes", memoryRules.lineBytes}};
  std::string text = "{\"schema_version\": " + std::to_string(schemaVersion) +
                     ",\n \"rules\": " + dump(rules) + ",\n \"kernels\": [";
  const char *separator = "\n  ";
  for (const KernelProfile &kernel : kernels) {
    text += separator + kernelJson(kernel);
    separator = ",\n  ";
  }
  return text + "]}\n";
}

} // namespace tilewright::sim::debug
