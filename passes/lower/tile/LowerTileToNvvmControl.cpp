//===- LowerTileToNvvmControl.cpp - Ids, sizes, variables, buffers --------===//

#include "passes/lower/tile/LowerTileToNvvm.h"

using namespace mlir;

namespace tilewright {

static Value toIndex(ImplicitLocOpBuilder &b, Value value) {
  return arith::IndexCastOp::create(b, b.getIndexType(), value);
}

//===----------------------------------------------------------------------===//
// Ids and sizes
//===----------------------------------------------------------------------===//

namespace {
struct ThreadIdLowering : TilePattern<tile::ThreadIdOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ThreadIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, toIndex(b, kernel.getThreads(op).thread));
    return success();
  }
};

struct ClusterRankLowering : TilePattern<tile::ClusterRankOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ClusterRankOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value rank = kernel.clusterSize == 1
                     ? createI32(b, 0)
                     : Value(NVVM::ClusterId::create(b, b.getI32Type()));
    rewriter.replaceOp(op, toIndex(b, rank));
    return success();
  }
};

struct ProgramIdLowering : TilePattern<tile::ProgramIdOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ProgramIdOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type i32 = b.getI32Type();
    Value id;
    if (op.getDim() == 0)
      id = NVVM::BlockIdXOp::create(b, i32);
    else if (op.getDim() == 1)
      id = NVVM::BlockIdYOp::create(b, i32);
    else
      id = NVVM::BlockIdZOp::create(b, i32);
    rewriter.replaceOp(op, toIndex(b, id));
    return success();
  }
};

struct NumProgramsLowering : TilePattern<tile::NumProgramsOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::NumProgramsOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type i32 = b.getI32Type();
    Value count;
    if (op.getDim() == 0)
      count = NVVM::GridDimXOp::create(b, i32);
    else if (op.getDim() == 1)
      count = NVVM::GridDimYOp::create(b, i32);
    else
      count = NVVM::GridDimZOp::create(b, i32);
    rewriter.replaceOp(op, toIndex(b, count));
    return success();
  }
};

struct SizeLowering : TilePattern<tile::SizeOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SizeOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value size = kernel.globals.find(op.getSource())->second.sizes[op.getDim()];
    if (!size)
      return op.emitOpError("has no size among the kernel's parameters");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, toIndex(b, size));
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Variables: stack slots that LLVM promotes to registers
//===----------------------------------------------------------------------===//

struct VariableLowering : TilePattern<tile::VariableOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::VariableOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value slot;
    {
      OpBuilder::InsertionGuard guard(b);
      auto function = op->getParentOfType<LLVM::LLVMFuncOp>();
      b.setInsertionPointToStart(&function.getBody().front());
      slot = LLVM::AllocaOp::create(b, LLVM::LLVMPointerType::get(getContext()),
                                    b.getI32Type(), createI32(b, 1));
    }
    LLVM::StoreOp::create(b, adaptor.getInit(), slot);
    rewriter.replaceOp(op, slot);
    return success();
  }
};

struct GetLowering : TilePattern<tile::GetOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::GetOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, rewriter.getI32Type(),
                                              adaptor.getVariable());
    return success();
  }
};

struct SetLowering : TilePattern<tile::SetOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SetOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<LLVM::StoreOp>(op, adaptor.getValue(),
                                               adaptor.getVariable());
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Buffers in shared memory
//===----------------------------------------------------------------------===//

struct AllocLowering : TilePattern<tile::AllocOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::AllocOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (!op.getOffset())
      return op.emitOpError("has no offset; run tile-plan-shared-memory first");
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    rewriter.replaceOp(op, createOffset(b, kernel.shared, *op.getOffset()));
    return success();
  }
};

struct StageBufferLowering : TilePattern<tile::StageBufferOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::StageBufferOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto source = cast<tile::SharedType>(op.getSource().getType());
    int64_t bytes = source.getBytes() / source.getShape().front();
    Value offset =
        arith::MulIOp::create(b, adaptor.getIndex(), createI32(b, bytes));
    rewriter.replaceOp(op, createOffset(b, adaptor.getSource(), offset));
    return success();
  }
};

/// Rows step by the bytes of a panel's row, columns by whole panels or, inside
/// one, by elements: a slice keeps the swizzle because its rows do.
struct SliceLowering : TilePattern<tile::SliceOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = cast<tile::SharedType>(op.getSource().getType());
    tile::SharedLayout layout = type.getLayout();
    int64_t panelRows = kernel.getPanelRows(op.getSource());
    int64_t panelColumns = layout.getPanelColumns();
    int64_t rowBytes = panelColumns * layout.elementBytes;

    Value pointer = adaptor.getSource();
    ArrayRef<int64_t> offsets = op.getStaticOffsets();
    size_t rank = offsets.size();
    auto dynamic = adaptor.getOffsets().begin();
    for (size_t dim = 0; dim < rank; ++dim) {
      bool isColumn = dim + 1 == rank, isRow = dim + 2 == rank;
      int64_t matrixBytes =
          llvm::alignTo(layout.getBytes(), layout.getAlignment());
      int64_t unit = isColumn ? layout.elementBytes
                     : isRow  ? rowBytes
                              : matrixBytes;
      if (!ShapedType::isDynamic(offsets[dim])) {
        int64_t at = offsets[dim];
        int64_t bytes = isColumn ? at / panelColumns * panelRows * rowBytes +
                                       at % panelColumns * layout.elementBytes
                                 : at * unit;
        pointer = createOffset(b, pointer, bytes);
        continue;
      }
      Value at = toI32(b, *dynamic++);
      if (isColumn && layout.getNumPanels() > 1)
        return op.emitOpError("expects a static column offset in a tile of "
                              "several panels");
      pointer = createOffset(b, pointer,
                             arith::MulIOp::create(b, at, createI32(b, unit)));
    }
    rewriter.replaceOp(op, pointer);
    return success();
  }
};
} // namespace

void populateTileControlPatterns(const TypeConverter &converter,
                                 RewritePatternSet &patterns,
                                 const KernelContext &kernel) {
  patterns.add<ThreadIdLowering, ClusterRankLowering, ProgramIdLowering,
               NumProgramsLowering, SizeLowering, VariableLowering, GetLowering,
               SetLowering, AllocLowering, StageBufferLowering, SliceLowering>(
      converter, patterns.getContext(), kernel);
}

} // namespace tilewright
