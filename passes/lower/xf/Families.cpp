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
