//===- SkuLoader.cpp - Strict reader of SKU files -------------------------===//

#include "sim/sku/Sku.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

using nlohmann::json;

namespace tilewright::sim {
namespace {

/// Collects the first error; every read after it is a no-op.
class Reader {
public:
  Reader(std::string origin, std::string &error)
      : origin(std::move(origin)), error(error) {}

  bool failed() const { return hasFailed; }

  void fail(const std::string &field, const std::string &what) {
    if (hasFailed)
      return;
    hasFailed = true;
    error = origin + ": " + (field.empty() ? "" : "'" + field + "' ") + what;
  }

  /// The member `key` of `object`, marked as known; null when it is missing.
  const json *member(const json &object, const std::string &key) {
    known.insert(key);
    auto it = object.find(key);
    if (it != object.end())
      return &*it;
    fail(key, "is missing");
    return nullptr;
  }

  void text(const json &object, const std::string &key, std::string &out) {
    const json *value = member(object, key);
    if (!value || failed())
      return;
    if (!value->is_string() || value->get_ref<const std::string &>().empty())
      return fail(key, "must be a non-empty string");
    out = value->get<std::string>();
  }

  bool numberIn(const json &value, const std::string &field, double low,
                double high, double &out) {
    if (!value.is_number()) {
      fail(field, "must be a number");
      return false;
    }
    out = value.get<double>();
    if (out >= low && out <= high)
      return true;
    std::ostringstream what;
    what << "is " << out << ", must lie in [" << low << ", " << high << "]";
    fail(field, what.str());
    return false;
  }

  void number(const json &object, const std::string &key, double low,
              double high, double &out) {
    const json *value = member(object, key);
    if (value && !failed())
      numberIn(*value, key, low, high, out);
  }

  void integer(const json &object, const std::string &key, int64_t low,
               int64_t high, int64_t &out) {
    const json *value = member(object, key);
    if (!value || failed())
      return;
    if (!value->is_number_integer())
      return fail(key, "must be an integer");
    double checked = 0;
    if (numberIn(*value, key, double(low), double(high), checked))
      out = value->get<int64_t>();
  }

  /// A group of positive numbers with a fixed vocabulary.
  void group(const json &object, const std::string &key,
             const std::set<std::string> &required,
             const std::set<std::string> &optional,
             std::map<std::string, double> &out) {
    const json *value = member(object, key);
    if (!value || failed())
      return;
    if (!value->is_object())
      return fail(key, "must be an object");
    for (const std::string &name : required)
      if (!value->contains(name))
        return fail(key + "." + name, "is missing");
    for (const auto &[name, entry] : value->items()) {
      std::string field = key + "." + name;
      if (!required.count(name) && !optional.count(name))
        return fail(field, "is not a known field");
      double checked = 0;
      if (!numberIn(entry, field, kSmallest, kLargest, checked))
        return;
      out[name] = checked;
    }
  }

  void rejectUnknown(const json &object) {
    for (const auto &[key, value] : object.items())
      if (!known.count(key))
        return fail(key, "is not a known field");
  }

  static constexpr double kSmallest = 1e-3;
  static constexpr double kLargest = 1e6;

private:
  std::string origin;
  std::string &error;
  std::set<std::string> known;
  bool hasFailed = false;
};

struct IntegerField {
  const char *key;
  int64_t Sku::*field;
  int64_t low, high;
};

struct NumberField {
  const char *key;
  double Sku::*field;
  double low, high;
};

} // namespace

// Ranges are what any plausible board stays within: they catch a wrong unit or
// a slipped digit, and keep products of fields inside 64 bits.
static constexpr int64_t kMebibyte = int64_t(1) << 20;

static const IntegerField kIntegerFields[] = {
    {"sm_count", &Sku::smCount, 1, 4096},
    {"gpc_count", &Sku::gpcCount, 1, 256},
    {"hbm_gb", &Sku::hbmGb, 1, 4096},
    {"visible_memory_mib", &Sku::visibleMemoryMib, 64, 4096 * 1024},
    {"memory_bus_bits", &Sku::memoryBusBits, 32, 65536},
    {"l2_mb", &Sku::l2Mb, 1, 1024},
    {"shared_memory_per_sm_bytes", &Sku::sharedMemoryPerSmBytes, 1024,
     kMebibyte},
    {"shared_memory_per_block_bytes", &Sku::sharedMemoryPerBlockBytes, 1024,
     kMebibyte},
    {"shared_memory_per_block_optin_bytes",
     &Sku::sharedMemoryPerBlockOptinBytes, 1024, kMebibyte},
    {"shared_memory_reserved_per_block_bytes",
     &Sku::sharedMemoryReservedPerBlockBytes, 0, 65536},
    {"shared_memory_allocation_unit_bytes",
     &Sku::sharedMemoryAllocationUnitBytes, 1, 4096},
    {"registers_per_sm", &Sku::registersPerSm, 1024, kMebibyte},
    {"registers_per_block", &Sku::registersPerBlock, 1024, kMebibyte},
    {"registers_per_thread_max", &Sku::registersPerThreadMax, 16, 1024},
    {"registers_per_warp_allocation_unit", &Sku::registersPerWarpAllocationUnit,
     1, 4096},
    {"threads_per_warp", &Sku::threadsPerWarp, 32, 32},
    {"warps_per_sm", &Sku::warpsPerSm, 1, 256},
    {"threads_per_sm", &Sku::threadsPerSm, 32, 8192},
    {"threads_per_block_max", &Sku::threadsPerBlockMax, 32, 1024},
    {"blocks_per_sm", &Sku::blocksPerSm, 1, 256},
    {"warp_schedulers_per_sm", &Sku::warpSchedulersPerSm, 1, 16},
    {"blocks_per_cluster_portable", &Sku::blocksPerClusterPortable, 1, 64},
    {"blocks_per_cluster_max", &Sku::blocksPerClusterMax, 1, 64},
};

static const NumberField kNumberFields[] = {
    {"hbm_tb_s", &Sku::hbmTbS, 0.01, 100},
    {"hbm_reached_tb_s", &Sku::hbmReachedTbS, 0.01, 100},
    {"memory_clock_mhz", &Sku::memoryClockMhz, 10, 100000},
    {"l2_bytes_per_clock", &Sku::l2BytesPerClock, 32, 1e6},
    {"nvlink_gb_s", &Sku::nvlinkGbS, 0, 1e5},
    {"nvlink_reached_one_way_gb_s", &Sku::nvlinkReachedOneWayGbS, 0, 1e5},
    {"shared_memory_bytes_per_sm_clock", &Sku::sharedMemoryBytesPerSmClock, 1,
     4096},
    {"dsmem_bytes_per_sm_clock", &Sku::dsmemBytesPerSmClock, 0, 4096},
};

static bool isSkuName(const std::string &name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-';
  });
}

/// `arch` must be "sm_" and the digits of the compute capability, with an
/// optional letter for an architecture-specific target.
static void readArch(Reader &reader, const json &object, Sku &sku) {
  reader.text(object, "arch", sku.arch);
  const json *capability = reader.member(object, "compute_capability");
  if (!capability || reader.failed())
    return;
  if (!capability->is_array() || capability->size() != 2 ||
      !(*capability)[0].is_number_unsigned() ||
      !(*capability)[1].is_number_unsigned())
    return reader.fail("compute_capability", "must be [major, minor]");
  double major = 0, minor = 0;
  if (!reader.numberIn((*capability)[0], "compute_capability", 8, 99, major) ||
      !reader.numberIn((*capability)[1], "compute_capability", 0, 9, minor))
    return;
  sku.computeCapabilityMajor = int(major);
  sku.computeCapabilityMinor = int(minor);
  std::string plain = "sm_" + std::to_string(sku.computeCapabilityMajor) +
                      std::to_string(sku.computeCapabilityMinor);
  if (sku.arch != plain && sku.arch != plain + "a" && sku.arch != plain + "f")
    reader.fail("arch", "is \"" + sku.arch +
                            "\", but compute_capability says " + plain);
}

static void readGroups(Reader &reader, const json &object, Sku &sku) {
  std::map<std::string, double> clock, launch;
  reader.group(object, "clock_mhz", {"tensor", "max", "sustained"}, {}, clock);
  sku.clockMhz = {clock["tensor"], clock["max"], clock["sustained"]};
  reader.group(object, "launch_us", {"stream", "graph"}, {}, launch);
  sku.launchUs = {launch["stream"], launch["graph"]};
  reader.group(object, "rated_tflops", {"bf16"}, {"fp8", "tf32", "int8", "fp4"},
               sku.ratedTflops);
  reader.group(object, "tensor_flops_per_sm_clock",
               {"f16", "bf16", "tf32", "int8"}, {"fp8", "fp4"},
               sku.tensorFlopsPerSmClock);
  reader.group(
      object, "scalar_ops_per_sm_clock",
      {"fp32_fma", "fp64_fma", "int32_add", "special_function", "f32_to_bf16"},
      {"fp8_to_f16"}, sku.scalarOpsPerSmClock);
  reader.group(object, "latency_cycles",
               {"fma_dependent", "mufu_dependent", "shared_load", "l1_hit",
                "l2_near", "l2_far", "dram"},
               {"tma_load_extra", "tma_issue_gap", "tma_multicast_extra",
                "mbarrier_arrive", "mbarrier_wait", "dsmem_load",
                "wgmma_completion_extra", "mma_m16n8k16_issue",
                "mma_m16n8k16_result"},
               sku.latencyCycles);
}

static void readDoubtful(Reader &reader, const json &object, Sku &sku) {
  const json *list = reader.member(object, "doubtful");
  if (!list || reader.failed())
    return;
  if (!list->is_array())
    return reader.fail("doubtful", "must be a list");
  for (const json &entry : *list) {
    if (!entry.is_object() || entry.size() != 2 || !entry.contains("field") ||
        !entry.contains("note") || !entry["field"].is_string() ||
        !entry["note"].is_string())
      return reader.fail("doubtful", "must list objects {field, note}");
    std::string field = entry["field"].get<std::string>();
    size_t dot = field.find('.');
    std::string head = field.substr(0, dot);
    bool exists = object.contains(head) &&
                  (dot == std::string::npos ||
                   (object[head].is_object() &&
                    object[head].contains(field.substr(dot + 1))));
    if (!exists)
      return reader.fail("doubtful",
                         "names '" + field + "', which is no field");
    sku.doubtful.push_back({field, entry["note"].get<std::string>()});
  }
}

/// What no single field can say.
static void checkConsistency(Reader &reader, const Sku &sku) {
  if (!isSkuName(sku.name))
    return reader.fail("name", "must be lower case letters, digits and '-'");
  if (sku.sharedMemoryPerBlockOptinBytes +
          sku.sharedMemoryReservedPerBlockBytes >
      sku.sharedMemoryPerSmBytes)
    return reader.fail("shared_memory_per_block_optin_bytes",
                       "does not fit shared_memory_per_sm_bytes");
  if (sku.sharedMemoryPerBlockBytes > sku.sharedMemoryPerBlockOptinBytes)
    return reader.fail("shared_memory_per_block_bytes",
                       "exceeds shared_memory_per_block_optin_bytes");
  if (sku.warpsPerSm * sku.threadsPerWarp != sku.threadsPerSm)
    return reader.fail("threads_per_sm",
                       "is not warps_per_sm * threads_per_warp");
  if (sku.blocksPerClusterPortable > sku.blocksPerClusterMax)
    return reader.fail("blocks_per_cluster_portable",
                       "exceeds blocks_per_cluster_max");
  if (sku.visibleMemoryMib > sku.hbmGb * 1024)
    return reader.fail("visible_memory_mib", "exceeds hbm_gb");
}

bool parseSku(std::string_view text, const std::string &origin, Sku &sku,
              std::string &error) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  Reader reader(origin, error);
  if (object.is_discarded() || !object.is_object()) {
    reader.fail("", "is not a JSON object");
    return false;
  }
  int64_t version = 0;
  reader.integer(object, "schema_version", 1, 1, version);
  Sku result;
  reader.text(object, "name", result.name);
  reader.text(object, "product", result.product);
  reader.text(object, "source", result.source);
  readArch(reader, object, result);
  for (const IntegerField &field : kIntegerFields)
    reader.integer(object, field.key, field.low, field.high,
                   result.*field.field);
  for (const NumberField &field : kNumberFields)
    reader.number(object, field.key, field.low, field.high,
                  result.*field.field);
  readGroups(reader, object, result);
  readDoubtful(reader, object, result);
  reader.rejectUnknown(object);
  if (!reader.failed())
    checkConsistency(reader, result);
  if (reader.failed())
    return false;
  sku = std::move(result);
  return true;
}

std::vector<std::string> listSkus(const std::string &directory) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto &entry :
       std::filesystem::directory_iterator(directory, ignored))
    if (entry.path().extension() == ".json")
      names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

static std::string joinNames(const std::vector<std::string> &names) {
  std::string joined;
  for (const std::string &name : names)
    joined += (joined.empty() ? "" : ", ") + name;
  return joined.empty() ? "none" : joined;
}

bool loadSku(const std::string &nameOrPath, const std::string &directory,
             Sku &sku, std::string &error) {
  bool isPath = nameOrPath.find('/') != std::string::npos ||
                std::filesystem::path(nameOrPath).extension() == ".json";
  std::string path =
      isPath ? nameOrPath : directory + "/" + nameOrPath + ".json";
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    error = isPath ? path + ": cannot be read"
                   : "no SKU '" + nameOrPath + "' in " + directory +
                         " (there: " + joinNames(listSkus(directory)) + ")";
    return false;
  }
  if (!parseSku(text.str(), path, sku, error))
    return false;
  if (isPath || sku.name == nameOrPath)
    return true;
  error = path + ": 'name' is \"" + sku.name + "\", not the file's name";
  return false;
}

} // namespace tilewright::sim
