//===- LowerTileToNvvmCopy.cpp - Tensor copies by the async units ---------===//
// One copy of a tile is one transfer per panel and per box of rows, all issued
// by one thread of the role.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/InlinePtx.h"
#include "passes/lower/tile/LowerTileToNvvm.h"

using namespace mlir;

namespace tilewright {

namespace {
/// One transfer of a tile: where in the tile, in elements, and in its bytes.
struct Transfer {
  int64_t row;
  int64_t column;
  int64_t bytes;
};

/// What a copy in either direction has in common.
struct TileCopy {
  SmallVector<Value> indices; ///< i32, one per dimension of the tensor
  int64_t rowDim = -1;        ///< of the tensor; -1 for a tile of one row
  int64_t columnDim = 0;
  SmallVector<Transfer> transfers;

  /// Coordinates of a transfer, innermost first, as the instruction wants them.
  SmallVector<Value> getCoordinates(ImplicitLocOpBuilder &b,
                                    const Transfer &transfer,
                                    Value rowShift) const {
    SmallVector<Value> coordinates;
    for (int64_t dim = indices.size() - 1; dim >= 0; --dim) {
      Value at = indices[dim];
      if (dim == columnDim)
        at = addConstant(b, at, transfer.column);
      if (dim == rowDim) {
        at = addConstant(b, at, transfer.row);
        if (rowShift)
          at = arith::AddIOp::create(b, at, rowShift);
      }
      coordinates.push_back(at);
    }
    return coordinates;
  }
};
} // namespace

/// Cuts `rows` rows of a tile into transfers of the shape of `box`, which has
/// one extent for each dimension of the tensor.
static FailureOr<TileCopy> planCopy(Operation *op, ImplicitLocOpBuilder &b,
                                    tile::SharedType type, int64_t panelRows,
                                    int64_t rows, ValueRange indices,
                                    std::optional<ArrayRef<int64_t>> dims,
                                    std::optional<ArrayRef<int64_t>> box) {
  if (!box || box->size() != indices.size())
    return op->emitOpError("has no box; run tile-expand-rings first");
  TileCopy copy;
  for (Value index : indices)
    copy.indices.push_back(toI32(b, index));
  int64_t rank = indices.size(), tileRank = type.getRank();
  auto dimOf = [&](int64_t tileDim) {
    return dims ? (*dims)[tileDim] : rank - tileRank + tileDim;
  };
  copy.columnDim = dimOf(tileRank - 1);
  if (tileRank >= 2 && dimOf(tileRank - 2) >= 0)
    copy.rowDim = dimOf(tileRank - 2);

  tile::SharedLayout layout = type.getLayout();
  layout.rows = panelRows;
  int64_t boxColumns = (*box)[copy.columnDim];
  int64_t boxRows = copy.rowDim < 0 ? 1 : (*box)[copy.rowDim];
  if (boxColumns == 0 || boxRows == 0 || layout.columns % boxColumns ||
      rows % boxRows ||
      (layout.swizzle && boxColumns != layout.getPanelColumns()))
    return op->emitOpError("has a box that does not tile its shared tile");
  for (int64_t column = 0; column < layout.columns; column += boxColumns)
    for (int64_t row = 0; row < rows; row += boxRows)
      copy.transfers.push_back(
          {row, column, layout.getByteOffset(row, column)});
  return copy;
}

static Value getTensorMap(Operation *op, std::optional<int64_t> param,
                          const KernelContext &kernel) {
  auto it = param ? kernel.tensorMaps.find(*param) : kernel.tensorMaps.end();
  if (it != kernel.tensorMaps.end())
    return it->second;
  op->emitOpError("has no tensor map; run tile-collect-parameters first");
  return {};
}

/// A shared address as one of the cluster's window, which holds the CTA's own.
static Value toClusterPointer(ImplicitLocOpBuilder &b, Value pointer) {
  Value address = LLVM::PtrToIntOp::create(b, b.getI32Type(), pointer);
  auto type = LLVM::LLVMPointerType::get(
      b.getContext(),
      static_cast<unsigned>(NVVM::NVVMMemorySpace::SharedCluster));
  return LLVM::IntToPtrOp::create(b, type, address);
}

namespace {
/// Which CTAs get what this one copies.
struct Multicast {
  int64_t peers = 1;
  Value index; ///< of this CTA among its peers, i32
  Value mask;  ///< i16
};
} // namespace

/// The peers of a CTA differ from it in the digits of `dims` alone. The first
/// dimension of the cluster is innermost in the rank.
static Multicast createMulticast(ImplicitLocOpBuilder &b,
                                 ArrayRef<int64_t> cluster,
                                 ArrayRef<int64_t> dims) {
  Multicast result;
  SmallVector<int64_t> peerRanks = {0};
  Value rank = NVVM::ClusterId::create(b, b.getI32Type());
  Value others = createI32(b, 0);
  result.index = createI32(b, 0);
  int64_t stride = 1;
  for (auto [dim, extent] : llvm::enumerate(cluster)) {
    Value digit = arith::RemUIOp::create(
        b, arith::DivUIOp::create(b, rank, createI32(b, stride)),
        createI32(b, extent));
    if (llvm::is_contained(dims, static_cast<int64_t>(dim))) {
      result.index = arith::AddIOp::create(
          b, result.index,
          arith::MulIOp::create(b, digit, createI32(b, result.peers)));
      SmallVector<int64_t> spread;
      for (int64_t i = 0; i < extent; ++i)
        for (int64_t peer : peerRanks)
          spread.push_back(peer + i * stride);
      peerRanks = spread;
      result.peers *= extent;
    } else {
      others = arith::AddIOp::create(
          b, others, arith::MulIOp::create(b, digit, createI32(b, stride)));
    }
    stride *= extent;
  }
  int64_t bits = 0;
  for (int64_t peer : peerRanks)
    bits |= int64_t(1) << peer;
  Value mask = arith::ShLIOp::create(b, createI32(b, bits), others);
  result.mask = arith::TruncIOp::create(b, b.getI16Type(), mask);
  return result;
}

namespace {
struct CopyLowering : TilePattern<tile::CopyOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    if (!op.getBarrier())
      return op.emitOpError("has no barrier; run tile-expand-rings first");
    auto type = op.getDestination().getType();
    Multicast multicast;
    if (op.getMulticast())
      multicast = createMulticast(b, kernel.cluster, *op.getMulticast());
    int64_t rows = type.getLayout().rows / multicast.peers;
    auto copy = planCopy(op, b, type, kernel.getPanelRows(op.getDestination()),
                         rows, adaptor.getIndices(), op.getDims(), op.getBox());
    Value map = getTensorMap(op, op.getParam(), kernel);
    if (failed(copy) || !map)
      return failure();

    // Of a box that several CTAs want, each copies its part of the rows to all.
    Value destination = adaptor.getDestination(), rowShift;
    if (multicast.peers > 1) {
      rowShift = arith::MulIOp::create(b, multicast.index, createI32(b, rows));
      tile::SharedLayout layout = type.getLayout();
      Value bytes = arith::MulIOp::create(
          b, rowShift,
          createI32(b, layout.getPanelColumns() * layout.elementBytes));
      destination = createOffset(b, destination, bytes);
    }
    constexpr int64_t barrierBytes = 8;
    Value slot =
        arith::MulIOp::create(b, adaptor.getSlot(), createI32(b, barrierBytes));
    Value barrier = createOffset(b, adaptor.getBarrier(), slot);
    auto issue = [&](OpBuilder &builder, Location loc) {
      ImplicitLocOpBuilder b(loc, builder);
      for (const Transfer &transfer : copy->transfers)
        NVVM::CpAsyncBulkTensorGlobalToSharedClusterOp::create(
            b,
            toClusterPointer(b, createOffset(b, destination, transfer.bytes)),
            map, copy->getCoordinates(b, transfer, rowShift), barrier,
            /*im2colOffsets=*/ValueRange(), multicast.mask,
            /*l2CacheHint=*/Value(), NVVM::TMALoadMode::TILE,
            /*isCTAOnly=*/false, NVVM::CTAGroupKindAttr(),
            /*predicate=*/Value());
      scf::YieldOp::create(b);
    };
    scf::IfOp::create(b, kernel.getThreads(op).leader, issue);
    rewriter.eraseOp(op);
    return success();
  }
};

struct CopyOutLowering : TilePattern<tile::CopyOutOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyOutOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getSource().getType();
    auto copy = planCopy(op, b, type, kernel.getPanelRows(op.getSource()),
                         type.getLayout().rows, adaptor.getIndices(),
                         op.getDims(), op.getBox());
    Value map = getTensorMap(op, op.getParam(), kernel);
    if (failed(copy) || !map)
      return failure();
    auto issue = [&](OpBuilder &builder, Location loc) {
      ImplicitLocOpBuilder b(loc, builder);
      for (const Transfer &transfer : copy->transfers)
        NVVM::CpAsyncBulkTensorSharedCTAToGlobalOp::create(
            b, map, createOffset(b, adaptor.getSource(), transfer.bytes),
            copy->getCoordinates(b, transfer, Value()),
            /*l2CacheHint=*/Value(), NVVM::TMAStoreMode::TILE,
            /*predicate=*/Value());
      NVVM::CpAsyncBulkCommitGroupOp::create(b);
      scf::YieldOp::create(b);
    };
    scf::IfOp::create(b, kernel.getThreads(op).leader, issue);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Groups belong to the thread that committed them, so it waits for the others.
struct CopyWaitLowering : TilePattern<tile::CopyWaitOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::CopyWaitOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    const ThreadGroup &threads = kernel.getThreads(op);
    StringRef read = op.getWritten() ? "" : ".read";
    auto wait = [&](OpBuilder &builder, Location loc) {
      InlinePtx(builder, loc)
          .create(("cp.async.bulk.wait_group" + read + " " +
                   Twine(op.getInFlight()) + ";")
                      .str());
      scf::YieldOp::create(builder, loc);
    };
    scf::IfOp::create(b, threads.leader, wait);
    createSync(b, threads);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void populateTileCopyPatterns(const TypeConverter &converter,
                              RewritePatternSet &patterns,
                              const KernelContext &kernel) {
  patterns.add<CopyLowering, CopyOutLowering, CopyWaitLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace tilewright
