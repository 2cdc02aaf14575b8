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

LogicalResult AttentionOp::verify() {
  RankedTensorType queryType = getQuery().getType();
  RankedTensorType cacheType = getKCache().getType();
  RankedTensorType blockType = getBlockTable().getType();

  // attention_c1
  if (failed(expectStaticInner(*this, {"query", queryType}, 3)))
    return failure();

  // attention_c2
  if (failed(expectStaticInner(*this, {"k_cache", cacheType}, 4)) ||
      failed(expectShape(*this, {"k_cache", cacheType},
                         {getDim(cacheType, 0), getDim(cacheType, 1),
                          getDim(cacheType, 2), getDim(queryType, 2)})))
    return failure();

  // attention_c3
  if (failed(expectElementType(*this, {"k_cache", cacheType},
                               queryType.getElementType())))
    return failure();

  // attention_c4
  int64_t queryHeads = queryType.getDimSize(1);
  int64_t kvHeads = cacheType.getDimSize(1);
  if (kvHeads == 0 || queryHeads % kvHeads != 0)
    return emitOpError("expects the number of KV heads to divide the ")
           << queryHeads << " query heads, but got " << kvHeads;

  // attention_c5
  if (failed(expectRank(*this, {"block_table", blockType}, 2)))
    return failure();

  // attention_c6
  Dim sequences = getDim(blockType, 0);
  if (failed(expectShape(*this, {"cu_seqlens_q", getCuSeqlensQ().getType()},
                         sequences.plus(1))))
    return failure();

  // attention_c7
  if (failed(expectShape(*this, {"cache_seqlens", getCacheSeqlens().getType()},
                         sequences)))
    return failure();

  // attention_c8
  if (getWindow() < 0)
    return emitOpError("expects 'window' not to be negative, but got ")
           << getWindow();

  // attention_c9
  if (!getScale().isFinite())
    return emitOpError("expects 'scale' to be finite");

  return success();
}

} // namespace tilewright::xf
