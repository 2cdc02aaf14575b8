//===- LaunchCheck.h - Which kernel of a step is wrong? -------------------===//
// Runs steps again on a session of its own and stops at each launch of the
// last: what the kernel was given is read back, and what it gave is held
// against the interpreter on its region with that very input. A kernel is
// blamed for its own mistakes only, however wrong its input is.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_TILEWRIGHT_LAUNCHCHECK_H
#define TILEWRIGHT_TOOLS_TILEWRIGHT_LAUNCHCHECK_H

#include "tools/driver/Compile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tilewright {

/// A step's new tokens, by sequence.
using StepTokens = std::vector<std::vector<int32_t>>;

/// The first launch of the last of `steps` whose results rounding does not
/// explain, with its place in the plan, its kernel and config, and the first
/// wrong element; or a line that says that there is none. `plan` is the
/// function of the last step's plan.
llvm::Expected<std::string> findWrongKernel(const CompiledModel &compiled,
                                            mlir::func::FuncOp plan,
                                            const std::string &weights,
                                            const std::string &device,
                                            llvm::ArrayRef<StepTokens> steps);

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_TILEWRIGHT_LAUNCHCHECK_H
