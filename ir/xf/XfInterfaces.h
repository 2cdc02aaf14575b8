//===- XfInterfaces.h - What passes may ask of an op ----------------------===//

#ifndef TILEWRIGHT_IR_XF_XFINTERFACES_H
#define TILEWRIGHT_IR_XF_XFINTERFACES_H

#include "mlir/IR/OpDefinition.h"

namespace tilewright::xf {

/// Which elements of its operands one element of a result depends on.
enum class FusionKind {
  /// The same element of each operand, or a broadcast one.
  Elementwise,
  /// Two elements of a row, `getPairDistance()` apart.
  Pairwise,
  /// A whole row.
  RowWise,
  /// Elements are moved, none is computed: reshape, split, concat.
  Movement,
  /// Rows are written into a cache at run-time places.
  CacheWrite,
  /// Rows are read from run-time places.
  Gather,
  /// A row and a whole second matrix.
  Matmul,
  /// A row and the keys and values of its sequence.
  Attention,
  /// A row of logits, down to one token.
  Sampling,
  /// No operand that depends on a step's input.
  Weight,
  /// Already a kernel.
  Kernel,
};

/// How the rows of an op's results use the rows of an operand.
enum class OperandUse {
  /// Row i of the result reads row i.
  Row,
  /// Row i of the result reads the one number i.
  RowScalar,
  /// Every row reads the operand's one row, element by element.
  Column,
  /// Any row may read, or write, any part.
  Whole,
};

/// See XfInterfaces.td.
template <typename ConcreteOp>
class WeightExpression
    : public mlir::OpTrait::TraitBase<ConcreteOp, WeightExpression> {};

/// True if `value` is computed from checkpoint tensors alone, so that it can be
/// computed once, when the model is loaded.
bool isWeightExpression(mlir::Value value);

} // namespace tilewright::xf

#include "ir/xf/XfInterfaces.h.inc"

#endif // TILEWRIGHT_IR_XF_XFINTERFACES_H
