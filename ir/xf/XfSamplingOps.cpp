//===- XfSamplingOps.cpp - From logits to tokens --------------------------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tilewright::xf {

/// One i32 per row of the logits.
static RankedTensorType tokenType(OpBuilder &builder, Value logits) {
  auto type = cast<RankedTensorType>(logits.getType());
  return getTensorType(getDim(type, 0), builder.getI32Type());
}

static LogicalResult expectLogits(Operation *op, RankedTensorType type) {
  if (failed(expectRank(op, {"logits", type}, 2)) ||
      failed(expectStaticRows(op, {"logits", type})))
    return failure();
  if (type.getDimSize(1) > 0)
    return success();
  return op->emitOpError("expects 'logits' to have a last dimension above 0, "
                         "but got ")
         << type;
}

void ArgmaxOp::build(OpBuilder &builder, OperationState &state, Value logits) {
  build(builder, state, tokenType(builder, logits), logits);
}

LogicalResult ArgmaxOp::verify() {
  RankedTensorType logitsType = getLogits().getType();

  // argmax_c1
  if (failed(expectLogits(*this, logitsType)))
    return failure();

  // argmax_c2
  return expectShape(*this, {"result", getType()}, getDim(logitsType, 0));
}

void SampleOp::build(OpBuilder &builder, OperationState &state, Value logits,
                     Value temperature, Value topK, Value topP, Value seed,
                     Value sampleIndex) {
  build(builder, state, tokenType(builder, logits), logits, temperature, topK,
        topP, seed, sampleIndex);
}

LogicalResult SampleOp::verify() {
  RankedTensorType logitsType = getLogits().getType();

  // sample_c1
  if (failed(expectLogits(*this, logitsType)))
    return failure();
  Dim rows = getDim(logitsType, 0);

  // sample_c2
  if (failed(expectShape(*this, {"temperature", getTemperature().getType()},
                         rows)))
    return failure();

  // sample_c3
  if (failed(expectShape(*this, {"top_k", getTopK().getType()}, rows)))
    return failure();

  // sample_c4
  if (failed(expectShape(*this, {"top_p", getTopP().getType()}, rows)))
    return failure();

  // sample_c5
  if (failed(expectShape(*this, {"seed", getSeed().getType()}, rows)))
    return failure();

  // sample_c6
  if (failed(expectShape(*this, {"sample_index", getSampleIndex().getType()},
                         rows)))
    return failure();

  // sample_c7
  return expectShape(*this, {"result", getType()}, rows);
}

} // namespace tilewright::xf
