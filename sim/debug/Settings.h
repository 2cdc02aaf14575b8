//===- Settings.h - What a process wants to see of its kernels ------------===//
#ifndef TILEWRIGHT_SIM_DEBUG_SETTINGS_H
#define TILEWRIGHT_SIM_DEBUG_SETTINGS_H

#include "sim/debug/Breakpoint.h"
#include "sim/debug/Trace.h"

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace tilewright::sim::debug {

struct Settings {
  TraceSettings trace;
  BreakSettings breakpoint;
  /// Files that are written; empty for none.
  std::string profilePath, annotatePath, timelinePath;
  /// Names of the options that somebody chose.
  std::set<std::string, std::less<>> chosen;

  /// Whether any tool has something to do.
  bool any() const;
};

/// A choice: `tilewright sim --NAME VALUE`, or a variable of the environment.
struct Option {
  const char *name;
  const char *variable;
  /// Puts the value into the settings. False, with one line in `error` that
  /// says what is wrong, for a value that it does not take.
  bool (*take)(Settings &settings, std::string_view value, std::string &error);
};
std::span<const Option> options();

/// Takes one choice by its name. False and `error` when it is wrong.
bool choose(Settings &settings, std::string_view name, std::string_view value,
            std::string &error);

/// For options that name a file: `%p` in it stands for the process's number.
template <std::string Settings::*path>
bool takePath(Settings &settings, std::string_view value, std::string &error);
std::string expandPath(std::string_view path);

template <std::string Settings::*path>
bool takePath(Settings &settings, std::string_view value, std::string &error) {
  if (value.empty())
    error = "expected the name of a file";
  settings.*path = expandPath(value);
  return error.empty();
}

} // namespace tilewright::sim::debug

#endif // TILEWRIGHT_SIM_DEBUG_SETTINGS_H
