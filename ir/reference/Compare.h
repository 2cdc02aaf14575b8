//===- Compare.h - The first element that is too far off ------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_COMPARE_H
#define TILEWRIGHT_IR_REFERENCE_COMPARE_H

#include "ir/reference/Tensor.h"

#include <string>

namespace tilewright::reference {

/// `|actual - expected| <= absolute + relative * |expected|`, for each element.
struct Bound {
  double relative = 0.0;
  double absolute = 0.0;
};

struct Mismatch {
  /// The first element beyond the bound, and how many there are.
  int64_t index;
  int64_t count;
};

/// Nothing if every element is within the bound, or both are NaN, or both the
/// same infinity. The tensors have one shape and the same element type.
std::optional<Mismatch> findMismatch(const Tensor &actual,
                                     const Tensor &expected, Bound bound);

/// As findMismatch, for equal bits: tells zeros of different sign apart.
std::optional<Mismatch> findDifference(const Tensor &actual,
                                       const Tensor &expected);

/// "element [1, 2] to be 0.5, but got 0.25, off by 0.25; 3 of 12 elements
/// differ by too much", to go after "expects".
std::string describe(const Mismatch &mismatch, const Tensor &actual,
                     const Tensor &expected);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_COMPARE_H
