//===- XfDialect.h - The transformer dialect ------------------------------===//

#ifndef TILEWRIGHT_IR_XF_XFDIALECT_H
#define TILEWRIGHT_IR_XF_XFDIALECT_H

#include "mlir/IR/Dialect.h"

#include "ir/xf/XfDialect.h.inc"

#endif // TILEWRIGHT_IR_XF_XFDIALECT_H
