//===- TuneKernels.cpp - A config for every kernel, and why ---------------===//
// Turns regions into the shapes that autotune knows, and writes its answer
// back. IR and autotune meet here, and in xf-split-attention.
//===----------------------------------------------------------------------===//

#include "autotune/Attention.h"
#include "autotune/Gemm.h"
#include "autotune/RowWise.h"
#include "autotune/Sample.h"
#include "ir/xf/Xf.h"
#include "passes/BatchInvariance.h"
#include "passes/Passes.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_TUNEKERNELS
#include "passes/Passes.h.inc"

static int64_t bytesOf(Type element) {
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

/// What a GEMM's epilogue asks of the tile, read off its region.
static autotune::GemmShape gemmShapeOf(xf::KernelOp kernel, int64_t rows) {
  autotune::GemmShape shape;
  Block &block = kernel.getBlock();
  auto matmul = *block.getOps<xf::MatmulOp>().begin();
  shape.tokens = rows;
  shape.n = matmul.getWeight().getType().getDimSize(0);
  shape.k = matmul.getWeight().getType().getDimSize(1);
  shape.epilogueBytes = 0;
  for (Operation &op : block) {
    if (auto split = dyn_cast<xf::SplitOp>(op))
      for (int64_t size : split.getSizes())
        shape.segment = std::gcd(shape.segment, size);
    if (auto rope = dyn_cast<xf::RopeOp>(op))
      shape.headDim = rope.getType().getShape().back();
    if (auto append = dyn_cast<xf::CacheAppendOp>(op))
      shape.headDim = append.getCache().getType().getDimSize(3);
    if (auto norm = dyn_cast<xf::RmsNormOp>(op)) {
      shape.headDim = norm.getType().getShape().back();
      shape.reducesHeads = true;
    }
    if (auto squares = dyn_cast<xf::SumSquaresOp>(op))
      shape.chunk = squares.getChunk();
    shape.pairs |= isa<xf::GatedActivationOp, xf::RopeOp>(op);
  }
  for (Value output : kernel.getOutputs()) {
    auto type = cast<RankedTensorType>(output.getType());
    shape.epilogueBytes =
        std::max<double>(shape.epilogueBytes, bytesOf(type.getElementType()));
  }
  for (Value argument : block.getArguments())
    if (llvm::any_of(argument.getUsers(), [](Operation *user) {
          return isa<xf::AddOp, xf::MulOp>(user);
        }))
      shape.epilogueBytes += bytesOf(getElementTypeOrSelf(argument.getType()));
  return shape;
}

/// `AttentionLike` is attention, or its parts.
template <typename AttentionLike>
static autotune::AttentionShape attentionShapeOf(AttentionLike attention,
                                                 int64_t tokens, int64_t seqs,
                                                 int64_t maxContext) {
  auto query = cast<RankedTensorType>(attention.getQuery().getType());
  auto cache = cast<RankedTensorType>(attention.getKCache().getType());
  autotune::AttentionShape shape;
  shape.tokens = tokens;
  shape.seqs = seqs;
  shape.maxContext = maxContext;
  shape.qHeads = query.getDimSize(1);
  shape.kvHeads = cache.getDimSize(1);
  shape.headDim = query.getDimSize(2);
  shape.pageSize = cache.getDimSize(2);
  shape.window = attention.getWindow();
  return shape;
}

/// The widest row that a row-wise kernel keeps in registers.
static autotune::RowWiseShape rowWiseShapeOf(xf::KernelOp kernel,
                                             int64_t rows) {
  autotune::RowWiseShape shape;
  shape.rows = rows;
  for (Value output : kernel.getOutputs()) {
    auto type = cast<RankedTensorType>(output.getType());
    int64_t columns = 1;
    for (int64_t size : type.getShape().drop_front())
      columns *= size;
    if (columns < shape.columns)
      continue;
    shape.columns = columns;
    shape.elementBytes = bytesOf(type.getElementType());
  }
  for (Operation &op : kernel.getBlock()) {
    if (auto squares = dyn_cast<xf::SumSquaresOp>(op))
      shape.span = squares.getChunk();
    if (isa<xf::RmsNormOp>(op))
      shape.span = shape.columns;
  }
  return shape;
}

static autotune::SampleShape sampleShapeOf(xf::KernelOp kernel) {
  Operation &op = kernel.getBlock().front();
  autotune::SampleShape shape;
  shape.vocabulary =
      cast<RankedTensorType>(op.getOperand(0).getType()).getDimSize(1);
  shape.draws = isa<xf::SampleOp>(op);
  return shape;
}

namespace {
struct TuneKernels : impl::TuneKernelsBase<TuneKernels> {
  using TuneKernelsBase::TuneKernelsBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    std::string error;
    std::optional<autotune::Sku> sku =
        autotune::loadSku(skuName, skuDirectory, error);
    if (!sku) {
      getOperation().emitError(error);
      return signalPassFailure();
    }
    auto bounds = getOperation()->getAttrOfType<DictionaryAttr>("xf.bounds");
    for (StringRef name : {"tokens", "seqs", "rows", "context"})
      if (!bounds || !bounds.getAs<IntegerAttr>(name)) {
        getOperation().emitError("has no '")
            << name << "' in 'xf.bounds'; run xf-make-plans first";
        return signalPassFailure();
      }
    for (auto kernel : getOperation().getOps<xf::KernelOp>())
      if (failed(tune(kernel, *sku)))
        return signalPassFailure();
  }

  /// A kernel by hand may lack the op that gives its family's shape.
  template <typename OpTy>
  static LogicalResult expectOne(xf::KernelOp kernel) {
    if (llvm::hasSingleElement(kernel.getBlock().getOps<OpTy>()))
      return success();
    return kernel.emitOpError("of the ")
           << stringifyKernelFamily(kernel.getFamily())
           << " family expects one '" << OpTy::getOperationName()
           << "' in its region";
  }

  LogicalResult tune(xf::KernelOp kernel, const autotune::Sku &sku) {
    std::vector<autotune::Rejection> rejections;
    switch (kernel.getFamily()) {
    case xf::KernelFamily::Gemm: {
      if (failed(expectOne<xf::MatmulOp>(kernel)))
        return failure();
      autotune::GemmShape shape = gemmShapeOf(kernel, rowsOf(kernel));
      // Splits pay for the few tokens of a decode step. A prompt's sums keep
      // one order, whatever else is in the step.
      if (!isDecodePlan() || batchInvariant)
        shape.maxSplitK = 1;
      if (batchInvariant)
        shape.maySwap = !reducesColumns(kernel);
      auto choice = autotune::chooseGemm(shape, sku, &rejections);
      if (!choice)
        return refuse(kernel, rejections);
      std::vector<autotune::ConfigField> fields = choice->config.fields();
      fields.push_back(
          {"slice", autotune::gemmEpilogueSlice(choice->config, shape)});
      return write(kernel, fields, choice->reason);
    }
    case xf::KernelFamily::Attention:
      return tuneAttention(kernel, sku);
    case xf::KernelFamily::Embedding:
    case xf::KernelFamily::RowWise:
    case xf::KernelFamily::Elementwise:
      return writeChoice(kernel,
                         autotune::chooseRowWise(
                             rowWiseShapeOf(kernel, rowsForTuning(kernel, sku)),
                             sku, &rejections),
                         rejections);
    case xf::KernelFamily::Sample:
      return writeChoice(
          kernel,
          autotune::chooseSample(sampleShapeOf(kernel), sku, &rejections),
          rejections);
    }
    llvm_unreachable("all families are listed");
  }

  LogicalResult tuneAttention(xf::KernelOp kernel, const autotune::Sku &sku) {
    std::vector<autotune::Rejection> rejections;
    auto shapeOf = [&](auto attention) {
      autotune::AttentionShape shape = attentionShapeOf(
          attention, boundOf("tokens"), boundOf("seqs"), boundOf("context"));
      shape.fixedOrder = batchInvariant;
      return shape;
    };
    // Divided by hand; what xf-split-attention divides, it tunes.
    for (Operation &op : kernel.getBlock()) {
      if (auto parts = dyn_cast<xf::AttentionPartialOp>(op))
        return writeChoice(kernel,
                           autotune::chooseAttentionPartial(
                               shapeOf(parts), parts.getBlock(),
                               parts.getSplits(), sku, &rejections),
                           rejections);
      if (auto combine = dyn_cast<xf::AttentionCombineOp>(op)) {
        ArrayRef<int64_t> shape = combine.getPartial().getType().getShape();
        autotune::Choice<autotune::AttentionCombineConfig> choice =
            autotune::chooseAttentionCombine(shape[2], shape[3], shape[1]);
        return write(kernel, choice.config.fields(), choice.reason);
      }
    }
    if (failed(expectOne<xf::AttentionOp>(kernel)))
      return failure();
    autotune::AttentionShape shape =
        shapeOf(*kernel.getBlock().getOps<xf::AttentionOp>().begin());
    if (isDecodePlan())
      return writeChoice(
          kernel, autotune::chooseAttentionDecode(shape, sku, &rejections),
          rejections);
    return writeChoice(
        kernel, autotune::chooseAttentionPrefill(shape, sku, &rejections),
        rejections);
  }

  /// The largest leading dimension of the kernel's own results.
  int64_t rowsOf(xf::KernelOp kernel) {
    for (Value output : kernel.getOutputs()) {
      auto type = cast<RankedTensorType>(output.getType());
      if (type.isDynamicDim(0) && xf::getDim(type, 0).name == "rows")
        return boundOf("rows");
    }
    return boundOf("tokens");
  }

  /// Rows are added up in the order that the config gives, so all plans must
  /// have the same: that of one row for each SM.
  int64_t rowsForTuning(xf::KernelOp kernel, const autotune::Sku &sku) {
    bool isFixed = batchInvariant && reducesColumns(kernel);
    return isFixed ? sku.smCount : rowsOf(kernel);
  }

  bool isDecodePlan() {
    return getOperation()->getAttrOfType<StringAttr>("xf.entry") == "decode";
  }

  int64_t boundOf(StringRef name) {
    return getOperation()
        ->getAttrOfType<DictionaryAttr>("xf.bounds")
        .getAs<IntegerAttr>(name)
        .getInt();
  }

  template <typename Config>
  LogicalResult
  writeChoice(xf::KernelOp kernel,
              const std::optional<autotune::Choice<Config>> &choice,
              ArrayRef<autotune::Rejection> rejections) {
    return choice ? write(kernel, choice->config.fields(), choice->reason)
                  : refuse(kernel, rejections);
  }

  LogicalResult write(xf::KernelOp kernel,
                      ArrayRef<autotune::ConfigField> fields,
                      const std::string &reason) {
    Builder builder(&getContext());
    SmallVector<NamedAttribute> attributes;
    for (auto [name, value] : fields)
      attributes.push_back(
          builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
    kernel.setConfigAttr(builder.getDictionaryAttr(attributes));
    kernel.setReasonAttr(builder.getStringAttr(reason));
    return success();
  }

  static LogicalResult refuse(xf::KernelOp kernel,
                              ArrayRef<autotune::Rejection> rejections) {
    InFlightDiagnostic diagnostic = kernel.emitError("no config of the ")
                                    << stringifyKernelFamily(kernel.getFamily())
                                    << " family fits this kernel";
    for (const autotune::Rejection &rejection : rejections)
      diagnostic.attachNote() << rejection.config << ": " << rejection.reason;
    return diagnostic;
  }
};
} // namespace
} // namespace tilewright
