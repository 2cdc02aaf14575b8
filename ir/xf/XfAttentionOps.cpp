//===- XfAttentionOps.cpp - Rows by index, rope, cache, attention ---------===//

#include "ir/xf/XfOps.h"
#include "ir/xf/XfVerify.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace tilewright::xf {

//===----------------------------------------------------------------------===//
// EmbeddingOp and GatherRowsOp
//===----------------------------------------------------------------------===//

static RankedTensorType gatherType(Value source, Value indices) {
  auto sourceType = cast<RankedTensorType>(source.getType());
  auto indexType = cast<RankedTensorType>(indices.getType());
  return getTensorType({getDim(indexType, 0), getDim(sourceType, 1)},
                       sourceType.getElementType());
}

void EmbeddingOp::build(OpBuilder &builder, OperationState &state, Value source,
                        Value indices) {
  build(builder, state, gatherType(source, indices), source, indices);
}

void GatherRowsOp::build(OpBuilder &builder, OperationState &state,
                         Value source, Value indices) {
  build(builder, state, gatherType(source, indices), source, indices);
}

LogicalResult EmbeddingOp::verify() {
  RankedTensorType tableType = getTable().getType();
  RankedTensorType indexType = getIndices().getType();

  // embedding_c1
  if (failed(expectRank(*this, {"table", tableType}, 2)) ||
      failed(expectStatic(*this, {"table", tableType})))
    return failure();

  // embedding_c2
  if (failed(expectRank(*this, {"indices", indexType}, 1)))
    return failure();

  // embedding_c3
  if (failed(expectShape(*this, {"result", getType()},
                         {getDim(indexType, 0), getDim(tableType, 1)})))
    return failure();

  // embedding_c4
  return expectElementType(*this, {"result", getType()},
                           tableType.getElementType());
}

LogicalResult GatherRowsOp::verify() {
  RankedTensorType inputType = getInput().getType();
  RankedTensorType indexType = getIndices().getType();

  // gather_rows_c1
  if (failed(expectRank(*this, {"input", inputType}, 2)))
    return failure();

  // gather_rows_c2
  if (failed(expectRank(*this, {"indices", indexType}, 1)))
    return failure();

  // gather_rows_c3
  if (failed(expectShape(*this, {"result", getType()},
                         {getDim(indexType, 0), getDim(inputType, 1)})))
    return failure();

  // gather_rows_c4
  return expectElementType(*this, {"result", getType()},
                           inputType.getElementType());
}

//===----------------------------------------------------------------------===//
// RopeOp
//===----------------------------------------------------------------------===//

LogicalResult RopeOp::verify() {
  RankedTensorType inputType = getInput().getType();
  RankedTensorType tableType = getTable().getType();

  // rope_c1
  if (failed(expectStaticInner(*this, {"input", inputType}, 3)))
    return failure();

  // rope_c2
  if (!tableType.hasStaticShape() || tableType.getRank() != 3 ||
      tableType.getDimSize(2) != 2)
    return emitOpError("expects 'table' to have a static shape [positions, "
                       "frequencies, 2], but got ")
           << tableType;

  // rope_c3
  int64_t rotated = 2 * tableType.getDimSize(1);
  if (rotated > inputType.getDimSize(2))
    return emitOpError("expects 'table' to rotate at most ")
           << inputType.getDimSize(2) << " elements, but got " << rotated;

  // rope_c4
  if (failed(expectShape(*this, {"positions", getPositions().getType()},
                         getDim(inputType, 0))))
    return failure();

  // rope_c5
  if (getPairDistance() <= 0 || rotated % (2 * getPairDistance()) != 0)
    return emitOpError("expects 2 * 'pair_distance' to divide the ")
           << rotated << " rotated elements, but got " << getPairDistance();

  return success();
}

//===----------------------------------------------------------------------===//
// CacheAppendOp and AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult CacheAppendOp::verify() {
  RankedTensorType cacheType = getCache().getType();
  RankedTensorType inputType = getInput().getType();

  // cache_append_c1
  if (failed(expectStaticInner(*this, {"cache", cacheType}, 4)))
    return failure();

  // cache_append_c2
  if (failed(expectRank(*this, {"input", inputType}, 3)) ||
      failed(expectShape(
          *this, {"input", inputType},
          {getDim(inputType, 0), getDim(cacheType, 1), getDim(cacheType, 3)})))
    return failure();

  // cache_append_c3
  if (failed(expectElementType(*this, {"input", inputType},
                               cacheType.getElementType())))
    return failure();

  // cache_append_c4
  return expectShape(*this, {"slot_mapping", getSlotMapping().getType()},
                     getDim(inputType, 0));
}

/// What attention and its parts have in common.
template <typename AttentionLike>
static LogicalResult verifyAttention(AttentionLike op) {
  RankedTensorType queryType = op.getQuery().getType();
  RankedTensorType cacheType = op.getKCache().getType();
  RankedTensorType blockType = op.getBlockTable().getType();

  // attention_c1
  // attention_partial_c1
  if (failed(expectStaticInner(op, {"query", queryType}, 3)))
    return failure();

  // attention_c2
  // attention_partial_c2
  if (failed(expectStaticInner(op, {"k_cache", cacheType}, 4)) ||
      failed(expectShape(op, {"k_cache", cacheType},
                         {getDim(cacheType, 0), getDim(cacheType, 1),
                          getDim(cacheType, 2), getDim(queryType, 2)})))
    return failure();

  // attention_c3
  // attention_partial_c3
  if (failed(expectElementType(op, {"k_cache", cacheType},
                               queryType.getElementType())))
    return failure();

  // attention_c4
  // attention_partial_c4
  int64_t queryHeads = queryType.getDimSize(1);
  int64_t kvHeads = cacheType.getDimSize(1);
  if (kvHeads == 0 || queryHeads % kvHeads != 0)
    return op.emitOpError("expects the number of KV heads to divide the ")
           << queryHeads << " query heads, but got " << kvHeads;

  // attention_c5
  // attention_partial_c5
  if (failed(expectRank(op, {"block_table", blockType}, 2)))
    return failure();

  // attention_c6
  // attention_partial_c6
  Dim sequences = getDim(blockType, 0);
  if (failed(expectShape(op, {"cu_seqlens_q", op.getCuSeqlensQ().getType()},
                         sequences.plus(1))))
    return failure();

  // attention_c7
  // attention_partial_c7
  if (failed(expectShape(op, {"cache_seqlens", op.getCacheSeqlens().getType()},
                         sequences)))
    return failure();

  // attention_c8
  // attention_partial_c8
  if (op.getWindow() < 0)
    return op.emitOpError("expects 'window' not to be negative, but got ")
           << op.getWindow();

  // attention_c9
  // attention_partial_c9
  if (!op.getScale().isFinite())
    return op.emitOpError("expects 'scale' to be finite");

  return success();
}

LogicalResult AttentionOp::verify() { return verifyAttention(*this); }

//===----------------------------------------------------------------------===//
// AttentionPartialOp and AttentionCombineOp
//===----------------------------------------------------------------------===//

void AttentionPartialOp::build(OpBuilder &builder, OperationState &state,
                               AttentionOp whole, int64_t splits,
                               int64_t block) {
  RankedTensorType query = whole.getQuery().getType();
  SmallVector<Dim> dims = getDims(query);
  dims.insert(dims.begin() + 1, Dim::fixed(splits));
  Type partial = getTensorType(dims, builder.getF32Type());
  dims.pop_back();
  Type lse = getTensorType(dims, builder.getF32Type());
  build(builder, state, {partial, lse}, whole.getQuery(), whole.getKCache(),
        whole.getVCache(), whole.getBlockTable(), whole.getCuSeqlensQ(),
        whole.getCacheSeqlens(), whole.getScaleAttr(), whole.getWindowAttr(),
        builder.getI64IntegerAttr(splits), builder.getI64IntegerAttr(block));
}

LogicalResult AttentionPartialOp::verify() {
  if (failed(verifyAttention(*this)))
    return failure();

  // attention_partial_c10
  if (failed(expectPositive(*this, "splits", getSplits())))
    return failure();

  // attention_partial_c11
  if (failed(expectPositive(*this, "block", getBlock())))
    return failure();

  // attention_partial_c12
  RankedTensorType queryType = getQuery().getType();
  Dim tokens = getDim(queryType, 0), heads = getDim(queryType, 1);
  Dim splits = Dim::fixed(getSplits());
  if (failed(expectShape(*this, {"partial", getPartial().getType()},
                         {tokens, splits, heads, getDim(queryType, 2)})))
    return failure();

  // attention_partial_c13
  return expectShape(*this, {"lse", getLse().getType()},
                     {tokens, splits, heads});
}

LogicalResult AttentionCombineOp::verify() {
  RankedTensorType partialType = getPartial().getType();

  // attention_combine_c1
  if (failed(expectStaticInner(*this, {"partial", partialType}, 4)))
    return failure();

  // attention_combine_c2
  SmallVector<Dim> dims = getDims(partialType);
  if (failed(expectShape(*this, {"lse", getLse().getType()},
                         ArrayRef<Dim>(dims).drop_back())))
    return failure();

  // attention_combine_c3
  dims.erase(dims.begin() + 1);
  return expectShape(*this, {"result", getType()}, dims);
}

} // namespace tilewright::xf
