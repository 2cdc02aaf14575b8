//===- RandomStep.h - Random input of a model's function ------------------===//
// Whether a pass keeps what a graph means is asked on random input. It must be
// input that a step can have: sequences that agree with the block table, slots
// that agree with both. docs/interfaces.md has the names.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_RANDOMSTEP_H
#define TILEWRIGHT_IR_REFERENCE_RANDOMSTEP_H

#include "ir/reference/Interpreter.h"

namespace tilewright::reference {

/// Arguments for `func`. Those with a name of the contract (`xf.input`)
/// describe a step that mixes prefill, a chunk of it, decoding and an empty
/// sequence. Others get random floats of variance 1, or zeros if they are
/// integers. The same seed gives the same arguments.
llvm::SmallVector<Tensor> makeRandomArguments(mlir::func::FuncOp func,
                                              uint64_t seed);

/// Weights that depend on their name and the seed alone. Matrices keep the
/// variance of what they multiply; vectors lie around 1. Not for use by several
/// threads.
WeightProvider makeRandomWeights(uint64_t seed);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_RANDOMSTEP_H
