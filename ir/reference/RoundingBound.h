//===- RoundingBound.h - How far rounding may move results ----------------===//
// Two graphs that mean the same and round in other places give results that
// differ by the roundings of both. How far that is depends on the formats, on
// the lengths of sums, and on what lies between a rounding and the result; all
// of that is in the graphs, so they are asked: each runs a few times with its
// roundings made at random, and the spread of the results is the measure.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_ROUNDINGBOUND_H
#define TILEWRIGHT_IR_REFERENCE_ROUNDINGBOUND_H

#include "ir/reference/Interpreter.h"

#include <string>

namespace tilewright::reference {

/// What a function gives, and what it gives with random roundings.
struct NoisyResults {
  llvm::SmallVector<Tensor> exact;
  llvm::SmallVector<llvm::SmallVector<Tensor>> runs;
};

/// Runs `func` with random roundings; `exact` has its results without.
mlir::FailureOr<NoisyResults> addNoise(mlir::func::FuncOp func,
                                       llvm::ArrayRef<Tensor> args,
                                       const WeightProvider &provider,
                                       llvm::ArrayRef<Tensor> exact);

/// The same of a kernel's region.
mlir::FailureOr<NoisyResults> addNoise(xf::KernelOp kernel,
                                       llvm::ArrayRef<Tensor> inputs,
                                       const WeightProvider &provider,
                                       llvm::ArrayRef<Tensor> exact);

/// How an integer result is chosen: by the rows of a result.
struct ChoiceSource {
  int logits = -1; ///< index of that result; -1: not known
  /// Of each row, 0 where the largest element is taken and no index drawn;
  /// null: none is drawn.
  const Tensor *temperature = nullptr;
};

/// Why result `index` of `actual` is not that of `expected` up to rounding;
/// empty if it is.
///
/// The root mean square of the differences may be as large as that of the
/// noise, which is sqrt(3) times what rounding to nearest gives: rounding at
/// random has twice the variance, and a run differs from the exact result by
/// both. No element may be off by more than 6 times the noise of its row, ten
/// deviations of what rounding to nearest gives. A chosen index may be another
/// where the noise makes it that, or where the two elements lie closer than
/// such a bound. A drawn one may be its neighbour: rounding moves the borders
/// between them, so what lies in between, of the elements that are no less
/// likely, may have no more weight than such a bound. Results without runs, a
/// device's, are taken to be as noisy as those that they are held to.
std::string whyBeyondRounding(const NoisyResults &expected,
                              const NoisyResults &actual, unsigned index,
                              ChoiceSource source = {});

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_ROUNDINGBOUND_H
