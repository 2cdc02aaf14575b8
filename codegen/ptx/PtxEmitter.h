//===- PtxEmitter.h - LLVM dialect to PTX text ------------------*- C++ -*-===//

#ifndef TILEWRIGHT_CODEGEN_PTX_PTXEMITTER_H
#define TILEWRIGHT_CODEGEN_PTX_PTXEMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

#include <string>

namespace tilewright {

/// What the text is made for. Nothing here changes what a kernel computes.
struct PtxOptions {
  /// The processor of `.target`.
  std::string chip = "sm_90a";
  /// `.version`, as major * 10 + minor. The driver that loads the text must
  /// know it, so this is the oldest that has what the lowering emits.
  unsigned ptxVersion = 80;
  /// LLVM's optimization level, 0 to 3.
  unsigned optLevel = 3;
  /// Writes `.file` and `.loc` lines from the operations' locations.
  bool lineInfo = true;
};

/// Registers what `emitPtx` needs of a context: the translations of the
/// builtin, LLVM and NVVM dialects to LLVM IR.
void registerPtxTranslations(mlir::DialectRegistry &registry);

/// Translates `module`, which holds the LLVM and NVVM dialects alone, to PTX.
/// The same module and options give the same text. `module` is unchanged. On
/// failure the reason has been emitted as a diagnostic.
mlir::FailureOr<std::string> emitPtx(mlir::ModuleOp module,
                                     const PtxOptions &options);

/// The LLVM IR that `emitPtx` would hand to the PTX backend, to look at.
mlir::FailureOr<std::string> emitLlvmIr(mlir::ModuleOp module,
                                        const PtxOptions &options);

} // namespace tilewright

#endif // TILEWRIGHT_CODEGEN_PTX_PTXEMITTER_H
