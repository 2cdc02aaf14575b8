//===- Debugging.cpp - What the driver does for tools of debugging --------===//

#include "sim/driver/Debugging.h"

#include "sim/driver/Driver.h"

#include <cstdio>
#include <cstdlib>

namespace tilewright::sim::driver {

bool addEnvironment(debug::Settings &settings, std::string &error) {
  for (const debug::Option &option : debug::options()) {
    const char *value = getenv(option.variable);
    if (!value || !*value || settings.chosen.contains(option.name))
      continue;
    if (!option.take(settings, value, error)) {
      error = std::string(option.variable) + ": " + error;
      return false;
    }
  }
  return true;
}

debug::Host debugHost() {
  debug::Host host;
  host.print = [](const std::string &text) {
    fwrite(text.data(), 1, text.size(), stderr);
  };
  host.findObject = [](uint64_t address) -> debug::Host::Object {
    std::optional<Allocation> found =
        Driver::instance().findAllocation(address);
    if (!found)
      return {};
    return {shortName(*found), found->address};
  };
  return host;
}

} // namespace tilewright::sim::driver
