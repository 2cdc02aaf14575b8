//===- Settings.cpp - What a process wants to see of its kernels ----------===//

#include "sim/debug/Settings.h"

#include <string>
#include <unistd.h>
#include <vector>

namespace tilewright::sim::debug {

// One row for each option.
static const std::vector<Option> optionTable = {};

std::span<const Option> options() { return optionTable; }

bool Settings::any() const { return false; }

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
