//===- XfOps.h - Ops of the transformer dialect ---------------------------===//

#ifndef TILEWRIGHT_IR_XF_XFOPS_H
#define TILEWRIGHT_IR_XF_XFOPS_H

#include "ir/xf/XfAttrs.h"
#include "ir/xf/XfInterfaces.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tilewright::xf {
class YieldOp;
} // namespace tilewright::xf

#define GET_OP_CLASSES
#include "ir/xf/XfOps.h.inc"

#endif // TILEWRIGHT_IR_XF_XFOPS_H
