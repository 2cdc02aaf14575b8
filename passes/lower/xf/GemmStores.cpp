//===- GemmStores.cpp - Results of a GEMM's epilogue ----------------------===//

#include "passes/lower/xf/GemmEpilogue.h"

#include "ir/target/Target.h"

using namespace mlir;

namespace tilewright {

LogicalResult GemmEpilogue::emit(const GemmTile &where, Value accumulator) {
  tile = where;
  rowScalars.clear();
  // Numbers per token first: they serve all slices, and their loads overlap.
  for (auto scale : source.getBlock().getOps<xf::ScaleRowsOp>())
    if (failed(evaluateRowScalar(scale->getOperand(1))))
      return failure();
  for (int64_t offset = 0; offset < tile.blockN; offset += tile.slice)
    if (failed(emitSlice(where, offset, accumulator)))
      return failure();
  return success();
}

/// A slice lies in one piece of the split; which one is known at run time.
LogicalResult GemmEpilogue::emitSlice(const GemmTile &where, int64_t offset,
                                      Value accumulator) {
  SmallVector<int64_t> offsets = tile.shape(0, offset);
  product.fragment =
      b.extract(accumulator, offsets, tile.shape(tile.blockM, tile.slice));
  product.column = b.add(where.column, offset);
  memo.clear();

  xf::SplitOp split = findOutputSplit(source);
  auto emitSegment = [&](Value current) {
    for (auto [index, value] : llvm::enumerate(source.getYield().getValues()))
      if (!split || findSegment(value, split) == current)
        if (failed(emitOutput(index)))
          return failure();
    return success();
  };
  if (!split)
    return emitSegment(nullptr);
  // Outputs that do not go through the split.
  if (failed(emitSegment(nullptr)))
    return failure();
  llvm::DenseMap<Value, Piece> shared = memo;
  int64_t start = 0;
  for (auto [piece, size] : llvm::zip(split.getPieces(), split.getSizes())) {
    Value begin =
        b.compare(Compare::GreaterEqual, product.column, b.index(start));
    Value end = b.compare(Compare::Less, product.column, b.index(start + size));
    Value inside = arith::AndIOp::create(b, begin, end);
    auto branch = scf::IfOp::create(b, inside, /*withElse=*/false);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      memo = shared;
      if (failed(emitSegment(piece)))
        return failure();
    }
    start += size;
  }
  return success();
}

LogicalResult GemmEpilogue::emitOutput(unsigned index) {
  Value value = source.getYield().getValues()[index];
  Value destination = signature.getResult(index);
  if (auto append = value.getDefiningOp<xf::CacheAppendOp>())
    return appendToCache(append, destination);
  if (auto squares = value.getDefiningOp<xf::SumSquaresOp>())
    return storeSumSquares(squares, destination);
  return storeRows(value, destination);
}

void GemmEpilogue::storePiece(const Piece &piece, Value destination, Value rows,
                              Value base, Value column) {
  KernelBuilder::StoreOptions options;
  options.rows = rows;
  options.dims =
      tile.swapped ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
  b.store(piece.fragment, destination, {base, column}, options);
}

/// The widest swizzle whose panels make up rows of `bytes`; 0 if none does.
static int64_t getStagingSwizzle(int64_t bytes) {
  for (int64_t swizzle : {128, 64, 32})
    if (bytes % swizzle == 0)
      return swizzle;
  return 0;
}

/// The shared tile through which a piece leaves by TMA, so that the stores run
/// on under the next tile's products. Nothing where the piece has to go
/// straight to memory: a column of the fragment is a row of the result, or the
/// result is wide (a thread's share of a row fills its sectors as it is), or
/// its rows cannot be addressed by a tensor map.
Value GemmEpilogue::getStaging(const Piece &piece, Value destination) {
  auto global = cast<tile::GlobalType>(destination.getType());
  Type element = KernelBuilder::typeOf(piece.fragment).getElementType();
  constexpr unsigned kMatrixBits = 16; // what stmatrix moves
  if (tile.swapped || findOutputSplit(source) || global.getRank() != 2 ||
      element.getIntOrFloatBitWidth() != kMatrixBits)
    return nullptr;
  int64_t elementBytes = kMatrixBits / 8;
  int64_t granule = target::getDefaultTarget().copies.granuleBytes;
  ArrayRef<int64_t> shape = KernelBuilder::shapeOf(piece.fragment);
  int64_t swizzle = getStagingSwizzle(shape[1] * elementBytes);
  if (swizzle == 0 || global.getShape().back() * elementBytes % granule != 0)
    return nullptr;
  tile::SharedType type = b.shared(shape, element, swizzle);
  if (!staging) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(signature.getKernel().getBodyBlock());
    staging = tile::AllocOp::create(b, type, IntegerAttr(), StringAttr());
  }
  return staging.getType() == type ? staging : nullptr;
}

/// tile-insert-fences adds what this needs: a wait for the copy of the tile
/// before, and the fence between these stores and this copy.
void GemmEpilogue::storeStaged(const Piece &piece, Value destination,
                               Value staged) {
  tile::StoreMatrixOp::create(b, piece.fragment, staged, /*transpose=*/false);
  tile::CopyOutOp::create(
      b, staged, destination, ValueRange{tile.token, piece.column},
      DenseI64ArrayAttr(), DenseI64ArrayAttr(), IntegerAttr());
}

/// Calls `store(piece)` with the columns of `value`, in one piece, or in two
/// where an op regroups them last: the first partners, then the second.
template <typename Store>
LogicalResult GemmEpilogue::storeRegrouped(Value value, Store store) {
  while (auto reshape = value.getDefiningOp<xf::ReshapeOp>())
    value = reshape.getInput();
  auto regroup = value.getDefiningOp<xf::RegroupColumnsOp>();
  FailureOr<Piece> piece = evaluate(regroup ? regroup.getInput() : value);
  if (failed(piece))
    return failure();
  if (!regroup) {
    store(*piece);
    return success();
  }
  int64_t columns = KernelBuilder::shapeOf(piece->fragment)[tile.columnDim()];
  int64_t period = regroup.getPeriod(), from = regroup.getFrom(),
          to = regroup.getTo();
  if (static_cast<int64_t>(regroup.getExtent()) != period || 2 * to != period ||
      period % columns != 0)
    return regroup.emitOpError("is no regrouping into the halves of a head, "
                               "the only one that can be stored");
  auto [first, second] =
      b.deinterleave(piece->fragment, tile.columnDim(), from);
  Value inPeriod = b.rem(piece->column, period);
  Value start = arith::SubIOp::create(b, piece->column, inPeriod);
  Value column = arith::AddIOp::create(b, start, b.div(inPeriod, 2));
  store(Piece{first, column});
  store(Piece{second, b.add(column, to)});
  return success();
}

LogicalResult GemmEpilogue::storeRows(Value value, Value destination) {
  return storeRegrouped(value, [&](const Piece &piece) {
    if (Value staged = getStaging(piece, destination))
      storeStaged(piece, destination, staged);
    else
      storePiece(piece, destination, /*rows=*/Value(), tile.token,
                 piece.column);
  });
}

LogicalResult GemmEpilogue::storeSumSquares(xf::SumSquaresOp op,
                                            Value destination) {
  FailureOr<Piece> piece = evaluate(op.getInput());
  if (failed(piece))
    return failure();
  int64_t chunk = op.getChunk();
  int64_t columns = KernelBuilder::shapeOf(piece->fragment)[tile.columnDim()];
  if (columns % chunk != 0)
    return op.emitOpError("has chunks that do not divide a slice of the tile");
  Value x = b.cast(piece->fragment, b.getF32Type());
  Value squares = b.mulf(x, x);
  for (int64_t offset = 0; offset < columns; offset += chunk) {
    Value part = b.extract(squares, tile.shape(0, offset),
                           tile.shape(tile.blockM, chunk));
    Value sum = b.reduce(tile::ReduceKind::Add, part, tile.columnDim());
    storePiece({sum, Value()}, destination, /*rows=*/Value(), tile.token,
               b.add(b.div(piece->column, chunk), offset / chunk));
  }
  return success();
}

/// Slot s of head h is row `(s / page_size * heads + h) * page_size + s %
/// page_size` of the cache's rows; a negative slot is no row.
LogicalResult GemmEpilogue::appendToCache(xf::CacheAppendOp op,
                                          Value destination) {
  auto type = op.getCache().getType();
  int64_t heads = type.getDimSize(1), pageSize = type.getDimSize(2),
          headDim = type.getDimSize(3);
  SmallVector<int64_t> shape = tile.shape(tile.blockM, 1);
  // Rows of the tile beyond the last token must not write to slot 0.
  Value slots = loadTokens(op.getSlotMapping(), b.getI32IntegerAttr(-1));
  Value pageSizes = b.splat(static_cast<int32_t>(pageSize), shape);
  Value page = arith::DivSIOp::create(b, slots, pageSizes);
  Value inPage = arith::RemSIOp::create(b, slots, pageSizes);
  Value firstRow = b.addi(
      b.muli(page, b.splat(static_cast<int32_t>(heads * pageSize), shape)),
      inPage);
  Value skipped = b.compare(Compare::Less, slots, b.splat(int32_t(0), shape));
  return storeRegrouped(op.getInput(), [&](const Piece &piece) {
    Value head = b.toI32(b.mul(b.div(piece.column, headDim), pageSize));
    Value rows = b.select(skipped, b.splat(int32_t(-1), shape),
                          b.addi(firstRow, b.splat(head, shape)));
    storePiece(piece, destination, rows, b.index(0),
               b.rem(piece.column, headDim));
  });
}

} // namespace tilewright
