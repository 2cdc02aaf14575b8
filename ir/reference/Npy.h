//===- Npy.h - NumPy's file format ----------------------------------------===//
// How tests hand tensors to the interpreter and back. NumPy has no bf16: such
// tensors travel as f32, which loses nothing.
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_NPY_H
#define TILEWRIGHT_IR_REFERENCE_NPY_H

#include "ir/reference/Tensor.h"
#include "llvm/Support/Error.h"

namespace tilewright::reference {

/// Reads little-endian C-order arrays of float16, float32, int32 and int64.
llvm::Expected<Tensor> readNpy(llvm::StringRef path);

llvm::Error writeNpy(llvm::StringRef path, const Tensor &tensor);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_NPY_H
