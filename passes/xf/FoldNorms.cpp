//===- FoldNorms.cpp - An RMS norm as a scale of the matmul behind it -----===//

#include "ir/xf/Xf.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_FOLDNORMS
#include "passes/Passes.h.inc"

/// Why `norm` must stay; empty if it can be folded into each of its users.
/// 1. every user is a matmul that reads it as its input;
/// 2. each weight is a weight expression that nobody else uses: a shared one
///    would have to be stored twice;
/// 3. the norm's weight is one too;
/// 4. its input is not a choice of rows, whose kernel does the norm for free.
static StringRef whyNotFolded(xf::RmsNormOp norm) {
  if (norm->use_empty())
    return "it has no users";
  if (norm.getInput().getType().getRank() != 2)
    return "its rows are heads";
  if (!xf::isWeightExpression(norm.getWeight()))
    return "its weight is not known at load";
  if (norm.getInput().getDefiningOp<xf::GatherRowsOp>())
    return "its rows are chosen just before, in a kernel that can do the norm";
  for (OpOperand &use : norm->getUses()) {
    auto matmul = dyn_cast<xf::MatmulOp>(use.getOwner());
    if (!matmul || use.getOperandNumber() != 0)
      return "a user is not a matmul";
    if (!xf::isWeightExpression(matmul.getWeight()) ||
        !matmul.getWeight().hasOneUse())
      return "a user's weight is shared";
  }
  return "";
}

static void foldInto(xf::MatmulOp matmul, xf::RmsNormOp norm, Value rstd,
                     OpBuilder &builder) {
  builder.setInsertionPoint(matmul);
  Location loc = matmul.getLoc();
  auto weight = xf::ScaleColumnsOp::create(builder, loc, matmul.getWeight(),
                                           norm.getWeight());
  auto product = xf::MatmulOp::create(builder, loc, norm.getInput(), weight,
                                      builder.getF32Type());
  Value scaled = xf::ScaleRowsOp::create(builder, loc, product, rstd);
  Type elementType = matmul.getType().getElementType();
  if (!elementType.isF32())
    scaled = xf::CastOp::create(builder, loc, scaled, elementType);
  matmul.getResult().replaceAllUsesWith(scaled);
  matmul.erase();
}

namespace {
struct FoldNorms : impl::FoldNormsBase<FoldNorms> {
  using FoldNormsBase::FoldNormsBase;
  void runOnOperation() override {
    SmallVector<xf::RmsNormOp> norms;
    getOperation().walk([&](xf::RmsNormOp norm) {
      if (whyNotFolded(norm).empty())
        norms.push_back(norm);
    });
    for (xf::RmsNormOp norm : norms)
      fold(norm);
  }

  void fold(xf::RmsNormOp norm) {
    OpBuilder builder(norm);
    auto partial = xf::SumSquaresOp::create(builder, norm.getLoc(),
                                            norm.getInput(), chunk);
    auto rstd = xf::RstdOp::create(builder, norm.getLoc(), partial,
                                   norm.getInput().getType().getShape().back(),
                                   norm.getEpsilon());
    for (Operation *user : llvm::make_early_inc_range(norm->getUsers()))
      foldInto(cast<xf::MatmulOp>(user), norm, rstd, builder);
    norm.erase();
  }
};
} // namespace
} // namespace tilewright
