//===- Interpreter.h - The reference interpreter of xf --------------------===//
// The oracle: what a graph means, computed on the CPU by code written to be
// read. It rounds exactly where the ops' descriptions say, and its sums have a
// fixed order, so the same input gives the same bits on any number of threads.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_INTERPRETER_H
#define TILEWRIGHT_IR_REFERENCE_INTERPRETER_H

#include "ir/reference/Tensor.h"
#include "ir/xf/Xf.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <functional>

namespace tilewright::reference {

/// Gives the checkpoint's tensor for an op, in any floating-point type and with
/// the shape of the op's result. A failure has been reported at the op.
using WeightProvider =
    std::function<mlir::FailureOr<Tensor>(xf::WeightOp weight)>;

/// A provider for graphs without weights: reports every `xf.weight`.
mlir::FailureOr<Tensor> provideNoWeights(xf::WeightOp weight);

/// The results of a function whose body is one block of xf ops and constants.
/// `args` must fit the argument types; equal symbols must have equal sizes.
/// Failures are reported at the op.
mlir::FailureOr<llvm::SmallVector<Tensor>>
evaluate(mlir::func::FuncOp func, llvm::ArrayRef<Tensor> args,
         const WeightProvider &provider = provideNoWeights);

/// The results of a kernel's region.
mlir::FailureOr<llvm::SmallVector<Tensor>>
evaluate(xf::KernelOp kernel, llvm::ArrayRef<Tensor> inputs,
         const WeightProvider &provider = provideNoWeights);

/// The value of an expression of weights alone (see `isWeightExpression`).
mlir::FailureOr<Tensor> evaluateWeight(mlir::Value value,
                                       const WeightProvider &provider);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_INTERPRETER_H
