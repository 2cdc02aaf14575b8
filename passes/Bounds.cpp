//===- Bounds.cpp - How far a pass may move results -----------------------===//

#include "passes/Bounds.h"

#include "llvm/ADT/StringSwitch.h"

namespace tilewright {

bool mayRound(llvm::StringRef passArgument) {
  return llvm::StringSwitch<bool>(passArgument)
      // Gates and ups are products of their own no longer, and round once.
      .Case("xf-form-gated-activations", true)
      // The norm's factor is applied behind the product, its weight in front.
      .Case("xf-fold-norms", true)
      // Parts of the keys have their own maximum, to which weights are rounded.
      .Case("xf-split-attention", true)
      // A norm over a head adds its columns in another order.
      .Case("xf-pair-rope-columns", true)
      .Default(false);
}

} // namespace tilewright
