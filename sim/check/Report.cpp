//===- Report.cpp - Findings as text for people and as JSON ---------------===//

#include "sim/check/Report.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace tilewright::sim::check {

using nlohmann::ordered_json;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string hexText(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

static std::string tripleText(const Dim3 &dim) {
  return "(" + std::to_string(dim.x) + "," + std::to_string(dim.y) + "," +
         std::to_string(dim.z) + ")";
}

/// `file:line:column: label: message`, or without a place just the rest.
static std::string headLine(const ResolvedPlace &place,
                            const std::string &label,
                            const std::string &message) {
  std::string head;
  if (place)
    head = place.file + ":" + std::to_string(place.line) + ":" +
           std::to_string(place.column) + ": ";
  return head + label + ": " + message + "\n";
}

/// The line and a caret below; tabs stay, so that both have the same width.
static std::string caretLines(const ResolvedPlace &place) {
  if (!place)
    return {};
  std::string caret;
  for (uint32_t i = 0; i + 1 < place.column && i < place.text.size(); ++i)
    caret += place.text[i] == '\t' ? '\t' : ' ';
  return place.text + "\n" + caret + "^\n";
}

static std::string whoText(const std::optional<Dim3> &block,
                           const std::optional<Dim3> &thread,
                           const ResolvedPlace &place) {
  std::string text;
  auto join = [&](const std::string &part) {
    text += (text.empty() ? "" : ", ") + part;
  };
  if (block)
    join("block " + tripleText(*block));
  if (thread)
    join("thread " + tripleText(*thread));
  if (!place.original.empty())
    join(place.original);
  if (!place.inlinedAt.empty())
    join("inlined at " + place.inlinedAt);
  return text;
}

static std::string detailLine(const std::string &text) {
  return text.empty() ? "" : "  " + text + "\n";
}

static std::string firstSide(const Record &record) {
  const Finding &finding = record.finding;
  std::string label = std::string(
      finding.severity == Severity::Error ? "error" : "formal finding");
  // What does not fit one line goes below the place.
  size_t lineEnd = std::min(finding.message.find('\n'), finding.message.size());
  std::string text = headLine(record.place, label,
                              std::string(nameOf(finding.kind)) + ": " +
                                  finding.message.substr(0, lineEnd)) +
                     caretLines(record.place);
  std::string who = whoText(finding.block, finding.thread, record.place);
  if (!finding.kernel.empty())
    who = "kernel '" + demangled(finding.kernel) + "'" +
          (who.empty() ? "" : ", ") + who;
  text += detailLine(who);
  std::string where;
  if (finding.address)
    where = "address " + hexText(*finding.address);
  if (!finding.object.empty())
    where += (where.empty() ? "" : ": ") + finding.object;
  text += detailLine(where);
  if (lineEnd < finding.message.size())
    text += finding.message.substr(lineEnd + 1) + "\n";
  return text;
}

std::string renderText(const Record &record) {
  const Finding &finding = record.finding;
  std::string text = firstSide(record);
  std::string other =
      whoText(finding.otherBlock, finding.otherThread, record.other);
  if (record.other)
    text += headLine(record.other, "note", "the other side") +
            caretLines(record.other) + detailLine(other);
  else if (!other.empty())
    text += detailLine("the other side: " + other);
  if (record.count > 1)
    text += detailLine(std::to_string(record.count) + " times");
  return text;
}

static std::string counted(uint64_t count, const char *one, const char *many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string renderSummary(const std::vector<Record> &records,
                          uint64_t dropped) {
  uint64_t errors = 0, formal = 0;
  for (const Record &record : records)
    ++(record.finding.severity == Severity::Error ? errors : formal);
  std::string text = counted(errors, "error", "errors");
  if (formal)
    text += " and " + counted(formal, "formal finding", "formal findings");
  if (dropped)
    text += "; " + std::to_string(dropped) + " more of other lines";
  return text;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static ordered_json jsonOf(const std::optional<Dim3> &dim) {
  return dim ? ordered_json::array({dim->x, dim->y, dim->z})
             : ordered_json(nullptr);
}

static ordered_json lineOf(const ResolvedPlace &place) {
  return place ? ordered_json(place.line) : ordered_json(nullptr);
}

static ordered_json orNull(const std::string &text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

static ordered_json jsonOf(const Record &record) {
  const Finding &finding = record.finding;
  return {
      {"kind", nameOf(finding.kind)},
      {"severity", nameOf(finding.severity)},
      {"kernel", orNull(finding.kernel)},
      {"ptx_line", lineOf(record.place)},
      {"other_ptx_line", lineOf(record.other)},
      {"source", orNull(record.place.original)},
      // As text: numbers of 64 bits do not survive every JSON reader.
      {"address", finding.address ? ordered_json(hexText(*finding.address))
                                  : ordered_json(nullptr)},
      {"object", orNull(finding.object)},
      {"block", jsonOf(finding.block)},
      {"thread", jsonOf(finding.thread)},
      {"other_block", jsonOf(finding.otherBlock)},
      {"other_thread", jsonOf(finding.otherThread)},
      {"message", finding.message},
      {"count", record.count},
  };
}

std::string renderJson(const std::vector<Record> &records) {
  // A finding a line, for eyes and for line-based tools.
  std::string text = "{\"schema_version\": 1,\n \"findings\": [";
  const char *separator = "\n  ";
  for (const Record &record : records) {
    // Names in PTX may hold any bytes.
    text +=
        separator + jsonOf(record).dump(-1, ' ', false,
                                        ordered_json::error_handler_t::replace);
    separator = ",\n  ";
  }
  return text + "]}\n";
}

static bool writeAll(const std::string &path, const std::string &text) {
  FILE *file = std::fopen(path.c_str(), "wb");
  if (!file)
    return false;
  bool good = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && good;
}

bool writeFile(const std::string &path, const std::string &text,
               std::string &error) {
  struct stat status;
  bool special = stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  std::string target =
      special ? path : path + ".tmp." + std::to_string(getpid());
  bool good = writeAll(target, text);
  if (!special)
    good = good && std::rename(target.c_str(), path.c_str()) == 0;
  if (good)
    return true;
  error = "cannot write '" + path + "': " + std::strerror(errno);
  if (!special)
    std::remove(target.c_str());
  return false;
}

} // namespace tilewright::sim::check
