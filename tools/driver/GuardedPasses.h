//===- GuardedPasses.h - Pipelines whose bugs leave a reproducer ----------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_GUARDEDPASSES_H
#define TILEWRIGHT_TOOLS_DRIVER_GUARDEDPASSES_H

#include "tools/driver/CompilerContext.h"
#include "tools/driver/InternalError.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"

#include <functional>

namespace tilewright {

struct GuardedPipeline {
  /// Adds the passes to a manager of builtin.module; called again when there is
  /// a failure to look into.
  std::function<void(mlir::PassManager &)> build;
  /// Instrumentation for the run itself; may be empty.
  std::function<void(mlir::PassManager &)> instrument;
  /// Passes that may refuse their input, by argument: their failure is no bug
  /// but what the diagnostics say.
  llvm::SmallVector<llvm::StringRef> refusing;
};

/// Runs the pipeline on `module`. If a pass crashes, fails, or leaves IR that
/// does not verify, the error is an InternalError with the IR before that pass,
/// for `tilewright-opt --run-reproducer`. After a crash `module` is empty: what
/// is left of it is of no use to anyone.
llvm::Error runPasses(mlir::OwningOpRef<mlir::ModuleOp> &module,
                      CompilerContext &context,
                      const GuardedPipeline &pipeline);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_GUARDEDPASSES_H
