//===- Bounds.h - How far a pass may move results -------------------------===//

#ifndef TILEWRIGHT_PASSES_BOUNDS_H
#define TILEWRIGHT_PASSES_BOUNDS_H

#include "llvm/ADT/StringRef.h"

namespace tilewright {

/// What the pass of this name states in its description, as the length of the
/// change over the length of a result; 0 for bit-exact, which most are.
/// `--verify-each-pass` holds every pass to it.
double getStatedBound(llvm::StringRef passArgument);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_BOUNDS_H
