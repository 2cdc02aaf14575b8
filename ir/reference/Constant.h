//===- Constant.h - Constants as reference tensors ------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_CONSTANT_H
#define TILEWRIGHT_IR_REFERENCE_CONSTANT_H

#include "ir/reference/Tensor.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace tilewright::reference {

/// The tensor of a dense constant; others are reported.
mlir::FailureOr<Tensor> evalConstant(mlir::arith::ConstantOp op);

} // namespace tilewright::reference

#endif // TILEWRIGHT_IR_REFERENCE_CONSTANT_H
