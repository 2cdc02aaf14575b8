//===- SplitAttention.cpp - Two kernels where the keys are divided --------===//
// Behind the tuner, which decides whether it pays, and before memory is
// planned, since the parts need room.
//===----------------------------------------------------------------------===//

#include "autotune/Attention.h"
#include "ir/xf/Xf.h"
#include "passes/Passes.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_SPLITATTENTION
#include "passes/Passes.h.inc"

static int64_t getField(xf::KernelOp kernel, StringRef name) {
  std::optional<DictionaryAttr> config = kernel.getConfig();
  auto field = config ? config->getAs<IntegerAttr>(name) : IntegerAttr();
  return field ? field.getInt() : 0;
}

/// The kernel of the parts, with the config of the whole.
static xf::KernelOp makePartial(xf::KernelOp whole, xf::AttentionOp attention,
                                OpBuilder &builder) {
  int64_t splits = getField(whole, "num_splits"),
          block = getField(whole, "BLOCK_N");
  // Made outside of any block first, since it knows the types of its results.
  OpBuilder nowhere(builder.getContext());
  OwningOpRef<xf::AttentionPartialOp> parts(xf::AttentionPartialOp::create(
      nowhere, attention.getLoc(), attention, splits, block));
  auto kernel = xf::KernelOp::create(
      builder, whole.getLoc(), parts.get()->getResultTypes(),
      xf::KernelFamily::Attention, whole.getInputs());
  kernel.setConfigAttr(whole.getConfigAttr());
  kernel.setReasonAttr(whole.getReasonAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&kernel.getBlock());
  IRMapping map;
  map.map(whole.getBlock().getArguments(), kernel.getBlock().getArguments());
  Operation *inside = builder.clone(*parts.get(), map);
  xf::YieldOp::create(builder, whole.getLoc(), inside->getResults());
  return kernel;
}

/// The kernel that combines them, with all that followed the attention.
static xf::KernelOp makeCombine(xf::KernelOp whole, xf::AttentionOp attention,
                                xf::KernelOp partial, OpBuilder &builder) {
  auto kernel =
      xf::KernelOp::create(builder, whole.getLoc(), whole.getResultTypes(),
                           xf::KernelFamily::Attention, partial.getOutputs());
  OpBuilder::InsertionGuard guard(builder);
  Block &body = kernel.getBlock();
  builder.setInsertionPointToEnd(&body);
  auto combine = xf::AttentionCombineOp::create(
      builder, attention.getLoc(), attention.getType(), body.getArgument(0),
      body.getArgument(1));
  IRMapping map;
  map.map(attention.getResult(), combine.getResult());
  for (auto it = std::next(attention->getIterator());
       it != whole.getBlock().end(); ++it)
    builder.clone(*it, map);
  return kernel;
}

namespace {
struct SplitAttention : impl::SplitAttentionBase<SplitAttention> {
  void runOnOperation() override {
    SmallVector<xf::KernelOp> kernels(getOperation().getOps<xf::KernelOp>());
    for (xf::KernelOp kernel : kernels)
      if (kernel.getFamily() == xf::KernelFamily::Attention &&
          getField(kernel, "num_splits") > 1 && failed(split(kernel)))
        return signalPassFailure();
  }

  LogicalResult split(xf::KernelOp kernel) {
    auto found = kernel.getBlock().getOps<xf::AttentionOp>();
    if (found.empty())
      return success(); // these are the parts already
    xf::AttentionOp attention = *found.begin();
    if (attention->getPrevNode())
      return kernel.emitOpError(
          "computes something before its attention, and cannot be split");
    if (getField(kernel, "BLOCK_N") <= 0)
      return kernel.emitOpError(
          "has no 'BLOCK_N' in its config; run xf-tune-kernels first");
    OpBuilder builder(kernel);
    xf::KernelOp partial = makePartial(kernel, attention, builder);
    xf::KernelOp combine = makeCombine(kernel, attention, partial, builder);
    tuneCombine(attention, combine, getField(kernel, "num_splits"));
    kernel.replaceAllUsesWith(combine.getOutputs());
    kernel.erase();
    return success();
  }

  void tuneCombine(xf::AttentionOp attention, xf::KernelOp combine,
                   int64_t splits) {
    ArrayRef<int64_t> shape = attention.getType().getShape();
    auto choice = autotune::chooseAttentionCombine(shape[1], shape[2], splits);
    Builder builder(&getContext());
    SmallVector<NamedAttribute> fields;
    for (auto [name, value] : choice.config.fields())
      fields.push_back(
          builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
    combine.setConfigAttr(builder.getDictionaryAttr(fields));
    combine.setReasonAttr(builder.getStringAttr(choice.reason));
  }
};
} // namespace
} // namespace tilewright
