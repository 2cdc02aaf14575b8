//===- CompilerContext.h - An MLIRContext with its diagnostics as text ----===//
// A context loads dialects as passes ask for them, which is no business for two
// threads at once: each thread that compiles has a context of its own.
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TOOLS_DRIVER_COMPILERCONTEXT_H
#define TILEWRIGHT_TOOLS_DRIVER_COMPILERCONTEXT_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <string>

namespace tilewright {

/// Single-threaded, with all our dialects and what they lower to.
class CompilerContext {
public:
  CompilerContext();

  mlir::MLIRContext &get() { return context; }
  /// Errors, warnings and notes since the last call, a line each.
  std::string takeDiagnostics() { return std::exchange(text, ""); }

private:
  mlir::MLIRContext context;
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace tilewright

#endif // TILEWRIGHT_TOOLS_DRIVER_COMPILERCONTEXT_H
