//===- KernelCompiler.h - tile.kernels to PTX, side by side ---------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_KERNELCOMPILER_H
#define TILEWRIGHT_TOOLS_DRIVER_KERNELCOMPILER_H

#include "codegen/ptx/Ptxas.h"
#include "tools/driver/Compile.h"

#include "mlir/IR/BuiltinOps.h"

namespace tilewright {

/// A kernel as the manifest and the bundle need it.
struct CompiledKernel {
  std::string name;
  nlohmann::json entry; // of the manifest's `kernels`, but for `ptxas`
  std::string ptx, cubin;
};

/// Compiles every `tile.kernel` of `module`, in order of their names' first
/// appearance. Kernels are independent, so they are compiled on all cores; the
/// result does not depend on how many. Diagnostics are emitted at the kernels.
llvm::Expected<std::vector<CompiledKernel>>
compileKernels(mlir::ModuleOp module, const CompileOptions &options);

/// Assembles the kernels and writes the reports into their entries.
llvm::Error assembleKernels(std::vector<CompiledKernel> &kernels,
                            const CompileOptions &options,
                            nlohmann::json &ptxasInfo);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_KERNELCOMPILER_H
