//===- Constant.cpp - Constants as reference tensors ----------------------===//

#include "ir/reference/Constant.h"

using namespace mlir;

namespace tilewright::reference {

FailureOr<Tensor> evalConstant(arith::ConstantOp op) {
  auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
  std::optional<ElementType> type;
  if (dense)
    type = getElementType(dense.getElementType());
  if (!type)
    return op.emitError("the interpreter knows dense tensors of bf16, f16, "
                        "f32, i32 and i64 only");
  ArrayRef<int64_t> shape = dense.getType().getShape();
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return Tensor(*type, shape, raw);
  std::vector<char> bytes;
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    llvm::append_range(bytes, raw);
  return Tensor(*type, shape, bytes);
}

} // namespace tilewright::reference
