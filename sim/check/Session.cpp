//===- Session.cpp - The checks of one process ----------------------------===//

#include "sim/check/Session.h"

#include "sim/check/Report.h"

#include <unistd.h>

namespace tilewright::sim::check {

std::optional<Settings> parseSettings(std::string_view kinds,
                                      std::string_view jsonPath,
                                      std::string &error) {
  std::optional<KindSet> set = KindSet::parse(kinds, error);
  if (!set)
    return std::nullopt;
  Settings settings{*set, std::string(jsonPath)};
  if (size_t at = settings.jsonPath.find("%p"); at != std::string::npos)
    settings.jsonPath.replace(at, 2, std::to_string(getpid()));
  return settings;
}

Session::Session(Settings settings, Print print)
    : settings(std::move(settings)), print(std::move(print)) {}

void Session::add(Finding finding) {
  if (!settings.kinds.has(finding.kind))
    return;
  findings.add(std::move(finding));
  changed = true;
}

void Session::writeJson(const std::vector<Record> &records) {
  if (settings.jsonPath.empty())
    return;
  std::string error;
  if (!writeFile(settings.jsonPath, renderJson(records), error))
    print("tilewright-sim: " + error + "\n");
}

bool Session::printNew(const std::vector<Record> &records) {
  bool any = false;
  for (const Record &record : records)
    if (printed.insert(record.id).second) {
      print(renderText(record));
      any = true;
    }
  return any;
}

void Session::report() {
  if (!changed.exchange(false))
    return;
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<Record> records = findings.records();
  // Counts alone can wait for the end. A first file without findings shows that
  // the checks are on.
  if (printNew(records) || !reported)
    writeJson(records);
  reported = true;
}

void Session::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (finished)
    return;
  finished = true;
  std::vector<Record> records = findings.records();
  printNew(records);
  writeJson(records);
  if (!records.empty())
    print("tilewright-sim: " + renderSummary(records, findings.dropped()) +
          "\n");
}

} // namespace tilewright::sim::check
