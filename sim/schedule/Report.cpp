//===- Report.cpp - Disagreements as text and JSON ------------------------===//

#include "sim/schedule/Report.h"

#include "sim/check/Report.h"

#include <nlohmann/json.hpp>

#include <cinttypes>
#include <cstdio>

namespace tilewright::sim::schedule {

using nlohmann::ordered_json;

static std::string hexText(uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

static std::string counted(uint64_t count, const std::string &noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

static std::string seedsText(const std::vector<uint64_t> &seeds) {
  static constexpr size_t shown = 8;
  std::string text = seeds.size() == 1 ? "seed " : "seeds ";
  for (size_t i = 0; i < std::min(seeds.size(), shown); ++i)
    text += (i ? ", " : "") + std::to_string(seeds[i]);
  return text + (seeds.size() > shown ? ", ..." : "");
}

static std::string messageOf(const Disagreement &disagreement) {
  if (!disagreement.failure.empty())
    return "fails under some schedules only";
  return disagreement.isFormal()
             ? "sums of floating-point atomics depend on their order"
             : "the result depends on the order of execution";
}

static std::string firstLine(const std::string &text) {
  return text.substr(0, text.find('\n'));
}

std::string renderText(const Record &record, uint32_t schedules) {
  const Disagreement &found = record.disagreement;
  std::string text = std::string("tilewright-sim: schedules: ") +
                     (found.isFormal() ? "formal: " : "error: ") + "kernel '" +
                     check::demangled(record.kernel) + "', launch " +
                     std::to_string(record.launch) + ": " + messageOf(found) +
                     "\n";
  text += "  " + std::to_string(found.seeds.size()) + " of " +
          counted(schedules - 1, "other schedule") + ": " +
          seedsText(found.seeds) + "\n";
  if (!found.failure.empty())
    text += "  seed " + std::to_string(found.failureSeed) + ": " +
            firstLine(found.failure) + "\n";
  if (found.difference) {
    const Difference &difference = *found.difference;
    text += "  seed " + std::to_string(found.differenceSeed) + ": " +
            counted(difference.bytes, "byte") + " differ" +
            (difference.bytes == 1 ? "s" : "") + ", first at " +
            hexText(difference.address) +
            (record.object.empty() ? "" : ": " + record.object) + "\n";
    text += "    by default " + difference.usual + ", here " +
            difference.other + "\n";
  }
  if (!found.isFormal())
    text += "  hint: --schedule " +
            std::to_string(found.failure.empty() ? found.differenceSeed
                                                 : found.failureSeed) +
            " runs it in that order; --check race,proxy names accesses that "
            "nothing orders\n";
  return text;
}

std::string renderSummary(const std::vector<Record> &records,
                          uint32_t schedules) {
  uint64_t errors = 0;
  for (const Record &record : records)
    errors += !record.disagreement.isFormal();
  std::string text = counted(errors, "error");
  if (uint64_t formal = records.size() - errors)
    text += " and " + counted(formal, "formal finding");
  return text + " under " + std::to_string(schedules) + " schedules";
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

static ordered_json orNull(const std::string &text) {
  return text.empty() ? ordered_json(nullptr) : ordered_json(text);
}

static ordered_json jsonOf(const Record &record, uint32_t schedules) {
  const Disagreement &found = record.disagreement;
  ordered_json json{
      {"severity", found.isFormal() ? "formal" : "error"},
      {"kernel", record.kernel},
      {"launch", record.launch},
      {"launches", record.launches},
      {"schedules", schedules},
      {"seeds", found.seeds},
      {"message", messageOf(found)},
      {"failure", orNull(found.failure)},
      {"difference", nullptr},
  };
  if (found.difference)
    json["difference"] = {
        {"seed", found.differenceSeed},
        // As text: numbers of 64 bits do not survive every JSON reader.
        {"address", hexText(found.difference->address)},
        {"object", orNull(record.object)},
        {"bytes", found.difference->bytes},
        {"default", found.difference->usual},
        {"other", found.difference->other},
    };
  return json;
}

std::string renderJson(const std::vector<Record> &records, uint32_t schedules) {
  // A line each, for eyes and for line-based tools.
  std::string text = "{\"schema_version\": 1,\n \"schedules\": [";
  const char *separator = "\n  ";
  for (const Record &record : records) {
    text += separator +
            jsonOf(record, schedules)
                .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
    separator = ",\n  ";
  }
  return text + "]}\n";
}

} // namespace tilewright::sim::schedule
