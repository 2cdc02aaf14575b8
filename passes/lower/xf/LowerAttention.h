//===- LowerAttention.h - What the attention kernels share ----------------===//
#ifndef TILEWRIGHT_PASSES_LOWER_XF_LOWERATTENTION_H
#define TILEWRIGHT_PASSES_LOWER_XF_LOWERATTENTION_H

#include "passes/lower/xf/Families.h"

namespace tilewright {

/// Shapes and attributes of a region with `xf.attention`, or with its parts.
struct AttentionPlan {
  mlir::Operation *op = nullptr;
  mlir::Type element; // of queries, keys and values
  int64_t qHeads = 0, kvHeads = 0, headDim = 0, pageSize = 0, window = 0;
  int64_t blockN = 0, numStages = 0;
  int64_t splits = 0; // parts of the keys; 0: the keys are not divided
  float scale = 0;

  int64_t group() const { return qHeads / kvHeads; }
  /// The widest swizzle whose span divides a row of a head.
  int64_t swizzle() const;
};

mlir::FailureOr<AttentionPlan> readAttentionPlan(xf::KernelOp source);

/// Global tensors of an attention kernel.
struct AttentionTensors {
  mlir::Value query, kCache, vCache, blockTable, cuSeqlensQ, cacheSeqlens,
      output;
  mlir::Value lse; // of parts only
};

/// Makes the tile.kernel; queries and outputs keep their heads as a dimension.
KernelSignature makeAttentionSignature(const AttentionPlan &plan,
                                       xf::KernelOp source,
                                       llvm::StringRef name,
                                       KernelBuilder &builder);
AttentionTensors getAttentionTensors(const AttentionPlan &plan,
                                     const KernelSignature &signature);

/// Where a CTA works. Everything but the counts in `plan` is a run-time value:
/// `seq`, `kvHead`, `begin` and `end` of type index, in keys, `begin` a
/// multiple of a block; `length` the keys of the sequence.
struct KeyRange {
  mlir::Value seq, kvHead, begin, end, length;
};

/// Copies one block of keys (or values) from `key` on into the acquired stage
/// of `ring`, page by page. Pages past the sequence's end read as zeros.
void buildBlockCopy(const AttentionPlan &plan, const KeyRange &range,
                    mlir::Value cache, mlir::Value blockTable, mlir::Value key,
                    mlir::Value ring, KernelBuilder &builder);

/// Running state of the softmax of a tile's rows; fragments.
struct SoftmaxState {
  mlir::Value maximum, sum; // [M, 1]
};

/// A finite number below every score: unlike minus infinity, it can be
/// subtracted from itself.
float getSoftmaxLowest();
SoftmaxState startSoftmax(int64_t rows, KernelBuilder &builder);

struct SoftmaxStep {
  SoftmaxState state;
  mlir::Value weights; // f32, [M, N]
  mlir::Value rescale; // [M, 1]: what the output so far is to be multiplied by
};

/// One block of scores, in f32, unscaled, masked with minus infinity.
SoftmaxStep stepSoftmax(const AttentionPlan &plan, mlir::Value scores,
                        const SoftmaxState &state, KernelBuilder &builder);

/// Scores with those of keys that a row does not see set to minus infinity. Row
/// r stands at `position + r`, column c is key `key + c` of `length`; both
/// index.
mlir::Value maskScores(const AttentionPlan &plan, mlir::Value scores,
                       mlir::Value position, bool sameForAllRows,
                       mlir::Value key, KernelBuilder &builder);

/// `output / sum`, zero where a row saw no key.
mlir::Value normalize(mlir::Value output, mlir::Value sum,
                      KernelBuilder &builder);

/// The same, in the query's type.
mlir::Value finishSoftmax(const AttentionPlan &plan, mlir::Value output,
                          mlir::Value sum, KernelBuilder &builder);

} // namespace tilewright

#endif // TILEWRIGHT_PASSES_LOWER_XF_LOWERATTENTION_H
