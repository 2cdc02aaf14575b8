//===- SimCommand.cpp - tilewright sim ------------------------------------===//
// Runs a CUDA program that was built for the vendor's driver on the simulated
// one: the loader finds the simulator's libraries first, and variables of the
// environment say the rest. Nothing of the simulator is linked into this tool.
//===----------------------------------------------------------------------===//

#include "tools/tilewright/ChildProcess.h"
#include "tools/tilewright/Commands.h"
#include "tools/tilewright/SimDebug.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace tilewright {

static constexpr const char *kDriverName = "libcuda.so.1";
/// What a document of findings holds: of the checks, of the schedules.
static constexpr const char *kLists[] = {"findings", "schedules"};
/// CUDA_SUCCESS, as the simulator's own entry points return it.
static constexpr int kSuccess = 0;

namespace {

struct SimFlags {
  std::string sku, checks, jsonPath;
  int errorExitCode = kFindings;
  int threads = 0, timeout = 0;              ///< 0: the default
  std::optional<uint64_t> schedule, perturb; ///< seeds; 0: the default
  int schedules = 0; ///< of each launch; 0: only its own
  SimDebugFlags debug;
  std::vector<std::string> command;

  bool reports() const { return !checks.empty() || schedules; }
};

/// Where the program's processes leave what was found in them, in files of
/// their own.
class FindingsDirectory {
public:
  bool create();
  ~FindingsDirectory();
  std::string checksPattern() const { return path / "%p.json"; }
  std::string schedulesPattern() const { return path / "%p.schedules.json"; }
  /// What was found in all processes in one document.
  ordered_json merge() const;

private:
  fs::path path;
};

} // namespace

bool FindingsDirectory::create() {
  std::error_code error;
  std::string name = fs::temp_directory_path(error) / "tilewright-sim-XXXXXX";
  if (error || !mkdtemp(name.data()))
    return false;
  path = name;
  return true;
}

FindingsDirectory::~FindingsDirectory() {
  std::error_code ignored;
  if (!path.empty())
    fs::remove_all(path, ignored);
}

ordered_json FindingsDirectory::merge() const {
  std::vector<fs::path> files;
  for (const fs::directory_entry &entry : fs::directory_iterator(path))
    if (entry.path().extension() == ".json")
      files.push_back(entry.path());
  // By process number, as far as that tells who came first.
  std::sort(files.begin(), files.end(), [](const auto &a, const auto &b) {
    return std::strtoll(a.stem().c_str(), nullptr, 10) <
           std::strtoll(b.stem().c_str(), nullptr, 10);
  });
  ordered_json merged = {{"schema_version", 1},
                         {"findings", ordered_json::array()}};
  for (const fs::path &file : files) {
    std::ifstream stream(file);
    ordered_json document = ordered_json::parse(stream, nullptr, false);
    for (const char *list : kLists) {
      if (!document.is_object() || !document.contains(list))
        continue;
      if (!merged.contains(list))
        merged[list] = ordered_json::array();
      for (ordered_json &finding : document[list])
        merged[list].push_back(std::move(finding));
    }
  }
  return merged;
}

static bool hasErrors(const ordered_json &document) {
  for (const char *list : kLists)
    if (document.contains(list))
      for (const ordered_json &finding : document[list])
        if (finding.value("severity", "") == "error")
          return true;
  return false;
}

/// The folder of the simulator's libraries, beside the one of this program.
static fs::path simulatorDirectory() {
  std::error_code error;
  fs::path program = fs::canonical("/proc/self/exe", error);
  fs::path folder = program.parent_path().parent_path() / "lib" / "sim";
  return fs::exists(folder / kDriverName, error) ? folder : fs::path();
}

/// Asks the driver library itself whether it takes these choices, so that a
/// misspelled name is an error here and not a missing device in the program.
static bool acceptsChoices(const fs::path &library, const SimFlags &flags) {
  void *driver = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!driver) {
    fail(dlerror());
    return false;
  }
  using Configure = int (*)(const char *);
  using ConfigureChecks = int (*)(const char *, const char *);
  auto configure =
      reinterpret_cast<Configure>(dlsym(driver, "tilewright_sim_configure"));
  auto configureChecks = reinterpret_cast<ConfigureChecks>(
      dlsym(driver, "tilewright_sim_configure_checks"));
  if (!configure || !configureChecks) {
    fail(library.string() + " is not the driver of this simulator");
    return false;
  }
  // They say on stderr what is wrong.
  return (flags.sku.empty() || configure(flags.sku.c_str()) == kSuccess) &&
         (flags.checks.empty() ||
          configureChecks(flags.checks.c_str(), "") == kSuccess) &&
         acceptsSimDebug(driver, flags.debug);
}

static std::map<std::string, std::string>
environmentOf(const SimFlags &flags, const fs::path &simulator,
              const FindingsDirectory &findings) {
  std::map<std::string, std::string> variables;
  const char *paths = std::getenv("LD_LIBRARY_PATH");
  variables["LD_LIBRARY_PATH"] =
      simulator.string() + (paths && *paths ? ":" + std::string(paths) : "");
  // For programs of Tilewright's own, which open the library by its path.
  variables["TILEWRIGHT_LIBCUDA"] = simulator / kDriverName;
  if (!flags.sku.empty())
    variables["TILEWRIGHT_SIM_SKU"] = flags.sku;
  if (flags.threads)
    variables["TILEWRIGHT_SIM_THREADS"] = std::to_string(flags.threads);
  if (flags.timeout)
    variables["TILEWRIGHT_SIM_TIMEOUT"] = std::to_string(flags.timeout);
  // One excludes the other, also where the environment had it.
  if (flags.schedule) {
    variables["TILEWRIGHT_SIM_SCHEDULE"] = std::to_string(*flags.schedule);
    variables["TILEWRIGHT_SIM_SCHEDULES"] = "";
  }
  if (flags.perturb)
    variables["TILEWRIGHT_SIM_PERTURB"] = std::to_string(*flags.perturb);
  addSimDebugVariables(flags.debug, variables);
  if (!flags.checks.empty()) {
    variables["TILEWRIGHT_SIM_CHECK"] = flags.checks;
    variables["TILEWRIGHT_SIM_CHECK_JSON"] = findings.checksPattern();
  }
  if (flags.schedules) {
    variables["TILEWRIGHT_SIM_SCHEDULES"] = std::to_string(flags.schedules);
    variables["TILEWRIGHT_SIM_SCHEDULE"] = "";
    variables["TILEWRIGHT_SIM_SCHEDULES_JSON"] = findings.schedulesPattern();
  }
  return variables;
}

/// A finding a line, as the library writes it.
static bool writeDocument(const std::string &path,
                          const ordered_json &document) {
  std::ofstream file(path, std::ios::binary);
  file << "{\"schema_version\": " << document["schema_version"];
  for (const char *list : kLists) {
    if (!document.contains(list))
      continue;
    file << ",\n \"" << list << "\": [";
    const char *separator = "\n  ";
    for (const ordered_json &finding : document[list]) {
      file << separator << finding.dump();
      separator = ",\n  ";
    }
    file << "]";
  }
  file << "}\n";
  file.close();
  if (!file)
    fail("cannot write '" + path + "'");
  return bool(file);
}

static int simulate(const SimFlags &flags) {
  if (flags.command.empty()) {
    std::fprintf(stderr, "error: the program to run comes after --\n"
                         "hint: tilewright sim --check all -- PROGRAM ARGS\n");
    return kUsage;
  }
  fs::path simulator = simulatorDirectory();
  if (simulator.empty())
    return fail("the simulator's libraries are not at ../lib/sim from this "
                "program");
  if (!acceptsChoices(simulator / kDriverName, flags))
    return kUsage;
  FindingsDirectory findings;
  if (flags.reports() && !findings.create())
    return fail("cannot make a temporary folder for the findings");
  int code = runChild(flags.command, environmentOf(flags, simulator, findings));
  if (!flags.reports())
    return code;
  ordered_json document = findings.merge();
  if (!flags.jsonPath.empty() && !writeDocument(flags.jsonPath, document))
    return kFailed;
  return hasErrors(document) ? flags.errorExitCode : code;
}

void addSim(CLI::App &program, Action &action,
            const std::vector<std::string> &command) {
  auto flags = std::make_shared<SimFlags>();
  flags->command = command;
  CLI::App *sim = program.add_subcommand(
      "sim", "Run an unmodified CUDA program with no GPU, and check it");
  sim->footer("The program comes last: tilewright sim --check all -- PROGRAM "
              "ARGS\n"
              "Its exit code is passed on, and 128 + N for signal N.");
  sim->add_option("--sku", flags->sku,
                  "Boards to simulate, a device each; the default is h800-sxm")
      ->type_name("NAME[,NAME...]");
  sim->add_option("--check", flags->checks,
                  "Checks to make: all, or some of memory, "
                  "initialization, race, proxy, wgmma, barrier, cluster, "
                  "deadlock, divergence")
      ->type_name("all|KIND[,KIND...]");
  sim->add_option("--json", flags->jsonPath,
                  "Write what --check and --schedules found to this file")
      ->type_name("FILE");
  sim->add_option("--error-exitcode", flags->errorExitCode,
                  "Exit code when an error was found")
      ->capture_default_str()
      ->check(CLI::Range(0, 255));
  sim->add_option("--threads", flags->threads,
                  "Host threads that run a kernel; the default is all cores")
      ->check(CLI::Range(1, 1024));
  sim->add_option("--timeout", flags->timeout,
                  "End a kernel that runs for longer, and say where its warps "
                  "are; without, only what provably never ends is ended")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400));
  CLI::Option *schedule =
      sim->add_option("--schedule", flags->schedule,
                      "Run every kernel in another order that the ISA allows: "
                      "warps, blocks, stores, asynchronous operations; 0 is "
                      "the default order")
          ->type_name("SEED");
  sim->add_option("--schedules", flags->schedules,
                  "Run every launch in N orders, the default one and the "
                  "seeds 1 to N - 1, and compare what they leave in memory")
      ->type_name("N")
      ->check(CLI::Range(2, 10000))
      ->excludes(schedule);
  sim->add_option("--perturb", flags->perturb,
                  "Make every approximation as wrong as the ISA allows; 0 "
                  "makes them as good as the format")
      ->type_name("SEED");
  addSimDebugOptions(*sim, flags->debug);
  sim->callback([flags, sim, &action] {
    for (const char *option : {"--json", "--error-exitcode"})
      if (sim->count(option) && !flags->reports())
        throw CLI::RequiresError(option, "--check or --schedules");
    action = [flags] { return simulate(*flags); };
  });
}

} // namespace tilewright
