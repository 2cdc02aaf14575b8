//===- Check.cpp - Self-checking tests ------------------------------------===//

#include "ir/reference/check/Check.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/Format.h"

#include <cmath>

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

static InFlightDiagnostic emitAt(Operation *op, const Tensor &tensor,
                                 int64_t index) {
  InFlightDiagnostic diagnostic = op->emitError("expects element [");
  llvm::interleaveComma(reference::getCoordinates(tensor.getShape(), index),
                        diagnostic);
  diagnostic << "] to be ";
  return diagnostic;
}

/// Nine digits tell any two f32 apart.
static std::string toString(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", value);
  return text;
}

static std::string toString(const Tensor &tensor, int64_t index) {
  return isFloat(tensor.getType()) ? toString(tensor.getFloat(index))
                                   : std::to_string(tensor.getInt(index));
}

LogicalResult evalCheck(ExpectEqOp op, const Tensor &actual,
                        const Tensor &expected) {
  if (failed(expectSameShape(op, actual, expected)))
    return failure();
  unsigned width = getByteWidth(actual.getType());
  for (int64_t i = 0; i < actual.getNumElements(); ++i) {
    if (actual.getBytes().slice(i * width, width) ==
        expected.getBytes().slice(i * width, width))
      continue;
    return emitAt(op, actual, i)
           << toString(expected, i) << ", but got " << toString(actual, i);
  }
  return success();
}

static bool isClose(double actual, double expected, double relative,
                    double absolute) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected)))
    return true;
  // Otherwise an infinite bound would take any value for close.
  if (std::isinf(expected))
    return false;
  return std::fabs(actual - expected) <=
         absolute + relative * std::fabs(expected);
}

LogicalResult evalCheck(ExpectCloseOp op, const Tensor &actual,
                        const Tensor &expected) {
  if (failed(expectSameShape(op, actual, expected)))
    return failure();
  double relative = op.getRelative().convertToDouble();
  double absolute = op.getAbsolute().convertToDouble();
  int64_t first = -1, far = 0;
  for (int64_t i = 0; i < actual.getNumElements(); ++i) {
    if (isClose(actual.getFloat(i), expected.getFloat(i), relative, absolute))
      continue;
    first = far++ == 0 ? i : first;
  }
  if (far == 0)
    return success();
  double distance = std::fabs(double(actual.getFloat(first)) -
                              double(expected.getFloat(first)));
  return emitAt(op, actual, first)
         << toString(expected, first) << ", but got " << toString(actual, first)
         << ", off by " << toString(distance) << "; " << far << " of "
         << actual.getNumElements() << " elements are too far off";
}

} // namespace tilewright::check
