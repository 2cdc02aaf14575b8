//===- LowerTileToNvvmFragments.cpp - Fragments made and rearranged -------===//
// All of these but the conversion through shared memory only rename registers.
//===----------------------------------------------------------------------===//

#include "passes/lower/tile/LowerTileToNvvm.h"

using namespace mlir;

namespace tilewright {

namespace {
struct SplatLowering : TilePattern<tile::SplatOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SplatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getResult().getType();
    SmallVector<Value> elements(getNumRegisters(type), adaptor.getValue());
    if (getElementStorage(type.getElementType()) != type.getElementType())
      return op.emitOpError("cannot make a fragment of ")
             << type.getElementType();
    rewriter.replaceOpWithMultiple(op, {packWords(b, type, elements)});
    return success();
  }
};

struct IotaLowering : TilePattern<tile::IotaOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::IotaOp op, OpAdaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getResult().getType();
    tile::Layout layout = getLayout(type);
    Value thread = createThreadCoordinate(
        b, layout, kernel.getThreads(op).thread)[op.getDim()];
    if (type.getElementType().getIntOrFloatBitWidth() < 32)
      thread = arith::TruncIOp::create(b, type.getElementType(), thread);
    else if (type.getElementType().isInteger(64))
      thread = toI64(b, thread);
    SmallVector<Value> elements;
    for (int64_t reg = 0; reg < layout.getNumRegisters(); ++reg)
      elements.push_back(addConstant(
          b, thread, layout.getRegisterCoordinate(reg)[op.getDim()]));
    rewriter.replaceOpWithMultiple(op, {packWords(b, type, elements)});
    return success();
  }
};

struct BroadcastLowering : TilePattern<tile::BroadcastOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::BroadcastOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    auto map = getBroadcastMap(from, to);
    if (!map)
      return op.emitOpError("needs elements that its threads do not hold");
    SmallVector<Value> source = unpackWords(b, from, adaptor.getValue());
    SmallVector<Value> elements;
    for (int64_t reg : *map)
      elements.push_back(source[reg]);
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, elements)});
    return success();
  }
};

/// The elements of a part of a fragment, in the order of `type`'s layout.
static FailureOr<SmallVector<Value>>
takePart(Operation *op, const std::optional<tile::Layout::Part> &part,
         tile::FragmentType type, ArrayRef<Value> source,
         const std::string &reason) {
  if (!part)
    return op->emitOpError("is not local to the threads: ") << reason;
  auto map = part->layout.getThreadLocalMap(getLayout(type));
  if (!map)
    return op->emitOpError("expects the layout ")
           << part->layout.toString() << " of its result, but got "
           << type.getLayout();
  SmallVector<Value> elements;
  for (int64_t reg : *map)
    elements.push_back(source[part->registers[reg]]);
  return elements;
}

struct ExtractLowering : TilePattern<tile::ExtractOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ExtractOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    std::string reason;
    auto part = getLayout(from).extract(op.getOffsets(), to.getShape(), reason);
    auto elements = takePart(op, part, to,
                             unpackWords(b, from, adaptor.getValue()), reason);
    if (failed(elements))
      return failure();
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, *elements)});
    return success();
  }
};

struct DeinterleaveLowering : TilePattern<tile::DeinterleaveOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::DeinterleaveOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getEven().getType();
    SmallVector<Value> source = unpackWords(b, from, adaptor.getValue());
    SmallVector<SmallVector<Value>> halves;
    for (unsigned parity : {0, 1}) {
      std::string reason;
      auto part = getLayout(from).deinterleave(op.getDim(), op.getGroup(),
                                               parity, reason);
      auto elements = takePart(op, part, to, source, reason);
      if (failed(elements))
        return failure();
      halves.push_back(packWords(b, to, *elements));
    }
    rewriter.replaceOpWithMultiple(op, halves);
    return success();
  }
};

struct InterleaveLowering : TilePattern<tile::InterleaveOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::InterleaveOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getEven().getType(), to = op.getResult().getType();
    SmallVector<Value> result(getNumRegisters(to));
    for (unsigned parity : {0, 1}) {
      SmallVector<Value> source =
          unpackWords(b, from, parity ? adaptor.getOdd() : adaptor.getEven());
      std::string reason;
      auto part = getLayout(to).deinterleave(op.getDim(), op.getGroup(), parity,
                                             reason);
      if (!part)
        return op.emitOpError("is not local to the threads: ") << reason;
      auto map = getLayout(from).getThreadLocalMap(part->layout);
      if (!map)
        return op.emitOpError("expects operands of layout ")
               << part->layout.toString() << ", but got " << from.getLayout();
      for (auto [to, from] : llvm::zip(part->registers, *map))
        result[to] = source[from];
    }
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, result)});
    return success();
  }
};

/// Unit dimensions move neither threads nor registers, so a reshape renames
/// registers at most: matched by the dimensions that are not of size 1.
struct ReshapeLowering : TilePattern<tile::ReshapeOp> {
  using TilePattern::TilePattern;

  static tile::Layout withoutUnits(tile::FragmentType type) {
    tile::Layout layout = getLayout(type);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim)
      if (type.getShape()[dim] == 1 && layout.getRank() > 1)
        layout = layout.withoutDim(dim);
    return layout;
  }

  LogicalResult
  matchAndRewrite(tile::ReshapeOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto from = op.getValue().getType(), to = op.getResult().getType();
    auto map = withoutUnits(from).getThreadLocalMap(withoutUnits(to));
    if (!map)
      return op.emitOpError("needs elements that its threads do not hold");
    SmallVector<Value> source = unpackWords(b, from, adaptor.getValue());
    SmallVector<Value> elements;
    for (int64_t reg : *map)
      elements.push_back(source[reg]);
    rewriter.replaceOpWithMultiple(op, {packWords(b, to, elements)});
    return success();
  }
};

struct ToScalarLowering : TilePattern<tile::ToScalarOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::ToScalarOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getValue().getType();
    rewriter.replaceOp(op, unpackWords(b, type, adaptor.getValue())[0]);
    return success();
  }
};

struct SelectLowering : TilePattern<tile::SelectOp> {
  using TilePattern::TilePattern;
  LogicalResult
  matchAndRewrite(tile::SelectOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto type = op.getResult().getType();
    SmallVector<Value> yes = unpackWords(b, type, adaptor.getTrueValue());
    SmallVector<Value> no = unpackWords(b, type, adaptor.getFalseValue());
    SmallVector<Value> elements;
    for (auto [condition, a, c] :
         llvm::zip_equal(adaptor.getCondition(), yes, no))
      elements.push_back(arith::SelectOp::create(b, condition, a, c));
    rewriter.replaceOpWithMultiple(op, {packWords(b, type, elements)});
    return success();
  }
};
} // namespace

void populateTileFragmentPatterns(const TypeConverter &converter,
                                  RewritePatternSet &patterns,
                                  const KernelContext &kernel) {
  patterns.add<SplatLowering, IotaLowering, BroadcastLowering, ExtractLowering,
               DeinterleaveLowering, InterleaveLowering, ReshapeLowering,
               ToScalarLowering, SelectLowering>(converter,
                                                 patterns.getContext(), kernel);
}

} // namespace tilewright
