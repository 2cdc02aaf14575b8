//===- SkuTest.cpp - SKU files and their reader ---------------------------===//

#include "sim/sku/Sku.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <sstream>

using namespace tilewright::sim;

static const std::string kDirectory = TILEWRIGHT_SKU_SOURCE_DIR;

static nlohmann::json readJson(const std::string &name) {
  std::ifstream file(kDirectory + "/" + name + ".json");
  return nlohmann::json::parse(file);
}

static std::string errorOf(const nlohmann::json &object) {
  Sku sku;
  std::string error;
  EXPECT_FALSE(parseSku(object.dump(), "test", sku, error));
  return error;
}

TEST(Sku, EveryFileLoads) {
  std::vector<std::string> names = listSkus(kDirectory);
  EXPECT_GE(names.size(), 5u);
  for (const std::string &name : names) {
    Sku sku;
    std::string error;
    EXPECT_TRUE(loadSku(name, kDirectory, sku, error)) << error;
    EXPECT_EQ(sku.name, name);
  }
}

// The data sheet's rate and the product of the figures must agree; 2 % covers
// the rounding of clocks.
TEST(Sku, RatesMultiplyToTheRating) {
  for (const std::string &name : listSkus(kDirectory)) {
    Sku sku;
    std::string error;
    ASSERT_TRUE(loadSku(name, kDirectory, sku, error)) << error;
    for (const auto &[type, rated] : sku.ratedTflops) {
      double product = double(sku.smCount) * sku.tensorFlopsPerSmClock[type] *
                       sku.clockMhz.tensor * 1e-6;
      EXPECT_NEAR(product / rated, 1.0, 0.02) << name << " " << type;
    }
    double bandwidth =
        double(sku.memoryBusBits) / 8 * 2 * sku.memoryClockMhz * 1e-6;
    EXPECT_NEAR(bandwidth / sku.hbmTbS, 1.0, 0.03) << name;
    EXPECT_LT(sku.hbmReachedTbS, sku.hbmTbS) << name;
  }
}

TEST(Sku, TellsBoardsApart) {
  Sku h800, h20;
  std::string error;
  ASSERT_TRUE(loadSku("h800-sxm", kDirectory, h800, error)) << error;
  ASSERT_TRUE(loadSku("h20", kDirectory, h20, error)) << error;
  EXPECT_EQ(h800.smCount, 132);
  EXPECT_EQ(h20.smCount, 78);
  EXPECT_EQ(h800.nvlinkGbS, 400);
  EXPECT_EQ(h20.tensorFlopsPerSmClock["bf16"] * 4,
            h800.tensorFlopsPerSmClock["bf16"]);
}

TEST(Sku, MissingFieldIsNamed) {
  nlohmann::json good = readJson("h800-sxm");
  for (const auto &[key, value] : good.items()) {
    nlohmann::json object = good;
    object.erase(key);
    EXPECT_NE(errorOf(object).find("'" + key + "' is missing"),
              std::string::npos)
        << errorOf(object);
  }
}

TEST(Sku, MissingGroupEntryIsNamed) {
  nlohmann::json object = readJson("h800-sxm");
  object["clock_mhz"].erase("max");
  EXPECT_EQ(errorOf(object), "test: 'clock_mhz.max' is missing");
}

TEST(Sku, UnknownFieldIsNamed) {
  nlohmann::json object = readJson("h800-sxm");
  object["sm_cuont"] = 132;
  EXPECT_EQ(errorOf(object), "test: 'sm_cuont' is not a known field");
  object.erase("sm_cuont");
  object["latency_cycles"]["warp_drive"] = 1;
  EXPECT_EQ(errorOf(object),
            "test: 'latency_cycles.warp_drive' is not a known field");
}

TEST(Sku, WrongTypeOrRangeIsNamed) {
  nlohmann::json good = readJson("h800-sxm");
  for (const auto &[key, value] : good.items()) {
    if (!value.is_number())
      continue;
    for (nlohmann::json bad : {nlohmann::json(-1), nlohmann::json(1e18),
                               nlohmann::json("7"), nlohmann::json(nullptr)}) {
      nlohmann::json object = good;
      object[key] = bad;
      EXPECT_NE(errorOf(object).find("'" + key + "'"), std::string::npos)
          << key << " = " << bad;
    }
  }
}

TEST(Sku, FieldsMustAgree) {
  nlohmann::json object = readJson("h800-sxm");
  object["arch"] = "sm_80";
  EXPECT_EQ(errorOf(object),
            "test: 'arch' is \"sm_80\", but compute_capability says sm_90");
  object = readJson("h800-sxm");
  object["threads_per_sm"] = 1024;
  EXPECT_EQ(errorOf(object),
            "test: 'threads_per_sm' is not warps_per_sm * threads_per_warp");
  object = readJson("h800-sxm");
  object["doubtful"][0]["field"] = "clock_mhz.nothing";
  EXPECT_EQ(errorOf(object),
            "test: 'doubtful' names 'clock_mhz.nothing', which is no field");
}

TEST(Sku, NewerSchemaIsRefused) {
  nlohmann::json object = readJson("h800-sxm");
  object["schema_version"] = 2;
  EXPECT_EQ(errorOf(object), "test: 'schema_version' is 2, must lie in [1, 1]");
}

TEST(Sku, TextThatIsNoJsonIsRefused) {
  for (const char *text : {"", "[", "[]", "7", "{\"name\":", "\xff\xfe"}) {
    Sku sku;
    std::string error;
    EXPECT_FALSE(parseSku(text, "test", sku, error));
    EXPECT_EQ(error, "test: is not a JSON object");
  }
}

TEST(Sku, UnknownNameListsTheKnownOnes) {
  Sku sku;
  std::string error;
  EXPECT_FALSE(loadSku("h900", kDirectory, sku, error));
  EXPECT_NE(error.find("no SKU 'h900'"), std::string::npos) << error;
  EXPECT_NE(error.find("h800-sxm"), std::string::npos) << error;
  EXPECT_FALSE(loadSku("/nonexistent/x.json", kDirectory, sku, error));
  EXPECT_EQ(error, "/nonexistent/x.json: cannot be read");
}
