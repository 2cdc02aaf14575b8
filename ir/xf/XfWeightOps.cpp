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

  // regroup_rows_c2
  int64_t period = getPeriod();
  if (period <= 0 || type.getDimSize(0) % period != 0)
    return emitOpError("expects 'period' to divide the ")
           << type.getDimSize(0) << " rows, but got " << period;

  // regroup_rows_c3
  int64_t extent = getExtent();
  if (extent <= 0 || extent > period)
    return emitOpError("expects 'extent' to be in [1, ")
           << period << "], but got " << extent;

  // regroup_rows_c4
  if (getFrom() <= 0 || extent % (2 * getFrom()) != 0)
    return emitOpError("expects 2 * 'from' to divide 'extent' (")
           << extent << "), but got " << getFrom();

  // regroup_rows_c5
  if (getTo() <= 0 || extent % (2 * getTo()) != 0)
    return emitOpError("expects 2 * 'to' to divide 'extent' (")
           << extent << "), but got " << getTo();

  return success();
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
