//===- TileMemoryOps.cpp - Buffers, copies, loads, stores -----------------===//

#include "ir/target/Target.h"
#include "ir/tile/Tile.h"

#include "mlir/Interfaces/ViewLikeInterface.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace tilewright::tile {

//===----------------------------------------------------------------------===//
// Shared pieces
//===----------------------------------------------------------------------===//

static ArrayRef<int64_t> getMemoryShape(Type type) {
  if (auto global = dyn_cast<GlobalType>(type))
    return global.getShape();
  return cast<SharedType>(type).getShape();
}

static Type getMemoryElementType(Type type) {
  if (auto global = dyn_cast<GlobalType>(type))
    return global.getElementType();
  return cast<SharedType>(type).getElementType();
}

static LogicalResult verifyIndices(Operation *op, Type memory, size_t indices) {
  size_t rank = getMemoryShape(memory).size();
  if (indices != rank)
    return op->emitOpError("expects ")
           << rank << " indices, one per dimension, but got " << indices;
  return success();
}

static LogicalResult verifySameElementType(Operation *op, Type a, Type b) {
  if (a != b)
    return op->emitOpError("expects equal element types, but got ")
           << a << " and " << b;
  return success();
}

SmallVector<int64_t> getAccessDims(std::optional<ArrayRef<int64_t>> dims,
                                   int64_t tileRank, int64_t memoryRank) {
  if (dims)
    return llvm::to_vector(*dims);
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < tileRank; ++i)
    result.push_back(std::max<int64_t>(-1, memoryRank - tileRank + i));
  return result;
}

/// Checks that the dimensions of a tile name dimensions of the memory, each at
/// most once. Fragments may name them in any order, and none (-1) for a size of
/// 1; a box of a copy names them in increasing order.
static LogicalResult verifyDims(Operation *op,
                                std::optional<ArrayRef<int64_t>> dims,
                                ArrayRef<int64_t> tile, int64_t memoryRank,
                                bool allowNone) {
  if (dims && dims->size() != tile.size())
    return op->emitOpError("expects 'dims' to have one entry per dimension of "
                           "the tile");
  int64_t last = -1;
  llvm::SmallDenseSet<int64_t> seen;
  bool anyOrder = allowNone;
  for (auto [size, dim] :
       llvm::zip(tile, getAccessDims(dims, tile.size(), memoryRank))) {
    if (dim == -1 && size == 1 && allowNone)
      continue;
    if (dim < 0 || dim >= memoryRank || !seen.insert(dim).second ||
        (!anyOrder && dim < last))
      return op->emitOpError("expects the tile to span ")
             << (anyOrder ? "distinct" : "increasing")
             << " dimensions of the memory, but got dimension " << dim
             << " for size " << size;
    last = dim;
  }
  return success();
}

static LogicalResult verifyRows(Operation *op, Value rows, FragmentType value,
                                Type memory) {
  if (!rows)
    return success();
  auto type = cast<FragmentType>(rows.getType());
  ArrayRef<int64_t> shape = type.getShape();
  bool isLine = shape.size() == value.getShape().size();
  for (size_t dim = 0, spanned = 0; isLine && dim < shape.size(); ++dim)
    if (shape[dim] != 1)
      isLine = shape[dim] == value.getShape()[dim] && ++spanned == 1;
  if (!isLine || !type.getElementType().isInteger(32) ||
      !isa<GlobalType>(memory))
    return op->emitOpError("expects 'rows' to be a line of i32 along one "
                           "dimension, for a global tensor, but got ")
           << type;
  return success();
}

//===----------------------------------------------------------------------===//
// Stages and slices
//===----------------------------------------------------------------------===//

/// A stage of a ring has one buffer of each of its types.
static LogicalResult inferStageTypes(ValueRange operands,
                                     SmallVectorImpl<Type> &types) {
  auto ring = operands.empty() ? RingType()
                               : dyn_cast<RingType>(operands.front().getType());
  if (!ring)
    return failure();
  llvm::append_range(types, ring.getBuffers());
  return success();
}

LogicalResult AcquireOp::inferReturnTypes(MLIRContext *,
                                          std::optional<Location>,
                                          ValueRange operands, DictionaryAttr,
                                          OpaqueProperties, RegionRange,
                                          SmallVectorImpl<Type> &types) {
  return inferStageTypes(operands, types);
}

LogicalResult WaitOp::inferReturnTypes(MLIRContext *, std::optional<Location>,
                                       ValueRange operands, DictionaryAttr,
                                       OpaqueProperties, RegionRange,
                                       SmallVectorImpl<Type> &types) {
  return inferStageTypes(operands, types);
}

LogicalResult ReleaseOp::verify() {
  // release_c1
  int64_t inFlight = getInFlight();
  if (inFlight < 0 || (inFlight > 0 && !getAfter()))
    return emitOpError("expects 'in_flight' to come with 'after', and not to "
                       "be negative");
  return success();
}

LogicalResult StageBufferOp::inferReturnTypes(MLIRContext *,
                                              std::optional<Location> loc,
                                              ValueRange operands,
                                              DictionaryAttr, OpaqueProperties,
                                              RegionRange,
                                              SmallVectorImpl<Type> &types) {
  auto source = dyn_cast<SharedType>(operands.front().getType());
  // stage_c1
  if (!source || source.getRank() < 2)
    return emitOptionalError(
        loc, "'tile.stage' op expects a shared tile of rank 2 or more");
  types.push_back(source.dropLeading());
  return success();
}

/// Whether a part of a swizzled matrix is one whose first byte can be named by
/// an offset: whole groups of 8 rows, and whole panels or a static part of one.
static bool isAddressable(SharedType source, SharedType part,
                          ArrayRef<int64_t> offsets) {
  int64_t rows = part.getShape()[part.getRank() - 2];
  int64_t rowOffset = offsets[offsets.size() - 2];
  bool staticRows = !ShapedType::isDynamic(rowOffset);
  if (rows % 8 || (staticRows && rowOffset % 8))
    return false;
  int64_t columns = part.getShape().back(), columnOffset = offsets.back();
  if (columns == source.getShape().back())
    return true;
  if (ShapedType::isDynamic(columnOffset))
    return false;
  int64_t panel = source.getLayout().getPanelColumns();
  if (columns % panel == 0)
    return columnOffset % panel == 0;
  return columnOffset / panel == (columnOffset + columns - 1) / panel;
}

LogicalResult SliceOp::verify() {
  SharedType source = getSource().getType(), part = getResult().getType();
  ArrayRef<int64_t> offsets = getStaticOffsets();
  // slice_c1
  if (static_cast<int64_t>(offsets.size()) != source.getRank() ||
      part.getRank() != source.getRank() ||
      part.getElementType() != source.getElementType() ||
      part.getSwizzle() != source.getSwizzle())
    return emitOpError("expects an offset per dimension, and equal ranks, "
                       "element types and swizzles");
  // slice_c2
  for (auto [offset, size, whole] :
       llvm::zip(offsets, part.getShape(), source.getShape()))
    if (size > whole || (!ShapedType::isDynamic(offset) &&
                         (offset < 0 || offset + size > whole)))
      return emitOpError("expects the part to fit inside the source");
  // slice_c3
  if (source.getSwizzle() && !isAddressable(source, part, offsets))
    return emitOpError("expects whole groups of 8 rows, and whole panels or a "
                       "static part of one, in a swizzled tile");
  return success();
}

//===----------------------------------------------------------------------===//
// Asynchronous copies
//===----------------------------------------------------------------------===//

/// What holds for copies in both directions (copy_c1 .. copy_c5).
static LogicalResult verifyCopy(Operation *op, GlobalType global,
                                SharedType shared, size_t indices,
                                std::optional<ArrayRef<int64_t>> dims) {
  const target::CopyLimits &limits = target::getDefaultTarget().copies;
  // copy_c1
  if (failed(verifyIndices(op, global, indices)))
    return failure();
  // copy_c2
  if (failed(verifyDims(op, dims, shared.getShape(), global.getRank(),
                        /*allowNone=*/false)))
    return failure();
  // copy_c3
  if (failed(verifySameElementType(op, global.getElementType(),
                                   shared.getElementType())))
    return failure();
  // copy_c4
  int64_t rowBytes =
      shared.getShape().back() * getElementBytes(shared.getElementType());
  if (rowBytes % limits.granuleBytes)
    return op->emitOpError("expects rows of a multiple of ")
           << limits.granuleBytes << " bytes, but got " << rowBytes;
  // copy_c5
  if (global.getRank() > limits.rank)
    return op->emitOpError("expects a tensor of rank at most ")
           << limits.rank << ", but got " << global;
  return success();
}

/// CTAs that share a multicast copy.
static LogicalResult verifyMulticast(CopyOp copy, ArrayRef<int64_t> dims) {
  auto kernel = copy->getParentOfType<KernelOp>();
  if (!kernel)
    return success();
  int64_t sharers = 1;
  for (int64_t dim : dims) {
    if (dim < 0 || kernel.getClusterDim(dim) < 2)
      return copy.emitOpError("expects 'multicast' to name dimensions of the "
                              "cluster with an extent above 1, but got ")
             << dim;
    sharers *= kernel.getClusterDim(dim);
  }
  SharedType shared = copy.getDestination().getType();
  if (shared.getLayout().rows % (8 * sharers))
    return copy.emitOpError("expects whole groups of 8 rows for each of ")
           << sharers << " CTAs, but got " << shared;
  return success();
}

LogicalResult CopyOp::verify() {
  if (failed(verifyCopy(*this, getSource().getType(),
                        getDestination().getType(), getIndices().size(),
                        getDims())))
    return failure();
  // copy_c6
  if (std::optional<ArrayRef<int64_t>> multicast = getMulticast())
    return verifyMulticast(*this, *multicast);
  return success();
}

LogicalResult CopyOutOp::verify() {
  return verifyCopy(*this, getDestination().getType(), getSource().getType(),
                    getIndices().size(), getDims());
}

//===----------------------------------------------------------------------===//
// Loads and stores
//===----------------------------------------------------------------------===//

LogicalResult LoadOp::verify() {
  Type memory = getSource().getType();
  FragmentType result = getResult().getType();
  // load_c1
  if (failed(verifyIndices(*this, memory, getIndices().size())))
    return failure();
  // load_c2
  if (failed(verifyDims(*this, getDims(), result.getShape(),
                        getMemoryShape(memory).size(), /*allowNone=*/true)))
    return failure();
  // load_c3
  if (failed(verifySameElementType(*this, getMemoryElementType(memory),
                                   result.getElementType())))
    return failure();
  // load_c4
  return verifyRows(*this, getRows(), result, memory);
}

LogicalResult StoreOp::verify() {
  Type memory = getDestination().getType();
  FragmentType value = getValue().getType();
  // store_c1
  if (failed(verifyIndices(*this, memory, getIndices().size())))
    return failure();
  // store_c2
  if (failed(verifyDims(*this, getDims(), value.getShape(),
                        getMemoryShape(memory).size(), /*allowNone=*/true)))
    return failure();
  // store_c3
  if (failed(verifySameElementType(*this, getMemoryElementType(memory),
                                   value.getElementType())))
    return failure();
  // store_c4
  if (failed(verifyRows(*this, getRows(), value, memory)))
    return failure();
  // store_c5
  if (!getMask())
    return success();
  FragmentType mask = getMask().getType();
  bool fits = mask.getElementType().isInteger(1) &&
              mask.getShape().size() == value.getShape().size();
  for (auto [have, want] : llvm::zip(mask.getShape(), value.getShape()))
    fits &= have == want || have == 1;
  if (!fits)
    return emitOpError(
               "expects 'mask' to be of i1, with each dimension that of "
               "the value or 1, but got ")
           << mask;
  return success();
}

LogicalResult AddAtOp::verify() {
  SharedType memory = getDestination().getType();
  FragmentType value = getValue().getType(), indices = getIndices().getType();
  // add_at_c1
  if (memory.getRank() != 1 || !memory.getElementType().isInteger(32) ||
      !value.getElementType().isInteger(32) ||
      !indices.getElementType().isInteger(32))
    return emitOpError("expects values and indices of i32 and a vector of i32, "
                       "but got ")
           << value << ", " << indices << " and " << memory;
  // add_at_c2
  if (indices.getShape() != value.getShape())
    return emitOpError("expects indices in the shape of the values, but got ")
           << indices << " and " << value;
  if (!getMask())
    return success();
  FragmentType mask = getMask().getType();
  if (mask.getShape() != value.getShape() ||
      !mask.getElementType().isInteger(1))
    return emitOpError("expects 'mask' to be of i1, in the shape of the "
                       "values, but got ")
           << mask;
  return success();
}

LogicalResult LoadScalarOp::verify() {
  Type memory = getSource().getType();
  // load_scalar_c1
  if (failed(verifyIndices(*this, memory, getIndices().size())))
    return failure();
  // load_scalar_c2
  return verifySameElementType(*this, getMemoryElementType(memory),
                               getResult().getType());
}

LogicalResult StoreScalarOp::verify() {
  Type memory = getDestination().getType();
  // store_scalar_c1
  if (failed(verifyIndices(*this, memory, getIndices().size())))
    return failure();
  // store_scalar_c2
  return verifySameElementType(*this, getMemoryElementType(memory),
                               getValue().getType());
}

/// A fragment and the shared tile it goes to or comes from (store_matrix_c1,
/// store_matrix_c2).
static LogicalResult verifyMatrix(Operation *op, FragmentType fragment,
                                  SharedType shared, bool transpose) {
  // store_matrix_c1
  if (failed(verifySameElementType(op, fragment.getElementType(),
                                   shared.getElementType())))
    return failure();
  // store_matrix_c2
  SmallVector<int64_t> shape = llvm::to_vector(fragment.getShape());
  if (transpose)
    std::reverse(shape.begin(), shape.end());
  if (ArrayRef<int64_t>(shape) != shared.getShape())
    return op->emitOpError("expects equal shapes, but got ")
           << fragment << " and " << shared;
  return success();
}

LogicalResult StoreMatrixOp::verify() {
  return verifyMatrix(*this, getValue().getType(), getDestination().getType(),
                      getTranspose());
}

LogicalResult LoadMatrixOp::verify() {
  return verifyMatrix(*this, getResult().getType(), getSource().getType(),
                      getTranspose());
}

} // namespace tilewright::tile
