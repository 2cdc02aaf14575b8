//===- RoundingBound.cpp - How far rounding may move results --------------===//

#include "ir/reference/RoundingBound.h"
#include "ir/reference/Compare.h"

#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace tilewright::reference {

// Two runs of each graph: rows are long enough for a variance of all of their
// elements together.
static constexpr uint64_t kRuns = 2;
// See whyBeyondRounding.
static constexpr double kElementDeviations = 6.0;
// Shorter rows are taken together with all others.
static constexpr int64_t kLongRow = 16;

template <typename OpTy>
static FailureOr<NoisyResults> addNoiseTo(OpTy op, ArrayRef<Tensor> args,
                                          const WeightProvider &provider,
                                          ArrayRef<Tensor> exact) {
  NoisyResults noisy;
  noisy.exact.assign(exact.begin(), exact.end());
  for (uint64_t run = 1; run <= kRuns; ++run) {
    RoundingNoise noise(run);
    FailureOr<SmallVector<Tensor>> results = evaluate(op, args, provider);
    if (failed(results))
      return failure();
    noisy.runs.push_back(std::move(*results));
  }
  return noisy;
}

FailureOr<NoisyResults> addNoise(func::FuncOp func, ArrayRef<Tensor> args,
                                 const WeightProvider &provider,
                                 ArrayRef<Tensor> exact) {
  return addNoiseTo(func, args, provider, exact);
}
FailureOr<NoisyResults> addNoise(xf::KernelOp kernel, ArrayRef<Tensor> inputs,
                                 const WeightProvider &provider,
                                 ArrayRef<Tensor> exact) {
  return addNoiseTo(kernel, inputs, provider, exact);
}

namespace {
/// Mean squares of the noise of one result, of each row and of all.
struct Noise {
  int64_t rowSize = 1;
  std::vector<double> rows;
  double all = 0.0;

  double ofElement(int64_t element) const {
    return rowSize >= kLongRow ? rows[element / rowSize] : all;
  }
};
} // namespace

static void addSquares(const NoisyResults &results, unsigned index,
                       Noise &noise) {
  std::vector<float> exact = results.exact[index].getFloats();
  for (const SmallVector<Tensor> &run : results.runs) {
    std::vector<float> values = run[index].getFloats();
    for (size_t i = 0; i < exact.size(); ++i) {
      double difference = double(values[i]) - exact[i];
      // Infinities that stay are no noise.
      if (values[i] != exact[i])
        noise.rows[i / noise.rowSize] += difference * difference;
    }
  }
}

/// The noise of both graphs: what the difference of two exact results may have.
static Noise getNoise(const NoisyResults &expected, const NoisyResults &actual,
                      unsigned index) {
  Noise noise;
  const Tensor &tensor = expected.exact[index];
  noise.rowSize =
      tensor.getRank() ? std::max<int64_t>(tensor.getRowSize(), 1) : 1;
  noise.rows.resize(tensor.getNumElements() / noise.rowSize);
  addSquares(expected, index, noise);
  addSquares(actual.runs.empty() ? expected : actual, index, noise);
  double runs = static_cast<double>(kRuns);
  for (double &row : noise.rows) {
    noise.all +=
        row / runs / double(std::max<int64_t>(tensor.getNumElements(), 1));
    row /= runs * double(noise.rowSize);
  }
  return noise;
}

static std::string describeMove(double moved, double allowed) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "moves by " << llvm::format("%.3g", moved)
     << " (root mean square), and rounding explains "
     << llvm::format("%.3g", allowed);
  return text;
}

static std::string compareFloats(const NoisyResults &expected,
                                 const NoisyResults &actual, unsigned index) {
  const Tensor &wanted = expected.exact[index], &got = actual.exact[index];
  Noise noise = getNoise(expected, actual, index);
  std::vector<float> a = got.getFloats(), b = wanted.getFloats();
  Mismatch mismatch{-1, 0};
  double squares = 0.0;
  for (int64_t i = 0; i < got.getNumElements(); ++i) {
    if (a[i] == b[i])
      continue;
    double off = double(a[i]) - b[i];
    squares += off * off;
    // Written so that not-a-number fails.
    if (!(off * off <=
          kElementDeviations * kElementDeviations * noise.ofElement(i)) &&
        mismatch.count++ == 0)
      mismatch.index = i;
  }
  if (mismatch.count) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "expects " << describe(mismatch, got, wanted)
       << "; rounding explains at most "
       << llvm::format("%.3g", kElementDeviations *
                                   std::sqrt(noise.ofElement(mismatch.index)));
    return text;
  }
  double mean = squares / double(std::max<int64_t>(got.getNumElements(), 1));
  return mean <= noise.all
             ? ""
             : describeMove(std::sqrt(mean), std::sqrt(noise.all));
}

namespace {
/// An index that was chosen, and another that takes its place.
struct Exchange {
  int64_t row, wanted, got;
};
} // namespace

/// What lies between the two, of elements no less likely than the rarer one.
static double getWeightBetween(const Tensor &logits, const Exchange &exchange) {
  int64_t columns = logits.getRowSize();
  std::vector<float> row(columns);
  logits.readFloats(exchange.row * columns, columns, row.data());
  auto [first, last] = std::minmax(exchange.wanted, exchange.got);
  float least = std::min(row[first], row[last]);
  double largest = *std::max_element(row.begin(), row.end());
  double between = 0.0, all = 0.0;
  for (int64_t i = 0; i < columns; ++i) {
    double weight = std::exp(double(row[i]) - largest);
    all += weight;
    if (i > first && i < last && row[i] >= least)
      between += weight;
  }
  return between / all;
}

/// Whether rounding of the logits may lead to the exchange.
static bool isNearTie(const NoisyResults &expected, const NoisyResults &actual,
                      ChoiceSource source, const Exchange &exchange) {
  const Tensor &logits = expected.exact[source.logits];
  int64_t columns = logits.getRowSize();
  auto isIndex = [&](int64_t index) { return index >= 0 && index < columns; };
  if (exchange.row >= logits.getNumRows() || !isIndex(exchange.wanted) ||
      !isIndex(exchange.got))
    return false;
  int64_t start = exchange.row * columns;
  Noise noise = getNoise(expected, actual, source.logits);
  // Both elements may move.
  double allowed = kElementDeviations *
                   std::sqrt(2.0 * noise.ofElement(start + exchange.wanted));
  if (source.temperature && source.temperature->getFloat(exchange.row) > 0.0f)
    return getWeightBetween(logits, exchange) <= allowed;
  double gap = double(logits.getFloat(start + exchange.wanted)) -
               logits.getFloat(start + exchange.got);
  return gap >= 0.0 && gap <= allowed;
}

static bool wasChosenInANoisyRun(const NoisyResults &results, unsigned index,
                                 int64_t element, int64_t value) {
  return llvm::any_of(results.runs, [&](const SmallVector<Tensor> &run) {
    return run[index].getInt(element) == value;
  });
}

static std::string compareChoices(const NoisyResults &expected,
                                  const NoisyResults &actual, unsigned index,
                                  ChoiceSource source) {
  const Tensor &wanted = expected.exact[index], &got = actual.exact[index];
  for (int64_t i = 0; i < got.getNumElements(); ++i) {
    int64_t a = got.getInt(i), b = wanted.getInt(i);
    if (a == b || wasChosenInANoisyRun(expected, index, i, a) ||
        wasChosenInANoisyRun(actual, index, i, b) ||
        (source.logits >= 0 && isNearTie(expected, actual, source, {i, b, a})))
      continue;
    return "expects element " + std::to_string(i) + " to be " +
           std::to_string(b) + ", but got " + std::to_string(a) +
           ", and rounding does not make it that";
  }
  return "";
}

std::string whyBeyondRounding(const NoisyResults &expected,
                              const NoisyResults &actual, unsigned index,
                              ChoiceSource source) {
  return isFloat(expected.exact[index].getType())
             ? compareFloats(expected, actual, index)
             : compareChoices(expected, actual, index, source);
}

} // namespace tilewright::reference
