//===- LowerAttentionCombine.cpp - Attention of its parts -----------------===//
// Behind LowerAttentionDecode.cpp, where that divided the keys. A CTA takes
// some heads of one token. The number of parts is known here, so that all loads
// are under way at once.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/LowerAttention.h"

using namespace mlir;

namespace tilewright {

namespace {
/// Where a CTA works, and on what.
struct CombinePlan {
  int64_t splits, heads, headDim;
  int64_t rows; // heads of a CTA
  Value partial, lse, token, head;
};
} // namespace

/// Each part's share, not yet divided by `sum`; fragments of one number per
/// head.
static SmallVector<Value> weighParts(const CombinePlan &plan, Value &sum,
                                     KernelBuilder &b) {
  KernelBuilder::LoadOptions options;
  options.dims = {2, -1};
  SmallVector<Value> weights;
  // Not minus infinity, from which it could not be subtracted.
  Value maximum = b.splat(getSoftmaxLowest(), {plan.rows, 1});
  for (int64_t part = 0; part < plan.splits; ++part) {
    weights.push_back(b.load(plan.lse, {plan.token, b.index(part), plan.head},
                             {plan.rows, 1}, options));
    maximum = b.maxf(maximum, weights.back());
  }
  sum = b.splat(0.0f, {plan.rows, 1});
  for (Value &weight : weights) {
    weight = b.exp(b.subf(weight, maximum));
    sum = b.addf(sum, weight);
  }
  return weights;
}

static Value combineParts(const CombinePlan &plan, KernelBuilder &b) {
  KernelBuilder::LoadOptions options;
  options.dims = {2, 3};
  SmallVector<Value> parts;
  for (int64_t part = 0; part < plan.splits; ++part)
    parts.push_back(b.load(plan.partial,
                           {plan.token, b.index(part), plan.head, b.index(0)},
                           {plan.rows, plan.headDim}, options));
  Value sum;
  SmallVector<Value> weights = weighParts(plan, sum, b);
  Value output = b.mulf(parts[0], weights[0]);
  for (int64_t part = 1; part < plan.splits; ++part)
    output = b.addf(output, b.mulf(parts[part], weights[part]));
  return normalize(output, sum, b);
}

LogicalResult lowerAttentionCombine(xf::KernelOp source, StringRef name,
                                    KernelBuilder &b) {
  auto op = *source.getBlock().getOps<xf::AttentionCombineOp>().begin();
  FailureOr<int64_t> warps = getConfigField(source, "warps"),
                     rows = getConfigField(source, "ROWS");
  if (failed(warps) || failed(rows))
    return failure();
  auto typeOf = [&](Value value) {
    // The result may have its heads flattened; it is stored head by head.
    Type type = isa<BlockArgument>(value) ? value.getType() : op.getType();
    return getTensorType(cast<RankedTensorType>(type));
  };
  KernelSignature signature(source, name, typeOf, b);
  ArrayRef<int64_t> shape = op.getPartial().getType().getShape();
  CombinePlan plan{shape[1],
                   shape[2],
                   shape[3],
                   *rows,
                   signature.getOperand(op.getPartial()),
                   signature.getOperand(op.getLse()),
                   Value(),
                   Value()};
  tile::KernelOp kernel = signature.getKernel();
  kernel.setWarps(*warps);
  MLIRContext *context = b.getContext();
  kernel.setGridAttr(b.getArrayAttr(
      {getSizeExpression(context, xf::getDim(op.getType(), 0)),
       sizeConstant(context, llvm::divideCeil(plan.heads, plan.rows))}));

  plan.token = tile::ProgramIdOp::create(b, b.getIndexType(), 0);
  plan.head =
      b.mul(tile::ProgramIdOp::create(b, b.getIndexType(), 1), plan.rows);
  Value result = b.cast(combineParts(plan, b), op.getType().getElementType());
  KernelBuilder::StoreOptions store;
  store.dims = {1, 2};
  b.store(result, signature.getResult(0), {plan.token, plan.head, b.index(0)},
          store);
  return success();
}

} // namespace tilewright
