//===- LogitsCheck.h - Logits of a device against the oracle's ------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_LOGITSCHECK_H
#define TILEWRIGHT_TOOLS_DRIVER_LOGITSCHECK_H

#include "ir/reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/Error.h"

namespace tilewright {

/// How far logits may be from the oracle's, as a multiple of their root mean
/// square.
///
/// Both sides round in the same places, but what they round differs in its last
/// bits, so a rounding may go the other way. Each moves the logits by about a
/// unit roundoff of their size, in a direction of its own; five deviations of
/// their sum leave no room for chance.
double getAllowedDistance(mlir::func::FuncOp plan);

/// The largest distance that was met, and the largest that was allowed.
struct LogitsDistance {
  double largest = 0, allowed = 0;
};

/// Checks each element of `actual` against the row's allowed distance,
/// `relative` times the root mean square of the expected row. The error, a
/// VerificationError, starts with `what` and names the first coordinate that is
/// off, both values, and by how much.
llvm::Error compareLogits(llvm::StringRef what,
                          const reference::Tensor &expected,
                          llvm::ArrayRef<float> actual, double relative,
                          LogitsDistance &out_distance);

/// Checks that each greedy token is the best of its row of the device's own
/// logits; a VerificationError if not.
llvm::Error checkTokens(llvm::StringRef what, llvm::ArrayRef<int32_t> tokens,
                        llvm::ArrayRef<float> logits);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_LOGITSCHECK_H
