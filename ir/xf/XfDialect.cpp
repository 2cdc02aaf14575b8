//===- XfDialect.cpp - The transformer dialect ----------------------------===//

#include "ir/xf/XfDialect.h"
#include "ir/xf/XfOps.h"

using namespace mlir;

#include "ir/xf/XfDialect.cpp.inc"

void tilewright::xf::XfDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "ir/xf/XfOps.cpp.inc"
      >();
}
