//===- Families.cpp - What the lowerings of the families share ------------===//

#include "passes/lower/xf/Families.h"

using namespace mlir;

namespace tilewright {

FailureOr<int64_t> getConfigField(xf::KernelOp kernel, StringRef name) {
  if (std::optional<DictionaryAttr> config = kernel.getConfig())
    if (auto value = config->getAs<IntegerAttr>(name))
      return value.getInt();
  return kernel.emitOpError("has no '")
         << name << "' in its config; run xf-tune-kernels first";
}

RoleRegisters getRoleRegisters(const target::Target &target,
                               int64_t mathWarpgroups) {
  // Issuing copies takes few registers; two math warpgroups need all they can
  // get.
  static constexpr int64_t kProducer = 40;
  // Above this, nothing is gained: the accumulators of the largest tile fit.
  static constexpr int64_t kConsumerMax = 240;
  const target::ThreadLimits &threads = target.threads;
  int64_t perGroup =
      threads.registersPerSm / (threads.threadsPerWarp * threads.warpsPerGroup);
  int64_t share = (perGroup - kProducer) / mathWarpgroups;
  int64_t consumer =
      std::min(share, kConsumerMax) / threads.budgetStep * threads.budgetStep;
  return {kProducer, consumer};
}

tile::RoleOp openRole(StringRef name, int64_t warps, int64_t replicas,
                      int64_t registers, KernelBuilder &b) {
  auto role = tile::RoleOp::create(
      b, b.getStringAttr(name), b.getI64IntegerAttr(warps),
      b.getI64IntegerAttr(replicas), b.getI64IntegerAttr(registers),
      IntegerAttr(), IntegerAttr());
  Block &body = role.getBody().emplaceBlock();
  if (replicas > 1)
    body.addArgument(b.getIndexType(), b.getLoc());
  b.setInsertionPointToEnd(&body);
  return role;
}

Attribute sizeConstant(MLIRContext *context, int64_t value) {
  return IntegerAttr::get(IntegerType::get(context, 64), value);
}

Attribute sizeSymbol(MLIRContext *context, StringRef name) {
  return StringAttr::get(context, name);
}

Attribute sizeOp(StringRef op, Attribute lhs, Attribute rhs) {
  auto left = dyn_cast<IntegerAttr>(lhs), right = dyn_cast<IntegerAttr>(rhs);
  if (right && right.getInt() == 1 && (op == "mul" || op == "ceildiv"))
    return lhs;
  if (left && right && op == "mul")
    return sizeConstant(lhs.getContext(), left.getInt() * right.getInt());
  return ArrayAttr::get(lhs.getContext(),
                        {StringAttr::get(lhs.getContext(), op), lhs, rhs});
}

} // namespace tilewright
