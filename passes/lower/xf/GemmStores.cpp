//===- GemmStores.cpp - Results of a GEMM's epilogue ----------------------===//

#include "passes/lower/xf/GemmEpilogue.h"

#include "ir/target/Target.h"
#include "ir/tile/ReplicaBuffer.h"

#include <numeric>

using namespace mlir;

namespace tilewright {

LogicalResult GemmEpilogue::emit(const GemmTile &where, Value sum) {
  tile = where;
  accumulator = sum;
  rowScalars.clear();
  // Numbers per token first: they serve all slices, and their loads overlap.
  for (auto scale : source.getBlock().getOps<xf::ScaleRowsOp>())
    if (failed(evaluateRowScalar(scale->getOperand(1))))
      return failure();
  int64_t group = getGroup();
  if (tile.blockN % group != 0)
    return source.emitOpError("has a tile that is no whole number of heads, "
                              "which something is reduced over");
  for (int64_t offset = 0; offset < tile.blockN; offset += group)
    if (failed(emitGroup(offset)))
      return failure();
  return success();
}

/// Columns whose slices are made together.
int64_t GemmEpilogue::getGroup() {
  int64_t group = tile.slice;
  for (auto norm : source.getBlock().getOps<xf::RmsNormOp>())
    group = std::lcm(group, norm.getType().getShape().back());
  return group;
}

/// A group lies in one piece of the split; which one is known at run time.
LogicalResult GemmEpilogue::emitGroup(int64_t offset) {
  groupOffset = offset;
  headFactors.clear();
  // Outputs that do not go through the split, or all.
  if (failed(emitSlices(offset, nullptr)))
    return failure();
  xf::SplitOp split = findOutputSplit(source);
  if (!split)
    return success();
  // Each branch is the alternative of the one before, so that none has to keep
  // the accumulators for the next.
  OpBuilder::InsertionGuard guard(b);
  Value column = b.add(tile.column, offset);
  int64_t start = 0;
  for (auto [piece, size] : llvm::zip(split.getPieces(), split.getSizes())) {
    Value begin = b.compare(Compare::GreaterEqual, column, b.index(start));
    Value end = b.compare(Compare::Less, column, b.index(start + size));
    Value inside = arith::AndIOp::create(b, begin, end);
    auto branch = scf::IfOp::create(b, inside, /*withElse=*/true);
    b.setInsertionPointToStart(branch.thenBlock());
    headFactors.clear();
    if (failed(emitSlices(offset, piece)))
      return failure();
    b.setInsertionPointToStart(branch.elseBlock());
    start += size;
  }
  return success();
}

/// The outputs of `segment`, a piece of the split or null, slice by slice.
LogicalResult GemmEpilogue::emitSlices(int64_t offset, Value segment) {
  xf::SplitOp split = findOutputSplit(source);
  int64_t end = offset + getGroup();
  for (; offset < end; offset += tile.slice) {
    selectSlice(offset);
    for (auto [index, value] : llvm::enumerate(source.getYield().getValues()))
      if ((split ? findSegment(value, split) : Value()) == segment)
        if (failed(emitOutput(index)))
          return failure();
  }
  return success();
}

void GemmEpilogue::selectSlice(int64_t offset) {
  product.fragment = b.extract(accumulator, tile.shape(0, offset),
                               tile.shape(tile.blockM, tile.slice));
  product.column = b.add(tile.column, offset);
  memo.clear();
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

void GemmEpilogue::storePiece(Value fragment, const Place &place,
                              bool swapped) {
  KernelBuilder::StoreOptions options;
  options.rows = place.rows;
  options.dims =
      swapped ? SmallVector<int64_t>{1, 0} : SmallVector<int64_t>{0, 1};
  b.store(fragment, place.destination, {place.base, place.column}, options);
}

/// Whether a tensor map can address rows of `global`.
static bool hasTensorMap(tile::GlobalType global) {
  int64_t granule = target::getDefaultTarget().copies.granuleBytes;
  int64_t bytes = global.getShape().back() *
                  global.getElementType().getIntOrFloatBitWidth() / 8;
  return global.getRank() == 2 && bytes % granule == 0;
}

/// The shared tile for a piece on its way, tokens by columns. Pieces of another
/// `number` may be under way in another tile. Nothing where the piece has to go
/// straight to memory: it is wide (a thread's share of a row fills
/// its sectors as it is), or its columns make up no panel. Unswapped, there is
/// room for one kind of tile; a tile that is divided among outputs has several.
Value GemmEpilogue::getStaging(Type element, int64_t columns, unsigned number) {
  constexpr unsigned kMatrixBits = 16; // what stmatrix moves
  if (element.getIntOrFloatBitWidth() != kMatrixBits ||
      (!tile.swapped && findOutputSplit(source)))
    return nullptr;
  int64_t swizzle = target::getDefaultTarget().copies.getWidestSwizzle(
      columns * kMatrixBits / 8);
  if (swizzle == 0)
    return nullptr;
  tile::SharedType type = b.shared({tile.blockM, columns}, element, swizzle);
  std::pair<Type, unsigned> key(type, number);
  if (!tile.swapped && !staging.empty() && !staging.contains(key))
    return nullptr;
  Value &staged = staging[key];
  if (!staged)
    staged = allocate(type);
  return staged;
}

/// A shared tile for the role; each of its replicas has its own.
Value GemmEpilogue::allocate(tile::SharedType type) {
  auto role =
      b.getInsertionBlock()->getParentOp()->getParentOfType<tile::RoleOp>();
  if (!role)
    role = cast<tile::RoleOp>(b.getInsertionBlock()->getParentOp());
  return tile::allocateForReplica(b, b.getLoc(), signature.getKernel(), role,
                                  type);
}

Value GemmEpilogue::getStaging(const Piece &piece, unsigned number) {
  return getStaging(KernelBuilder::typeOf(piece.fragment).getElementType(),
                    KernelBuilder::shapeOf(piece.fragment)[tile.columnDim()],
                    number);
}

/// By TMA, so that the stores run on under the next tile's products.
/// tile-insert-fences adds what this needs: a wait for the copy of the tile
/// before, and the fence between these stores and this copy.
void GemmEpilogue::storeByCopy(const Piece &piece, Value destination,
                               Value staged) {
  tile::StoreMatrixOp::create(b, piece.fragment, staged,
                              /*transpose=*/tile.swapped);
  tile::CopyOutOp::create(
      b, staged, destination, ValueRange{tile.token, piece.column},
      DenseI64ArrayAttr(), DenseI64ArrayAttr(), IntegerAttr());
}

/// A swapped piece with tokens along dimension 0, by way of `staged`: what is
/// adjacent in memory becomes adjacent in a thread.
Value GemmEpilogue::turn(const Piece &piece, Value staged) {
  tile::StoreMatrixOp::create(b, piece.fragment, staged, /*transpose=*/true);
  tile::SyncOp::create(b);
  auto type = cast<tile::SharedType>(staged.getType());
  Value turned = b.load(staged, {b.index(0), b.index(0)}, type.getShape(), {});
  // Before the tile is written again.
  tile::SyncOp::create(b);
  return turned;
}

/// The converse: rows of `memory` for a swapped piece. Nothing where there is
/// no tile to turn them in.
Value GemmEpilogue::loadTurned(Value memory, const Piece &piece,
                               int64_t columns) {
  auto global = cast<tile::GlobalType>(memory.getType());
  Value staged;
  if (tile.swapped)
    staged = getStaging(global.getElementType(), columns, /*number=*/0);
  if (!staged)
    return nullptr;
  Value rows =
      b.load(memory, {tile.token, piece.column}, {tile.blockM, columns}, {});
  b.store(rows, staged, {b.index(0), b.index(0)}, {});
  tile::SyncOp::create(b);
  Value turned = tile::LoadMatrixOp::create(
      b, b.fragment(tile.shape(tile.blockM, columns), global.getElementType()),
      staged, /*transpose=*/true);
  // Before the tile is written again.
  tile::SyncOp::create(b);
  return turned;
}

/// The columns of `value`, in one piece, or in two where an op regroups them
/// last: the first partners, then the second.
FailureOr<SmallVector<GemmEpilogue::Piece>>
GemmEpilogue::evaluateRegrouped(Value value) {
  while (auto reshape = value.getDefiningOp<xf::ReshapeOp>())
    value = reshape.getInput();
  auto regroup = value.getDefiningOp<xf::RegroupColumnsOp>();
  FailureOr<Piece> piece = evaluate(regroup ? regroup.getInput() : value);
  if (failed(piece))
    return failure();
  if (!regroup)
    return SmallVector<Piece>{*piece};
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
  return SmallVector<Piece>{Piece{first, column},
                            Piece{second, b.add(column, to)}};
}

LogicalResult GemmEpilogue::storeRows(Value value, Value destination) {
  FailureOr<SmallVector<Piece>> pieces = evaluateRegrouped(value);
  if (failed(pieces))
    return failure();
  for (auto [number, piece] : llvm::enumerate(*pieces)) {
    bool copied = hasTensorMap(cast<tile::GlobalType>(destination.getType()));
    Value staged;
    if (copied || tile.swapped)
      staged = getStaging(piece, number);
    Place place{destination, /*rows=*/Value(), tile.token, piece.column};
    if (staged && copied)
      storeByCopy(piece, destination, staged);
    else if (staged)
      storePiece(turn(piece, staged), place, /*swapped=*/false);
    else
      storePiece(piece.fragment, place, tile.swapped);
  }
  return success();
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
    storePiece(sum,
               {destination, /*rows=*/Value(), tile.token,
                b.add(b.div(piece->column, chunk), offset / chunk)},
               tile.swapped);
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
  FailureOr<SmallVector<Piece>> pieces = evaluateRegrouped(op.getInput());
  if (failed(pieces))
    return failure();
  bool turned = tile.swapped && getStaging(pieces->front(), /*number=*/0);
  bool swapped = tile.swapped && !turned;
  SmallVector<int64_t> shape = swapped ? SmallVector<int64_t>{1, tile.blockM}
                                       : SmallVector<int64_t>{tile.blockM, 1};
  // Rows of the tile beyond the last token must not write to slot 0.
  Value slots =
      loadTokens(op.getSlotMapping(), swapped, b.getI32IntegerAttr(-1));
  Value pageSizes = b.splat(static_cast<int32_t>(pageSize), shape);
  Value page = arith::DivSIOp::create(b, slots, pageSizes);
  Value inPage = arith::RemSIOp::create(b, slots, pageSizes);
  Value firstRow = b.addi(
      b.muli(page, b.splat(static_cast<int32_t>(heads * pageSize), shape)),
      inPage);
  Value skipped = b.compare(Compare::Less, slots, b.splat(int32_t(0), shape));
  for (auto [number, piece] : llvm::enumerate(*pieces)) {
    Value head = b.toI32(b.mul(b.div(piece.column, headDim), pageSize));
    Value rows = b.select(skipped, b.splat(int32_t(-1), shape),
                          b.addi(firstRow, b.splat(head, shape)));
    Value fragment =
        turned ? turn(piece, getStaging(piece, number)) : piece.fragment;
    storePiece(fragment,
               {destination, rows, b.index(0), b.rem(piece.column, headDim)},
               swapped);
  }
  return success();
}

} // namespace tilewright
