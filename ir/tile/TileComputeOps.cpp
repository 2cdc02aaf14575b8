//===- TileComputeOps.cpp - Products and ops on fragments -----------------===//

#include "ir/target/Target.h"
#include "ir/tile/Tile.h"

using namespace mlir;

namespace tilewright::tile {

//===----------------------------------------------------------------------===//
// Shared pieces
//===----------------------------------------------------------------------===//

static LogicalResult verifyDim(Operation *op, int64_t dim, FragmentType type) {
  int64_t rank = type.getShape().size();
  if (dim < 0 || dim >= rank)
    return op->emitOpError("expects a dimension below ")
           << rank << ", but got " << dim;
  return success();
}

/// Same shape and layout; the element type is free.
static LogicalResult verifySameShape(Operation *op, FragmentType a,
                                     FragmentType b) {
  if (a.getShape() != b.getShape() || a.getLayout() != b.getLayout())
    return op->emitOpError("expects equal shapes and layouts, but got ")
           << a << " and " << b;
  return success();
}

/// The type of a reduction along a dimension; the layout is left to the passes.
static LogicalResult verifyReduced(Operation *op, FragmentType value,
                                   FragmentType result, int64_t dim) {
  SmallVector<int64_t> shape = llvm::to_vector(value.getShape());
  shape[dim] = 1;
  if (result.getShape() != ArrayRef<int64_t>(shape))
    return op->emitOpError("expects size 1 in dimension ")
           << dim << " of the result, and else the operand's, but got "
           << result;
  return success();
}

//===----------------------------------------------------------------------===//
// MmaOp
//===----------------------------------------------------------------------===//

int64_t MmaOp::getM() { return getAcc().getType().getShape()[0]; }
int64_t MmaOp::getN() { return getAcc().getType().getShape()[1]; }
int64_t MmaOp::getK() {
  return getB().getType().getShape()[getTransposeB() ? 1 : 0];
}

static std::optional<target::Element> getElement(Type type) {
  if (type.isF16())
    return target::Element::F16;
  if (type.isBF16())
    return target::Element::BF16;
  if (isa<FloatTF32Type>(type))
    return target::Element::TF32;
  if (isa<Float8E4M3FNType>(type))
    return target::Element::E4M3;
  if (isa<Float8E5M2Type>(type))
    return target::Element::E5M2;
  if (type.isInteger(8))
    return target::Element::I8;
  if (type.isF32())
    return target::Element::F32;
  if (type.isInteger(32))
    return target::Element::I32;
  return std::nullopt;
}

/// mma_c5: a wgmma descriptor names swizzled panels; rows of 16 bytes are the
/// one pattern without swizzle that a plain row-major tile has.
static LogicalResult verifyMmaOperand(MmaOp op, Type type) {
  auto shared = dyn_cast<SharedType>(type);
  if (!shared || shared.getSwizzle())
    return success();
  int64_t rowBytes =
      shared.getShape().back() * getElementBytes(shared.getElementType());
  if (rowBytes != target::getDefaultTarget().copies.granuleBytes)
    return op.emitOpError("expects swizzled operands, but got ") << shared;
  return success();
}

/// M, K of `a` and K, N of `b` as they take part in the product.
static SmallVector<int64_t> getExtents(ArrayRef<int64_t> shape,
                                       bool transpose) {
  SmallVector<int64_t> extents = llvm::to_vector(shape);
  if (transpose)
    std::reverse(extents.begin(), extents.end());
  return extents;
}

/// mma_c2 .. mma_c4: what the instruction of the operand type can do.
static LogicalResult verifyMmaInstruction(MmaOp op, Type elementType) {
  std::optional<target::Element> operand = getElement(elementType);
  std::optional<target::Element> accumulator =
      getElement(op.getAcc().getType().getElementType());
  const target::Target &target = target::getDefaultTarget();
  const target::MmaShape *shape =
      operand && accumulator ? target.findMma(*operand, *accumulator) : nullptr;
  // mma_c2
  if (!shape)
    return op.emitOpError("expects types that the target multiplies, but got ")
           << elementType << " into " << op.getAcc().getType().getElementType();
  // mma_c3
  if (op.getM() % shape->m || op.getN() % shape->stepN || op.getK() % shape->k)
    return op.emitOpError("expects M, N and K to be multiples of ")
           << shape->m << ", " << shape->stepN << " and " << shape->k
           << ", but got " << op.getM() << ", " << op.getN() << " and "
           << op.getK();
  // mma_c4
  if (!shape->transposable && (op.getTransposeA() || !op.getTransposeB()))
    return op.emitOpError("expects operands of ")
           << elementType << " with K innermost";
  return success();
}

LogicalResult MmaOp::verify() {
  auto fragment = dyn_cast<FragmentType>(getA().getType());
  auto shared = dyn_cast<SharedType>(getA().getType());
  ArrayRef<int64_t> aShape = fragment ? fragment.getShape() : shared.getShape();
  Type aElement =
      fragment ? fragment.getElementType() : shared.getElementType();
  SharedType b = getB().getType();
  FragmentType acc = getAcc().getType();
  // mma_c1
  bool fits =
      aShape.size() == 2 && b.getRank() == 2 && acc.getShape().size() == 2;
  if (fits) {
    SmallVector<int64_t> mk = getExtents(aShape, getTransposeA());
    SmallVector<int64_t> kn = getExtents(b.getShape(), getTransposeB());
    fits = mk[0] == acc.getShape()[0] && mk[1] == kn[0] &&
           kn[1] == acc.getShape()[1];
  }
  if (!fits)
    return emitOpError("expects M x K, K x N and M x N, but got ")
           << getA().getType() << ", " << b << " and " << acc;
  // mma_c2
  if (aElement != b.getElementType())
    return emitOpError("expects operands of one element type, but got ")
           << aElement << " and " << b.getElementType();
  if (failed(verifyMmaInstruction(*this, aElement)))
    return failure();
  // mma_c5
  if (failed(verifyMmaOperand(*this, getA().getType())) ||
      failed(verifyMmaOperand(*this, b)))
    return failure();
  // mma_c6
  if (fragment && getTransposeA())
    return emitOpError("expects a fragment not to be transposed");
  return success();
}

LogicalResult MmaWaitOp::verify() {
  // mma_wait_c1
  if (static_cast<int64_t>(getInFlight()) < 0)
    return emitOpError("expects 'in_flight' not to be negative");
  return success();
}

LogicalResult MmaWaitOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location>,
                                          ValueRange operands, DictionaryAttr,
                                          OpaqueProperties, RegionRange,
                                          SmallVectorImpl<Type> &types) {
  llvm::append_range(types, operands.getTypes());
  return success();
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

LogicalResult SplatOp::verify() {
  // splat_c1
  if (getValue().getType() != getResult().getType().getElementType())
    return emitOpError("expects a value of the element type, but got ")
           << getValue().getType() << " for " << getResult().getType();
  return success();
}

LogicalResult IotaOp::verify() {
  // iota_c1
  FragmentType type = getResult().getType();
  if (!type.getElementType().isInteger())
    return emitOpError("expects integer elements, but got ") << type;
  return verifyDim(*this, getDim(), type);
}

// cast_c1
LogicalResult CastOp::verify() {
  return verifySameShape(*this, getValue().getType(), getResult().getType());
}

OpFoldResult CastOp::fold(FoldAdaptor) {
  return getValue().getType() == getResult().getType() ? getValue()
                                                       : OpFoldResult();
}

LogicalResult BitcastOp::verify() {
  // bitcast_c1
  FragmentType from = getValue().getType(), to = getResult().getType();
  if (from.getElementTypeBitWidth() != to.getElementTypeBitWidth())
    return emitOpError("expects element types of one width, but got ")
           << from << " and " << to;
  return verifySameShape(*this, from, to);
}

LogicalResult SelectOp::verify() {
  // select_c1
  FragmentType condition = getCondition().getType();
  if (!condition.getElementType().isInteger(1))
    return emitOpError("expects a condition of i1, but got ") << condition;
  return verifySameShape(*this, condition, getResult().getType());
}

LogicalResult PhiloxOp::verify() {
  // philox_c1
  if (!getCounter().getType().getElementType().isInteger(32))
    return emitOpError("expects a counter of i32, but got ")
           << getCounter().getType();
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions and shapes
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::verify() {
  FragmentType value = getValue().getType(), result = getResult().getType();
  // reduce_c1
  if (failed(verifyDim(*this, getDim(), value)))
    return failure();
  // reduce_c2
  if (value.getElementType() != result.getElementType())
    return emitOpError("expects a result of the operand's element type");
  return verifyReduced(*this, value, result, getDim());
}

LogicalResult ArgmaxOp::verify() {
  FragmentType value = getValue().getType();
  // argmax_c1
  if (failed(verifyDim(*this, getDim(), value)))
    return failure();
  // argmax_c2
  if (failed(verifyReduced(*this, value, getMax().getType(), getDim())) ||
      failed(verifyReduced(*this, value, getIndex().getType(), getDim())))
    return failure();
  // argmax_c3
  if (!getIndex().getType().getElementType().isInteger(32))
    return emitOpError("expects an index of i32, but got ")
           << getIndex().getType();
  return success();
}

LogicalResult BroadcastOp::verify() {
  FragmentType value = getValue().getType(), result = getResult().getType();
  // broadcast_c1
  bool fits = value.getElementType() == result.getElementType() &&
              value.getShape().size() == result.getShape().size();
  for (auto [from, to] : llvm::zip(value.getShape(), result.getShape()))
    fits &= from == to || from == 1;
  if (!fits)
    return emitOpError(
               "expects each dimension to be the result's or 1, but got ")
           << value << " and " << result;
  // broadcast_c2
  if (!value.getLayout() || !result.getLayout())
    return success();
  Layout wanted = result.getLayout().getLayout();
  for (auto [dim, size] : llvm::enumerate(value.getShape()))
    if (size != result.getShape()[dim])
      wanted = wanted.reduced(dim);
  if (!value.getLayout().getLayout().getThreadLocalMap(wanted))
    return emitOpError("expects every thread to hold what it repeats");
  return success();
}

LogicalResult ExtractOp::verify() {
  FragmentType value = getValue().getType(), result = getResult().getType();
  // extract_c1
  bool fits = value.getElementType() == result.getElementType() &&
              getOffsets().size() == value.getShape().size() &&
              value.getShape().size() == result.getShape().size();
  for (auto [offset, part, whole] :
       llvm::zip(getOffsets(), result.getShape(), value.getShape()))
    fits &= offset >= 0 && offset + part <= whole;
  if (!fits)
    return emitOpError("expects the part to fit inside ") << value;
  // extract_c2
  if (!value.getLayout())
    return success();
  std::string reason;
  std::optional<Layout::Part> part = value.getLayout().getLayout().extract(
      getOffsets(), result.getShape(), reason);
  if (!part)
    return emitOpError("is not thread-local: ") << reason;
  if (result.getLayout() && result.getLayout().getLayout() != part->layout)
    return emitOpError("expects a result of layout ")
           << LayoutAttr::get(getContext(), part->layout);
  return success();
}

/// deinterleave_c1 .. deinterleave_c3 for a whole and its halves.
static LogicalResult verifyInterleaving(Operation *op, FragmentType whole,
                                        FragmentType half, int64_t dim,
                                        int64_t group) {
  // deinterleave_c1
  if (failed(verifyDim(op, dim, whole)))
    return failure();
  if (group < 1 || whole.getShape()[dim] % (2 * group))
    return op->emitOpError("expects dimension ")
           << dim << " to be a multiple of twice the group, but got " << whole;
  // deinterleave_c2
  SmallVector<int64_t> shape = llvm::to_vector(whole.getShape());
  shape[dim] /= 2;
  if (half.getShape() != ArrayRef<int64_t>(shape) ||
      half.getElementType() != whole.getElementType())
    return op->emitOpError("expects halves of ")
           << whole << ", but got " << half;
  // deinterleave_c3
  if (!whole.getLayout() || !half.getLayout())
    return success();
  std::string reason;
  std::optional<Layout::Part> part = whole.getLayout().getLayout().deinterleave(
      dim, group, /*parity=*/0, reason);
  if (!part)
    return op->emitOpError("is not thread-local: ") << reason;
  if (half.getLayout().getLayout() != part->layout)
    return op->emitOpError("expects halves of layout ")
           << LayoutAttr::get(op->getContext(), part->layout);
  return success();
}

LogicalResult DeinterleaveOp::verify() {
  return verifyInterleaving(*this, getValue().getType(), getEven().getType(),
                            getDim(), getGroup());
}

LogicalResult InterleaveOp::verify() {
  return verifyInterleaving(*this, getResult().getType(), getEven().getType(),
                            getDim(), getGroup());
}

LogicalResult ConvertOp::verify() {
  // convert_c1
  FragmentType from = getValue().getType(), to = getResult().getType();
  if (from.getShape() != to.getShape() ||
      from.getElementType() != to.getElementType())
    return emitOpError("expects equal shapes and element types, but got ")
           << from << " and " << to;
  return success();
}

LogicalResult ReshapeOp::verify() {
  // reshape_c1
  FragmentType from = getValue().getType(), to = getResult().getType();
  auto squeeze = [](FragmentType type) {
    SmallVector<int64_t> shape = llvm::to_vector(type.getShape());
    llvm::erase(shape, 1);
    return shape;
  };
  if (from.getElementType() != to.getElementType() ||
      squeeze(from) != squeeze(to))
    return emitOpError("expects shapes that are equal without sizes of 1, but "
                       "got ")
           << from << " and " << to;
  return success();
}

LogicalResult ToScalarOp::verify() {
  FragmentType type = getValue().getType();
  // to_scalar_c1
  if (type.getNumElements() != 1 ||
      type.getElementType() != getResult().getType())
    return emitOpError("expects one element of the result's type, but got ")
           << type;
  return success();
}

LogicalResult ClusterSumOp::verify() {
  // cluster_sum_c1
  auto kernel = (*this)->getParentOfType<KernelOp>();
  if (kernel && kernel.getClusterSize() == 1)
    return emitOpError("expects a kernel with a cluster");
  // cluster_sum_c2
  if (getValue().getType() != getResult().getType())
    return emitOpError("expects a result of the operand's type");
  // cluster_sum_c3
  auto role = (*this)->getParentOfType<RoleOp>();
  if (role && role.getReplicas() != 1)
    return emitOpError("expects a role without replicas, but it has ")
           << role.getReplicas();
  return success();
}

} // namespace tilewright::tile
