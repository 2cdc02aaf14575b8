//===- SamplingOps.cpp - Reference values of sampling ---------------------===//
// Steps are numbered as in the description of `xf.sample`. Sums are in double:
// of the results that the order of sums in f32 allows, the oracle has the
// middle one.
//===----------------------------------------------------------------------===//

#include "ir/reference/Ops.h"
#include "ir/reference/Philox.h"

#include <cmath>
#include <numeric>

using namespace mlir;

namespace tilewright::reference {

static int64_t getArgmax(ArrayRef<float> row) {
  int64_t best = 0;
  for (auto [index, value] : llvm::enumerate(row))
    if (value > row[best] || (std::isnan(row[best]) && !std::isnan(value)))
      best = index;
  return best;
}

Tensor eval(xf::ArgmaxOp op, const Tensor &logits) {
  Tensor result(ElementType::I32, logits.getDim(0));
  std::vector<float> row(logits.getRowSize());
  for (int64_t r = 0; r < logits.getDim(0); ++r) {
    logits.readFloats(r * row.size(), row.size(), row.data());
    result.setInt(r, getArgmax(row));
  }
  return result;
}

namespace {
struct SamplingParameters {
  float temperature;
  int64_t topK;
  float topP;
  float uniform;
};
} // namespace

/// Step 2: tokens from the highest `z` to the lowest.
static std::vector<int64_t> rankTokens(ArrayRef<float> z) {
  std::vector<int64_t> ranked(z.size());
  std::iota(ranked.begin(), ranked.end(), 0);
  llvm::sort(ranked, [&](int64_t a, int64_t b) {
    return z[a] != z[b] ? z[a] > z[b] : a < b;
  });
  return ranked;
}

/// Step 5: how many of the ranked tokens stay.
static size_t countNucleus(ArrayRef<int64_t> ranked, ArrayRef<float> p,
                           float topP) {
  double total = 0;
  for (int64_t token : ranked)
    total += p[token];
  double above = 0;
  for (auto [rank, token] : llvm::enumerate(ranked)) {
    if (rank > 0 && above >= topP * total)
      return rank;
    above += p[token];
  }
  return ranked.size();
}

/// Step 6: the token in whose share of the sum `uniform` falls.
static int64_t drawToken(std::vector<int64_t> kept, ArrayRef<float> p,
                         float uniform) {
  llvm::sort(kept);
  double total = 0;
  for (int64_t token : kept)
    total += p[token];
  double sum = 0;
  for (int64_t token : kept) {
    sum += p[token];
    if (sum > uniform * total)
      return token;
  }
  return kept.back();
}

static int64_t sampleRow(ArrayRef<float> logits,
                         const SamplingParameters &parameters) {
  // Step 1. The comparison is false for NaN.
  if (!(parameters.temperature > 0.0f))
    return getArgmax(logits);

  // Step 2.
  std::vector<float> z(logits.size());
  for (auto [target, logit] : llvm::zip_equal(z, logits)) {
    float quotient = logit / parameters.temperature;
    target = std::isnan(quotient) ? -INFINITY : quotient;
  }
  std::vector<int64_t> kept = rankTokens(z);

  // Step 3.
  if (parameters.topK > 0 && parameters.topK < int64_t(kept.size()))
    kept.resize(parameters.topK);

  // Step 4.
  std::vector<float> p(z.size(), 0.0f);
  for (int64_t token : kept)
    p[token] = std::exp(z[token] - z[kept.front()]);

  // Steps 5 and 6.
  if (parameters.topP < 1.0f)
    kept.resize(countNucleus(kept, p, parameters.topP));
  return drawToken(std::move(kept), p, parameters.uniform);
}

Tensor eval(xf::SampleOp op, ArrayRef<Tensor> operands) {
  const Tensor &logits = operands[0];
  Tensor result(ElementType::I32, logits.getDim(0));
  std::vector<float> row(logits.getRowSize());
  for (int64_t r = 0; r < logits.getDim(0); ++r) {
    logits.readFloats(r * row.size(), row.size(), row.data());
    SamplingParameters parameters{
        operands[1].getFloat(r), operands[2].getInt(r), operands[3].getFloat(r),
        drawUniform(operands[4].getInt(r), operands[5].getInt(r))};
    result.setInt(r, sampleRow(row, parameters));
  }
  return result;
}

} // namespace tilewright::reference
