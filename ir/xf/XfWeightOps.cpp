//===- XfWeightOps.cpp - Verifiers of weights and their layout ------------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfVerify.h"

using namespace mlir;

namespace tilewright::xf {

LogicalResult WeightOp::verify() {
  // weight_c1
  if (getName().empty())
    return emitOpError("expects 'name' not to be empty");

  // weight_c2
  if (!isa<BFloat16Type, Float16Type, Float32Type>(getSourceDtype()))
    return emitOpError(
               "expects 'source_dtype' to be bf16, f16 or f32, but got ")
           << getSourceDtype();

  // weight_c3
  return expectStatic(*this, {"result", getType()});
}

LogicalResult RopeTableOp::verify() {
  RankedTensorType type = getType();

  // rope_table_c1
  if (!type.hasStaticShape() || type.getRank() != 3 ||
      type.getDimSize(2) != 2 || type.getNumElements() == 0)
    return emitOpError("expects 'result' to have a static shape [positions, "
                       "frequencies, 2], but got ")
           << type;

  // rope_table_c2
  return expectPositive(*this, "theta", getTheta());
}

LogicalResult RegroupRowsOp::verify() {
  RankedTensorType type = getType();

  // regroup_rows_c1
  if (failed(expectRankAtLeast(*this, {"input", type}, 1)) ||
      failed(expectStatic(*this, {"input", type})))
    return failure();

  return expectRegrouping(*this, "rows", type.getDimSize(0),
                          {int64_t(getPeriod()), int64_t(getExtent()),
                           int64_t(getFrom()), int64_t(getTo())});
}

LogicalResult ScaleColumnsOp::verify() {
  RankedTensorType type = getType();

  // scale_columns_c1
  if (failed(expectRank(*this, {"input", type}, 2)) ||
      failed(expectStatic(*this, {"input", type})))
    return failure();

  // scale_columns_c2
  return expectShape(*this, {"scale", getScale().getType()}, getDim(type, 1));
}

} // namespace tilewright::xf
