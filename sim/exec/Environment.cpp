//===- Environment.cpp - Numbers that the environment chooses -------------===//

#include "sim/exec/Environment.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

namespace tilewright::sim {

const NumberVariable threadsVariable = {"TILEWRIGHT_SIM_THREADS",
                                        "a number of threads", 1, 1024};
const NumberVariable timeoutVariable = {"TILEWRIGHT_SIM_TIMEOUT",
                                        "a number of seconds", 1, 86400};
const NumberVariable scheduleVariable = {"TILEWRIGHT_SIM_SCHEDULE", "a seed", 0,
                                         UINT64_MAX};
const NumberVariable perturbVariable = {"TILEWRIGHT_SIM_PERTURB", "a seed", 0,
                                        UINT64_MAX};

Result<std::optional<uint64_t>> readNumber(const NumberVariable &variable) {
  const char *value = std::getenv(variable.name);
  if (!value || !*value)
    return std::optional<uint64_t>();
  const char *end = value + std::strlen(value);
  uint64_t number = 0;
  auto [stopped, code] = std::from_chars(value, end, number);
  if (code == std::errc() && stopped == end && number >= variable.least &&
      number <= variable.most)
    return std::optional(number);
  return Error{ErrorKind::InvalidSetting,
               std::string(variable.name) + ": expected " + variable.meaning +
                   ", " + std::to_string(variable.least) + " to " +
                   std::to_string(variable.most) + ", but got '" +
                   std::string(value) + "'"};
}

std::string checkNumbers() {
  for (const NumberVariable *variable : {&threadsVariable, &timeoutVariable,
                                         &scheduleVariable, &perturbVariable})
    if (auto number = readNumber(*variable); !number)
      return number.error().message;
  return {};
}

} // namespace tilewright::sim
