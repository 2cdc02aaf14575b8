//===- Check.h - Self-checking tests --------------------------------------===//

#ifndef TILEWRIGHT_IR_REFERENCE_CHECK_CHECK_H
#define TILEWRIGHT_IR_REFERENCE_CHECK_CHECK_H

#include "ir/reference/Tensor.h"
#include "ir/xf/Xf.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"

#include "ir/reference/check/CheckDialect.h.inc"
#define GET_OP_CLASSES
#include "ir/reference/check/CheckOps.h.inc"

namespace tilewright::check {

/// Compares values; a difference is reported at the op.
mlir::LogicalResult evalCheck(ExpectEqOp op, const reference::Tensor &actual,
                              const reference::Tensor &expected);
mlir::LogicalResult evalCheck(ExpectCloseOp op, const reference::Tensor &actual,
                              const reference::Tensor &expected);

} // namespace tilewright::check

#endif // TILEWRIGHT_IR_REFERENCE_CHECK_CHECK_H
