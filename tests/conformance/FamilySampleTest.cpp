//===- FamilySampleTest.cpp - Argmax and sampling against the oracle ------===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"
#include "tests/conformance/SharedShapes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace tilewright::conformance;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();

namespace {
/// How a row is drawn from.
struct Draw {
  float temperature = 1;
  int64_t topK = 0;
  float topP = 1;
};
/// rows, vocabulary
using Shape = std::pair<int64_t, int64_t>;
class FamilySample : public testing::TestWithParam<Shape> {};
} // namespace

static FamilyCase makeArgmax(int64_t rows, int64_t vocabulary) {
  FamilyCase test;
  test.sizes = {{"rows", rows}};
  test.graph = fill(R"(
    func.func @forward(%x: tensor<?x$Nxf32, #xf.sizes<rows>>) -> tensor<?xi32, #xf.sizes<rows>> {
      %t = xf.argmax %x : tensor<?x$Nxf32, #xf.sizes<rows>> -> tensor<?xi32, #xf.sizes<rows>>
      return %t : tensor<?xi32, #xf.sizes<rows>>
    })",
                    {{"N", std::to_string(vocabulary)}});
  return test;
}

/// A row for each draw.
static FamilyCase makeSample(const std::vector<Draw> &draws,
                             int64_t vocabulary) {
  FamilyCase test;
  test.sizes = {{"rows", int64_t(draws.size())}};
  test.graph = fill(R"(
    !x = tensor<?x$Nxf32, #xf.sizes<rows>>
    !f = tensor<?xf32, #xf.sizes<rows>>
    !i = tensor<?xi32, #xf.sizes<rows>>
    !l = tensor<?xi64, #xf.sizes<rows>>
    func.func @forward(%x: !x, %t: !f, %k: !i, %p: !f, %seed: !l, %index: !i) -> !i {
      %s = xf.sample %x, %t, %k, %p, %seed, %index : (!x, !f, !i, !f, !l, !i) -> !i
      return %s : !i
    })",
                    {{"N", std::to_string(vocabulary)}});
  for (size_t row = 0; row < draws.size(); ++row) {
    test.floats[1].push_back(draws[row].temperature);
    test.integers[2].push_back(draws[row].topK);
    test.floats[3].push_back(draws[row].topP);
    test.integers[4].push_back(1234567890123 * int64_t(row + 1));
    test.integers[5].push_back(int64_t(row));
  }
  if (draws.empty())
    for (unsigned argument : {2, 4, 5})
      test.integers[argument];
  // Logits as far apart as those of a model.
  test.scales = {{0, 3.0f}};
  return test;
}

/// Greedy, plain, ranks, mass, both; hot and cold.
static const std::vector<Draw> &allDraws() {
  static const std::vector<Draw> draws = {
      {0.7f, 40, 0.9f}, {1, 0, 1},       {0, 5, 0.5f},  {1, 1, 1},
      {1, 0, 0.5f},     {1.5f, 0, 0.9f}, {3, 7, 1},     {0.1f, 0, 0.999f},
      {1, 0, 0},        {-1, 3, 0.9f},   {1, 3, 1e-6f}, {2, 1 << 20, 0.3f},
      {8, 0, 0.99f}};
  return draws;
}

TEST_P(FamilySample, Argmax) {
  auto [rows, vocabulary] = GetParam();
  EXPECT_EQ("", runFamilyCase(makeArgmax(rows, vocabulary)));
}

TEST_P(FamilySample, Draws) {
  auto [rows, vocabulary] = GetParam();
  std::vector<Draw> draws;
  for (int64_t row = 0; row < rows; ++row)
    draws.push_back(allDraws()[row % allDraws().size()]);
  EXPECT_EQ("", runFamilyCase(makeSample(draws, vocabulary)));
}

/// Few different logits: thresholds fall among many equals, of which those of
/// lower index stay.
TEST_P(FamilySample, Ties) {
  auto [rows, vocabulary] = GetParam();
  std::vector<Draw> draws;
  for (int64_t row = 0; row < rows; ++row)
    draws.push_back(allDraws()[row % allDraws().size()]);
  FamilyCase test = makeSample(draws, vocabulary);
  std::mt19937 generator(11);
  std::uniform_int_distribution<int> level(-3, 3);
  test.floats[0];
  for (int64_t i = 0; i < rows * vocabulary; ++i)
    test.floats[0].push_back(float(level(generator)) / 2);
  EXPECT_EQ("", runFamilyCase(test));
}

INSTANTIATE_TEST_SUITE_P(Shapes, FamilySample,
                         testing::Values(Shape{13, 64}, Shape{13, 4096},
                                         Shape{26, 200}, Shape{13, 8192},
                                         Shape{5, 1}));

/// Every vocabulary; few rows of the wide ones, which are slow to simulate.
static std::vector<Shape> sharedShapes() {
  std::vector<Shape> result;
  for (int64_t vocabulary : getSharedShapes()["vocabularies"])
    for (int64_t rows : getSharedShapes()["rows"])
      if (rows * vocabulary <= 400000)
        result.push_back({rows, vocabulary});
  return result;
}

INSTANTIATE_TEST_SUITE_P(Shared, FamilySample,
                         testing::ValuesIn(sharedShapes()));

/// Logits that are no numbers, infinite, or all alike.
TEST(FamilySampleRows, Unusual) {
  const float nan = std::nanf("");
  const std::vector<std::vector<float>> patterns = {{0},
                                                    {nan},
                                                    {-kInfinity},
                                                    {nan, -kInfinity},
                                                    {1, nan, 2, -kInfinity},
                                                    {kInfinity, 0},
                                                    {0, -kInfinity, -kInfinity},
                                                    {-0.0f, 0.0f},
                                                    {1e-40f, 0, -1e-40f},
                                                    {3e38f, -3e38f}};
  constexpr int64_t vocabulary = 300;
  std::vector<Draw> draws;
  for (size_t i = 0; i < patterns.size() * 4; ++i)
    draws.push_back(std::vector<Draw>{
        {0, 0, 1}, {1, 0, 1}, {1, 7, 1}, {1, 0, 0.5f}}[i % 4]);
  FamilyCase test = makeSample(draws, vocabulary);
  FamilyCase greedy = makeArgmax(draws.size(), vocabulary);
  for (size_t row = 0; row < draws.size(); ++row)
    for (int64_t i = 0; i < vocabulary; ++i) {
      const std::vector<float> &pattern = patterns[row / 4];
      test.floats[0].push_back(pattern[i % pattern.size()]);
    }
  greedy.floats[0] = test.floats[0];
  EXPECT_EQ("", runFamilyCase(test));
  EXPECT_EQ("", runFamilyCase(greedy));
}

/// The config that a vocabulary does not choose by itself.
TEST(FamilySampleRows, RowsInAndOutOfSharedMemory) {
  for (int64_t keepRow : {0, 1})
    for (int64_t warps : {1, 4, 32}) {
      FamilyCase test = makeSample(allDraws(), 5000);
      test.config = {{"keep_row", keepRow}, {"warps", warps}};
      EXPECT_EQ("", runFamilyCase(test)) << keepRow << " " << warps;
    }
}
