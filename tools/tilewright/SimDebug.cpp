//===- SimDebug.cpp - Options of tilewright sim that look into kernels ----===//

#include "tools/tilewright/SimDebug.h"

#include <cstdio>
#include <dlfcn.h>

namespace tilewright {

namespace {
struct DebugOption {
  const char *name, *variable, *type, *help;
  const char *needs; ///< another option, or null
};
} // namespace

static constexpr DebugOption debugOptions[] = {
    {"trace", "TILEWRIGHT_SIM_TRACE", "KERNEL[:BLOCK[:WARP]]",
     "Print what the warps of a kernel execute, with values; BLOCK is x,y,z or "
     "*",
     nullptr},
    {"trace-output", "TILEWRIGHT_SIM_TRACE_OUTPUT", "FILE",
     "Print the trace to this file; %p in it is the process number", "trace"},
    {"trace-limit", "TILEWRIGHT_SIM_TRACE_LIMIT", "N",
     "Instructions of the trace; the default is 10000", "trace"},
    {"break", "TILEWRIGHT_SIM_BREAK", "[KERNEL@][FILE:]LINE[:BLOCK[:WARP]]",
     "Show registers and shared memory where a warp comes to a line, of the "
     "PTX or of FILE",
     nullptr},
    {"break-hits", "TILEWRIGHT_SIM_BREAK_HITS", "N",
     "How often; the default is 1", "break"},
    {"profile", "TILEWRIGHT_SIM_PROFILE", "FILE",
     "Write counts for each line of PTX and CUDA: JSON, or a table", nullptr},
    {"annotate", "TILEWRIGHT_SIM_ANNOTATE", "FILE",
     "Write the source with these counts in its margin", nullptr},
    {"timeline", "TILEWRIGHT_SIM_TIMELINE", "FILE",
     "Write a Chrome trace of warps, asynchronous units and barriers", nullptr},
};

void addSimDebugOptions(CLI::App &sim, SimDebugFlags &flags) {
  for (const DebugOption &each : debugOptions) {
    std::string name = each.name;
    auto take = [&flags, name](const std::string &value) {
      flags[name] = value;
    };
    CLI::Option *option =
        sim.add_option_function<std::string>("--" + name, take, each.help)
            ->type_name(each.type);
    if (each.needs)
      option->needs(std::string("--") + each.needs);
  }
}

bool acceptsSimDebug(void *driver, const SimDebugFlags &flags) {
  using Configure = int (*)(const char *, const char *);
  auto configure = reinterpret_cast<Configure>(
      dlsym(driver, "tilewright_sim_configure_debugging"));
  for (const auto &[name, value] : flags)
    if (!configure || configure(name.c_str(), value.c_str()) != 0)
      return false;
  return true;
}

void addSimDebugVariables(const SimDebugFlags &flags,
                          std::map<std::string, std::string> &variables) {
  for (const DebugOption &each : debugOptions)
    if (auto found = flags.find(each.name); found != flags.end())
      variables[each.variable] = found->second;
}

} // namespace tilewright
