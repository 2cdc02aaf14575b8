//===- SkuTest.cpp - Reading SKUs, and refusing what is none --------------===//

#include "tests/autotune/TestSkus.h"

#include "nlohmann/json.hpp"
#include "gtest/gtest.h"

#include <filesystem>
#include <fstream>

using nlohmann::json;

namespace tilewright::autotune {
namespace {

json readSku(const std::string &name) {
  std::ifstream file(std::string(TILEWRIGHT_SKU_DIR) + "/" + name + ".json");
  return json::parse(file);
}

/// The error for a SKU that has been changed.
std::string errorOf(const json &sku) {
  std::string error;
  std::optional<Sku> parsed = parseSku(sku.dump(), "sku.json", error);
  EXPECT_EQ(parsed.has_value(), error.empty());
  return error;
}

TEST(Sku, ReadsEveryFileOfTheRepository) {
  int count = 0;
  for (const auto &entry :
       std::filesystem::directory_iterator(TILEWRIGHT_SKU_DIR)) {
    if (entry.path().extension() != ".json")
      continue;
    if (readSku(entry.path().stem().string())["arch"] != "sm_90a")
      continue;
    ++count;
    Sku sku = testSku(entry.path().stem().string());
    EXPECT_EQ(sku.name, entry.path().stem().string());
    EXPECT_GT(sku.hbmBytesPerClock(), 0);
  }
  EXPECT_GE(count, 5);
}

TEST(Sku, RefusesBoardsWithoutKernels) {
  json sku = readSku("a100-80-sxm");
  EXPECT_EQ(errorOf(sku), "sku.json: arch is " +
                              sku["arch"].get<std::string>() +
                              ", and there are kernels for sm_90a only");
}

TEST(Sku, TakesFiguresFromTheFile) {
  Sku sku = testSku("h800-sxm");
  json file = readSku("h800-sxm");
  EXPECT_EQ(sku.smCount, file["sm_count"]);
  EXPECT_EQ(sku.clockMhz, file["clock_mhz"]["tensor"]);
  EXPECT_EQ(sku.launchUs, file["launch_us"]["graph"]);
  EXPECT_EQ(sku.latency("dram"), file["latency_cycles"]["dram"]);
  // 3.0 TB/s at 1830 MHz.
  EXPECT_NEAR(sku.hbmBytesPerClock(), 1639.3, 0.1);
}

TEST(Sku, NamesAMissingField) {
  for (const char *key :
       {"schema_version", "name", "arch", "sm_count", "clock_mhz",
        "tensor_flops_per_sm_clock", "scalar_ops_per_sm_clock",
        "latency_cycles", "launch_us", "hbm_reached_tb_s", "l2_bytes_per_clock",
        "shared_memory_bytes_per_sm_clock", "shared_memory_per_sm_bytes",
        "shared_memory_per_block_optin_bytes", "registers_per_sm",
        "registers_per_thread_max", "threads_per_block_max",
        "blocks_per_cluster_portable", "dsmem_bytes_per_sm_clock"}) {
    json sku = readSku("h800-sxm");
    sku.erase(key);
    EXPECT_EQ(errorOf(sku), std::string("sku.json: ") + key + " is missing");
  }
}

TEST(Sku, NamesAMissingEntryOfATable) {
  const std::pair<const char *, const char *> entries[] = {
      {"tensor_flops_per_sm_clock", "bf16"},
      {"scalar_ops_per_sm_clock", "fp32_fma"},
      {"scalar_ops_per_sm_clock", "special_function"},
      {"latency_cycles", "dram"},
      {"latency_cycles", "dsmem_load"},
      {"latency_cycles", "mbarrier_wait"},
      {"clock_mhz", "tensor"},
      {"launch_us", "graph"}};
  for (auto [table, key] : entries) {
    json sku = readSku("h800-sxm");
    sku[table].erase(key);
    EXPECT_EQ(errorOf(sku),
              std::string("sku.json: ") + table + "." + key + " is missing");
  }
}

TEST(Sku, RefusesSenselessValues) {
  struct Case {
    const char *key;
    json value;
    const char *error;
  };
  const Case cases[] = {
      {"schema_version", 2, "schema_version must be 1"},
      {"name", 7, "name must be a string"},
      {"sm_count", 0, "sm_count must be a positive integer"},
      {"sm_count", -132, "sm_count must be a positive integer"},
      {"sm_count", 131.5, "sm_count must be a positive integer"},
      {"sm_count", 18446744073709551615ull,
       "sm_count must be a positive integer"},
      {"hbm_reached_tb_s", "3", "hbm_reached_tb_s must be a positive number"},
      {"hbm_reached_tb_s", -3.0, "hbm_reached_tb_s must be a positive number"},
      {"clock_mhz", 1830, "clock_mhz must be an object"},
      {"registers_per_sm", 32768,
       "registers_per_sm is 32768, not 65536 as of the architecture"},
      {"latency_cycles",
       {{"dram", -1}},
       "latency_cycles.dram must be a positive number"}};
  for (const Case &c : cases) {
    json sku = readSku("h800-sxm");
    sku[c.key] = c.value;
    EXPECT_EQ(errorOf(sku), std::string("sku.json: ") + c.error);
  }
}

TEST(Sku, RefusesWhatIsNoObject) {
  for (const char *text : {"", "[]", "{", "3", "{\"sm_count\": 1e999}"}) {
    std::string error;
    EXPECT_FALSE(parseSku(text, "sku.json", error)) << text;
    EXPECT_EQ(error, "sku.json: not a JSON object") << text;
  }
}

TEST(Sku, FindsByNameOrPath) {
  std::string error;
  EXPECT_FALSE(loadSku("h900", TILEWRIGHT_SKU_DIR, error));
  EXPECT_NE(error.find("unknown SKU 'h900'; known: "), std::string::npos)
      << error;
  EXPECT_NE(error.find("h20, h200, h800-sxm"), std::string::npos) << error;
  EXPECT_FALSE(loadSku("./h900.json", TILEWRIGHT_SKU_DIR, error));
  EXPECT_EQ(error, "cannot read ./h900.json");
  std::optional<Sku> sku =
      loadSku(std::string(TILEWRIGHT_SKU_DIR) + "/h20.json", "nowhere", error);
  ASSERT_TRUE(sku) << error;
  EXPECT_EQ(sku->name, "h20");
}

} // namespace
} // namespace tilewright::autotune
