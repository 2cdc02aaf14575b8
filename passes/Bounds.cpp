//===- Bounds.cpp - How far a pass may move results -----------------------===//

#include "passes/Bounds.h"

#include "llvm/ADT/StringSwitch.h"

namespace tilewright {

double getStatedBound(llvm::StringRef passArgument) {
  // A few roundings to bf16 per layer, seen at the end of a model: they are
  // 2^-9 each and add up as noise does, while a wrong op moves results by about
  // their own length.
  constexpr double kRoundings = 0x1p-4;
  // Sums in another order: a few elements that lie near a tie move by one unit
  // in the last place of bf16. Graphs without a norm over heads do not move.
  constexpr double kOrder = 0x1p-8;
  return llvm::StringSwitch<double>(passArgument)
      .Cases(
          {"xf-form-gated-activations", "xf-fold-norms", "xf-split-attention"},
          kRoundings)
      .Case("xf-pair-rope-columns", kOrder)
      .Default(0.0);
}

} // namespace tilewright
