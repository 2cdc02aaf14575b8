//===- BatchInvariance.cpp - Does a result depend on its batch? -----------===//

#include "passes/BatchInvariance.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace tilewright {

bool reducesColumns(xf::KernelOp kernel) {
  return llvm::any_of(kernel.getBlock(), [](Operation &op) {
    return isa<xf::RmsNormOp, xf::SumSquaresOp, xf::RstdOp, xf::SampleOp>(op);
  });
}

static std::string printFields(xf::KernelOp kernel, ArrayRef<StringRef> names) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::optional<DictionaryAttr> config = kernel.getConfig();
  for (StringRef name : names)
    if (auto field = config ? config->getAs<IntegerAttr>(name) : IntegerAttr())
      os << ' ' << name << '=' << field.getInt();
  return text;
}

/// All that the order of a GEMM's sums depends on. An element's products are
/// added in the order of K, by whichever instruction; parts of K one after the
/// other. Along the columns a warpgroup adds as its fragments lie, which is the
/// same for all tiles that are not swapped.
static std::string describeGemm(xf::KernelOp kernel) {
  std::string text = "gemm" + printFields(kernel, {"split_k"});
  if (!reducesColumns(kernel))
    return text;
  std::string swap = printFields(kernel, {"swap_ab"});
  return text + swap +
         (swap == " swap_ab=0"
              ? ""
              : printFields(kernel, {"BLOCK_M", "BLOCK_N", "math_warpgroups"}));
}

/// The softmax goes over blocks of keys. Both families do it in the same steps,
/// whatever the tile of queries.
static std::string describeAttention(xf::KernelOp kernel) {
  for (Operation &op : kernel.getBlock()) {
    if (auto parts = dyn_cast<xf::AttentionPartialOp>(op))
      return "attention BLOCK_N=" + std::to_string(parts.getBlock()) +
             " num_splits=" + std::to_string(parts.getSplits());
    // Its order is that of the parts.
    if (isa<xf::AttentionCombineOp>(op))
      return "";
  }
  return "attention" + printFields(kernel, {"BLOCK_N"}) + " num_splits=1";
}

/// Nothing is known to leave the order as it is.
static std::string describeConfig(xf::KernelOp kernel) {
  std::string text = stringifyKernelFamily(kernel.getFamily()).str();
  llvm::raw_string_ostream os(text);
  if (std::optional<DictionaryAttr> config = kernel.getConfig())
    os << ' ' << *config;
  return text;
}

/// The order in which a kernel adds; empty where there is none to choose.
static std::string describeOrder(xf::KernelOp kernel) {
  switch (kernel.getFamily()) {
  case xf::KernelFamily::Gemm:
    return describeGemm(kernel);
  case xf::KernelFamily::Attention:
    return describeAttention(kernel);
  default:
    return reducesColumns(kernel) ? describeConfig(kernel) : "";
  }
}

static SmallVector<std::string> describeOrders(func::FuncOp plan) {
  SmallVector<std::string> orders;
  for (auto kernel : plan.getOps<xf::KernelOp>())
    if (std::string order = describeOrder(kernel); !order.empty())
      orders.push_back(order);
  return orders;
}

std::string whyBatchMatters(ModuleOp module) {
  std::optional<SmallVector<std::string>> first;
  StringRef firstName;
  for (auto plan : module.getOps<func::FuncOp>()) {
    SmallVector<std::string> orders = describeOrders(plan);
    if (!first) {
      first = std::move(orders);
      firstName = plan.getName();
      continue;
    }
    if (first->size() != orders.size())
      return ("plans " + firstName + " and " + plan.getName() +
              " have different kernels")
          .str();
    for (auto [one, other] : llvm::zip_equal(*first, orders))
      if (one != other)
        return (firstName + " has " + one + ", " + plan.getName() + " has " +
                other)
            .str();
  }
  return "";
}

} // namespace tilewright
