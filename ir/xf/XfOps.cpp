//===- XfOps.cpp - Generated definitions of the xf ops --------------------===//
// The verifiers and builders are beside this file, grouped as the .td files.
//===----------------------------------------------------------------------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

#define GET_OP_CLASSES
#include "ir/xf/XfOps.cpp.inc"
