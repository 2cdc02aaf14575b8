//===- LowerAttentionPrefill.cpp - Many query tokens of one head ----------===//
// After FlashAttention-3 (arXiv 2407.08608): a producer warp, and two math
// warpgroups with a tile of queries each. They take turns at the tensor cores,
// and within one, the softmax of a block runs under the products of the next.
// P never leaves registers.
//===----------------------------------------------------------------------===//

#include "passes/lower/xf/LowerAttention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace tilewright {

namespace {
struct PrefillPlan : AttentionPlan {
  int64_t blockM = 0, replicas = 0;
  int64_t rows() const { return blockM / replicas; }
};

/// A CTA's tile of queries; run-time values of type index.
struct QueryTile {
  KeyRange keys;
  Value head;
  Value token;    // first token of the tile, in the batch
  Value rows;     // tokens of the tile in this sequence; 0: nothing to do
  Value position; // of the first token, in its sequence
};
} // namespace

/// Finds the sequence and the tile for this CTA. The grid has room for the
/// partly filled last tile of every sequence; CTAs left over get no rows.
/// Within a sequence, the last tile, which sees most keys, goes first, of all
/// heads; whoever makes the batch puts the longest sequences first.
static QueryTile findTile(const PrefillPlan &plan,
                          const AttentionTensors &tensors, KernelBuilder &b) {
  Value tile = tile::ProgramIdOp::create(b, b.getIndexType(), 1);
  Value none = b.index(-1), seqs = b.size(tensors.cacheSeqlens, 0);
  auto first = [&](Value seq) {
    return b.toIndex(b.loadScalar(tensors.cuSeqlensQ, {seq}));
  };
  // Carries: tiles still to skip, and the sequence once it is found.
  auto search = scf::ForOp::create(b, b.index(0), seqs, b.index(1),
                                   ValueRange{tile, none});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(search.getBody());
    Value seq = search.getInductionVar(), left = search.getRegionIterArg(0),
          found = search.getRegionIterArg(1);
    Value count = arith::SubIOp::create(b, first(b.add(seq, 1)), first(seq));
    Value tiles = b.ceilDiv(count, plan.blockM);
    Value searching = b.compare(Compare::Less, found, b.index(0));
    Value here = arith::AndIOp::create(b, searching,
                                       b.compare(Compare::Less, left, tiles));
    Value skip = arith::SubIOp::create(b, left, tiles);
    Value goesOn = arith::AndIOp::create(
        b, searching, b.compare(Compare::GreaterEqual, left, tiles));
    scf::YieldOp::create(b, ValueRange{b.select(goesOn, skip, left),
                                       b.select(here, seq, found)});
  }
  Value found =
      b.compare(Compare::GreaterEqual, search.getResult(1), b.index(0));
  QueryTile result;
  result.head = tile::ProgramIdOp::create(b, b.getIndexType(), 0);
  result.keys.kvHead = b.div(result.head, plan.group());
  result.keys.seq = b.select(found, search.getResult(1), b.index(0));
  Value start = first(result.keys.seq), end = first(b.add(result.keys.seq, 1));
  Value count = arith::SubIOp::create(b, end, start);
  Value last = b.add(b.ceilDiv(count, plan.blockM), -1);
  Value offset =
      b.mul(arith::SubIOp::create(b, last, search.getResult(0)), plan.blockM);
  Value rows =
      b.min(arith::SubIOp::create(b, count, offset), b.index(plan.blockM));
  result.rows = b.select(found, rows, b.index(0));
  result.token = b.select(
      found, arith::AddIOp::create(b, start, offset).getResult(), b.index(0));
  result.keys.length =
      b.toIndex(b.loadScalar(tensors.cacheSeqlens, {result.keys.seq}));
  result.position = arith::AddIOp::create(
      b, arith::SubIOp::create(b, result.keys.length, count), offset);
  // Causal: the tile's last row stands at its last key.
  result.keys.end = arith::AddIOp::create(b, result.position, result.rows);
  result.keys.begin = b.index(0);
  if (plan.window) {
    Value oldest = b.max(b.add(result.position, 1 - plan.window), b.index(0));
    result.keys.begin = b.mul(b.div(oldest, plan.blockN), plan.blockN);
  }
  return result;
}

/// Opens `if` the CTA has rows, and moves the builder inside.
static void openIfRows(const QueryTile &tile, KernelBuilder &b) {
  Value some = b.compare(Compare::Greater, tile.rows, b.index(0));
  b.setInsertionPointToStart(
      scf::IfOp::create(b, some, /*withElse=*/false).thenBlock());
}

static void buildProducer(const PrefillPlan &plan,
                          const AttentionTensors &tensors, Value qRing,
                          Value kRing, Value vRing, KernelBuilder &b) {
  QueryTile tile = findTile(plan, tensors, b);
  OpBuilder::InsertionGuard guard(b);
  openIfRows(tile, b);
  Value queries =
      tile::AcquireOp::create(
          b, cast<tile::RingType>(qRing.getType()).getBuffers(), qRing)
          .getBuffers()[0];
  tile::CopyOp::create(b, tensors.query,
                       ValueRange{tile.token, tile.head, b.index(0)}, queries,
                       Value(), Value(), b.getDenseI64ArrayAttr({0, 2}),
                       DenseI64ArrayAttr(), DenseI64ArrayAttr(), IntegerAttr());
  tile::CommitOp::create(b, qRing);
  auto loop = scf::ForOp::create(b, tile.keys.begin, tile.keys.end,
                                 b.index(plan.blockN));
  b.setInsertionPointToStart(loop.getBody());
  buildBlockCopy(plan, tile.keys, tensors.kCache, tensors.blockTable,
                 loop.getInductionVar(), kRing, b);
  buildBlockCopy(plan, tile.keys, tensors.vCache, tensors.blockTable,
                 loop.getInductionVar(), vRing, b);
}

namespace {
/// One math warpgroup's pass over the keys.
class PrefillMath {
public:
  PrefillMath(const PrefillPlan &plan, const AttentionTensors &tensors,
              KernelBuilder &b)
      : plan(plan), tensors(tensors), b(b), element(plan.element) {}
  void build(Value replica, Value qRing, Value kRing, Value vRing, Value order);

private:
  /// Issues the product of the queries with the next block of keys.
  Value issueScores() {
    Value zero = b.splat(0.0f, {plan.rows(), plan.blockN});
    return tile::MmaOp::create(b, zero.getType(), queries, next(kRing), zero,
                               /*transpose_a=*/false,
                               /*transpose_b=*/true);
  }
  /// Issues the product of weights with the next block of values.
  Value issueOutput(Value weights, Value output) {
    return tile::MmaOp::create(b, output.getType(), weights, next(vRing),
                               output, /*transpose_a=*/false,
                               /*transpose_b=*/false);
  }
  Value next(Value ring) {
    return tile::WaitOp::create(
               b, cast<tile::RingType>(ring.getType()).getBuffers(), ring)
        .getBuffers()[0];
  }
  Value finish(Value product, int64_t inFlight) {
    return tile::MmaWaitOp::create(b, product.getType(), product, inFlight)
        .getResult(0);
  }
  void turn(tile::TurnKind kind) {
    if (order)
      tile::TurnOp::create(b, kind, order);
  }
  /// Masks only blocks that some row does not see all of.
  Value mask(Value scores, Value key) {
    Value hidden =
        b.compare(Compare::Greater, b.add(key, plan.blockN - 1), position);
    if (plan.window) {
      Value last = b.add(position, plan.rows() - plan.window);
      hidden =
          arith::OrIOp::create(b, hidden, b.compare(Compare::Less, key, last));
    }
    auto masked =
        scf::IfOp::create(b, scores.getType(), hidden, /*withElse=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(masked.thenBlock());
    scf::YieldOp::create(b, maskScores(plan, scores, position,
                                       /*sameForAllRows=*/false, key, b));
    b.setInsertionPointToStart(masked.elseBlock());
    scf::YieldOp::create(b, scores);
    return masked.getResult(0);
  }
  scf::ForOp buildLoop(Value begin, Value end, const SoftmaxStep &first);
  void storeRows(Value result, const QueryTile &tile, Value rowOffset);

  const PrefillPlan &plan;
  const AttentionTensors &tensors;
  KernelBuilder &b;
  Type element;
  Value queries, kRing, vRing, order, position;
};
} // namespace

/// Blocks after the first. Carried: output, maximum, sum, and the weights of
/// the block before, whose product with the values is still to be issued.
scf::ForOp PrefillMath::buildLoop(Value begin, Value end,
                                  const SoftmaxStep &first) {
  Value zero = b.splat(0.0f, {plan.rows(), plan.headDim});
  auto loop =
      scf::ForOp::create(b, begin, end, b.index(plan.blockN),
                         ValueRange{zero, first.state.maximum, first.state.sum,
                                    b.cast(first.weights, element)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SoftmaxState state{loop.getRegionIterArg(1), loop.getRegionIterArg(2)};
  turn(tile::TurnKind::Wait);
  Value scores = issueScores();
  Value output =
      issueOutput(loop.getRegionIterArg(3), loop.getRegionIterArg(0));
  turn(tile::TurnKind::Pass);
  scores = finish(scores, /*inFlight=*/1);
  tile::ReleaseOp::create(b, kRing, Value(), 0);
  SoftmaxStep step =
      stepSoftmax(plan, mask(scores, loop.getInductionVar()), state, b);
  output = finish(output, /*inFlight=*/0);
  tile::ReleaseOp::create(b, vRing, Value(), 0);
  scf::YieldOp::create(b, ValueRange{b.mulf(output, step.rescale),
                                     step.state.maximum, step.state.sum,
                                     b.cast(step.weights, element)});
  return loop;
}

void PrefillMath::storeRows(Value result, const QueryTile &tile,
                            Value rowOffset) {
  int64_t rows = plan.rows();
  Value row =
      b.addi(b.iota(0, {rows, 1}), b.splat(b.toI32(rowOffset), {rows, 1}));
  KernelBuilder::StoreOptions store;
  store.dims = {0, 2};
  // The next sequence's rows follow in the batch.
  store.mask =
      b.compare(Compare::Less, row, b.splat(b.toI32(tile.rows), {rows, 1}));
  b.store(
      result, tensors.output,
      {arith::AddIOp::create(b, tile.token, rowOffset), tile.head, b.index(0)},
      store);
}

void PrefillMath::build(Value replica, Value qRing, Value keys, Value values,
                        Value turns) {
  kRing = keys, vRing = values, order = turns;
  QueryTile tile = findTile(plan, tensors, b);
  OpBuilder::InsertionGuard guard(b);
  openIfRows(tile, b);
  Value rowOffset = replica ? b.mul(replica, plan.rows()) : b.index(0);
  position = arith::AddIOp::create(b, tile.position, rowOffset);
  Value allQueries = next(qRing);
  auto type = cast<tile::SharedType>(allQueries.getType());
  queries = allQueries;
  if (replica)
    queries = tile::SliceOp::create(
        b, b.shared({plan.rows(), plan.headDim}, element, type.getSwizzle()),
        allQueries, ValueRange{rowOffset},
        ArrayRef<int64_t>{ShapedType::kDynamic, 0});

  turn(tile::TurnKind::Wait);
  Value scores = issueScores();
  turn(tile::TurnKind::Pass);
  scores = finish(scores, /*inFlight=*/0);
  tile::ReleaseOp::create(b, kRing, Value(), 0);
  SoftmaxStep first = stepSoftmax(plan, mask(scores, tile.keys.begin),
                                  startSoftmax(plan.rows(), b), b);
  scf::ForOp loop =
      buildLoop(b.add(tile.keys.begin, plan.blockN), tile.keys.end, first);
  Value output =
      finish(issueOutput(loop.getResult(3), loop.getResult(0)), /*inFlight=*/0);
  tile::ReleaseOp::create(b, vRing, Value(), 0);
  tile::ReleaseOp::create(b, qRing, Value(), 0);
  storeRows(finishSoftmax(plan, output, loop.getResult(2), b), tile, rowOffset);
}

LogicalResult lowerAttentionPrefill(xf::KernelOp source, StringRef name,
                                    KernelBuilder &b) {
  FailureOr<AttentionPlan> common = readAttentionPlan(source);
  FailureOr<int64_t> blockM = getConfigField(source, "BLOCK_M"),
                     warpgroups = getConfigField(source, "math_warpgroups");
  if (failed(common) || failed(blockM) || failed(warpgroups))
    return failure();
  PrefillPlan plan{*common};
  plan.blockM = *blockM;
  plan.replicas = *warpgroups;
  KernelSignature signature = makeAttentionSignature(plan, source, name, b);
  AttentionTensors tensors = getAttentionTensors(plan, signature);
  MLIRContext *context = b.getContext();
  Attribute tokens = sizeSymbol(context, "tokens"),
            seqs = sizeSymbol(context, "seqs");
  Attribute tiles = sizeOp(
      "add", sizeOp("ceildiv", tokens, sizeConstant(context, plan.blockM)),
      seqs);
  signature.getKernel().setGridAttr(
      b.getArrayAttr({sizeConstant(context, plan.qHeads), tiles}));

  const target::Target &target = target::getDefaultTarget();
  Type element = plan.element;
  auto ringOf = [&](int64_t stages, int64_t rows) -> Value {
    Type block = b.shared({rows, plan.headDim}, element, plan.swizzle());
    return tile::RingOp::create(b,
                                tile::RingType::get(context, stages, {block}));
  };
  Value qRing = ringOf(1, plan.blockM);
  Value kRing = ringOf(plan.numStages, plan.blockN),
        vRing = ringOf(plan.numStages, plan.blockN);
  Value order;
  if (plan.replicas > 1)
    order = tile::OrderOp::create(b, tile::OrderType::get(context));
  target::RoleRegisters registers =
      target::getRoleRegisters(target, plan.replicas);
  {
    OpBuilder::InsertionGuard guard(b);
    openRole("load", 1, /*replicas=*/1, registers.producer, b);
    buildProducer(plan, tensors, qRing, kRing, vRing, b);
  }
  OpBuilder::InsertionGuard guard(b);
  tile::RoleOp role = openRole("math", target.threads.warpsPerGroup,
                               plan.replicas, registers.math, b);
  Value replica =
      plan.replicas > 1 ? Value(role.getBodyBlock()->getArgument(0)) : Value();
  PrefillMath(plan, tensors, b).build(replica, qRing, kRing, vRing, order);
  return success();
}

} // namespace tilewright
