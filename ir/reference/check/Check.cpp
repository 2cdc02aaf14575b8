//===- Check.cpp - Self-checking tests ------------------------------------===//

#include "ir/reference/check/Check.h"
#include "ir/reference/Compare.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "ir/reference/check/CheckDialect.cpp.inc"
#define GET_OP_CLASSES
#include "ir/reference/check/CheckOps.cpp.inc"

namespace tilewright::check {

using reference::Tensor;

void CheckDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "ir/reference/check/CheckOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult ExpectEqOp::verify() {
  // expect_eq_c1
  return xf::expectElementType(*this, {"expected", getExpected().getType()},
                               getActual().getType().getElementType());
}

LogicalResult ExpectCloseOp::verify() {
  // expect_close_c1
  if (failed(xf::expectElementType(*this, {"expected", getExpected().getType()},
                                   getActual().getType().getElementType())))
    return failure();

  // expect_close_c2, written so that NaN fails too
  if (!(getRelative().convertToDouble() >= 0.0) ||
      !(getAbsolute().convertToDouble() >= 0.0))
    return emitOpError("expects 'relative' and 'absolute' not to be negative");
  return success();
}

LogicalResult RenameSizesOp::verify() {
  // rename_sizes_c1
  if (failed(xf::expectElementType(*this, {"result", getType()},
                                   getInput().getType().getElementType())))
    return failure();

  // rename_sizes_c2
  return xf::expectRank(*this, {"result", getType()},
                        getInput().getType().getRank());
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

static LogicalResult expectSameShape(Operation *op, const Tensor &actual,
                                     const Tensor &expected) {
  if (actual.getShape() == expected.getShape())
    return success();
  InFlightDiagnostic diagnostic = op->emitError("expects shape [");
  llvm::interleaveComma(expected.getShape(), diagnostic);
  diagnostic << "], but got [";
  llvm::interleaveComma(actual.getShape(), diagnostic);
  return diagnostic << "]";
}

static LogicalResult report(Operation *op,
                            std::optional<reference::Mismatch> mismatch,
                            const Tensor &actual, const Tensor &expected) {
  if (!mismatch)
    return success();
  return op->emitError("expects ") << describe(*mismatch, actual, expected);
}

LogicalResult evalCheck(ExpectEqOp op, const Tensor &actual,
                        const Tensor &expected) {
  if (failed(expectSameShape(op, actual, expected)))
    return failure();
  return report(op, findDifference(actual, expected), actual, expected);
}

LogicalResult evalCheck(ExpectCloseOp op, const Tensor &actual,
                        const Tensor &expected) {
  if (failed(expectSameShape(op, actual, expected)))
    return failure();
  reference::Bound bound{op.getRelative().convertToDouble(),
                         op.getAbsolute().convertToDouble()};
  return report(op, findMismatch(actual, expected, bound), actual, expected);
}

} // namespace tilewright::check
