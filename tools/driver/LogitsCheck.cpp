//===- LogitsCheck.cpp - Logits of a device against the oracle's ----------===//

#include "tools/driver/LogitsCheck.h"

#include "ir/xf/Xf.h"
#include "tools/driver/Compile.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace mlir;
using tilewright::reference::Tensor;

namespace tilewright {

/// Roundings to 16 bits on the way to the logits, and the unit roundoff of the
/// coarsest of them.
static std::pair<int64_t, double> countRoundings(func::FuncOp plan) {
  int64_t count = 0;
  double unit = 0;
  plan.walk([&](Operation *op) {
    if (op->getNumResults() == 0 || isa<xf::KernelOp>(op) ||
        xf::isWeightExpression(op->getResult(0)))
      return;
    xf::FusionKind kind = cast<xf::FusionInterface>(op).getFusionKind();
    Type element = getElementTypeOrSelf(op->getResult(0).getType());
    if (kind == xf::FusionKind::Weight || kind == xf::FusionKind::Movement ||
        kind == xf::FusionKind::CacheWrite || kind == xf::FusionKind::Gather)
      return;
    // Attention also rounds its weights, whatever it gives.
    if (kind == xf::FusionKind::Attention)
      ++count;
    if (!element.isBF16() && !element.isF16())
      return;
    ++count;
    unit = std::max(unit, element.isBF16() ? 0x1p-9 : 0x1p-12);
  });
  return {count, unit};
}

double getAllowedDistance(func::FuncOp plan) {
  constexpr double kDeviations = 5;
  auto [count, unit] = countRoundings(plan);
  return kDeviations * std::sqrt(static_cast<double>(count)) * unit;
}

static std::string describeMismatch(llvm::StringRef what, int64_t row,
                                    int64_t column, double expected, double got,
                                    double allowed) {
  char text[256];
  std::snprintf(text, sizeof text,
                "%s: expects logits[%lld, %lld] to be %.9g, but got %.9g, off "
                "by %.3g, allowed %.3g",
                what.str().c_str(), static_cast<long long>(row),
                static_cast<long long>(column), expected, got,
                std::abs(expected - got), allowed);
  return text;
}

llvm::Error compareLogits(llvm::StringRef what, const Tensor &expected,
                          llvm::ArrayRef<float> actual, double relative,
                          LogitsDistance &out_distance) {
  int64_t columns = expected.getRowSize();
  std::vector<float> wanted = expected.getFloats();
  for (int64_t row = 0; row < expected.getNumRows(); ++row) {
    double squares = 0;
    for (int64_t j = 0; j < columns; ++j)
      squares += double(wanted[row * columns + j]) * wanted[row * columns + j];
    double allowed =
        relative * std::sqrt(squares / static_cast<double>(columns));
    for (int64_t j = 0; j < columns; ++j) {
      double want = wanted[row * columns + j], got = actual[row * columns + j];
      double off = std::abs(want - got);
      // Written so that NaN fails.
      if (!(off <= allowed))
        return llvm::make_error<VerificationError>(
            describeMismatch(what, row, j, want, got, allowed));
      if (off > out_distance.largest)
        out_distance.largest = off;
      out_distance.allowed = std::max(out_distance.allowed, allowed);
    }
  }
  return llvm::Error::success();
}

llvm::Error checkTokens(llvm::StringRef what, llvm::ArrayRef<int32_t> tokens,
                        llvm::ArrayRef<float> logits) {
  size_t columns = logits.size() / tokens.size();
  for (auto [row, token] : llvm::enumerate(tokens)) {
    llvm::ArrayRef<float> values = logits.slice(row * columns, columns);
    int64_t best =
        std::max_element(values.begin(), values.end()) - values.begin();
    if (token != best)
      return llvm::make_error<VerificationError>(
          what.str() + ": expects next_tokens[" + std::to_string(row) +
          "] to be " + std::to_string(best) + ", but got " +
          std::to_string(token));
  }
  return llvm::Error::success();
}

} // namespace tilewright
