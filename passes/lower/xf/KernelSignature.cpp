//===- KernelSignature.cpp - Arguments of a tile.kernel -------------------===//

#include "passes/lower/xf/KernelSignature.h"

using namespace mlir;

namespace tilewright {

Attribute getSizeExpression(MLIRContext *context, const xf::Dim &dim) {
  Builder builder(context);
  if (dim.isFixed())
    return builder.getI64IntegerAttr(dim.value);
  if (dim.value == 0)
    return dim.name;
  return builder.getArrayAttr({builder.getStringAttr("add"), dim.name,
                               builder.getI64IntegerAttr(dim.value)});
}

/// Sizes of the dynamic dimensions, in order.
static SmallVector<Attribute> dynamicSizes(RankedTensorType type) {
  SmallVector<Attribute> sizes;
  for (const xf::Dim &dim : xf::getDims(type))
    if (!dim.isFixed())
      sizes.push_back(getSizeExpression(type.getContext(), dim));
  return sizes;
}

tile::GlobalType getTensorType(RankedTensorType type) {
  return tile::GlobalType::get(type.getContext(), type.getShape(),
                               type.getElementType(), dynamicSizes(type));
}

tile::GlobalType getRowsType(RankedTensorType type) {
  if (type.getRank() <= 2)
    return getTensorType(type);
  int64_t columns = 1;
  for (int64_t size : type.getShape().drop_front())
    columns *= size;
  return tile::GlobalType::get(type.getContext(), {type.getDimSize(0), columns},
                               type.getElementType(), dynamicSizes(type));
}

tile::GlobalType getCacheRowsType(RankedTensorType type) {
  Builder builder(type.getContext());
  int64_t rowsPerPage = type.getDimSize(1) * type.getDimSize(2);
  if (!type.isDynamicDim(0))
    return tile::GlobalType::get(
        type.getContext(),
        {type.getDimSize(0) * rowsPerPage, type.getDimSize(3)},
        type.getElementType(), {});
  Attribute pages = getSizeExpression(type.getContext(), xf::getDim(type, 0));
  Attribute rows =
      builder.getArrayAttr({builder.getStringAttr("mul"), pages,
                            builder.getI64IntegerAttr(rowsPerPage)});
  return tile::GlobalType::get(type.getContext(),
                               {ShapedType::kDynamic, type.getDimSize(3)},
                               type.getElementType(), {rows});
}

KernelSignature::KernelSignature(xf::KernelOp source, StringRef name,
                                 TypeOf typeOf, KernelBuilder &builder) {
  kernel = tile::KernelOp::create(
      builder, builder.getStringAttr(name), StringAttr(), IntegerAttr(),
      DenseI64ArrayAttr(), ArrayAttr(), DenseI64ArrayAttr(), IntegerAttr(),
      IntegerAttr(), ArrayAttr());
  Block &body = kernel.getBody().emplaceBlock();
  builder.setInsertionPointToEnd(&body);
  for (BlockArgument argument : source.getBlock().getArguments())
    values[argument] = body.addArgument(typeOf(argument), argument.getLoc());
  for (auto [index, result] : llvm::enumerate(source.getOutputs())) {
    if (std::optional<unsigned> operand = source.getInPlaceOperand(index)) {
      results.push_back(values.lookup(source.getBlock().getArgument(*operand)));
      continue;
    }
    Value yielded = source.getYield().getValues()[index];
    results.push_back(body.addArgument(typeOf(yielded), result.getLoc()));
  }
}

} // namespace tilewright
