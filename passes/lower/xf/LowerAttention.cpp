//===- LowerAttention.cpp - What the attention kernels share --------------===//

#include "passes/lower/xf/LowerAttention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace tilewright {

int64_t AttentionPlan::swizzle() const {
  int64_t bytes = headDim * element.getIntOrFloatBitWidth() / 8;
  return target::getDefaultTarget().copies.getWidestSwizzle(bytes);
}

template <typename AttentionLike>
static void readAttributes(AttentionLike op, AttentionPlan &plan) {
  plan.op = op;
  auto query = cast<RankedTensorType>(op.getQuery().getType());
  auto cache = cast<RankedTensorType>(op.getKCache().getType());
  plan.element = query.getElementType();
  plan.qHeads = query.getDimSize(1);
  plan.headDim = query.getDimSize(2);
  plan.kvHeads = cache.getDimSize(1);
  plan.pageSize = cache.getDimSize(2);
  plan.window = op.getWindow();
  plan.scale = op.getScale().convertToFloat();
}

FailureOr<AttentionPlan> readAttentionPlan(xf::KernelOp source) {
  AttentionPlan plan;
  for (Operation &op : source.getBlock()) {
    if (auto whole = dyn_cast<xf::AttentionOp>(op))
      readAttributes(whole, plan);
    if (auto parts = dyn_cast<xf::AttentionPartialOp>(op)) {
      readAttributes(parts, plan);
      plan.splits = parts.getSplits();
    }
  }
  if (!plan.op)
    return source.emitOpError("has no attention in its region");
  if (plan.swizzle() == 0)
    return plan.op->emitOpError("has heads of ")
           << plan.headDim
           << " elements, which are no whole number of 32-byte rows";
  FailureOr<int64_t> blockN = getConfigField(source, "BLOCK_N"),
                     stages = getConfigField(source, "num_stages");
  if (failed(blockN) || failed(stages))
    return failure();
  plan.blockN = *blockN;
  plan.numStages = *stages;
  return plan;
}

KernelSignature makeAttentionSignature(const AttentionPlan &plan,
                                       xf::KernelOp source, StringRef name,
                                       KernelBuilder &b) {
  auto typeOf = [&](Value value) {
    // The result may have its heads flattened; it is stored head by head.
    bool isOutput = !isa<BlockArgument>(value) && !plan.splits;
    Type type = isOutput ? plan.op->getOperand(0).getType() : value.getType();
    return getTensorType(cast<RankedTensorType>(type));
  };
  return KernelSignature(source, name, typeOf, b);
}

AttentionTensors getAttentionTensors(const AttentionPlan &plan,
                                     const KernelSignature &signature) {
  // Attention and its parts have the same operands.
  auto operand = [&](unsigned index) {
    return signature.getOperand(plan.op->getOperand(index));
  };
  return {operand(0),
          operand(1),
          operand(2),
          operand(3),
          operand(4),
          operand(5),
          signature.getResult(0),
          plan.splits ? signature.getResult(1) : Value()};
}

void buildBlockCopy(const AttentionPlan &plan, const KeyRange &range,
                    Value cache, Value blockTable, Value key, Value ring,
                    KernelBuilder &b) {
  auto ringType = cast<tile::RingType>(ring.getType());
  Value stage =
      tile::AcquireOp::create(b, ringType.getBuffers(), ring).getBuffers()[0];
  int64_t rows = std::min(plan.blockN, plan.pageSize);
  auto stageType = cast<tile::SharedType>(stage.getType());
  Value pages = b.size(cache, 0);
  for (int64_t row = 0; row < plan.blockN; row += rows) {
    Value first = b.add(key, row);
    Value inside = b.compare(Compare::Less, first, range.length);
    Value entry =
        b.loadScalar(blockTable, {range.seq, b.div(first, plan.pageSize)});
    // A page number past the last reads as zeros, which weigh nothing.
    Value page = b.select(inside, b.toIndex(entry), pages);
    Value part = stage;
    if (rows != plan.blockN)
      part = tile::SliceOp::create(
          b,
          b.shared({rows, plan.headDim}, stageType.getElementType(),
                   stageType.getSwizzle()),
          stage, ValueRange{}, ArrayRef<int64_t>{row, 0});
    tile::CopyOp::create(
        b, cache,
        ValueRange{page, range.kvHead, b.rem(first, plan.pageSize), b.index(0)},
        part,
        /*barrier=*/Value(), /*slot=*/Value(), b.getDenseI64ArrayAttr({2, 3}),
        DenseI64ArrayAttr(), DenseI64ArrayAttr(), IntegerAttr());
  }
  tile::CommitOp::create(b, ring);
}

float getSoftmaxLowest() { return -1e30f; }

SoftmaxState startSoftmax(int64_t rows, KernelBuilder &b) {
  return {b.splat(getSoftmaxLowest(), {rows, 1}), b.splat(0.0f, {rows, 1})};
}

SoftmaxStep stepSoftmax(const AttentionPlan &plan, Value scores,
                        const SoftmaxState &state, KernelBuilder &b) {
  // e^(scale (s - m)) as 2^(c s - c m): one multiplication and one subtraction.
  float c = plan.scale * std::numbers::log2e_v<float>;
  SoftmaxStep step;
  Value blockMaximum = b.reduce(tile::ReduceKind::Max, scores, 1);
  step.state.maximum = b.maxf(state.maximum, blockMaximum);
  Value shift = b.mulf(step.state.maximum, c);
  step.rescale = b.exp2(b.subf(b.mulf(state.maximum, c), shift));
  step.weights = b.exp2(b.subf(b.mulf(scores, c), shift));
  Value blockSum = b.reduce(tile::ReduceKind::Add, step.weights, 1);
  step.state.sum = b.addf(b.mulf(state.sum, step.rescale), blockSum);
  return step;
}

Value maskScores(const AttentionPlan &plan, Value scores, Value position,
                 bool sameForAllRows, Value key, KernelBuilder &b) {
  SmallVector<int64_t> shape(KernelBuilder::shapeOf(scores));
  Value column =
      b.addi(b.iota(1, {1, shape[1]}), b.splat(b.toI32(key), {1, shape[1]}));
  Value row = b.splat(b.toI32(position), {shape[0], 1});
  if (!sameForAllRows)
    row = b.addi(row, b.iota(0, {shape[0], 1}));
  Value seen = b.compare(Compare::LessEqual, column, row);
  if (plan.window) {
    Value oldest =
        b.addi(row, b.splat(static_cast<int32_t>(-plan.window), {shape[0], 1}));
    seen = arith::AndIOp::create(b, seen,
                                 b.compare(Compare::Greater, column, oldest));
  }
  return b.select(seen, scores,
                  b.splat(-std::numeric_limits<float>::infinity(), shape));
}

Value normalize(Value output, Value sum, KernelBuilder &b) {
  SmallVector<int64_t> shape(KernelBuilder::shapeOf(sum));
  Value empty = b.compare(Compare::Equal, sum, b.splat(0.0f, shape));
  Value inverse =
      b.divf(b.splat(1.0f, shape), b.select(empty, b.splat(1.0f, shape), sum));
  return b.mulf(output, inverse);
}

Value finishSoftmax(const AttentionPlan &plan, Value output, Value sum,
                    KernelBuilder &b) {
  return b.cast(normalize(output, sum, b), plan.element);
}

} // namespace tilewright
