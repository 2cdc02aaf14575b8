//===- Manifest.h - The manifest of a compiled model ----------------------===//
// Reads plans, weights and buffers off the final graph; runtime/README.md
// defines every field.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_MANIFEST_H
#define TILEWRIGHT_TOOLS_DRIVER_MANIFEST_H

#include "tools/driver/Compile.h"

#include "mlir/IR/BuiltinOps.h"

namespace tilewright {

/// Everything but `kernels`, `ptxas` and `tool`, from a module in which each
/// function is a plan (xf-make-plans) and each kernel names its tile.kernel
/// (lower-xf-to-tile). Fails with a diagnostic.
mlir::FailureOr<nlohmann::json> buildManifest(mlir::ModuleOp module,
                                              const CompileOptions &options);

/// A size expression of a tensor dimension or of a grid.
nlohmann::json toSizeExpression(mlir::Attribute size);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_MANIFEST_H
