//===- PassVerifier.h - Does each pass keep what the graph means? ---------===//
// Runs the interpreter on random input before the first pass and after every
// one, and reports the first pass whose results are off by more than it states.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_PASSVERIFIER_H
#define TILEWRIGHT_IR_REFERENCE_PASSVERIFIER_H

#include "mlir/Pass/PassInstrumentation.h"

#include <functional>
#include <memory>

namespace tilewright::reference {

/// Whether a pass may round in other places, or add in another order: its
/// results are then held to what rounding explains (RoundingBound.h). All other
/// passes keep every bit.
using MayRound = std::function<bool(llvm::StringRef passArgument)>;

/// An instrumentation for a pass manager on modules. A function keeps its name;
/// where a module has only one, passes may also make several of it. Reports
/// through the diagnostics, and sets `out_failed`, which must outlive it.
std::unique_ptr<mlir::PassInstrumentation> createPassVerifier(MayRound mayRound,
                                                              bool &out_failed);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_PASSVERIFIER_H
