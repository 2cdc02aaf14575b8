//===- ReferenceSession.h - A session of the oracle -----------------------===//
// What a session on a device should do, step by step: the plans of a compiled
// model in the reference interpreter, with a paged cache of its own.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_REFERENCESESSION_H
#define TILEWRIGHT_TOOLS_DRIVER_REFERENCESESSION_H

#include "ir/reference/Interpreter.h"

namespace tilewright {

class ReferenceSession {
public:
  /// `module` has the plans that `compileModel` leaves. Sequences may grow to
  /// `maxLength` tokens.
  ReferenceSession(mlir::ModuleOp module, reference::WeightProvider weights,
                   int64_t numSequences, int64_t maxLength);

  /// New tokens of each sequence, at least one; greedy.
  using Batch = llvm::ArrayRef<std::vector<int32_t>>;

  /// The logits of the last token of each sequence. Diagnostics tell of a
  /// failure.
  mlir::FailureOr<reference::Tensor> step(Batch batch);

  /// The plan that the next step would take.
  mlir::func::FuncOp findPlan(Batch batch);

private:
  struct Inputs;
  Inputs makeInputs(Batch batch) const;
  mlir::FailureOr<llvm::SmallVector<reference::Tensor>>
  makeArguments(mlir::func::FuncOp plan, Batch batch);

  mlir::ModuleOp module;
  reference::WeightProvider weights;
  int64_t pageSize, pagesPerSequence;
  llvm::SmallVector<int64_t> lengths;
  llvm::StringMap<reference::Tensor> caches;
};

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_REFERENCESESSION_H
