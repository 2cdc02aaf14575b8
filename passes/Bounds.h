//===- Bounds.h - How far a pass may move results -------------------------===//

#ifndef TILEWRIGHT_PASSES_BOUNDS_H
#define TILEWRIGHT_PASSES_BOUNDS_H

#include "llvm/ADT/StringRef.h"

namespace tilewright {

/// Whether the pass of this name states in its description that it rounds in
/// other places, or adds in another order. `--verify-each-pass` then holds it
/// to what rounding explains in the graph at hand
/// (ir/reference/RoundingBound.h), and every other pass to equal bits.
bool mayRound(llvm::StringRef passArgument);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_BOUNDS_H
