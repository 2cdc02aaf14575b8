//===- Session.h - The checks of one process ------------------------------===//
//
// Which kinds are on, what they found, and its report: text on stderr as soon
// as a launch has ended, so that no way of leaving the process loses it, and a
// JSON file that is whole at any time.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_SIM_CHECK_SESSION_H
#define TILEWRIGHT_SIM_CHECK_SESSION_H

#include "sim/check/Finding.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace tilewright::sim::check {

struct Settings {
  KindSet kinds;
  /// Empty for none; `%p` stands for the process's number.
  std::string jsonPath;
};

/// Settings from their text forms. None and `error` when one is wrong.
std::optional<Settings> parseSettings(std::string_view kinds,
                                      std::string_view jsonPath,
                                      std::string &error);

/// Thread-safe.
class Session {
public:
  using Print = std::function<void(const std::string &)>;

  /// `print` takes text for people.
  Session(Settings settings, Print print);

  const KindSet &kinds() const { return settings.kinds; }
  /// Sets the launch's number apart from all before.
  uint64_t nextLaunch() { return ++launches; }

  /// Drops findings of kinds that are off.
  void add(Finding finding);
  Findings &collected() { return findings; }

  /// Prints what is new since the last report, and writes the file.
  void report();
  /// The last report, with a summary.
  void finish();

private:
  void writeJson(const std::vector<Record> &records);
  bool printNew(const std::vector<Record> &records);

  const Settings settings;
  const Print print;
  Findings findings;
  std::atomic<uint64_t> launches{0};
  std::atomic<bool> changed{true};

  std::mutex mutex;           ///< guards what follows
  std::set<uint64_t> printed; ///< by Record::id
  bool reported = false;
  bool finished = false;
};

} // namespace tilewright::sim::check

#endif // TILEWRIGHT_SIM_CHECK_SESSION_H
