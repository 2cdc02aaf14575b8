//===- CompilerContext.cpp - An MLIRContext with its diagnostics as text --===//

#include "tools/driver/CompilerContext.h"

#include "codegen/ptx/PtxEmitter.h"
#include "ir/tile/Tile.h"
#include "ir/xf/Xf.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tilewright {

static DialectRegistry makeRegistry() {
  DialectRegistry registry;
  registry.insert<xf::XfDialect, tile::TileDialect, func::FuncDialect,
                  arith::ArithDialect, math::MathDialect, scf::SCFDialect,
                  LLVM::LLVMDialect, NVVM::NVVMDialect>();
  registerPtxTranslations(registry);
  return registry;
}

static const char *severityOf(DiagnosticSeverity severity) {
  return severity == DiagnosticSeverity::Error ? "error: " : "warning: ";
}

CompilerContext::CompilerContext()
    : context(makeRegistry(), MLIRContext::Threading::DISABLED),
      handler(&context, [this](Diagnostic &diagnostic) {
        llvm::raw_string_ostream os(text);
        os << severityOf(diagnostic.getSeverity()) << diagnostic << "\n";
        for (Diagnostic &note : diagnostic.getNotes())
          os << "note: " << note << "\n";
        return success();
      }) {
  context.printOpOnDiagnostic(false);
  context.loadAllAvailableDialects();
}

} // namespace tilewright
