//===- RandomCheckpoint.h - Random weights as a checkpoint ----------------===//
// So that the runtime loads what the interpreter takes from a function.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_RANDOMCHECKPOINT_H
#define TILEWRIGHT_TOOLS_DRIVER_RANDOMCHECKPOINT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tilewright {

/// Writes every `xf.weight` of `module`, once, as `makeRandomWeights(seed)`
/// gives it, into the safetensors file `path`.
llvm::Error writeRandomCheckpoint(mlir::ModuleOp module, uint64_t seed,
                                  const std::string &path);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_RANDOMCHECKPOINT_H
