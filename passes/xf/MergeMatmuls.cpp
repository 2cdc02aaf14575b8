//===- MergeMatmuls.cpp - One matmul of several on the same input ---------===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_MERGEMATMULS
#include "passes/Passes.h.inc"

/// Moves `value` and what it is computed from above `before`. Weight
/// expressions have no side effects and no operands but each other.
static void hoistAbove(Value value, Operation *before) {
  Operation *op = value.getDefiningOp();
  if (op->getBlock() != before->getBlock() || op->isBeforeInBlock(before))
    return;
  for (Value operand : op->getOperands())
    hoistAbove(operand, before);
  op->moveBefore(before);
}

/// The addition of a bias that is all that uses `matmul`, or null. A bias is a
/// vector of the checkpoint that nobody else uses.
static xf::AddOp findBias(xf::MatmulOp matmul) {
  if (!matmul->hasOneUse())
    return nullptr;
  auto add = dyn_cast<xf::AddOp>(*matmul->user_begin());
  bool isBias = add && add.getLhs() == matmul.getResult() &&
                add.isRowBroadcast() && xf::isWeightExpression(add.getRhs()) &&
                add.getRhs().hasOneUse();
  return isBias ? add : nullptr;
}

/// Adds all biases to `merged` at once, and puts the matmuls in the place of
/// their sums. Gives `merged` back where not every matmul has a bias.
static Value mergeBiases(ArrayRef<xf::MatmulOp> matmuls, Value merged,
                         OpBuilder &builder) {
  SmallVector<Value> biases;
  for (xf::MatmulOp matmul : matmuls) {
    xf::AddOp add = findBias(matmul);
    if (!add)
      return merged;
    biases.push_back(add.getRhs());
  }
  if (!llvm::all_equal(llvm::map_range(biases, [](Value bias) {
        return getElementTypeOrSelf(bias.getType());
      })))
    return merged;
  for (auto [matmul, bias] : llvm::zip(matmuls, biases)) {
    hoistAbove(bias, merged.getDefiningOp());
    xf::AddOp add = findBias(matmul);
    add.getResult().replaceAllUsesWith(add.getLhs());
    add.erase();
  }
  auto bias = xf::ConcatOp::create(builder, merged.getLoc(), biases, /*dim=*/0);
  return xf::AddOp::create(builder, merged.getLoc(), merged, bias);
}

/// Replaces `matmuls`, in block order and of one input, by one.
static void merge(ArrayRef<xf::MatmulOp> matmuls, OpBuilder &builder) {
  xf::MatmulOp first = matmuls.front();
  SmallVector<Value> weights;
  SmallVector<Location> locations;
  SmallVector<int64_t> sizes;
  for (xf::MatmulOp matmul : matmuls) {
    hoistAbove(matmul.getWeight(), first);
    weights.push_back(matmul.getWeight());
    locations.push_back(matmul.getLoc());
    sizes.push_back(matmul.getWeight().getType().getShape()[0]);
  }
  builder.setInsertionPoint(first);
  Location loc = builder.getFusedLoc(locations);
  auto weight = xf::ConcatOp::create(builder, loc, weights, /*dim=*/0);
  Value merged = xf::MatmulOp::create(builder, loc, first.getInput(), weight,
                                      first.getType().getElementType());
  merged = mergeBiases(matmuls, merged, builder);
  auto split = xf::SplitOp::create(builder, loc, merged,
                                   first.getType().getRank() - 1, sizes);
  for (auto [matmul, piece] : llvm::zip(matmuls, split.getPieces())) {
    Operation *op = matmul;
    op->getResult(0).replaceAllUsesWith(piece);
    op->erase();
  }
}

namespace {
struct MergeMatmuls : impl::MergeMatmulsBase<MergeMatmuls> {
  void runOnOperation() override {
    using Key = std::tuple<Block *, Value, Type>;
    llvm::MapVector<Key, SmallVector<xf::MatmulOp>> groups;
    getOperation().walk([&](xf::MatmulOp matmul) {
      // A shared weight, such as a tied embedding, would have to be stored
      // twice.
      if (xf::isWeightExpression(matmul.getWeight()) &&
          matmul.getWeight().hasOneUse())
        groups[{matmul->getBlock(), matmul.getInput(),
                matmul.getType().getElementType()}]
            .push_back(matmul);
    });
    OpBuilder builder(&getContext());
    for (auto &[key, matmuls] : groups)
      if (matmuls.size() > 1)
        merge(matmuls, builder);
  }
};
} // namespace
} // namespace tilewright
