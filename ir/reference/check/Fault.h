//===- Fault.h - A pass with a bug, for tests of what happens then --------===//

#ifndef TILEWRIGHT_IR_REFERENCE_CHECK_FAULT_H
#define TILEWRIGHT_IR_REFERENCE_CHECK_FAULT_H

#include "mlir/Pass/Pass.h"

namespace tilewright::check {

/// `xf-check-fault`. Kinds: "fail" signals a failure, with a diagnostic;
/// "invalid" leaves IR that does not verify; "crash" aborts; "overflow"
/// recurses without end; "fatal" reports a fatal error of LLVM, as its backends
/// do where they cannot select.
std::unique_ptr<mlir::Pass> createFaultPass(llvm::StringRef kind);

void registerFaultPass();

} // namespace tilewright::check

#endif // TILEWRIGHT_IR_REFERENCE_CHECK_FAULT_H
