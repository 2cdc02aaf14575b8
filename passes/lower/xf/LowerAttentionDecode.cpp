//===- LowerAttentionDecode.cpp - One new token per sequence --------------===//
// The query heads that share a KV head fill one tile of rows, so that keys and
// values are read once for all of them. A CTA takes one sequence and KV head,
// or one part of the sequence's keys, which LowerAttentionCombine.cpp combines.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/LowerAttention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tilewright {

/// The part of the keys that the CTA has: whole blocks, as many for each part,
/// counted from the block in which the window starts. The last parts may have
/// none.
static void takePart(const AttentionPlan &plan, KeyRange &range,
                     KernelBuilder &b) {
  Value part = tile::ProgramIdOp::create(b, b.getIndexType(), 2);
  Value count =
      b.ceilDiv(arith::SubIOp::create(b, range.end, range.begin), plan.blockN);
  Value keys = b.mul(b.ceilDiv(count, plan.splits), plan.blockN);
  range.begin = arith::AddIOp::create(b, range.begin,
                                      arith::MulIOp::create(b, part, keys));
  range.end = b.min(range.end, arith::AddIOp::create(b, range.begin, keys));
}

/// The keys that the CTA's token sees: from the block in which the window
/// starts, up to the end of the sequence.
static KeyRange findRange(const AttentionPlan &plan,
                          const AttentionTensors &tensors, KernelBuilder &b) {
  KeyRange range;
  range.seq = tile::ProgramIdOp::create(b, b.getIndexType(), 0);
  range.kvHead = tile::ProgramIdOp::create(b, b.getIndexType(), 1);
  range.length = b.toIndex(b.loadScalar(tensors.cacheSeqlens, {range.seq}));
  range.end = range.length;
  range.begin = b.index(0);
  if (plan.window) {
    Value oldest = b.max(b.add(range.length, -plan.window), b.index(0));
    range.begin = b.mul(b.div(oldest, plan.blockN), plan.blockN);
  }
  if (plan.splits)
    takePart(plan, range, b);
  return range;
}

static void buildProducer(const AttentionPlan &plan,
                          const AttentionTensors &tensors, Value kRing,
                          Value vRing, KernelBuilder &b) {
  KeyRange range = findRange(plan, tensors, b);
  auto loop =
      scf::ForOp::create(b, range.begin, range.end, b.index(plan.blockN));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  buildBlockCopy(plan, range, tensors.kCache, tensors.blockTable,
                 loop.getInductionVar(), kRing, b);
  buildBlockCopy(plan, range, tensors.vCache, tensors.blockTable,
                 loop.getInductionVar(), vRing, b);
}

static Value waitFor(Value ring, KernelBuilder &b) {
  return tile::WaitOp::create(
             b, cast<tile::RingType>(ring.getType()).getBuffers(), ring)
      .getBuffers()[0];
}

/// Stores what the CTA has of its query heads: the attention, or a part of it.
static void storeHeads(const AttentionPlan &plan,
                       const AttentionTensors &tensors, Value token, Value head,
                       Value output, const SoftmaxState &state,
                       KernelBuilder &b) {
  int64_t rows = KernelBuilder::shapeOf(output)[0];
  KernelBuilder::StoreOptions store;
  store.mask =
      b.compare(Compare::Less, b.iota(0, {rows, 1}),
                b.splat(static_cast<int32_t>(plan.group()), {rows, 1}));
  if (!plan.splits) {
    store.dims = {1, 2};
    b.store(finishSoftmax(plan, output, state.sum, b), tensors.output,
            {token, head, b.index(0)}, store);
    return;
  }
  Value part = tile::ProgramIdOp::create(b, b.getIndexType(), 2);
  store.dims = {2, 3};
  b.store(normalize(output, state.sum, b), tensors.output,
          {token, part, head, b.index(0)}, store);
  // The logarithm of no sum is minus infinity, as it should be.
  store.dims = {2, -1};
  Value lse = b.addf(b.mulf(state.maximum, plan.scale),
                     math::LogOp::create(b, state.sum));
  b.store(lse, tensors.lse, {token, part, head}, store);
}

static void buildMath(const AttentionPlan &plan,
                      const AttentionTensors &tensors, int64_t rows,
                      Value kRing, Value vRing, KernelBuilder &b) {
  KeyRange range = findRange(plan, tensors, b);
  Value token = b.toIndex(b.loadScalar(tensors.cuSeqlensQ, {range.seq}));
  Value head = b.mul(range.kvHead, plan.group());
  // Rows beyond the group are other heads' queries, or zeros: they are computed
  // along, and not stored.
  KernelBuilder::LoadOptions heads;
  heads.dims = {1, 2};
  Value query = b.load(tensors.query, {token, head, b.index(0)},
                       {rows, plan.headDim}, heads);
  SoftmaxState start = startSoftmax(rows, b);
  Value zero = b.splat(0.0f, {rows, plan.headDim});
  auto loop =
      scf::ForOp::create(b, range.begin, range.end, b.index(plan.blockN),
                         ValueRange{zero, start.maximum, start.sum});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value output = loop.getRegionIterArg(0);
    SoftmaxState state{loop.getRegionIterArg(1), loop.getRegionIterArg(2)};
    Value noScores = b.splat(0.0f, {rows, plan.blockN});
    Value scores = tile::MmaOp::create(
        b, noScores.getType(), query, waitFor(kRing, b), noScores,
        /*transpose_a=*/false, /*transpose_b=*/true);
    scores =
        tile::MmaWaitOp::create(b, scores.getType(), scores, /*in_flight=*/0)
            .getResult(0);
    tile::ReleaseOp::create(b, kRing, Value(), 0);
    scores = maskScores(plan, scores, b.add(range.length, -1),
                        /*sameForAllRows=*/true, loop.getInductionVar(), b);
    SoftmaxStep step = stepSoftmax(plan, scores, state, b);
    output = b.mulf(output, step.rescale);
    Value product = tile::MmaOp::create(
        b, output.getType(), b.cast(step.weights, plan.element),
        waitFor(vRing, b), output,
        /*transpose_a=*/false, /*transpose_b=*/false);
    product =
        tile::MmaWaitOp::create(b, product.getType(), product, /*in_flight=*/0)
            .getResult(0);
    tile::ReleaseOp::create(b, vRing, Value(), 0);
    scf::YieldOp::create(
        b, ValueRange{product, step.state.maximum, step.state.sum});
  }
  storeHeads(plan, tensors, token, head, loop.getResult(0),
             {loop.getResult(1), loop.getResult(2)}, b);
}

LogicalResult lowerAttentionDecode(xf::KernelOp source, StringRef name,
                                   KernelBuilder &b) {
  FailureOr<AttentionPlan> plan = readAttentionPlan(source);
  FailureOr<int64_t> splits = getConfigField(source, "num_splits");
  if (failed(plan) || failed(splits))
    return failure();
  if (*splits != std::max<int64_t>(plan->splits, 1))
    return source.emitError(
        "splits its keys, which xf-split-attention has to make explicit first");
  KernelSignature signature = makeAttentionSignature(*plan, source, name, b);
  AttentionTensors tensors = getAttentionTensors(*plan, signature);
  MLIRContext *context = b.getContext();
  SmallVector<Attribute> grid = {sizeSymbol(context, "seqs"),
                                 sizeConstant(context, plan->kvHeads)};
  if (plan->splits)
    grid.push_back(sizeConstant(context, plan->splits));
  signature.getKernel().setGridAttr(b.getArrayAttr(grid));

  const target::Target &target = target::getDefaultTarget();
  Type block =
      b.shared({plan->blockN, plan->headDim}, plan->element, plan->swizzle());
  auto ringType = tile::RingType::get(context, plan->numStages, {block});
  Value kRing = tile::RingOp::create(b, ringType),
        vRing = tile::RingOp::create(b, ringType);
  const target::MmaShape *mma =
      target.findMma(target::Element::BF16, target::Element::F32);
  target::RoleRegisters registers = target::getRoleRegisters(target, 1);
  {
    OpBuilder::InsertionGuard guard(b);
    openRole("load", 1, /*replicas=*/1, registers.producer, b);
    buildProducer(*plan, tensors, kRing, vRing, b);
  }
  OpBuilder::InsertionGuard guard(b);
  openRole("math", target.threads.warpsPerGroup, /*replicas=*/1, registers.math,
           b);
  buildMath(*plan, tensors, mma->m, kRing, vRing, b);
  return success();
}

} // namespace tilewright
