//===- Sku.cpp - Reading the figures of a board ---------------------------===//

#include "autotune/Sku.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "nlohmann/json.hpp"

using nlohmann::json;

namespace tilewright::autotune {

/// Reads fields and remembers the first one that is missing or senseless.
namespace {
class FieldReader {
public:
  FieldReader(const json &object, std::string path, std::string &error)
      : object(object), path(std::move(path)), error(error) {}

  double positive(const char *key) {
    const json *value = find(key);
    if (value && !(value->is_number() && value->get<double>() > 0))
      return fail(key, "must be a positive number");
    return value ? value->get<double>() : 0;
  }

  int64_t count(const char *key) {
    const json *value = find(key);
    if (value && !(value->is_number_integer() && value->get<int64_t>() > 0))
      return fail(key, "must be a positive integer");
    return value ? value->get<int64_t>() : 0;
  }

  std::string text(const char *key) {
    const json *value = find(key);
    if (value && !value->is_string())
      fail(key, "must be a string");
    return value && value->is_string() ? value->get<std::string>() : "";
  }

  std::map<std::string, double> table(const char *key) {
    std::map<std::string, double> result;
    const json *value = find(key);
    if (!value)
      return result;
    if (!value->is_object()) {
      fail(key, "must be an object");
      return result;
    }
    FieldReader entries(*value, path + key + ".", error);
    for (const auto &item : value->items())
      result[item.key()] = entries.positive(item.key().c_str());
    return result;
  }

  /// One entry of a table.
  double entry(const char *key, const char *name) {
    std::map<std::string, double> entries = table(key);
    if (!entries.count(name))
      fail(std::string(key) + "." + name, "is missing");
    return entries[name];
  }

private:
  const json *find(const char *key) {
    auto it = object.find(key);
    if (it != object.end())
      return &*it;
    fail(key, "is missing");
    return nullptr;
  }

  int fail(const std::string &key, const char *what) {
    if (error.empty())
      error = path + key + " " + what;
    return 0;
  }

  const json &object;
  std::string path;
  std::string &error;
};
} // namespace

/// What the cost models look up by name.
static bool hasEvery(const std::map<std::string, double> &table,
                     const std::vector<std::string> &keys, const char *path,
                     std::string &error) {
  for (const std::string &key : keys) {
    if (table.count(key))
      continue;
    error = std::string(path) + "." + key + " is missing";
    return false;
  }
  return true;
}

/// A limit of the architecture, which the file repeats for readers that have
/// no table of architectures.
static void expectLimit(FieldReader &read, const char *key, int64_t limit,
                        std::string &error) {
  int64_t value = read.count(key);
  if (error.empty() && value != limit)
    error = std::string(key) + " is " + std::to_string(value) + ", not " +
            std::to_string(limit) + " as of the architecture";
}

static void checkLimits(FieldReader &read, const target::Target &target,
                        std::string &error) {
  const std::pair<const char *, int64_t> limits[] = {
      {"shared_memory_per_sm_bytes", target.shared.bytesPerSm},
      {"shared_memory_per_block_optin_bytes", target.shared.bytesPerCta},
      {"registers_per_sm", target.threads.registersPerSm},
      {"registers_per_thread_max", target.threads.registersPerThread},
      {"threads_per_block_max", target.threads.threadsPerCta},
      {"blocks_per_cluster_portable", target.clusterSize}};
  for (auto [key, limit] : limits)
    expectLimit(read, key, limit, error);
}

static void readFields(const json &root, Sku &sku, std::string &error) {
  FieldReader read(root, "", error);
  if (read.count("schema_version") != 1 && error.empty())
    error = "schema_version must be 1";
  sku.name = read.text("name");
  sku.arch = read.text("arch");
  // The simulator knows more boards than there are kernel families for.
  const target::Target &target = target::getDefaultTarget();
  if (error.empty() && sku.arch != target.name)
    error = "arch is " + sku.arch + ", and there are kernels for " +
            std::string(target.name) + " only";
  sku.smCount = read.count("sm_count");
  sku.tensorFlopsPerSmClock = read.table("tensor_flops_per_sm_clock");
  sku.scalarOpsPerSmClock = read.table("scalar_ops_per_sm_clock");
  sku.latencyCycles = read.table("latency_cycles");
  sku.clockMhz = read.entry("clock_mhz", "tensor");
  sku.launchUs = read.entry("launch_us", "graph");
  sku.hbmReachedTbS = read.positive("hbm_reached_tb_s");
  sku.l2BytesPerClock = read.positive("l2_bytes_per_clock");
  sku.sharedMemoryBytesPerSmClock =
      read.positive("shared_memory_bytes_per_sm_clock");
  sku.dsmemBytesPerSmClock = read.positive("dsmem_bytes_per_sm_clock");
  checkLimits(read, target, error);
  sku.sharedMemoryPerBlockOptinBytes = target.shared.bytesPerCta;
}

std::optional<Sku> parseSku(const std::string &text, const std::string &origin,
                            std::string &error) {
  json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!root.is_object()) {
    error = origin + ": not a JSON object";
    return std::nullopt;
  }
  Sku sku;
  std::string fault;
  readFields(root, sku, fault);
  bool complete =
      fault.empty() &&
      hasEvery(sku.tensorFlopsPerSmClock, {"bf16"}, "tensor_flops_per_sm_clock",
               fault) &&
      hasEvery(sku.scalarOpsPerSmClock, {"fp32_fma", "special_function"},
               "scalar_ops_per_sm_clock", fault) &&
      hasEvery(sku.latencyCycles, {"dram", "dsmem_load", "mbarrier_wait"},
               "latency_cycles", fault);
  if (!complete) {
    error = origin + ": " + fault;
    return std::nullopt;
  }
  return sku;
}

/// Names of the SKUs in `directory`, for the hint of an error.
static std::string knownSkus(const std::string &directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto &entry :
       std::filesystem::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".json")
      names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  std::string list;
  for (const std::string &name : names)
    list += (list.empty() ? "" : ", ") + name;
  return list;
}

std::optional<Sku> loadSku(const std::string &nameOrPath,
                           const std::string &directory, std::string &error) {
  bool isPath = nameOrPath.find('/') != std::string::npos ||
                std::filesystem::path(nameOrPath).extension() == ".json";
  std::string path =
      isPath ? nameOrPath : directory + "/" + nameOrPath + ".json";
  std::ifstream file(path);
  if (!file) {
    error = isPath ? "cannot read " + path
                   : "unknown SKU '" + nameOrPath +
                         "'; known: " + knownSkus(directory);
    return std::nullopt;
  }
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return parseSku(text, path, error);
}

} // namespace tilewright::autotune
