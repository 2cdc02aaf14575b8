//===- LowerTileToNvvmSharedAccess.cpp - Fragments and shared tiles -------===//
// Matrix instructions where a fragment lies as they want it, vectors otherwise.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvmAccess.h"

using namespace mlir;

namespace tilewright {

/// A layout of rank 2 whose dimensions are the rows and columns of a tile:
/// `tileDim[d]` is that of dimension d of the fragment, 0 for rows, 1 for
/// columns, -1 for one of size 1 that the tile lacks.
static tile::Layout toMatrixLayout(const tile::Layout &layout,
                                   ArrayRef<int64_t> tileDim) {
  auto convert = [&](ArrayRef<tile::Mode> modes) {
    SmallVector<tile::Mode> result;
    for (const tile::Mode &mode : modes) {
      tile::Mode moved{mode.size, {0, 0}};
      for (auto [dim, step] : llvm::enumerate(mode.steps))
        if (tileDim[dim] >= 0)
          moved.steps[tileDim[dim]] += step;
      result.push_back(moved);
    }
    return result;
  };
  return tile::Layout(2, convert(layout.getThreadModes()),
                      convert(layout.getRegisterModes()));
}

/// Rows or columns for each dimension of a fragment: the last two, in order.
static SmallVector<int64_t> getDefaultTileDims(int64_t rank, bool transpose) {
  SmallVector<int64_t> dims(rank, -1);
  dims[rank - 1] = transpose ? 0 : 1;
  if (rank >= 2)
    dims[rank - 2] = transpose ? 1 : 0;
  return dims;
}

/// Elements of one access along the columns of the tile.
static int64_t getVectorWidth(const tile::Layout &matrix,
                              const tile::SharedLayout &tile) {
  int64_t width =
      std::min(matrix.getVectorWidth(1), kMaxAccessBytes / tile.elementBytes);
  // Rows of an unswizzled tile start where they start.
  while (width > 1 && tile.columns % width != 0)
    width /= 2;
  return width;
}

static SmallVector<Value> loadTile(ImplicitLocOpBuilder &b, Value pointer,
                                   const tile::SharedLayout &tile,
                                   const tile::Layout &matrix, Type elementType,
                                   Value thread) {
  SharedAddresses addresses(b, pointer, tile, matrix, thread);
  int64_t width = getVectorWidth(matrix, tile);
  SmallVector<Value> elements;
  for (int64_t reg = 0; reg < matrix.getNumRegisters(); reg += width)
    llvm::append_range(elements, createVectorLoad(b, addresses.get(reg),
                                                  elementType, width, {}));
  return elements;
}

static void storeTile(ImplicitLocOpBuilder &b, Value pointer,
                      const tile::SharedLayout &tile,
                      const tile::Layout &matrix, Type elementType,
                      Value thread, ArrayRef<Value> elements) {
  SharedAddresses addresses(b, pointer, tile, matrix, thread);
  int64_t width = getVectorWidth(matrix, tile);
  AccessOptions options;
  options.predicate = createOwnerPredicate(b, matrix, thread);
  for (int64_t reg = 0; reg < matrix.getNumRegisters(); reg += width)
    createVectorStore(b, addresses.get(reg), elementType,
                      elements.slice(reg, width), options);
}

//===----------------------------------------------------------------------===//
// Matrix instructions
//===----------------------------------------------------------------------===//

namespace {
/// How ldmatrix and stmatrix move a fragment: every word of a thread is its
/// share of one 8 x 8 matrix, and lane l gives the address of row l % 8 of
/// matrix l / 8 among the `count` that one instruction moves.
struct MatrixMove {
  int64_t count;
  /// Coordinates of the rows that a thread addresses; its registers are the
  /// instructions.
  tile::Layout rows;
};
} // namespace

constexpr int64_t kMatrixRows = 8;
constexpr int64_t kQuadThreads = 4;
constexpr int64_t kPairElements = 2;

static tile::Coordinate subtract(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  return {a[0] - b[0], a[1] - b[1]};
}

/// `layout` has the rows of matrices along dimension 0 of a tile, or along
/// dimension 1 with `transpose`.
static std::optional<MatrixMove> planMatrixMove(const tile::Layout &layout,
                                                bool transpose) {
  unsigned rowDim = transpose ? 1 : 0, columnDim = 1 - rowDim;
  tile::Coordinate pair(2, 0), quad(2, 0), row(2, 0);
  pair[columnDim] = 1;
  quad[columnDim] = kPairElements;
  row[rowDim] = 1;
  ArrayRef<tile::Mode> threads = layout.getThreadModes();
  ArrayRef<tile::Mode> registers = layout.getRegisterModes();
  if (threads.size() < 2 || threads[0].size != kQuadThreads ||
      threads[0].steps != quad || threads[1].size != kMatrixRows ||
      threads[1].steps != row || registers.empty() ||
      registers[0].size != kPairElements || registers[0].steps != pair)
    return std::nullopt;

  // Whole matrices, in groups that repeat the same pattern.
  SmallVector<tile::Coordinate> matrices;
  for (int64_t reg = 0; reg < layout.getNumRegisters(); reg += kPairElements)
    matrices.push_back(layout.getRegisterCoordinate(reg));
  for (const tile::Coordinate &at : matrices)
    if (at[0] % kMatrixRows || at[1] % kMatrixRows)
      return std::nullopt;
  int64_t count = 4;
  while (matrices.size() % count)
    count /= 2;
  tile::Coordinate first(2, 0), second(2, 0);
  if (count > 1)
    first = subtract(matrices[1], matrices[0]);
  if (count > 2)
    second = subtract(matrices[2], matrices[0]);
  for (size_t group = 0; group < matrices.size(); group += count)
    for (int64_t i = 0; i < count; ++i)
      for (int64_t dim : {0, 1})
        if (matrices[group + i][dim] !=
            matrices[group][dim] + i % 2 * first[dim] + i / 2 * second[dim])
          return std::nullopt;
  if (llvm::any_of(first, [](int64_t step) { return step < 0; }) ||
      llvm::any_of(second, [](int64_t step) { return step < 0; }))
    return std::nullopt;

  // Memory holds a matrix by rows of the tile; transposed, these are columns of
  // the fragment.
  tile::Coordinate memoryRow(2, 0);
  memoryRow[0] = 1;
  SmallVector<tile::Mode> rowThreads = {tile::Mode{kMatrixRows, memoryRow},
                                        tile::Mode{2, first},
                                        tile::Mode{2, second}};
  llvm::append_range(rowThreads, threads.drop_front(2));
  // The registers that step between instructions.
  SmallVector<tile::Mode> groups;
  int64_t weight = 1, perInstruction = count * kPairElements;
  for (const tile::Mode &mode : registers) {
    int64_t below = weight;
    weight *= mode.size;
    if (weight <= perInstruction)
      continue;
    int64_t skipped = std::max<int64_t>(perInstruction / below, 1);
    tile::Mode rest{mode.size / skipped, mode.steps};
    for (int64_t &step : rest.steps)
      step *= skipped;
    groups.push_back(rest);
  }
  return MatrixMove{count, tile::Layout(2, rowThreads, groups)};
}

static bool hasMatrixRows(const tile::SharedLayout &tile, Type elementType) {
  constexpr int64_t rowBytes = 16;
  return elementType.getIntOrFloatBitWidth() == 16 &&
         tile.columns * tile.elementBytes % rowBytes == 0;
}

/// "stmatrix" or "ldmatrix" with its shape.
static std::string getMatrixName(StringRef name, int64_t count,
                                 bool transpose) {
  return (name + ".sync.aligned.m8n8.x" + Twine(count) +
          (transpose ? ".trans" : "") + ".shared.b16 ")
      .str();
}

namespace {
struct StoreMatrixLowering : TilePattern<tile::StoreMatrixOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreMatrixOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getValue().getType();
    auto type = op.getDestination().getType();
    tile::SharedLayout tile = type.getLayout();
    tile.rows = kernel.getPanelRows(op.getDestination());
    Value pointer = adaptor.getDestination().front();
    Value thread = kernel.getThreads(op).thread;
    tile::Layout matrix = toMatrixLayout(
        getLayout(fragment),
        getDefaultTileDims(fragment.getRank(), op.getTranspose()));
    auto move = planMatrixMove(matrix, op.getTranspose());
    if (!move || !hasMatrixRows(tile, type.getElementType()) ||
        getPacking(fragment) != kPairElements) {
      storeTile(b, pointer, tile, matrix, type.getElementType(), thread,
                unpackWords(b, fragment, adaptor.getValue()));
      rewriter.eraseOp(op);
      return success();
    }
    SharedAddresses addresses(b, pointer, tile, move->rows, thread);
    ValueRange words = adaptor.getValue();
    for (int64_t i = 0; i < move->rows.getNumRegisters(); ++i) {
      InlinePtx ptx(b, b.getLoc());
      ptx.addOperand(addresses.get(i));
      for (Value word : words.slice(i * move->count, move->count))
        ptx.addOperand(word);
      ptx.create(getMatrixName("stmatrix", move->count, op.getTranspose()) +
                 "[$0], " + InlinePtx::list(1, move->count) + ";");
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct LoadMatrixLowering : TilePattern<tile::LoadMatrixOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadMatrixOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getResult().getType();
    auto type = op.getSource().getType();
    tile::SharedLayout tile = type.getLayout();
    tile.rows = kernel.getPanelRows(op.getSource());
    Value pointer = adaptor.getSource().front();
    Value thread = kernel.getThreads(op).thread;
    tile::Layout matrix = toMatrixLayout(
        getLayout(fragment),
        getDefaultTileDims(fragment.getRank(), op.getTranspose()));
    auto move = planMatrixMove(matrix, op.getTranspose());
    if (!move || !hasMatrixRows(tile, type.getElementType()) ||
        getPacking(fragment) != kPairElements) {
      SmallVector<Value> elements =
          loadTile(b, pointer, tile, matrix, type.getElementType(), thread);
      rewriter.replaceOpWithMultiple(op, {packWords(b, fragment, elements)});
      return success();
    }
    SharedAddresses addresses(b, pointer, tile, move->rows, thread);
    SmallVector<Value> words;
    for (int64_t i = 0; i < move->rows.getNumRegisters(); ++i) {
      InlinePtx ptx(b, b.getLoc());
      for (int64_t word = 0; word < move->count; ++word)
        ptx.addResult(b.getI32Type());
      unsigned address = ptx.addOperand(addresses.get(i));
      std::string results = InlinePtx::list(0, move->count);
      llvm::append_range(
          words,
          ptx.create(getMatrixName("ldmatrix", move->count, op.getTranspose()) +
                     results + ", [$" + std::to_string(address) + "];"));
    }
    rewriter.replaceOpWithMultiple(op, {words});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Plain accesses
//===----------------------------------------------------------------------===//

/// A shared tile as a load or store sees it: where it starts, and the place of
/// each dimension of the fragment in it.
struct SharedBox {
  Value pointer;
  tile::SharedLayout tile;
  SmallVector<int64_t> tileDims;
};

/// Resolves the indices of an access. In a swizzled tile a row index that is no
/// multiple of the pattern would change the permutation, so only whole tiles
/// and tiles without swizzle take indices.
static FailureOr<SharedBox>
resolveShared(ImplicitLocOpBuilder &b, Operation *op, tile::SharedType type,
              Value pointer, ValueRange indices, int64_t fragmentRank,
              std::optional<ArrayRef<int64_t>> dims, int64_t panelRows) {
  SharedBox box{pointer, type.getLayout(), {}};
  box.tile.rows = panelRows;
  int64_t rank = type.getRank();
  if (rank > 2)
    return op->emitOpError("expects a shared tile of rank 1 or 2, but got ")
           << type;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (getConstant(index) == 0)
      continue;
    if (type.getSwizzle() != 0)
      return op->emitOpError("expects indices of zero in a swizzled tile");
    int64_t step = static_cast<int64_t>(dim) + 1 == rank ? 1 : box.tile.columns;
    Value bytes = arith::MulIOp::create(
        b, toI32(b, index), createI32(b, step * box.tile.elementBytes));
    box.pointer = createOffset(b, box.pointer, bytes);
  }
  for (int64_t i = 0; i < fragmentRank; ++i) {
    int64_t dim =
        dims ? (*dims)[i] : std::max<int64_t>(rank - fragmentRank + i, -1);
    // Of a vector, the one dimension is the columns.
    box.tileDims.push_back(dim < 0 ? -1 : dim + 2 - rank);
  }
  return box;
}

struct SharedLoadLowering : TilePattern<tile::LoadOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::SharedType>(op.getSource().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not shared");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getResult().getType();
    SmallVector<Value> indices;
    for (ValueRange index : adaptor.getIndices())
      indices.push_back(index.front());
    auto box = resolveShared(b, op, type, adaptor.getSource().front(), indices,
                             fragment.getRank(), op.getDims(),
                             kernel.getPanelRows(op.getSource()));
    if (failed(box))
      return failure();
    SmallVector<Value> elements =
        loadTile(b, box->pointer, box->tile,
                 toMatrixLayout(getLayout(fragment), box->tileDims),
                 type.getElementType(), kernel.getThreads(op).thread);
    rewriter.replaceOpWithMultiple(op, {packWords(b, fragment, elements)});
    return success();
  }
};

struct SharedStoreLowering : TilePattern<tile::StoreOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::SharedType>(op.getDestination().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not shared");
    if (op.getMask())
      return op.emitOpError("takes no mask in shared memory");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getValue().getType();
    SmallVector<Value> indices;
    for (ValueRange index : adaptor.getIndices())
      indices.push_back(index.front());
    auto box = resolveShared(b, op, type, adaptor.getDestination().front(),
                             indices, fragment.getRank(), op.getDims(),
                             kernel.getPanelRows(op.getDestination()));
    if (failed(box))
      return failure();
    storeTile(b, box->pointer, box->tile,
              toMatrixLayout(getLayout(fragment), box->tileDims),
              type.getElementType(), kernel.getThreads(op).thread,
              unpackWords(b, fragment, adaptor.getValue()));
    rewriter.eraseOp(op);
    return success();
  }
};

struct AddAtLowering : TilePattern<tile::AddAtOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::AddAtOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto fragment = op.getValue().getType();
    Value pointer = adaptor.getDestination().front();
    Value owner = createOwnerPredicate(b, getLayout(fragment),
                                       kernel.getThreads(op).thread);
    SmallVector<Value> values = unpackWords(b, fragment, adaptor.getValue());
    SmallVector<Value> indices =
        unpackWords(b, op.getIndices().getType(), adaptor.getIndices());
    SmallVector<Value> mask;
    if (op.getMask())
      mask = unpackWords(b, op.getMask().getType(), adaptor.getMask());
    Value elementBytes =
        createI32(b, fragment.getElementTypeBitWidth() / /*bits of a byte=*/8);
    for (auto [reg, value] : llvm::enumerate(values)) {
      Value offset = arith::MulIOp::create(b, indices[reg], elementBytes);
      Value picked = mask.empty() ? owner : createAnd(b, owner, mask[reg]);
      InlinePtx ptx(b, b.getLoc());
      ptx.addOperand(createOffset(b, pointer, offset));
      ptx.addOperand(value);
      std::string text = "red.relaxed.cta.shared::cta.add.u32 [$0], $1;";
      if (picked)
        text = "@$" + std::to_string(ptx.addOperand(picked)) + " " + text;
      ptx.create(text);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct SharedLoadScalarLowering : TilePattern<tile::LoadScalarOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::LoadScalarOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::SharedType>(op.getSource().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not shared");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto box =
        resolveShared(b, op, type, adaptor.getSource(), adaptor.getIndices(), 0,
                      std::nullopt, kernel.getPanelRows(op.getSource()));
    if (failed(box))
      return failure();
    rewriter.replaceOp(
        op, createVectorLoad(b, box->pointer, type.getElementType(), 1, {}));
    return success();
  }
};

struct SharedStoreScalarLowering : TilePattern<tile::StoreScalarOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StoreScalarOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast<tile::SharedType>(op.getDestination().getType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "not shared");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto box = resolveShared(b, op, type, adaptor.getDestination(),
                             adaptor.getIndices(), 0, std::nullopt,
                             kernel.getPanelRows(op.getDestination()));
    if (failed(box))
      return failure();
    AccessOptions options;
    options.predicate = kernel.getThreads(op).leader;
    createVectorStore(b, box->pointer, type.getElementType(),
                      {adaptor.getValue()}, options);
    rewriter.eraseOp(op);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Layouts that differ between threads meet in shared memory
//===----------------------------------------------------------------------===//

struct ConvertLowering : TilePattern<tile::ConvertOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ConvertOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    SmallVector<Value> source = unpackWords(b, from, adaptor.getValue());
    SmallVector<Value> elements;
    if (auto map = getLayout(from).getThreadLocalMap(getLayout(to))) {
      for (int64_t reg : *map)
        elements.push_back(source[reg]);
    } else {
      if (!op.getScratch())
        return op.emitOpError("has no scratch; run tile-plan-shared-memory "
                              "first");
      const ThreadGroup &threads = kernel.getThreads(op);
      Value pointer = adaptor.getScratch().front();
      tile::SharedLayout tile = op.getScratch().getType().getLayout();
      SmallVector<int64_t> dims = getDefaultTileDims(from.getRank(), false);
      Type elementType = from.getElementType();
      // Before: whoever used the scratch last; after: the other writers.
      createSync(b, threads);
      storeTile(b, pointer, tile, toMatrixLayout(getLayout(from), dims),
                elementType, threads.thread, source);
      createSync(b, threads);
      elements = loadTile(b, pointer, tile, toMatrixLayout(getLayout(to), dims),
                          elementType, threads.thread);
    }
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, elements)});
    return success();
  }
};
} // namespace

void populateTileSharedAccessPatterns(const TypeConverter &converter,
                                      RewritePatternSet &patterns,
                                      const KernelContext &kernel) {
  patterns.add<StoreMatrixLowering, LoadMatrixLowering, SharedLoadLowering,
               SharedStoreLowering, AddAtLowering, SharedLoadScalarLowering,
               SharedStoreScalarLowering, ConvertLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace tilewright
