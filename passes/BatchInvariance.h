//===- BatchInvariance.h - Does a result depend on its batch? -------------===//
// A kernel adds up each element in an order that its config fixes, whatever
// else is in the launch. So a sequence's bits depend on its batch exactly where
// the plans that a step may take differ in such an order.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_PASSES_BATCHINVARIANCE_H
#define TILEWRIGHT_PASSES_BATCHINVARIANCE_H

#include "ir/xf/Xf.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace tilewright {

/// Whether the region adds or compares along columns other than in a matmul: a
/// norm, sums of squares, a sample.
bool reducesColumns(xf::KernelOp kernel);

/// Why a sequence's results may depend on the others in its step; empty if they
/// do not. `module` has the plans of a model, tuned and with their attention
/// split.
std::string whyBatchMatters(mlir::ModuleOp module);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_BATCHINVARIANCE_H
