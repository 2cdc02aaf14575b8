//===- FamilyRowWiseTest.cpp - Row-wise kernels against the oracle --------===//

#include "tests/conformance/FamilyHarness.h"
#include "tests/conformance/KernelHarness.h"
#include "tests/conformance/SharedShapes.h"

#include <gtest/gtest.h>

using namespace tilewright::conformance;

namespace {
/// rows, columns
using Shape = std::pair<int64_t, int64_t>;
class FamilyRowWise : public testing::TestWithParam<Shape> {};
} // namespace

static std::vector<int64_t> someRows(int64_t count, int64_t limit) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i)
    rows.push_back((i * 7 + 3) % limit);
  return rows;
}

static FamilyCase makeCase(const Shape &shape, const char *graph) {
  FamilyCase test;
  test.sizes = {{"tokens", shape.first}, {"rows", shape.first}};
  test.graph = fill(graph, {{"N", std::to_string(shape.second)},
                            {"C", std::to_string((shape.second + 63) / 64)}});
  return test;
}

TEST_P(FamilyRowWise, RmsNorm) {
  EXPECT_EQ("", runFamilyCase(makeCase(GetParam(), R"(
    func.func @forward(%x: tensor<?x$Nxbf16, #xf.sizes<tokens>>, %w: tensor<$Nxbf16>) -> tensor<?x$Nxbf16, #xf.sizes<tokens>> {
      %y = xf.rms_norm %x, %w, epsilon = 1.0e-5 : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<$Nxbf16>
      return %y : tensor<?x$Nxbf16, #xf.sizes<tokens>>
    })")));
}

TEST_P(FamilyRowWise, GatherAndNorm) {
  FamilyCase test = makeCase(GetParam(), R"(
    func.func @forward(%x: tensor<50x$Nxbf16>, %w: tensor<$Nxbf16>, %i: tensor<?xi32, #xf.sizes<rows>>) -> tensor<?x$Nxbf16, #xf.sizes<rows>> {
      %g = xf.gather_rows %x, %i : tensor<50x$Nxbf16>, tensor<?xi32, #xf.sizes<rows>> -> tensor<?x$Nxbf16, #xf.sizes<rows>>
      %y = xf.rms_norm %g, %w, epsilon = 1.0e-5 : tensor<?x$Nxbf16, #xf.sizes<rows>>, tensor<$Nxbf16>
      return %y : tensor<?x$Nxbf16, #xf.sizes<rows>>
    })");
  test.integers = {{2, someRows(GetParam().first, 50)}};
  EXPECT_EQ("", runFamilyCase(test));
}

TEST_P(FamilyRowWise, EmbeddingAndSumOfSquares) {
  FamilyCase test = makeCase(GetParam(), R"(
    func.func @forward(%t: tensor<100x$Nxbf16>, %i: tensor<?xi32, #xf.sizes<tokens>>)
        -> (tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Cxf32, #xf.sizes<tokens>>) {
      %x = xf.embedding %t, %i : tensor<100x$Nxbf16>, tensor<?xi32, #xf.sizes<tokens>> -> tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %p = xf.sum_squares %x chunk = 64 : tensor<?x$Nxbf16, #xf.sizes<tokens>> -> tensor<?x$Cxf32, #xf.sizes<tokens>>
      return %x, %p : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Cxf32, #xf.sizes<tokens>>
    })");
  test.integers = {{1, someRows(GetParam().first, 100)}};
  EXPECT_EQ("", runFamilyCase(test));
}

TEST_P(FamilyRowWise, Elementwise) {
  FamilyCase test = makeCase(GetParam(), R"(
    func.func @forward(%x: tensor<?x$Nxbf16, #xf.sizes<tokens>>, %y: tensor<?x$Nxbf16, #xf.sizes<tokens>>) -> tensor<?x$Nxbf16, #xf.sizes<tokens>> {
      %a = xf.activation gelu %x : tensor<?x$Nxbf16, #xf.sizes<tokens>>
      %m = xf.mul %a, %y : tensor<?x$Nxbf16, #xf.sizes<tokens>>, tensor<?x$Nxbf16, #xf.sizes<tokens>>
      return %m : tensor<?x$Nxbf16, #xf.sizes<tokens>>
    })");
  test.bf16 = {0x1p-6, 1e-5};
  EXPECT_EQ("", runFamilyCase(test));
}

INSTANTIATE_TEST_SUITE_P(Shapes, FamilyRowWise,
                         testing::Values(Shape{1, 576}, Shape{3, 64},
                                         Shape{9, 4096}, Shape{5, 200},
                                         Shape{2, 8192}));

INSTANTIATE_TEST_SUITE_P(Shared, FamilyRowWise,
                         testing::ValuesIn(pairInTurn(
                             getSharedShapes()["rows"],
                             getSharedShapes()["row_widths"], /*count=*/2)));
