//===- Session.cpp - What the schedules of a process disagreed on ---------===//

#include "sim/schedule/Session.h"

#include "sim/check/Report.h"
#include "sim/schedule/Report.h"

#include <algorithm>
#include <charconv>
#include <unistd.h>

namespace tilewright::sim::schedule {

static constexpr uint32_t fewest = 2, most = 10000;

std::optional<Settings> parseSettings(std::string_view schedules,
                                      std::string_view jsonPath,
                                      std::string &error) {
  Settings settings{0, std::string(jsonPath)};
  const char *begin = schedules.data(), *end = begin + schedules.size();
  auto [stopped, code] = std::from_chars(begin, end, settings.schedules);
  if (code != std::errc() || stopped != end || settings.schedules < fewest ||
      settings.schedules > most) {
    error = "'" + std::string(schedules) + "' is not a number of schedules, " +
            std::to_string(fewest) + " to " + std::to_string(most);
    return std::nullopt;
  }
  if (size_t at = settings.jsonPath.find("%p"); at != std::string::npos)
    settings.jsonPath.replace(at, 2, std::to_string(getpid()));
  return settings;
}

Session::Session(Settings settings, Host host)
    : settings(std::move(settings)), host(std::move(host)) {}

Result<LaunchStats> Session::run(const Launch &launch,
                                 const DeviceConfig &config,
                                 const GlobalMemory &memory,
                                 const FirstRun &first) {
  std::lock_guard<std::mutex> lock(mutex);
  ++launches;
  std::optional<Disagreement> disagreement;
  Result<LaunchStats> stats = compareSchedules(
      launch, config, memory, settings.schedules, first, disagreement);
  if (disagreement)
    add(launch, std::move(*disagreement));
  else if (!started)
    writeJson();
  started = true;
  return stats;
}

void Session::add(const Launch &launch, Disagreement disagreement) {
  auto isAlike = [&](const Record &record) {
    return record.kernel == launch.kernel->name &&
           record.disagreement.isFormal() == disagreement.isFormal() &&
           record.disagreement.failure.empty() == disagreement.failure.empty();
  };
  auto known = std::find_if(records.begin(), records.end(), isAlike);
  if (known != records.end()) {
    ++known->launches;
    return;
  }
  Record record{launch.kernel->name, launches, 1, std::move(disagreement), ""};
  if (record.disagreement.difference)
    record.object = host.describe(record.disagreement.difference->address);
  host.print(renderText(record, settings.schedules));
  records.push_back(std::move(record));
  writeJson();
}

void Session::writeJson() {
  std::string error;
  if (!settings.jsonPath.empty() &&
      !check::writeFile(settings.jsonPath,
                        renderJson(records, settings.schedules), error))
    host.print("tilewright-sim: " + error + "\n");
}

void Session::finish() {
  std::lock_guard<std::mutex> lock(mutex);
  if (finished)
    return;
  finished = true;
  writeJson();
  if (!records.empty())
    host.print("tilewright-sim: " + renderSummary(records, settings.schedules) +
               "\n");
}

} // namespace tilewright::sim::schedule
