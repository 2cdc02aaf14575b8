//===- HuggingFace.h - A Hugging Face directory as an xf graph --*- C++ -*-===//
//
// The whole front end in one call: config.json, generation_config.json and the
// headers of the checkpoint in, a verified module with `@forward` out.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_FRONTEND_HF_HUGGINGFACE_H
#define TILEWRIGHT_FRONTEND_HF_HUGGINGFACE_H

#include "frontend/Diagnostics.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace tilewright::frontend {

struct ImportOptions {
  /// Holds config.json and, unless `configOnly`, the checkpoint.
  std::string directory;
  /// Takes the checkpoint's types from the config and its shapes for granted.
  bool configOnly = false;
  /// Positions that a sequence may have; 0: as many as the model was made for.
  int64_t maxContext = 0;
  /// Tokens per page of the KV cache.
  int64_t pageSize = 64;
  /// Fields of config.json that the user knows to be without effect.
  std::vector<std::string> ignoredFields;
};

/// The module, or failure with at least one error in `sink`; `sink` may hold
/// warnings either way.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importHuggingFace(mlir::MLIRContext &context, const ImportOptions &options,
                  DiagnosticSink &sink);

/// The same for a config.json that has been read. Where `options.directory` is
/// empty there is nothing beside it.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>>
importConfig(mlir::MLIRContext &context, const SourceText &source,
             const ImportOptions &options, DiagnosticSink &sink);

/// `importHuggingFace` for a program's edge: all diagnostics are in the error's
/// text.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importHuggingFace(mlir::MLIRContext &context, const ImportOptions &options);

} // namespace tilewright::frontend

#endif // TILEWRIGHT_FRONTEND_HF_HUGGINGFACE_H
