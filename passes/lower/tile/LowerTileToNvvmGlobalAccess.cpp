//===- LowerTileToNvvmGlobalAccess.cpp - Loads and stores in global memory ===//
// Addresses are a part that is the same in all threads, a part per thread and a
// constant per register, so that the last goes into the instruction. Bounds are
// compared per coordinate, not per element, and not at all where they hold.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/LowerTileToNvvmAccess.h"

#include <map>

using namespace mlir;

namespace tilewright {

namespace {
/// A stride of a tensor, in elements.
struct Stride {
  std::optional<int64_t> constant;
  Value value; ///< i64, where it is not constant
};

/// Accesses to the box of a global tensor that a fragment spans.
class GlobalBox {
public:
  GlobalBox(ImplicitLocOpBuilder &b, Operation *op, const KernelContext &kernel,
            const GlobalTensor &tensor, tile::GlobalType type,
            ValueRange indices, tile::FragmentType fragment,
            std::optional<ArrayRef<int64_t>> dims);

  /// Place k along the dimension of the fragment that `rows` spans is place
  /// `index + rows[k]` of the tensor, where each register of the fragment has
  /// its element of `rows`.
  void setRows(tile::FragmentType rows, ArrayRef<Value> rowOfRegister) {
    this->rowOfRegister = llvm::to_vector(rowOfRegister);
    for (auto [dim, size] : llvm::enumerate(rows.getShape()))
      if (size != 1)
        rowsDim = dim;
  }

  /// Whether every size and stride is known; a diagnostic otherwise.
  LogicalResult prepare();

  /// Elements of one access.
  int64_t getVectorWidth(int64_t limit) const;
  Value getPointer(int64_t reg);
  /// Null where the element is in bounds for sure.
  Value getPredicate(int64_t reg);

private:
  bool hasRows() const { return !rowOfRegister.empty(); }
  bool isRowsDim(int64_t dim) const { return hasRows() && dim == rowsDim; }
  Stride getStride(int64_t dim);
  Value scale(Value coordinate, const Stride &stride);
  Value createThreadPointer();
  Value createUniformPredicate();
  Value createBound(int64_t fragmentDim, int64_t offset);
  bool isWholeTile(int64_t fragmentDim) const;
  bool isInside(int64_t dim, int64_t extent) const;

  ImplicitLocOpBuilder &b;
  Operation *op;
  const GlobalTensor &tensor;
  tile::GlobalType type;
  tile::FragmentType fragment;
  tile::Layout layout;
  int64_t elementBytes;
  SmallVector<Value> indices;                    ///< i32
  SmallVector<std::optional<int64_t>> constants; ///< indices that are known
  SmallVector<int64_t> divisors;                 ///< of the indices
  SmallVector<int64_t> tensorDim; ///< of each dimension of the fragment, or -1
  SmallVector<Stride> strides;
  SmallVector<Value> threadCoordinate;
  SmallVector<Value> rowOfRegister;
  int64_t rowsDim = 0; ///< of the fragment

  Value threadPointer;
  std::optional<Value> uniform; ///< predicate common to all registers
  std::map<std::pair<int64_t, int64_t>, Value> bounds;
  llvm::DenseMap<Value, Value> rowPointers;
};
} // namespace

/// The dimension of the tensor for each of the fragment: as given, or the last
/// ones, with none for leading dimensions that the tensor lacks.
static SmallVector<int64_t>
getTensorDims(int64_t tensorRank, int64_t fragmentRank,
              std::optional<ArrayRef<int64_t>> dims) {
  if (dims)
    return llvm::to_vector(*dims);
  SmallVector<int64_t> result;
  for (int64_t dim = 0; dim < fragmentRank; ++dim)
    result.push_back(std::max<int64_t>(tensorRank - fragmentRank + dim, -1));
  return result;
}

GlobalBox::GlobalBox(ImplicitLocOpBuilder &b, Operation *op,
                     const KernelContext &kernel, const GlobalTensor &tensor,
                     tile::GlobalType type, ValueRange indexValues,
                     tile::FragmentType fragment,
                     std::optional<ArrayRef<int64_t>> dims)
    : b(b), op(op), tensor(tensor), type(type), fragment(fragment),
      layout(getLayout(fragment)),
      elementBytes(tile::getElementBytes(type.getElementType())),
      tensorDim(getTensorDims(type.getRank(), fragment.getRank(), dims)) {
  for (Value index : indexValues) {
    constants.push_back(getConstant(index));
    indices.push_back(toI32(b, index));
  }
  auto known = kernel.indexDivisors.find(op);
  divisors = known != kernel.indexDivisors.end()
                 ? known->second
                 : SmallVector<int64_t>(indices.size(), 1);
  threadCoordinate =
      createThreadCoordinate(b, layout, kernel.getThreads(op).thread);
}

LogicalResult GlobalBox::prepare() {
  if (!tensor.pointer)
    return op->emitOpError("has no pointer among the kernel's parameters");
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    if (!tensor.sizes[dim])
      return op->emitOpError("has no size of dimension ")
             << dim << " among the kernel's parameters";
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    strides.push_back(getStride(dim));
  threadPointer = createThreadPointer();
  return success();
}

Stride GlobalBox::getStride(int64_t dim) {
  Stride stride{1, {}};
  for (int64_t inner = type.getRank() - 1; inner > dim; --inner) {
    int64_t size = type.getShape()[inner];
    if (stride.constant && !ShapedType::isDynamic(size)) {
      stride.constant = *stride.constant * size;
      continue;
    }
    if (stride.constant) {
      stride.value = createI64(b, *stride.constant);
      stride.constant = std::nullopt;
    }
    Value factor = ShapedType::isDynamic(size) ? toI64(b, tensor.sizes[inner])
                                               : createI64(b, size);
    stride.value = arith::MulIOp::create(b, stride.value, factor);
  }
  return stride;
}

/// Bytes of `coordinate` (i32) steps along a dimension, as i64.
Value GlobalBox::scale(Value coordinate, const Stride &stride) {
  Value factor = stride.constant
                     ? createI64(b, *stride.constant * elementBytes)
                     : Value(arith::MulIOp::create(b, stride.value,
                                                   createI64(b, elementBytes)));
  return arith::MulIOp::create(b, toI64(b, coordinate), factor);
}

Value GlobalBox::createThreadPointer() {
  Value pointer = tensor.pointer;
  for (auto [index, stride] : llvm::zip_equal(indices, strides))
    pointer = createOffset(b, pointer, scale(index, stride));
  for (auto [dim, coordinate] : llvm::enumerate(threadCoordinate)) {
    if (tensorDim[dim] < 0 || isRowsDim(dim))
      continue;
    pointer =
        createOffset(b, pointer, scale(coordinate, strides[tensorDim[dim]]));
  }
  return pointer;
}

Value GlobalBox::getPointer(int64_t reg) {
  Value pointer = threadPointer;
  if (hasRows()) {
    Value row = rowOfRegister[reg];
    Value &rowPointer = rowPointers[row];
    if (!rowPointer)
      rowPointer = createOffset(b, threadPointer,
                                scale(row, strides[tensorDim[rowsDim]]));
    pointer = rowPointer;
  }
  tile::Coordinate at = layout.getRegisterCoordinate(reg);
  for (auto [dim, offset] : llvm::enumerate(at)) {
    if (offset == 0 || tensorDim[dim] < 0 || isRowsDim(dim))
      continue;
    const Stride &stride = strides[tensorDim[dim]];
    int64_t bytes = offset * elementBytes * stride.constant.value_or(0);
    if (stride.constant && llvm::isInt<31>(bytes))
      pointer = createOffset(b, pointer, bytes);
    else
      pointer = createOffset(b, pointer, scale(createI32(b, offset), stride));
  }
  return pointer;
}

//===----------------------------------------------------------------------===//
// Vectors
//===----------------------------------------------------------------------===//

/// A vector lies along the last dimension of the tensor, starts aligned in
/// every row, and is in bounds as a whole or not at all.
int64_t GlobalBox::getVectorWidth(int64_t limit) const {
  int64_t last = type.getRank() - 1;
  auto *it = llvm::find(tensorDim, last);
  if (it == tensorDim.end())
    return 1;
  int64_t width = std::min(layout.getVectorWidth(it - tensorDim.begin()),
                           kMaxAccessBytes / elementBytes);
  width = std::min(width, limit);
  int64_t size = type.getShape()[last];
  auto divides = [&](int64_t value) { return value % width == 0; };
  while (width > 1 &&
         (ShapedType::isDynamic(size) || !divides(size) ||
          !divides(divisors[last]) || isRowsDim(it - tensorDim.begin())))
    width /= 2;
  return width;
}

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// Whether `extent` elements from a constant index are inside.
bool GlobalBox::isInside(int64_t dim, int64_t extent) const {
  int64_t size = type.getShape()[dim];
  std::optional<int64_t> index = constants[dim];
  return !ShapedType::isDynamic(size) && index && *index >= 0 &&
         *index + extent <= size;
}

/// Whether the box is inside or outside along a dimension as a whole.
bool GlobalBox::isWholeTile(int64_t fragmentDim) const {
  int64_t dim = tensorDim[fragmentDim];
  int64_t extent = fragment.getShape()[fragmentDim];
  int64_t size = type.getShape()[dim];
  return !isRowsDim(fragmentDim) &&
         (extent == 1 || (!ShapedType::isDynamic(size) && size % extent == 0 &&
                          divisors[dim] % extent == 0));
}

static Value isBelow(ImplicitLocOpBuilder &b, Value index, Value size) {
  // Unsigned, so that a negative index is out of bounds as well.
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, index, size);
}

/// What all registers agree on: dimensions that the fragment does not span, or
/// that are inside or outside as a whole.
Value GlobalBox::createUniformPredicate() {
  Value predicate;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    auto *it = llvm::find(tensorDim, dim);
    bool isSpanned = it != tensorDim.end();
    int64_t fragmentDim = it - tensorDim.begin();
    if (isSpanned && !isWholeTile(fragmentDim))
      continue;
    int64_t extent = isSpanned ? fragment.getShape()[fragmentDim] : 1;
    if (!isInside(dim, extent))
      predicate =
          createAnd(b, predicate, isBelow(b, indices[dim], tensor.sizes[dim]));
  }
  return predicate;
}

/// Whether a coordinate of the fragment is inside; null where it always is.
Value GlobalBox::createBound(int64_t fragmentDim, int64_t offset) {
  int64_t dim = tensorDim[fragmentDim];
  if (dim < 0 || isWholeTile(fragmentDim) ||
      isInside(dim, fragment.getShape()[fragmentDim]))
    return {};
  Value &bound = bounds[{fragmentDim, offset}];
  if (!bound) {
    Value at =
        arith::AddIOp::create(b, indices[dim], threadCoordinate[fragmentDim]);
    bound = isBelow(b, addConstant(b, at, offset), tensor.sizes[dim]);
  }
  return bound;
}

Value GlobalBox::getPredicate(int64_t reg) {
  if (!uniform)
    uniform = createUniformPredicate();
  Value predicate = *uniform;
  tile::Coordinate at = layout.getRegisterCoordinate(reg);
  for (auto [fragmentDim, offset] : llvm::enumerate(at)) {
    if (isRowsDim(fragmentDim)) {
      int64_t dim = tensorDim[rowsDim];
      Value row = rowOfRegister[reg];
      Value at = arith::AddIOp::create(b, indices[dim], row);
      Value wanted = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, row,
                                           createI32(b, 0));
      predicate = createAnd(b, predicate, wanted);
      predicate = createAnd(b, predicate, isBelow(b, at, tensor.sizes[dim]));
      continue;
    }
    predicate = createAnd(b, predicate, createBound(fragmentDim, offset));
  }
  return predicate;
}

//===----------------------------------------------------------------------===//
// The ops
//===----------------------------------------------------------------------===//

/// For each register of `fragment`, its element of a column of rows.
static FailureOr<SmallVector<Value>>
spreadColumn(ImplicitLocOpBuilder &b, Operation *op, tile::FragmentType column,
             ValueRange words, tile::FragmentType fragment, StringRef name) {
  auto map = getBroadcastMap(column, fragment);
  if (!map)
    return op->emitOpError("expects '")
           << name << "' in a layout whose threads hold what they need";
  SmallVector<Value> source = unpackWords(b, column, words);
  SmallVector<Value> values;
  for (int64_t reg : *map)
    values.push_back(source[reg]);
  return values;
}

namespace {
struct GlobalLoadLowering : TilePattern<tile::LoadOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::GlobalType>(op.getSource().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not global");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getResult().getType();
    SmallVector<Value> indices;
    for (ValueRange index : adaptor.getIndices())
      indices.push_back(index.front());
    GlobalBox box(b, op, kernel, kernel.globals.find(op.getSource())->second,
                  type, indices, fragment, op.getDims());
    if (op.getRows()) {
      auto rows = spreadColumn(b, op, op.getRows().getType(), adaptor.getRows(),
                               fragment, "rows");
      if (failed(rows))
        return failure();
      box.setRows(op.getRows().getType(), *rows);
    }
    if (failed(box.prepare()))
      return failure();

    AccessOptions options;
    options.fill = dyn_cast_or_null<TypedAttr>(op.getFillAttr());
    options.stream = op.getStream();
    Type elementType = type.getElementType();
    int64_t width = box.getVectorWidth(kMaxAccessBytes);
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < getNumRegisters(fragment); reg += width) {
      options.predicate = box.getPredicate(reg);
      llvm::append_range(elements,
                         createVectorLoad(b, box.getPointer(reg), elementType,
                                          width, options));
    }
    rewriter.replaceOpWithMultiple(op, {packWords(b, fragment, elements)});
    return success();
  }
};

struct GlobalStoreLowering : TilePattern<tile::StoreOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::GlobalType>(op.getDestination().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not global");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getValue().getType();
    SmallVector<Value> indices;
    for (ValueRange index : adaptor.getIndices())
      indices.push_back(index.front());
    GlobalBox box(b, op, kernel,
                  kernel.globals.find(op.getDestination())->second, type,
                  indices, fragment, op.getDims());
    SmallVector<Value> mask;
    int64_t limit = kMaxAccessBytes;
    if (op.getRows()) {
      auto rows = spreadColumn(b, op, op.getRows().getType(), adaptor.getRows(),
                               fragment, "rows");
      if (failed(rows))
        return failure();
      box.setRows(op.getRows().getType(), *rows);
    }
    if (op.getMask()) {
      auto values = spreadColumn(b, op, op.getMask().getType(),
                                 adaptor.getMask(), fragment, "mask");
      if (failed(values))
        return failure();
      mask = *values;
      // A mask per element rules out vectors.
      if (op.getMask().getType().getShape().back() != 1)
        limit = 1;
    }
    if (failed(box.prepare()))
      return failure();

    Value owner = createOwnerPredicate(b, getLayout(fragment),
                                       kernel.getThreads(op).thread);
    SmallVector<Value> elements = unpackWords(b, fragment, adaptor.getValue());
    int64_t width = box.getVectorWidth(limit);
    for (int64_t reg = 0; reg < getNumRegisters(fragment); reg += width) {
      AccessOptions options;
      options.stream = op.getStream();
      options.predicate = createAnd(b, owner, box.getPredicate(reg));
      if (!mask.empty())
        options.predicate = createAnd(b, options.predicate, mask[reg]);
      createVectorStore(b, box.getPointer(reg), type.getElementType(),
                        ArrayRef(elements).slice(reg, width), options);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Scalars: a fragment of one element that every thread holds
//===----------------------------------------------------------------------===//

/// The box of one element of `memory`.
static GlobalBox makeScalarBox(ImplicitLocOpBuilder &b, Operation *op,
                               const KernelContext &kernel, Value memory,
                               ValueRange indices) {
  auto type = cast<tile::GlobalType>(memory.getType());
  SmallVector<int64_t> shape(std::max<int64_t>(type.getRank(), 1), 1);
  // All threads that run the op, whatever it is.
  tile::Layout layout = tile::Layout::replicated(
      shape, kernel.getThreads(op).warps * getWarpThreads());
  auto fragment =
      tile::FragmentType::get(shape, type.getElementType(),
                              tile::LayoutAttr::get(op->getContext(), layout));
  return GlobalBox(b, op, kernel, kernel.globals.find(memory)->second, type,
                   indices, fragment, std::nullopt);
}

struct GlobalLoadScalarLowering : TilePattern<tile::LoadScalarOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadScalarOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::GlobalType>(op.getSource().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not global");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    GlobalBox box =
        makeScalarBox(b, op, kernel, op.getSource(), adaptor.getIndices());
    if (failed(box.prepare()))
      return failure();
    AccessOptions options;
    options.predicate = box.getPredicate(0);
    rewriter.replaceOp(op, createVectorLoad(b, box.getPointer(0),
                                            type.getElementType(), 1, options));
    return success();
  }
};

struct GlobalStoreScalarLowering : TilePattern<tile::StoreScalarOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreScalarOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::GlobalType>(op.getDestination().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not global");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    GlobalBox box =
        makeScalarBox(b, op, kernel, op.getDestination(), adaptor.getIndices());
    if (failed(box.prepare()))
      return failure();
    AccessOptions options;
    options.predicate =
        createAnd(b, kernel.getThreads(op).leader, box.getPredicate(0));
    createVectorStore(b, box.getPointer(0), type.getElementType(),
                      {adaptor.getValue()}, options);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void populateTileGlobalAccessPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns,
                                      const KernelContext &kernel) {
  patterns.add<GlobalLoadLowering, GlobalStoreLowering,
               GlobalLoadScalarLowering, GlobalStoreScalarLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace tilewright
