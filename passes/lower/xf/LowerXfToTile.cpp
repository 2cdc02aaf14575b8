//===- LowerXfToTile.cpp - Kernels of the graph become kernels of a CTA ---===//
// Each xf.kernel asks its family for a tile.kernel. Kernels that are equal but
// for the values they are applied to share one.
//===----------------------------------------------------------------------===//

#include "passes/Passes.h"
#include "passes/lower/xf/Families.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace tilewright {
#define GEN_PASS_DEF_LOWERXFTOTILE
#include "passes/Passes.h.inc"

/// Text that two kernels share if and only if they compute the same with the
/// same config. SSA names are numbered from the kernel, so they do not matter.
static std::string identityOf(xf::KernelOp kernel) {
  OwningOpRef<xf::KernelOp> copy = kernel.clone();
  Operation *op = copy.get();
  for (NamedAttribute attribute : llvm::to_vector(op->getDiscardableAttrs()))
    op->removeDiscardableAttr(attribute.getName());
  std::string text;
  llvm::raw_string_ostream os(text);
  os << stringifyKernelFamily(kernel.getFamily()) << kernel.getInPlaceAttr();
  os << kernel.getConfigAttr();
  for (Type type : op->getOperandTypes())
    os << type << ',';
  kernel.getBlock().walk([&](Operation *inner) {
    os << inner->getName() << inner->getAttrDictionary();
    for (Value operand : inner->getOperands()) {
      // A position within the region: argument, or result of the op before.
      if (auto argument = dyn_cast<BlockArgument>(operand))
        os << " a" << argument.getArgNumber();
      else
        os << " o"
           << std::distance(kernel.getBlock().begin(),
                            operand.getDefiningOp()->getIterator())
           << '.' << cast<OpResult>(operand).getResultNumber();
    }
    for (Type type : inner->getResultTypes())
      os << type;
    os << ';';
  });
  return text;
}

/// What a kernel does, in one word or two, for its name.
static std::string describe(xf::KernelOp kernel) {
  Block &block = kernel.getBlock();
  auto has = [&](auto tag) { return !block.getOps<decltype(tag)>().empty(); };
  switch (kernel.getFamily()) {
  case xf::KernelFamily::Gemm: {
    auto matmul = *block.getOps<xf::MatmulOp>().begin();
    auto weight = matmul.getWeight().getType();
    std::string name = "gemm_" + std::to_string(weight.getDimSize(0)) + "x" +
                       std::to_string(weight.getDimSize(1));
    if (has(xf::RopeOp()))
      name += "_rope";
    if (has(xf::CacheAppendOp()))
      name += "_append";
    if (has(xf::GatedActivationOp()))
      name += "_gated";
    if (has(xf::AddOp()))
      name += "_add";
    return name;
  }
  case xf::KernelFamily::Attention:
    return has(xf::AttentionPartialOp())   ? "attention_partial"
           : has(xf::AttentionCombineOp()) ? "attention_combine"
                                           : "attention";
  case xf::KernelFamily::RowWise:
    return has(xf::RmsNormOp()) ? "rms_norm" : "row_wise";
  default:
    return stringifyKernelFamily(kernel.getFamily()).str();
  }
}

static LogicalResult lowerKernel(xf::KernelOp kernel, StringRef name,
                                 bool isDecode, KernelBuilder &builder) {
  switch (kernel.getFamily()) {
  case xf::KernelFamily::Gemm:
    return lowerGemm(kernel, name, builder);
  case xf::KernelFamily::Attention:
    if (!kernel.getBlock().getOps<xf::AttentionCombineOp>().empty())
      return lowerAttentionCombine(kernel, name, builder);
    return isDecode ? lowerAttentionDecode(kernel, name, builder)
                    : lowerAttentionPrefill(kernel, name, builder);
  case xf::KernelFamily::Sample:
    return lowerSample(kernel, name, builder);
  case xf::KernelFamily::Embedding:
  case xf::KernelFamily::RowWise:
  case xf::KernelFamily::Elementwise:
    return lowerRowWise(kernel, name, builder);
  }
  llvm_unreachable("all families are listed");
}

namespace {
struct LowerXfToTile : impl::LowerXfToTileBase<LowerXfToTile> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::StringMap<StringAttr> known;
    SmallVector<xf::KernelOp> kernels;
    module.walk([&](xf::KernelOp kernel) { kernels.push_back(kernel); });
    for (xf::KernelOp kernel : kernels) {
      StringAttr &symbol = known[identityOf(kernel)];
      if (!symbol) {
        auto function = kernel->getParentOfType<func::FuncOp>();
        std::string name = describe(kernel) + "_" + function.getName().str() +
                           "_" + std::to_string(known.size() - 1);
        KernelBuilder builder(kernel.getLoc(), &getContext());
        builder.setInsertionPointToEnd(module.getBody());
        symbol = builder.getStringAttr(name);
        auto entry = function->getAttrOfType<StringAttr>("xf.entry");
        bool isDecode = entry && entry.getValue() == "decode";
        if (failed(lowerKernel(kernel, name, isDecode, builder)))
          return signalPassFailure();
        describeOrigin(module.lookupSymbol(name), kernel);
      }
      kernel->setAttr("xf.kernel", FlatSymbolRefAttr::get(symbol));
    }
  }

  /// What the manifest says of a kernel beside its ABI.
  static void describeOrigin(Operation *kernel, xf::KernelOp source) {
    Builder builder(source.getContext());
    kernel->setAttr("xf.family", builder.getStringAttr(stringifyKernelFamily(
                                     source.getFamily())));
    if (source.getConfigAttr())
      kernel->setAttr("xf.config", source.getConfigAttr());
    if (source.getReasonAttr())
      kernel->setAttr("xf.reason", source.getReasonAttr());
  }
};
} // namespace
} // namespace tilewright
