//===- Settings.cpp - What a process wants to see of its kernels ----------===//

#include "sim/debug/Settings.h"

#include <charconv>
#include <string>
#include <unistd.h>
#include <vector>

namespace tilewright::sim::debug {

static bool takeNumber(uint64_t &number, std::string_view value,
                       std::string &error) {
  auto [end, code] =
      std::from_chars(value.data(), value.data() + value.size(), number);
  if (code == std::errc() && end == value.data() + value.size() && number)
    return true;
  error = "expected a number from 1, but got '" + std::string(value) + "'";
  return false;
}

static bool takeTrace(Settings &settings, std::string_view value,
                      std::string &error) {
  return parseSelection(value, settings.trace.selection.emplace(), error);
}
static bool takeTraceOutput(Settings &settings, std::string_view value,
                            std::string &error) {
  if (value.empty())
    error = "expected the name of a file";
  settings.trace.path = expandPath(value);
  return error.empty();
}
static bool takeTraceLimit(Settings &settings, std::string_view value,
                           std::string &error) {
  return takeNumber(settings.trace.limit, value, error);
}

static bool takeBreak(Settings &settings, std::string_view value,
                      std::string &error) {
  settings.breakpoint.text = value;
  return parseBreak(value, settings.breakpoint.place.emplace(), error);
}
static bool takeBreakHits(Settings &settings, std::string_view value,
                          std::string &error) {
  return takeNumber(settings.breakpoint.hits, value, error);
}

// One row for each option.
static const std::vector<Option> optionTable = {
    {"trace", "TILEWRIGHT_SIM_TRACE", takeTrace},
    {"trace-output", "TILEWRIGHT_SIM_TRACE_OUTPUT", takeTraceOutput},
    {"trace-limit", "TILEWRIGHT_SIM_TRACE_LIMIT", takeTraceLimit},
    {"break", "TILEWRIGHT_SIM_BREAK", takeBreak},
    {"break-hits", "TILEWRIGHT_SIM_BREAK_HITS", takeBreakHits},
    {"profile", "TILEWRIGHT_SIM_PROFILE", takePath<&Settings::profilePath>},
    {"annotate", "TILEWRIGHT_SIM_ANNOTATE", takePath<&Settings::annotatePath>},
    {"timeline", "TILEWRIGHT_SIM_TIMELINE", takePath<&Settings::timelinePath>},
};

std::span<const Option> options() { return optionTable; }

bool Settings::any() const {
  return trace.selection || breakpoint.place || !profilePath.empty() ||
         !annotatePath.empty() || !timelinePath.empty();
}

bool choose(Settings &settings, std::string_view name, std::string_view value,
            std::string &error) {
  for (const Option &option : optionTable)
    if (option.name == name) {
      if (option.take(settings, value, error)) {
        settings.chosen.emplace(name);
        return true;
      }
      error = std::string(name) + ": " + error;
      return false;
    }
  error = "there is no option '" + std::string(name) + "'";
  return false;
}

std::string expandPath(std::string_view path) {
  std::string expanded(path);
  if (size_t at = expanded.find("%p"); at != std::string::npos)
    expanded.replace(at, 2, std::to_string(getpid()));
  return expanded;
}

} // namespace tilewright::sim::debug
